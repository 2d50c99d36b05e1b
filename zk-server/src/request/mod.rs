//! PURE: what becomes of each request.
//!
//! | file | what |
//! | --- | --- |
//! | [`admission`] | which way a request goes, by its op code |
//! | [`decode`] | from bytes to a request |
//! | `proposer`, `pending`, `write/` | a write: validated against the tree and all that is pending, it becomes a transaction |
//! | [`respond`] | an applied transaction: what the client is answered |
//! | [`read`] | a read: answered from the tree at once |
//!
//! `setWatches` is decided in [`crate::watch::set_watches`].

pub mod admission;
pub mod read;
pub mod respond;

mod decode;
mod pending;
mod proposer;
#[cfg(test)]
mod tests;
mod write;

pub use decode::{decode, is_recorded_undecoded};
pub use proposer::{
    Proposal, Proposer, ProposerSettings, Requester, ServerRequest, SessionStanding, Slot,
};
