//! Where transactions are kept.

pub mod log;
