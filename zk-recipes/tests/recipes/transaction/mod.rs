//! Two-phase commit.

mod basics;
mod failures;
mod losses;
mod parties;
