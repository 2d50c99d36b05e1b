//! A node's ACL.

use crate::codec::record;
use crate::{Acl, Stat};

record! {
    /// Asks for a node's ACL.
    #[derive(Copy)]
    pub struct GetAclRequest<'a> {
        /// The node.
        pub path: &'a str,
    }
}

record! {
    /// Answers `getACL`.
    pub struct GetAclResponse {
        /// The ACL; without the ADMIN permission the hashes in it are masked.
        pub acl: Vec<Acl>,
        /// The node's metadata.
        pub stat: Stat,
    }
}

record! {
    /// Sets a node's ACL.
    pub struct SetAclRequest<'a> {
        /// The node.
        pub path: &'a str,
        /// The new ACL; an empty one is refused.
        pub acl: Vec<Acl>,
        /// The ACL version (`aversion`) the node must have; -1 for any.
        pub version: i32,
    }
}

record! {
    /// Answers `setACL`.
    #[derive(Copy)]
    pub struct SetAclResponse {
        /// The node's metadata after the change.
        pub stat: Stat,
    }
}
