//! The operations, one file per family: what `Client`'s methods return before it is sent.
//!
//! Every builder works the same way. Optional settings are methods; `.await` sends the request and
//! waits for the reply; [`send`](Get::send) sends it now and gives a [`Pending`] to await later,
//! so that many requests travel at once. Requests take effect in the order in which they were
//! sent, whatever the order in which their replies are awaited.

mod acl;
mod auth;
mod call;
mod children;
mod config;
mod create;
mod delete;
mod delete_recursive;
mod exists;
mod get;
mod guarded;
mod inventory;
mod multi;
mod multi_read;
mod pending;
mod reconfig;
mod set;
mod span;
mod sync;

pub use acl::{GetAcl, SetAcl};
pub use auth::{AddAuth, Identity, WhoAmI};
pub use children::{Children, ChildrenAndWatch, PackedChildren};
pub use config::{GetConfig, GetConfigAndWatch};
pub use create::{Create, Created, EnsurePath, TTL_MAX};
pub use delete::Delete;
pub use delete_recursive::DeleteRecursive;
pub use exists::{Exists, ExistsAndWatch};
pub use get::{Get, GetAndWatch};
pub use guarded::{Guarded, GuardedCreate, GuardedDelete, GuardedSet};
pub use inventory::{AllChildrenNumber, Ephemerals};
pub use multi::{Multi, MultiResult};
pub use multi_read::{MultiRead, ReadResult};
pub use pending::Pending;
pub use reconfig::Reconfig;
pub use set::Set;
pub use sync::Sync;

pub(crate) use call::{Call, Limits};

use bytes::{Bytes, BytesMut};
use zk_proto::codec::Encode;

/// Data below this many bytes is copied out of the buffer it was received in. That costs less than
/// what it prevents: a small value that somebody keeps would keep a whole read buffer alive.
const SHARED_DATA_LEN_MIN: usize = 4096;

/// A node's data as the caller gets it; null is empty.
fn node_data(data: Option<Bytes>) -> Bytes {
    let data = data.unwrap_or_default();
    if data.len() < SHARED_DATA_LEN_MIN { Bytes::copy_from_slice(&data) } else { data }
}

/// The record of a request that has none.
struct Nothing;

impl Encode for Nothing {
    fn encode(&self, _out: &mut BytesMut) {}
}

/// Gives a builder what all builders have: a time limit, and the ways to send it.
macro_rules! request {
    ($builder:ident => $output:ty) => {
        impl $builder<'_> {
            /// Fails the request with [`Error::Timeout`](crate::Error::Timeout) if no reply came
            /// within `timeout`. A request that was not written by then never will be. Without it
            /// the default of [`request_timeout`](crate::ClientBuilder::request_timeout) holds.
            #[must_use = "nothing is sent until the request is awaited or sent"]
            pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
                self.call.set_timeout(timeout);
                self
            }

            /// Sends the request only in the session of this number, which
            /// [`session_epoch`](crate::Client::session_epoch) gave; once that session is over it
            /// fails with [`Error::SessionExpired`](crate::Error::SessionExpired) and is not
            /// carried out.
            #[must_use = "nothing is sent until the request is awaited or sent"]
            pub fn in_session(mut self, epoch: u64) -> Self {
                self.call.set_epoch(epoch);
                self
            }
        }

        impl $builder<'_> {
            /// Within the limits of what it is a part of.
            #[allow(dead_code, reason = "not every request is a part of something")]
            pub(crate) fn limited(mut self, limits: crate::ops::Limits) -> Self {
                self.call = self.call.with_limits(limits);
                self
            }
        }

        impl<'a> IntoFuture for $builder<'a> {
            type Output = crate::Result<$output>;
            type IntoFuture = crate::ops::Pending<$output>;

            fn into_future(self) -> crate::ops::Pending<$output> {
                self.send()
            }
        }
    };
}
pub(crate) use request;
