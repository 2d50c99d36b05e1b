//! The programs are in the folders beside this one; this crate has no code of its own.

/// Compiles the programs that the README shows.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
