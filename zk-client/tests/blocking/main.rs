//! The client for programs without a runtime, in and out of runtimes.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test is the world")]
#![allow(clippy::unwrap_used, reason = "what a test unwraps is what it expects")]

mod fixture;
mod limits;
mod operations;
mod runtimes;
mod threads;
