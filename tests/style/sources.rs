//! The Rust files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// A file as the rules see it.
pub(crate) struct Source {
    /// From the repository's root.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// The lines that are not below a `#[cfg(test)]`, numbered from 1.
    pub(crate) fn production_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.lines().take_while(|(_, line)| line.trim() != "#[cfg(test)]");
        lines.filter(|_| !self.is_test())
    }

    /// All lines, numbered from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Whether the whole file is test code.
    pub(crate) fn is_test(&self) -> bool {
        let in_test_directory = self.path.starts_with("tests/") || self.path.contains("/tests/");
        let is_test_module = self.path.ends_with("tests.rs") || self.path.ends_with("_test.rs");
        in_test_directory || is_test_module || self.path.starts_with("fuzz/")
    }
}

/// Every Rust file of the repository but this test's own rules, which name what they forbid.
pub(crate) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the root");
    let mut files = Vec::new();
    for directory in fs::read_dir(root).expect("the repository can be listed") {
        let path = directory.expect("the repository can be listed").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            collect(&path, &mut files);
        }
    }
    let relative = |path: &PathBuf| {
        path.strip_prefix(root).expect("it is below the root").to_string_lossy().into_owned()
    };
    files
        .iter()
        .map(|path| Source {
            path: relative(path),
            text: fs::read_to_string(path).expect("a source file is UTF-8"),
        })
        .filter(|source| !source.path.starts_with("tests/style/"))
        .collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory can be listed") {
        let path = entry.expect("a directory can be listed").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
