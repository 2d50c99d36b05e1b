//! The client against a server, one file per topic.
// Tests live in the world: clocks and tasks are what they are about.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]
// What fails here fails the test, in the functions that tests share as well.
#![allow(clippy::unwrap_used)]

mod chroot;
mod closing;
mod connecting;
mod costs;
mod fixture;
mod handing_over;
mod multi;
mod observe;
mod old_servers;
mod oneshot;
mod operations;
mod order;
mod outstanding;
mod own_world;
mod reconnecting;
mod sessions;
mod streams;
