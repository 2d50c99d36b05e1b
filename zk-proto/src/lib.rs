//! The ZooKeeper wire protocol, and nothing else.
//!
//! This crate turns bytes into records and back, and holds the rules that clients and servers
//! share: paths, ACLs, connect strings, error codes. It does no I/O, reads no clock, and copies no
//! payload it can borrow or share. Servers from 3.4 to 3.9 speak what it describes.
//!
//! # The protocol in one page
//!
//! Both sides send frames: a 4-byte length and that many bytes ([`codec::FrameDecoder`]).
//!
//! 1. The client sends a [`ConnectRequest`], the server a [`ConnectResponse`]. A session timeout of
//!    0 in it means: that session has expired.
//! 2. From then on each frame of the client is a [`RequestHeader`] and the record its [`OpCode`]
//!    names; see [`Request`].
//! 3. Each frame of the server is a [`ReplyHeader`] and, unless it carries an error, the record
//!    that answers. Replies come in the order of the requests.
//! 4. The server may send a [`WatcherEvent`] at any time, under the xid
//!    [`xid::NOTIFICATION`]; it comes before any reply that could show the change.
//! 5. A client with nothing to send keeps its session alive with pings ([`xid::PING`]).
//!
//! A connection whose first four bytes are the letters of a [`four_letter::Word`] is not a client
//! but an operator: the server answers in text and closes.
//!
//! # Where things are
//!
//! | module | what |
//! | --- | --- |
//! | [`codec`] | primitives, strings, vectors, frames, limits |
//! | [`client`] | connect, headers, one file per family of requests, op and error codes |
//! | [`txn`] | the transactions that servers log and replicate |
//! | [`path`], [`acl`], [`connect_string`], [`ensemble`], [`four_letter`] | rules both sides share |
//! | `digest_md5` (feature `sasl-digest-md5`) | the tokens and hashes of that SASL mechanism |

pub mod acl;
pub mod client;
pub mod codec;
pub mod connect_string;
#[cfg(feature = "sasl-digest-md5")]
pub mod digest_md5;
pub mod ensemble;
pub mod four_letter;
pub mod path;
pub mod txn;

mod create_mode;
mod ephemeral_owner;
mod session;
mod stat;
mod zxid;

pub use acl::{Acl, Permissions};
pub use client::*;
pub use connect_string::{ConnectString, HostPort};
pub use create_mode::CreateMode;
pub use ensemble::{EnsembleConfig, Member, QuorumAddress, Role};
pub use ephemeral_owner::{EphemeralOwner, TTL_MS_MAX};
pub use session::{PASSWORD_LEN, Password, SessionId};
pub use stat::Stat;
pub use zxid::Zxid;
