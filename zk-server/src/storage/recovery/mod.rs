//! PURE: from the files of a data directory to the state of the server that wrote them.
//!
//! The newest snapshot that is whole is loaded, and every transaction behind it is applied. What is
//! found decides what happens:
//!
//! | found | outcome |
//! | --- | --- |
//! | nothing | a first start: an empty tree |
//! | temporary files | removed |
//! | a snapshot that cannot be read, an older one that can | the older one, and all logs behind it |
//! | the same, and the logs do not reach as far as the newer one | stops, and names both |
//! | a snapshot with parts of transactions that are in no log | stops, and names both |
//! | a snapshot that ends before the transaction it is named for | cannot be read |
//! | a log that does not begin with the transaction it is named for, whether needed or not | stops, and names both |
//! | a log that is not needed, and is damaged or cannot be read | goes on |
//! | no snapshot that can be read | stops |
//! | logs and no snapshot at all, and they are to be trusted | an empty tree, and all logs |
//! | the last log ends with a transaction of which parts are missing | the torn end is cut off |
//! | an earlier log does, and the next one goes on with the very next transaction | goes on |
//! | the last log is empty, or has part of a header | it is removed |
//! | a transaction longer than `jute.maxbuffer` and its extra size allow | stops, and names both keys |
//! | anything else in a log that cannot be read, its last entry too | stops, and names file and offset |
//! | a zxid that does not follow the one before it | stops, and names both |
//! | nodes with a time to live, and `extendedTypesEnabled` is off | stops, and names the key |
//! | a digest that is not the tree's | goes on as Apache's server does; told of and counted |
//!
//! A history is never cut short without saying so: a server that goes on without transactions that
//! it acknowledged is worse than one that does not go on.
//!
//! Before it is served everything that was read is made durable. A server that was killed may have
//! left what the machine, but not the disk, knows.

mod chain;
mod digests;
mod error;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use zk_proto::txn::{Txn, TxnHeader};
use zk_proto::{EphemeralOwner, SessionId, Zxid};

pub use error::RecoveryError;

use super::directory::Directory;
use super::format::{FileName, Packing, SnapshotError, SnapshotReader};
use crate::config::ServerConfig;
use crate::tree::{DataTree, TreeRestore};
use chain::Chain;
use digests::DigestCheck;

/// The two directories of a server (`dataDir`, `dataLogDir`), which usually are one.
#[derive(Clone, Debug)]
pub struct Directories {
    /// Where snapshots are.
    pub snapshots: Arc<dyn Directory>,
    /// Where logs are.
    pub logs: Arc<dyn Directory>,
    /// Whether the two are the same.
    pub shared: bool,
}

/// What a server knew.
#[derive(Debug)]
#[non_exhaustive]
pub struct Recovered {
    /// The znodes after the last transaction.
    pub tree: DataTree,
    /// The sessions that live, with their timeouts in ms.
    pub sessions: BTreeMap<SessionId, i32>,
    /// The largest session id that each server was seen to give out, by its number.
    pub last_session_ids: BTreeMap<i64, SessionId>,
    /// The snapshot that was loaded; `None` on a first start.
    pub snapshot: Option<Zxid>,
    /// How many transactions were applied behind it.
    pub replayed: u64,
    /// How many digests in the snapshot and the logs are not those of the tree.
    pub digest_mismatches: u64,
    /// What an operator should know.
    pub notes: Vec<String>,
}

impl Recovered {
    /// A server that never ran.
    fn empty(extended_types: bool) -> Self {
        Self {
            tree: DataTree::new(extended_types),
            sessions: BTreeMap::new(),
            last_session_ids: BTreeMap::new(),
            snapshot: None,
            replayed: 0,
            digest_mismatches: 0,
            notes: Vec::new(),
        }
    }

    fn apply(&mut self, header: &TxnHeader, txn: &Txn) {
        self.tree.apply(header, txn);
        self.replayed += 1;
        match txn {
            Txn::CreateSession { timeout_ms } => {
                self.sessions.insert(header.session, *timeout_ms);
                self.note_session(header.session);
            }
            Txn::CloseSession { .. } => {
                self.sessions.remove(&header.session);
            }
            _ => {}
        }
    }

