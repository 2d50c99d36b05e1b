//! SASL DIGEST-MD5 between our client and a server: the embedded one, or with the feature
//! `containers` Apache's with a JAAS file.
//!
//! Kerberos has a suite of its own, with a KDC: `kerberos/run`.
// Tests live in the world: clocks, sockets and tasks are what they are about.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod acls;
mod cuts;
mod exchange;
mod raw;
mod reconnecting;
mod server;
mod tokens;
