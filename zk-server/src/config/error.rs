//! What can be wrong with a configuration file.

use std::fmt;

/// A configuration that a server cannot start with. The operator has to change the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A line cannot be used.
    #[error("{file}:{line}: {problem}: expected {expected}")]
    Line {
        /// The file, as it was named.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What stands there.
        problem: String,
        /// What should stand there.
        expected: String,
    },
    /// Something that must be there is not.
    #[error("{file}: {key} is missing: expected a line such as `{example}`")]
    Missing {
        /// The file, as it was named.
        file: String,
        /// The key.
        key: &'static str,
        /// A line that would do.
        example: &'static str,
    },
    /// The file asks for something this server cannot do.
    #[error("{file}:{line}: {problem}")]
    Unsupported {
        /// The file, as it was named.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What cannot be done, and what to do instead.
        problem: String,
    },
}

/// A line that changes nothing, which its author should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigWarning {
    /// The file, as it was named.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is odd about it.
    pub message: String,
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}
