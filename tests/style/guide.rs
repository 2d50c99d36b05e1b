//! The pages of the guide name the tests that show what they say: those tests must exist.

use std::fs;
use std::path::Path;

use super::sources::Source;

/// A page of the guide.
struct Page {
    path: String,
    text: String,
}

/// Where a page says that a test shows something.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) place: String,
    /// The names in the last cell.
    pub(crate) tests: Vec<String>,
    /// Whether the row says that there is something to be shown.
    pub(crate) needs_test: bool,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the root")
}

/// Where the pages are.
const GUIDES: [&str; 2] = ["zk-client/guide", "zk-recipes/guide"];

fn pages() -> Vec<Page> {
    let directories = GUIDES.iter().map(|guide| root().join(guide));
    let files = directories.flat_map(|guide| fs::read_dir(guide).expect("the guide can be listed"));
    let paths = files.map(|file| file.expect("the guide can be listed").path());
    paths
        .map(|path| Page {
            text: fs::read_to_string(&path).expect("a page is UTF-8"),
            path: path.display().to_string(),
        })
        .collect()
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(row.split('|').map(str::trim).collect())
}

/// Tests are named as `file::function`, suites that are scripts as the paths of those.
fn is_name(word: &str) -> bool {
    word.contains("::") || word.starts_with("tests/")
}

/// The rows of all tables whose last column is headed "test".
pub(crate) fn claims(path: &str, text: &str) -> Vec<Claim> {
    let mut claims = Vec::new();
    // The column "here" of the table we are in, if that table is one of claims.
    let mut table: Option<Option<usize>> = None;
    let mut in_table = false;
    for (number, line) in text.lines().enumerate() {
        let Some(cells) = cells(line) else {
            (in_table, table) = (false, None);
            continue;
        };
        if !in_table {
            in_table = true;
            let here = cells.iter().position(|cell| *cell == "here");
            table = (cells.last() == Some(&"test")).then_some(here);
            continue;
        }
        let Some(here) = table else { continue };
        if cells.iter().all(|cell| cell.chars().all(|c| c == '-' || c == ':')) {
            continue;
        }
        let last = cells.last().copied().unwrap_or_default();
        let names = last.split('`').skip(1).step_by(2).filter(|name| is_name(name));
        claims.push(Claim {
            place: format!("{path}:{}", number + 1),
            tests: names.map(str::to_owned).collect(),
            needs_test: here.is_none_or(|here| !cells[here].starts_with("no")),
        });
    }
    claims
}

/// Whether a source has a test function of this name, or the repository this script.
pub(crate) fn exists(name: &str, sources: &[Source]) -> bool {
    let Some((file, function)) = name.rsplit_once("::") else {
        return root().join(name).is_file();
    };
    let definition = format!("fn {function}(");
    sources.iter().any(|source| {
        let is_file = source.path.trim_end_matches(".rs").split('/').any(|part| part == file);
        let may_be_test = source.is_test() || source.text.contains("#[cfg(test)]");
        is_file && may_be_test && source.text.contains(&definition)
    })
}

/// What the pages claim and no test shows.
pub(crate) fn unfounded(sources: &[Source]) -> Vec<String> {
    let claims = pages().into_iter().flat_map(|page| claims(&page.path, &page.text));
    let claims = claims.collect::<Vec<_>>();
    assert!(claims.len() > 20, "only {} claims: where is the guide?", claims.len());
    let mut unfounded = Vec::new();
    for Claim { place, tests, needs_test } in claims {
        if needs_test && tests.is_empty() {
            unfounded.push(format!("{place}: names no test"));
        }
        let missing = tests.iter().filter(|test| !exists(test, sources));
        unfounded.extend(missing.map(|test| format!("{place}: there is no test {test}")));
    }
    unfounded
}
