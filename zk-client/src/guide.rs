//! The manual: what the reference of single calls does not tell.
//!
//! | | |
//! | --- | --- |
//! | [`sessions`] | what happens to a request when something fails, as a table |
//! | [`watches`] | which kind to take, what survives, what nobody can know |
//! | [`migrating`] | from Curator, kazoo, Java, Go and other crates |
//! | [`features`] | what this client has, beside its peers, each with the test that shows it |
//!
//! The page on TLS is that of the module `tls`, the one on SASL that of `sasl`, and the one on
//! programs without a runtime that of [`blocking`](crate::blocking).

#[doc = include_str!("../guide/sessions.md")]
pub mod sessions {}

#[doc = include_str!("../guide/watches.md")]
pub mod watches {}

#[doc = include_str!("../guide/migrating.md")]
pub mod migrating {}

#[doc = include_str!("../guide/features.md")]
pub mod features {}
