//! A node's children.

use super::Names;
use crate::Stat;
use crate::codec::record;

record! {
    /// Asks for the names of a node's children.
    #[derive(Copy)]
    pub struct GetChildrenRequest<'a> {
        /// The parent.
        pub path: &'a str,
        /// Whether to watch for a child's creation or deletion, or the parent's end, once.
        pub watch: bool,
    }
}

record! {
    /// Answers `getChildren`.
    pub struct GetChildrenResponse {
        /// Names, not paths, in no particular order.
        pub children: Vec<String>,
    }
}

record! {
    /// Asks for the names of a node's children and its metadata. Since 3.3.
    #[derive(Copy)]
    pub struct GetChildren2Request<'a> {
        /// The parent.
        pub path: &'a str,
        /// As in [`GetChildrenRequest`].
        pub watch: bool,
    }
}

record! {
    /// Answers `getChildren2`.
    pub struct GetChildren2Response {
        /// Names, not paths, in no particular order.
        pub children: Vec<String>,
        /// The parent's metadata.
        pub stat: Stat,
    }
}

record! {
    /// Answers `getChildren2`: what [`GetChildren2Response`] holds, with the names in one piece.
    pub struct GetChildren2Names {
        /// Names, not paths, in no particular order.
        pub children: Names,
        /// The parent's metadata.
        pub stat: Stat,
    }
}

record! {
    /// Asks for the number of all nodes below one. Since 3.6.0.
    #[derive(Copy)]
    pub struct GetAllChildrenNumberRequest<'a> {
        /// The node whose descendants are counted, itself excluded.
        pub path: &'a str,
    }
}

record! {
    /// Answers `getAllChildrenNumber`.
    #[derive(Copy)]
    pub struct GetAllChildrenNumberResponse {
        /// The number of descendants.
        pub total: i32,
    }
}
