//! What can be wrong with bytes from outside.

/// Bytes that do not mean what was expected. The peer is at fault, or speaks another protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The frame ended inside a value.
    #[error("{needed} bytes are needed and only {present} are left")]
    Truncated {
        /// Bytes the value needs.
        needed: usize,
        /// Bytes that are left.
        present: usize,
    },
    /// A string or buffer length below -1.
    #[error("the length {0} is negative")]
    NegativeLength(i32),
    /// A vector count that the bytes left cannot hold.
    #[error("a count of {count} elements does not fit into the {present} bytes that are left")]
    CountTooLarge {
        /// Elements announced.
        count: usize,
        /// Bytes that are left.
        present: usize,
    },
    /// A borrowed string that is not UTF-8.
    #[error("a string is not valid UTF-8")]
    InvalidUtf8,
    /// A null where the record needs a value.
    #[error("a {0} is null")]
    UnexpectedNull(&'static str),
    /// A password that is not 16 bytes long.
    #[error("a session password has {0} bytes instead of 16")]
    PasswordLength(usize),
    /// A number that stands for nothing in this place.
    #[error("{value} is not a known {what}")]
    UnknownValue {
        /// What the number should have been.
        what: &'static str,
        /// The number.
        value: i32,
    },
    /// Bytes behind the end of a value that had to fill its input.
    #[error("{0} bytes follow the end of the value")]
    TrailingBytes(usize),
}
