//! Small records: a session's ephemeral nodes, and an error code as a body.

use crate::ErrorCode;
use crate::codec::record;

record! {
    /// Asks for the caller's own ephemeral nodes. Since 3.6.0.
    #[derive(Copy)]
    pub struct GetEphemeralsRequest<'a> {
        /// A text their paths start with, not taken by components (`/a` matches `/ab`); empty or
        /// "/" for all.
        pub prefix: &'a str,
    }
}

record! {
    /// Answers `getEphemerals`.
    pub struct GetEphemeralsResponse {
        /// Server paths: no client's chroot is taken off them.
        pub paths: Vec<String>,
    }
}

record! {
    /// An error code where a record is expected: in a multi's results, and, as 0, the body of
    /// `addWatch`'s answer.
    #[derive(Copy)]
    pub struct ErrorResponse {
        /// The code.
        pub err: ErrorCode,
    }
}