    /// Where no node can have a time to live, one that has reads as the node of a session that never
    /// was, and would go with it at once.
    fn check_times_to_live(&self, extended_types: bool) -> Result<(), RecoveryError> {
        if extended_types {
            return Ok(());
        }
        let is_time = |session: &SessionId| {
            matches!(EphemeralOwner::from_bits(session.0, true), EphemeralOwner::Ttl(_))
                && !self.sessions.contains_key(session)
        };
        let found = self.tree.sessions_with_ephemerals().find(is_time);
        let path = found.and_then(|session| self.tree.ephemerals_of(session).next());
        match path {
            Some(path) => Err(RecoveryError::TimeToLive { path: path.to_owned() }),
            None => Ok(()),
        }
    }

    fn note_session(&mut self, id: SessionId) {
        let last = self.last_session_ids.entry(id.0 >> 56).or_insert(id);
        *last = id.max(*last);
    }
}

/// How data is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoverySettings {
    /// Whether nodes may have a time to live (`extendedTypesEnabled`).
    pub extended_types: bool,
    /// Bytes of the longest transaction ([`Limits::record_len`](crate::config::Limits::record_len)).
    pub longest: usize,
    /// Whether logs without any snapshot are the whole history (`snapshot.trust.empty`).
    pub trust_empty: bool,
}

impl RecoverySettings {
    /// As a configuration has them.
    #[must_use]
    pub fn of(config: &ServerConfig) -> Self {
        Self {
            extended_types: config.extended_types_enabled,
            longest: config.limits.record_len(),
            trust_empty: config.storage.trust_empty,
        }
    }
}

/// What is in the directories.
#[derive(Debug, Default)]
struct Listing {
    /// Ascending.
    snapshots: Vec<(Zxid, Packing)>,
    /// Ascending.
    logs: Vec<Zxid>,
    temporaries: Vec<String>,
}

/// The newest snapshot that cannot be used. It was written when all up to its name was durable.
#[derive(Debug)]
struct PassedOver {
    name: String,
    zxid: Zxid,
    why: String,
}

/// Reads the directories, repairs what a crash may leave, and makes the rest durable.
///
/// # Errors
///
/// When the disk fails, or when what is there cannot be all that there was.
pub fn recover(
    directories: &Directories,
    settings: RecoverySettings,
) -> Result<Recovered, RecoveryError> {
    recover_telling(directories, settings, || ())
}

/// [`recover`], which says when it has loaded the snapshot and goes on with the logs.
pub(crate) fn recover_telling(
    directories: &Directories,
    settings: RecoverySettings,
    snapshot_loaded: impl FnOnce(),
) -> Result<Recovered, RecoveryError> {
    let RecoverySettings { extended_types, longest, trust_empty } = settings;
    let listing = list(directories)?;
    for name in &listing.temporaries {
        directories.snapshots.remove(name).map_err(RecoveryError::disk("remove", name))?;
    }
    if listing.snapshots.is_empty() && listing.logs.is_empty() {
        return Ok(Recovered::empty(extended_types));
    }
    let (mut recovered, mut digests, passed_over) = if listing.snapshots.is_empty() && trust_empty {
        (trusted(&listing, extended_types), DigestCheck::default(), None)
    } else {
        load_newest(directories, &listing, extended_types)?
    };
    snapshot_loaded();
    let from = recovered.tree.last_zxid();
    let mut chain = Chain::new(&*directories.logs, from, longest);
    let (covered, behind) = listing.logs.split_at(first_behind(&listing.logs, from));
    for &log in covered {
        chain.pass_over(log)?;
    }
    for &log in behind {
        chain.read(log, |name, offset, record| {
            recovered.apply(&record.header, &record.txn);
            digests.applied(&recovered.tree, name, offset, record);
        })?;
    }
    let last = recovered.tree.last_zxid();
    if let Some(PassedOver { name, zxid: promised, why }) = passed_over.filter(|s| s.zxid > last) {
        return Err(RecoveryError::Short { name, promised, last, why });
    }
    let (mismatches, notes) = digests.finish(last)?;
    recovered.check_times_to_live(extended_types)?;
    recovered.digest_mismatches = mismatches;
    recovered.notes.extend(notes);
    recovered.notes.extend(chain.settle()?);
    directories.snapshots.sync().map_err(RecoveryError::disk("sync", "the snapshots"))?;
    Ok(recovered)
}

