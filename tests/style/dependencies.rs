//! Every dependency has a line in the README that says why it is there.

use std::fs;
use std::path::Path;

/// The dependencies in the workspace's version table, without the project's own crates.
fn dependencies(manifest: &str) -> Vec<&str> {
    let table = manifest.split("[workspace.dependencies]").nth(1).unwrap_or_default();
    let table = table.split("\n[").next().unwrap_or_default();
    let names = table.lines().filter_map(|line| line.split_once(" = ").map(|(name, _)| name));
    names.filter(|name| !name.starts_with('#') && !name.starts_with("zk-")).collect()
}

/// What is in the first column of the README's tables.
fn named(readme: &str) -> Vec<&str> {
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    rows.flat_map(|cell| cell.split(", ")).collect()
}

/// The dependencies that the README says nothing about.
pub(crate) fn unexplained() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the root");
    let read = |name: &str| fs::read_to_string(root.join(name)).expect("the file is there");
    let (manifest, readme) = (read("Cargo.toml"), read("README.md"));
    let named = named(&readme);
    let all = dependencies(&manifest);
    assert!(all.len() > 10, "only {} dependencies: where is the table?", all.len());
    all.into_iter().filter(|name| !named.contains(name)).map(str::to_owned).collect()
}
