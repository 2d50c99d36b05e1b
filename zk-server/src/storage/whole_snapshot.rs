//! PURE: a snapshot that comes from outside, and is to be all the data of a server.

use std::io::{self, Read};

use zk_proto::{SessionId, Zxid};

use super::format::{Packing, SnapshotError, SnapshotReader};
use crate::tree::{DataTree, TreeRestore};

/// The largest zxid that a server takes over: behind it there must be room for more.
const ZXID_MAX: Zxid = Zxid(i64::MAX / 2);

/// Bytes that are looked at at once behind the end.
const REST_LEN: usize = 4096;

/// The state of a server after one transaction.
#[derive(Debug)]
#[non_exhaustive]
pub struct WholeSnapshot {
    /// The nodes, as of its [`last_zxid`](DataTree::last_zxid).
    pub tree: DataTree,
    /// The sessions there were.
    pub sessions: Vec<SessionId>,
}

/// Why bytes are not the state of a server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotWhole {
    /// They are no snapshot, or a damaged one.
    #[error("it is no valid snapshot: {0}")]
    Invalid(#[from] SnapshotError),
    /// It says nothing of its last transaction, and nothing else shows that it needs no log.
    #[error(
        "nothing in it shows that it is whole without its log. Send one that the command `snapshot` of \
         AdminServer gave (since 3.9), or one that was written while no client wrote (since 3.6, \
         with digests), or put the files of the other server into an empty `dataDir`"
    )]
    NotAlone,
    /// It holds changes of transactions behind its last.
    #[error("the node {path} has changes of transaction {found}, and it ends with {last}")]
    Later {
        /// The node.
        path: String,
        /// A transaction that changed it.
        found: Zxid,
        /// Where the snapshot says that it ends.
        last: Zxid,
    },
    /// It was taken while its server wrote, and is no state that ever was.
    #[error(
        "its nodes add up to {actual:#x} and it says {promised:#x}: it was taken while its server \
         wrote, or changed since"
    )]
    Torn {
        /// The sum of its nodes.
        actual: i64,
        /// The sum it says.
        promised: i64,
    },
    /// No server has come so far.
    #[error("its last transaction is {0}, which is none")]
    Zxid(Zxid),
    /// There is something behind it.
    #[error("{0} bytes and more follow behind its end")]
    Longer(usize),
    /// It did not come whole.
    #[error("it could not be read to its end: {0}")]
    Cut(io::Error),
}

impl WholeSnapshot {
    /// Reads a snapshot, not packed, which must be one that is whole without a log: it says with
    /// which transaction it ends.
    ///
    /// Those of Apache before 3.9 don't, and what clients changed while one was written may be in it
    /// or not. But since 3.6 they say what the tree added up to when they were done, and if that is
    /// the sum of their nodes, nothing was changed meanwhile. (Quotas are in no sum: one that was set
    /// in that moment may be missing.)
    ///
    /// Whether it was taken while its server wrote, its digest tells. Apache's servers write none with
    /// `digest.enabled=false`, and then nothing does.
    ///
    /// # Errors
    ///
    /// When it is none, or the source cannot be read to its end.
    pub fn read(mut source: impl Read, extended_types: bool) -> Result<Self, NotWhole> {
        let mut counted = Counted { source: &mut source, len: 0 };
        let mut reader = SnapshotReader::new(&mut counted, Packing::Plain)?;
        let acls = std::mem::take(&mut reader.acls);
        let mut restore = TreeRestore::new(extended_types, Zxid::ZERO, acls);
        let sessions = reader.sessions.iter().map(|(session, _)| *session).collect();
        let mut newest = (Zxid::ZERO, String::new());
        while let Some(node) = reader.next_node()? {
            restore.add(&node)?;
            let zxid = node.stat.newest();
            if zxid > newest.0 {
                newest = (zxid, node.path);
            }
        }
        let trailer = reader.finish()?;
        let behind = counted.drain(trailer.len)?;
        if behind > 0 {
            return Err(NotWhole::Longer(behind));
        }
        if restore.lacks_acls() {
            return Err(NotWhole::NotAlone);
        }
        let proof = trailer.digest.filter(|(zxid, ..)| *zxid > Zxid::ZERO);
        let proven = proof.map(|(zxid, ..)| zxid);
        let last = trailer.last_zxid.or(proven).ok_or(NotWhole::NotAlone)?;
        if !(Zxid::ZERO..=ZXID_MAX).contains(&last) {
            return Err(NotWhole::Zxid(last));
        }
        let (found, path) = newest;
        if found > last {
            return Err(NotWhole::Later { path, found, last });
        }
        let mut tree = restore.finish();
        tree.stand_at(last);
        let actual = tree.digest();
        let promised = trailer.digest.filter(|(zxid, version, _)| {
            *zxid == last && last > Zxid::ZERO && *version == actual.version
        });
        match promised {
            Some((_, _, promised)) if promised == actual.tree => {}
            Some(_) | None if trailer.last_zxid.is_none() => return Err(NotWhole::NotAlone),
            Some((_, _, promised)) => {
                return Err(NotWhole::Torn { actual: actual.tree, promised });
            }
            None => {}
        }
        Ok(Self { tree, sessions })
    }
}

/// Counts what is read.
struct Counted<R> {
    source: R,
    len: u64,
}

impl<R: Read> Counted<R> {
    /// Reads to the end. Gives how much there was behind the first `len` bytes, as far as it looked.
    fn drain(&mut self, len: u64) -> Result<usize, NotWhole> {
        let mut rest = [0; REST_LEN];
        while self.len <= len {
            match self.read(&mut rest) {
                Ok(0) => return Ok(0),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(NotWhole::Cut(error)),
            }
        }
        Ok(usize::try_from(self.len - len).unwrap_or(usize::MAX))
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.len += read as u64;
        Ok(read)
    }
}
