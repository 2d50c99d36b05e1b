//! What a transaction says of the tree after it.

use crate::codec::record;

record! {
    /// What the tree adds up to behind a transaction; 12 bytes. In logs since 3.6, and in proposals.
    #[derive(Copy)]
    pub struct TxnDigest {
        /// How it was computed; 2 since 3.6. Only digests of one version can be compared.
        pub version: i32,
        /// The sum over all nodes.
        pub tree: i64,
    }
}
