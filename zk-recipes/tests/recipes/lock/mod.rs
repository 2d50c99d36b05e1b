//! Locks.

mod basics;
mod cancel;
mod contenders;
mod cost;
mod failures;
mod kazoo;
mod lost_replies;
mod numbers;
mod reentrant;
