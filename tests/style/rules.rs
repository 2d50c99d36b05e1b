//! One function per rule. Limits may be lowered, never raised.

use super::sources::Source;

/// What breaks a rule, and where.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) place: String,
    pub(crate) message: String,
}

/// A rule, and a source that breaks it once.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) check: fn(&Source) -> Vec<Finding>,
    pub(crate) example: fn() -> Source,
}

const MAX_LINES: usize = 600;
const MAX_CRATE_ROOT_LINES: usize = 150;
const MAX_FUNCTION_LINES: usize = 60;

pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "file length",
        check: file_length,
        example: || source("zk-proto/src/long.rs", &"\n".repeat(MAX_LINES + 1)),
    },
    Rule {
        name: "crate root length",
        check: crate_root_length,
        example: || source("zk-proto/src/lib.rs", &"\n".repeat(MAX_CRATE_ROOT_LINES + 1)),
    },
    Rule {
        name: "function length",
        check: function_length,
        example: || {
            let body = "    work();\n".repeat(MAX_FUNCTION_LINES + 1);
            source("zk-proto/src/a.rs", &format!("fn long() {{\n{body}}}\n"))
        },
    },
    Rule {
        name: "sleeps",
        check: sleeps,
        example: || source("tests/client/a.rs", "    tokio::time::sleep(second).await;\n"),
    },
    Rule {
        name: "unwraps",
        check: unwraps,
        example: || source("zk-proto/src/a.rs", "    peer.unwrap();\n"),
    },
    Rule {
        name: "unfinished work",
        check: unfinished,
        example: || source("zk-proto/src/a.rs", "    // TODO: later\n"),
    },
    Rule {
        name: "ignored tests",
        check: ignored_tests,
        example: || source("tests/client/a.rs", "#[ignore]\n"),
    },
    Rule {
        name: "names that say nothing",
        check: empty_names,
        example: || source("zk-proto/src/utils.rs", ""),
    },
    Rule {
        name: "choices by chance",
        check: unbiased_selects,
        example: || source("zk-recipes/src/a.rs", "    tokio::select! {\n        () = one => {}\n"),
    },
    Rule {
        name: "purity opt-outs",
        check: purity,
        example: || source("zk-client/src/session/machine.rs", OPT_OUT),
    },
];

const OPT_OUT: &str = "#![allow(clippy::disallowed_methods)]\n";

