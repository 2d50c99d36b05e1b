//! What the data says that the tree should add up to, held against what it does.
//!
//! A snapshot that was taken while its server wrote is only whole once the log was applied up to
//! where it ended, which its digest section names. Until then nothing can be compared; there the
//! tree must be what the section says, and behind it what each transaction says.
//!
//! A tree that is another one than its writer had is told of and counted, and the server goes on
//! with it, as Apache's does: which of the two is wrong cannot be known here, and all that was
//! acknowledged is in what was read.

use zk_proto::Zxid;
use zk_proto::txn::TxnDigest;

use super::RecoveryError;
use crate::storage::format::SnapshotTrailer;
use crate::storage::log::TxnRecord;
use crate::tree::DataTree;

/// Compares digests along a replay.
#[derive(Debug, Default)]
pub(super) struct DigestCheck {
    /// The snapshot's file, and what the tree adds up to at the end of its writing. Gone once it is
    /// reached.
    snapshot: Option<Awaited>,
    mismatches: u64,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Awaited {
    name: String,
    zxid: Zxid,
    digest: TxnDigest,
}

impl DigestCheck {
    /// Of a tree that was loaded from a snapshot, all of which is up to `covered`.
    pub(super) fn new(
        name: &str,
        covered: Zxid,
        trailer: &SnapshotTrailer,
        tree: &DataTree,
    ) -> Self {
        let mut check = Self::default();
        // A server that has not seen a transaction with a digest writes zeros.
        if let Some((zxid, version, sum)) = trailer.digest
            && zxid > Zxid::ZERO
            && zxid >= covered
        {
            let (name, digest) = (name.to_owned(), TxnDigest { version, tree: sum });
            check.snapshot = Some(Awaited { name, zxid, digest });
            check.reach(tree);
        }
        check
    }

    /// Compares behind a transaction that was applied, which stands in that log at that offset.
    pub(super) fn applied(&mut self, tree: &DataTree, name: &str, offset: u64, record: &TxnRecord) {
        if self.snapshot.is_some() {
            self.reach(tree);
        } else if let Some(digest) = record.digest {
            self.compare(tree, digest, || format!("{name} at offset {offset}"));
        }
    }

    /// How many there were, and what an operator should know.
    ///
    /// # Errors
    ///
    /// When the snapshot has parts of transactions that the logs don't have: the tree would be one
    /// that never was.
    pub(super) fn finish(mut self, last: Zxid) -> Result<(u64, Vec<String>), RecoveryError> {
        if let Some(Awaited { name, zxid: promised, .. }) = self.snapshot {
            let why = "it was written while there were more, and has parts of them".to_owned();
            return Err(RecoveryError::Short { name, promised, last, why });
        }
        if self.mismatches > 1 {
            self.notes.push(format!("{} digests in all are other ones", self.mismatches));
        }
        Ok((self.mismatches, self.notes))
    }

    fn reach(&mut self, tree: &DataTree) {
        let last = tree.last_zxid();
        if let Some(Awaited { name, zxid, digest }) = self.snapshot.take_if(|at| at.zxid <= last)
            && zxid == last
        {
            self.compare(tree, digest, || name);
        }
    }

    fn compare(&mut self, tree: &DataTree, promised: TxnDigest, place: impl FnOnce() -> String) {
        let actual = tree.digest();
        if promised.version != actual.version || promised == actual {
            return;
        }
        self.mismatches += 1;
        // All that follow differ too.
        if self.mismatches == 1 {
            let (zxid, place) = (tree.last_zxid(), place());
            self.notes.push(format!(
                "the tree after transaction {zxid} adds up to {:#x}, and {place} says {:#x}: it is \
                 not the tree that the writer of these files had. Compare it with another server's \
                 or a backup's (`zk-server snapshot compare`)",
                actual.tree, promised.tree
            ));
        }
    }
}
