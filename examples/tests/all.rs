//! Every example runs to its end, and ends well only if its outcome is right: as the programs that
//! they are, with their exit codes.
#![allow(clippy::disallowed_methods, reason = "a test is the world")]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// An example ends itself before this.
const LIMIT: Duration = Duration::from_secs(180);

/// Cargo builds the examples before it runs the tests, beside the folder of the tests' programs.
fn program(name: &str) -> PathBuf {
    let mut folder = std::env::current_exe().expect("a test has a program");
    folder.pop();
    folder.pop();
    let program = folder.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let hint = "build it first: cargo build -p examples --examples";
    assert!(program.is_file(), "{} is missing; {hint}", program.display());
    program
}

/// Whether it ended well, and all that it said.
async fn run(name: &str, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(program(name));
    command.args(arguments).stdin(Stdio::null()).env_remove("RUST_LOG").kill_on_drop(true);
    let ended = timeout(LIMIT, command.output()).await;
    let output = ended.unwrap_or_else(|_| panic!("{name} did not end within {LIMIT:?}"));
    let output = output.unwrap_or_else(|error| panic!("{name} cannot be run: {error}"));
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

async fn ends_well(name: &str) {
    let (is_well, said) = run(name, &[]).await;
    assert!(is_well, "{name}:\n{said}");
    assert!(said.lines().count() > 2, "{name} shows next to nothing:\n{said}");
}

macro_rules! each_ends_well {
    ($($name:ident),*) => {$(
        #[tokio::test]
        async fn $name() {
            ends_well(stringify!($name)).await;
        }
    )*};
}

each_ends_well!(
    blocking,
    broker,
    crawler,
    indexers,
    live_config,
    master,
    quickstart,
    rendezvous,
    shards
);

#[tokio::test]
async fn an_example_that_cannot_do_its_work_fails_and_says_why() {
    let (is_well, said) = run("master", &["no-port:"]).await;
    assert!(!is_well && said.starts_with("master: "), "{said}");
}
