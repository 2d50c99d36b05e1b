//! Catching up with the leader.

use crate::codec::record;

record! {
    /// Lets this server catch up with all that was committed before.
    #[derive(Copy)]
    pub struct SyncRequest<'a> {
        /// Any text; it is echoed, not looked at.
        pub path: &'a str,
    }
}

record! {
    /// Answers `sync`.
    pub struct SyncResponse {
        /// The request's text.
        pub path: String,
    }
}
