//! Locks.

mod basics;
mod cancel;
mod cost;
mod failures;
mod lost_replies;