fn list(directories: &Directories) -> Result<Listing, RecoveryError> {
    let mut listing = Listing::default();
    let listed = |directory: &Arc<dyn Directory>, what| {
        directory.list().map_err(RecoveryError::disk("list", what))
    };
    let names = |directory, what| -> Result<Vec<(String, FileName)>, RecoveryError> {
        let all = listed(directory, what)?.into_iter();
        Ok(all.filter_map(|name| FileName::parse(&name).map(|meant| (name, meant))).collect())
    };
    for (name, meant) in names(&directories.snapshots, "the snapshots")? {
        match meant {
            FileName::Snapshot(zxid, packing) => listing.snapshots.push((zxid, packing)),
            FileName::Temporary => listing.temporaries.push(name),
            FileName::Log(zxid) if directories.shared => listing.logs.push(zxid),
            FileName::Log(_) => {
                return Err(RecoveryError::Misplaced { name, should: "dataLogDir" });
            }
        }
    }
    if !directories.shared {
        for (name, meant) in names(&directories.logs, "the logs")? {
            match meant {
                FileName::Log(zxid) => listing.logs.push(zxid),
                FileName::Snapshot(..) => {
                    return Err(RecoveryError::Misplaced { name, should: "dataDir" });
                }
                FileName::Temporary => {}
            }
        }
    }
    listing.snapshots.sort_unstable();
    listing.logs.sort_unstable();
    Ok(listing)
}

/// Where the logs begin that may have transactions behind `from`: all but those that the next one
/// begins before.
fn first_behind(logs: &[Zxid], from: Zxid) -> usize {
    let next = Zxid(from.0.saturating_add(1));
    logs.partition_point(|log| *log <= next).saturating_sub(1)
}

/// The beginning of a history of which there are only logs. They still have to follow each other,
/// from the first transaction of an epoch on.
fn trusted(listing: &Listing, extended_types: bool) -> Recovered {
    let mut recovered = Recovered::empty(extended_types);
    recovered.notes.push(format!(
        "there are {} logs but no snapshot: as `snapshot.trust.empty` says, they are taken for the \
         whole history. There will be a snapshot now: remove the line",
        listing.logs.len()
    ));
    recovered
}

fn load_newest(
    directories: &Directories,
    listing: &Listing,
    extended_types: bool,
) -> Result<(Recovered, DigestCheck, Option<PassedOver>), RecoveryError> {
    let (mut notes, mut passed_over) = (Vec::new(), None);
    for &(zxid, packing) in listing.snapshots.iter().rev() {
        let name = FileName::Snapshot(zxid, packing).to_string();
        match load(directories, &name, zxid, packing, extended_types) {
            Ok((mut recovered, digests)) => {
                // Apache does not make its snapshots durable, and everything rests on this one.
                let synced = directories.snapshots.open(&name).and_then(|mut file| file.sync());
                synced.map_err(RecoveryError::disk("sync", &name))?;
                recovered.notes = notes;
                return Ok((recovered, digests, passed_over));
            }
            Err(error) => {
                notes.push(format!("the snapshot {name} cannot be used: {error}"));
                passed_over.get_or_insert(PassedOver { name, zxid, why: error.to_string() });
            }
        }
    }
    Err(RecoveryError::NoSnapshot { logs: listing.logs.len(), tried: notes })
}

fn load(
    directories: &Directories,
    name: &str,
    zxid: Zxid,
    packing: Packing,
    extended_types: bool,
) -> Result<(Recovered, DigestCheck), SnapshotError> {
    let file = directories.snapshots.read(name);
    let file = file.map_err(|error| SnapshotError::Read { at: 0, error })?;
    let mut reader = SnapshotReader::new(file, packing)?;
    let mut restore = TreeRestore::new(extended_types, zxid, std::mem::take(&mut reader.acls));
    let sessions = std::mem::take(&mut reader.sessions);
    while let Some(node) = reader.next_node()? {
        restore.add(&node)?;
    }
    let trailer = reader.finish()?;
    trailer.check_name(zxid)?;
    let mut recovered = Recovered::empty(extended_types);
    recovered.tree = restore.finish();
    recovered.snapshot = Some(zxid);
    for (session, timeout_ms) in sessions {
        recovered.sessions.insert(session, timeout_ms);
        recovered.note_session(session);
    }
    let digests = DigestCheck::new(name, zxid, &trailer, &recovered.tree);
    Ok((recovered, digests))
}
