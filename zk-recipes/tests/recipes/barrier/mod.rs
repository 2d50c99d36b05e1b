//! Barriers.

mod double;
mod double_failures;
mod single;
