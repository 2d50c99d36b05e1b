//! What a server tells about a znode.

use crate::codec::record;
use crate::{SessionId, Zxid};

record! {
    /// A znode's metadata, 68 bytes on the wire.
    #[derive(Copy, Default, Hash)]
    pub struct Stat {
        /// The transaction that created the node. Never changes, so it tells a node from a later
        /// one of the same path.
        pub czxid: Zxid,
        /// The transaction that last set the data; the creation at birth.
        pub mzxid: Zxid,
        /// When the node was created, in ms since the epoch by the leader's clock.
        pub ctime: i64,
        /// When the data was last set, in ms since the epoch by the leader's clock.
        pub mtime: i64,
        /// How often the data was set since the creation. Wraps at 32 bits.
        pub version: i32,
        /// How often children were created and deleted. Wraps at 32 bits.
        pub cversion: i32,
        /// How often the ACL was set.
        pub aversion: i32,
        /// The session that owns an ephemeral node; 0 for every other kind of node, containers and
        /// TTL nodes too.
        pub ephemeral_owner: SessionId,
        /// Bytes of data.
        pub data_length: i32,
        /// Direct children.
        pub num_children: i32,
        /// The last transaction that created or deleted a child; the node's own creation at birth.
        pub pzxid: Zxid,
    }
}
