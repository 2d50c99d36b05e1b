//! The create family.

use crate::codec::record;
use crate::{Acl, Stat};

record! {
    /// Creates a node (`create`, `create2`, `createContainer`).
    pub struct CreateRequest<'a> {
        /// The node's path, or its beginning if the mode is sequential.
        pub path: &'a str,
        /// The node's data; null is allowed and stays null.
        pub data: Option<&'a [u8]>,
        /// The node's ACL; an empty one is refused.
        pub acl: Vec<Acl>,
        /// The number of a [`CreateMode`](crate::CreateMode); left raw, since an unknown one has
        /// an answer of its own.
        pub flags: i32,
    }
}

record! {
    /// Creates a node with a time to live (`createTTL`, since 3.5.3).
    pub struct CreateTtlRequest<'a> {
        /// The node's path, or its beginning if the mode is sequential.
        pub path: &'a str,
        /// The node's data; null is allowed and stays null.
        pub data: Option<&'a [u8]>,
        /// The node's ACL; an empty one is refused.
        pub acl: Vec<Acl>,
        /// The number of a TTL [`CreateMode`](crate::CreateMode).
        pub flags: i32,
        /// The time to live in ms, from 1 to [`TTL_MS_MAX`](crate::TTL_MS_MAX).
        pub ttl_ms: i64,
    }
}

record! {
    /// Answers `create`.
    pub struct CreateResponse {
        /// The path created, with its sequence number.
        pub path: String,
    }
}

record! {
    /// Answers `create2`, `createContainer` and `createTTL`.
    pub struct Create2Response {
        /// The path created, with its sequence number.
        pub path: String,
        /// The new node's metadata.
        pub stat: Stat,
    }
}
