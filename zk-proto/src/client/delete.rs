//! Deleting a node, and checking a version inside a multi.

use crate::codec::record;

record! {
    /// Deletes a node without children.
    pub struct DeleteRequest<'a> {
        /// The node.
        pub path: &'a str,
        /// The data version it must have; -1 for any.
        pub version: i32,
    }
}

record! {
    /// Checks that a node exists in a version; only inside a multi.
    pub struct CheckVersionRequest<'a> {
        /// The node.
        pub path: &'a str,
        /// The data version it must have; -1 for any.
        pub version: i32,
    }
}
