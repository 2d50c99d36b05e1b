//! A node's existence and data.

use bytes::Bytes;

use crate::Stat;
use crate::codec::record;

record! {
    /// Asks for a node's metadata.
    #[derive(Copy)]
    pub struct ExistsRequest<'a> {
        /// The node.
        pub path: &'a str,
        /// Whether to watch for its creation, change or deletion, once; set even if it is missing.
        pub watch: bool,
    }
}

record! {
    /// Answers `exists`.
    #[derive(Copy)]
    pub struct ExistsResponse {
        /// The node's metadata.
        pub stat: Stat,
    }
}

record! {
    /// Asks for a node's data.
    #[derive(Copy)]
    pub struct GetDataRequest<'a> {
        /// The node.
        pub path: &'a str,
        /// Whether to watch for its change or deletion, once.
        pub watch: bool,
    }
}

record! {
    /// Answers `getData` and `reconfig`.
    pub struct GetDataResponse {
        /// The node's data; null if it was created or set with null.
        pub data: Option<Bytes>,
        /// The node's metadata.
        pub stat: Stat,
    }
}

record! {
    /// Sets a node's data.
    #[derive(Copy)]
    pub struct SetDataRequest<'a> {
        /// The node.
        pub path: &'a str,
        /// The new data; null is allowed and stays null.
        pub data: Option<&'a [u8]>,
        /// The data version the node must have; -1 for any.
        pub version: i32,
    }
}

record! {
    /// Answers `setData`.
    #[derive(Copy)]
    pub struct SetDataResponse {
        /// The node's metadata after the change.
        pub stat: Stat,
    }
}