fn source(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

fn finding(source: &Source, line: usize, message: impl Into<String>) -> Finding {
    Finding { place: format!("{}:{line}", source.path), message: message.into() }
}

fn file_length(source: &Source) -> Vec<Finding> {
    let lines = source.lines().count();
    let message = format!("{lines} lines; split it by concern before {MAX_LINES}");
    if lines > MAX_LINES { vec![finding(source, lines, message)] } else { Vec::new() }
}

fn crate_root_length(source: &Source) -> Vec<Finding> {
    let lines = source.lines().count();
    if !source.path.ends_with("src/lib.rs") || lines <= MAX_CRATE_ROOT_LINES {
        return Vec::new();
    }
    let message = format!("{lines} lines; a crate root is docs, modules and exports");
    vec![finding(source, lines, message)]
}

/// A function starts at a line with `fn` and ends at the closing brace of the same indentation.
fn function_length(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    for (number, line) in source.lines() {
        let indentation = line.len() - line.trim_start().len();
        if is_function_start(line.trim_start()) {
            open = Some((number, indentation));
        } else if let Some((start, of_function)) = open
            && line.trim_end().ends_with('}')
            && line.trim().starts_with('}')
            && indentation == of_function
        {
            let length = number - start + 1;
            if length > MAX_FUNCTION_LINES {
                let message =
                    format!("a function of {length} lines; {MAX_FUNCTION_LINES} are many");
                findings.push(finding(source, start, message));
            }
            open = None;
        }
    }
    findings
}

fn is_function_start(line: &str) -> bool {
    let words = line.split(' ').take_while(|word| !word.contains('(') || word.starts_with("pub("));
    let mut words = words.skip_while(|word| {
        word.starts_with("pub") || ["async", "const", "unsafe", "extern"].contains(word)
    });
    words.next() == Some("fn") || line.starts_with("fn ")
}

/// Tests wait for conditions; nothing else sleeps either, but for the timers of the driver and the
/// runtime, which name a deadline.
fn sleeps(source: &Source) -> Vec<Finding> {
    let sleeping = ["thread::sleep(", "time::sleep(", " sleep("];
    let lines = source.lines().filter(|_| source.is_test());
    lines
        .filter(|(_, line)| sleeping.iter().any(|call| line.contains(call)))
        .map(|(number, _)| finding(source, number, "a test sleeps: wait on a condition"))
        .collect()
}

fn unwraps(source: &Source) -> Vec<Finding> {
    let lines = source.production_lines().filter(|(_, line)| !line.trim_start().starts_with("//"));
    lines
        .filter(|(_, line)| line.contains(".unwrap()") || line.contains(".expect(\"\")"))
        .map(|(number, _)| {
            finding(source, number, "unwrap: `expect` a true invariant, or an error")
        })
        .collect()
}

fn unfinished(source: &Source) -> Vec<Finding> {
    let marks = ["todo!(", "unimplemented!(", "TODO", "FIXME", "XXX", "dbg!("];
    source
        .lines()
        .filter(|(_, line)| marks.iter().any(|mark| line.contains(mark)))
        .map(|(number, _)| finding(source, number, "unfinished: do it, or file it elsewhere"))
        .collect()
}

/// What begins at random cannot be played twice from a seed.
fn unbiased_selects(source: &Source) -> Vec<Finding> {
    let is_played =
        ["zk-client/src/", "zk-recipes/src/"].iter().any(|at| source.path.starts_with(at));
    let mut code = source
        .production_lines()
        .map(|(number, line)| (number, line.trim_start()))
        .filter(|(_, line)| is_played && !line.starts_with("//"))
        .peekable();
    let mut findings = Vec::new();
    while let Some((number, line)) = code.next() {
        let is_biased = code.peek().is_some_and(|(_, next)| next.starts_with("biased;"));
        if line.ends_with("select! {") && !is_biased {
            findings.push(finding(source, number, "a select without `biased;`"));
        }
    }
    findings
}

/// Slow tests are run apart; nothing else is left out.
fn ignored_tests(source: &Source) -> Vec<Finding> {
    let is_ignored = |line: &str| line.starts_with("#[ignore") && !line.contains("\"slow: ");
    source
        .lines()
        .filter(|(_, line)| is_ignored(line.trim_start()))
        .map(|(number, _)| finding(source, number, "an ignored test tests nothing"))
        .collect()
}

fn empty_names(source: &Source) -> Vec<Finding> {
    let names = ["util", "utils", "helper", "helpers", "common", "misc", "stuff"];
    let stem = |part: &str| part.trim_end_matches(".rs").to_owned();
    if source.path.split('/').any(|part| names.contains(&&*stem(part))) {
        return vec![finding(source, 1, "a name that says nothing: name what it is about")];
    }
    Vec::new()
}

/// Where the clock, sockets, files and tokio may be touched.
const WORLD: [&str; 10] = [
    "zk-client/src/blocking",
    "zk-client/src/driver",
    "zk-client/src/client",
    "zk-client/src/watch",
    "zk-client/src/ops",
    "zk-recipes/src/",
    "zk-server/src/runtime",
    "zk-server/src/testing",
    "zk-server/src/bin",
    "examples/",
];

fn purity(source: &Source) -> Vec<Finding> {
    let is_world = source.is_test() || WORLD.iter().any(|world| source.path.starts_with(world));
    let lines = source.production_lines().filter(|_| !is_world);
    lines
        .filter(|(_, line)| line.contains("allow(") && line.contains("clippy::disallowed_"))
        .map(|(number, _)| finding(source, number, "pure code must not opt out of purity"))
        .collect()
}
