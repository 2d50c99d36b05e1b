//! Items shared out among members.

mod basics;
mod cost;
mod crew;
mod failures;
mod kazoo;
mod losses;
