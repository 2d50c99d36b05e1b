//! Adding, checking and removing watches.

use bytes::BytesMut;

use super::event::wire_enum;
use crate::codec::{Decode, DecodeError, Encode, Reader, record};

wire_enum! {
    /// How long a watch of `addWatch` goes on, and how far it sees.
    pub enum AddWatchMode, "watch mode" {
        /// Fires for each change of the node and its children, until it is removed.
        Persistent = 0,
        /// Fires for each change of the node and everything below, until it is removed.
        PersistentRecursive = 1,
    }
}

wire_enum! {
    /// Which watches `checkWatches` and `removeWatches` mean.
    pub enum WatcherType, "watcher type" {
        /// One-shot watches of `getChildren`.
        Children = 1,
        /// One-shot watches of `getData` and `exists`.
        Data = 2,
        /// All kinds.
        Any = 3,
        /// Persistent watches. Since 3.9.0.
        Persistent = 4,
        /// Persistent recursive watches. Since 3.9.0.
        PersistentRecursive = 5,
    }
}

record! {
    /// Adds a persistent watch. Since 3.6.0; answered with an
    /// [`ErrorResponse`](crate::ErrorResponse) of 0.
    #[derive(Copy)]
    pub struct AddWatchRequest<'a> {
        /// The node; it need not exist.
        pub path: &'a str,
        /// The number of an [`AddWatchMode`]; left raw, since an unknown one has an answer of its
        /// own.
        pub mode: i32,
    }
}

record! {
    /// Asks whether this connection has such a watch on exactly this path. Since 3.5.0.
    #[derive(Copy)]
    pub struct CheckWatchesRequest<'a> {
        /// The node.
        pub path: &'a str,
        /// The number of a [`WatcherType`].
        pub kind: i32,
    }
}

record! {
    /// Removes this connection's watches on exactly this path. Since 3.5.0.
    #[derive(Copy)]
    pub struct RemoveWatchesRequest<'a> {
        /// The node.
        pub path: &'a str,
        /// The number of a [`WatcherType`].
        pub kind: i32,
    }
}
