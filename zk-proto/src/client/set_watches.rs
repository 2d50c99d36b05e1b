//! Setting watches again after a reconnection.

use crate::Zxid;
use crate::codec::record;

record! {
    /// Sets one-shot watches again after a reconnection. What changed since `relative_zxid` fires
    /// at once.
    pub struct SetWatches<'a> {
        /// The last zxid the client saw in a reply.
        pub relative_zxid: Zxid,
        /// Watches of `getData`, and of `exists` on nodes that were there.
        pub data: Vec<&'a str>,
        /// Watches of `exists` on nodes that were missing.
        pub exist: Vec<&'a str>,
        /// Watches of `getChildren`.
        pub child: Vec<&'a str>,
    }
}

record! {
    /// As [`SetWatches`], with persistent watches, which never fire for what was missed. Since
    /// 3.6.0.
    pub struct SetWatches2<'a> {
        /// The last zxid the client saw in a reply.
        pub relative_zxid: Zxid,
        /// Watches of `getData`, and of `exists` on nodes that were there.
        pub data: Vec<&'a str>,
        /// Watches of `exists` on nodes that were missing.
        pub exist: Vec<&'a str>,
        /// Watches of `getChildren`.
        pub child: Vec<&'a str>,
        /// Persistent watches.
        pub persistent: Vec<&'a str>,
        /// Persistent recursive watches.
        pub persistent_recursive: Vec<&'a str>,
    }
}
