//! Why a server does not start on its data.

use std::io;

use zk_proto::Zxid;

use crate::storage::format::{EntryError, LOG_HEADER_LEN};

/// The data cannot be read whole. Nothing was changed that matters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// The disk does not let us.
    #[error("cannot {what} {name}: {error}")]
    Disk {
        /// What was to be done.
        what: &'static str,
        /// The file.
        name: String,
        /// What the system said.
        error: io::Error,
    },
    /// A file is in the other directory.
    #[error(
        "{name} is in the wrong directory: with a `dataLogDir` of its own, snapshots belong into \
         `dataDir` and logs into `dataLogDir`. Move it to `{should}`"
    )]
    Misplaced {
        /// The file.
        name: String,
        /// The key of the directory where it belongs.
        should: &'static str,
    },
    /// A log has another name than that of its first transaction.
    #[error(
        "{name} begins with transaction {found}, and its name says another one: it was renamed, or \
         copied over the log that it has the name of. Restore the logs under the names they had"
    )]
    Misnamed {
        /// The log.
        name: String,
        /// The transaction it begins with.
        found: Zxid,
    },
    /// Nodes have what is switched off, and would be lost.
    #[error(
        "{path} has a time to live, and `extendedTypesEnabled` is not set: it would be taken for the \
         node of a session that is over, and deleted. Set `extendedTypesEnabled=true`, as the server \
         had it that wrote the data (perhaps as `-Dzookeeper.extendedTypesEnabled=true`)"
    )]
    TimeToLive {
        /// One of the nodes.
        path: String,
    },
    /// There was more than what the logs have.
    #[error(
        "the logs end with transaction {last}, and {name} shows that there was transaction {promised} \
         ({why}): what is between is missing. Restore it from a backup; to go on without what is \
         missing, take {name} out of the directory"
    )]
    Short {
        /// The snapshot that shows it.
        name: String,
        /// A transaction that there was.
        promised: Zxid,
        /// The last transaction there is.
        last: Zxid,
        /// How the snapshot shows it.
        why: String,
    },
    /// There is nothing to begin with.
    #[error(
        "there are {logs} logs but no snapshot that can be read, so the beginning of the history is \
         missing. Restore a snapshot, or all files from a backup. {}",
        about_snapshots(tried)
    )]
    NoSnapshot {
        /// How many logs there are.
        logs: usize,
        /// The snapshots there are, and why each cannot be used.
        tried: Vec<String>,
    },
    /// A transaction that was durable cannot be read.
    #[error(
        "{name} is damaged at offset {offset}: a transaction there was durable and cannot be read \
         any more ({error}). Restore the file from a backup. If there is none, {}",
        without_it(name, *offset, *last)
    )]
    Damaged {
        /// The log.
        name: String,
        /// Where the transaction begins.
        offset: u64,
        /// The transaction before it.
        last: Zxid,
        /// What is wrong with it.
        error: EntryError,
    },
    /// A transaction is longer than the server is to read.
    #[error(
        "{name} has a transaction of {len} bytes at offset {offset}, and `jute.maxbuffer` with \
         `jute.maxbuffer.extrasize` allows {allowed}: set `jute.maxbuffer` to what it was when the \
         transaction was written; {len} is enough to start"
    )]
    TooLong {
        /// The log.
        name: String,
        /// Where the transaction begins.
        offset: u64,
        /// Its length in bytes.
        len: usize,
        /// The most that is allowed.
        allowed: usize,
    },
    /// Transactions are missing, or come again.
    #[error(
        "{name} goes on with transaction {found} at offset {offset}, which does not follow {after}: \
         part of the history is missing or not in order. Restore the missing files from a backup"
    )]
    Order {
        /// The log.
        name: String,
        /// Where the transaction begins.
        offset: u64,
        /// The transaction before it, or the snapshot's last.
        after: Zxid,
        /// The transaction.
        found: Zxid,
    },
}

/// What is left to whoever has no backup.
fn without_it(name: &str, offset: u64, last: Zxid) -> String {
    let lost = "that transaction and all behind it, which clients were told are done";
    if offset <= LOG_HEADER_LEN {
        return format!(
            "move {name} and all logs behind it to another directory, to go on without {lost}"
        );
    }
    format!(
        "`zk-server log cut --keep-to {last} {name}`, in its directory, makes a log without {lost}"
    )
}

fn about_snapshots(tried: &[String]) -> String {
    if tried.is_empty() {
        return "Only if a server of Apache 3.4 wrote them that never made a snapshot, set \
                `snapshot.trust.empty=true` for one start"
            .to_owned();
    }
    tried.join("; ")
}

impl RecoveryError {
    /// Says what was tried when the disk failed.
    pub(in crate::storage) fn disk(
        what: &'static str,
        name: &str,
    ) -> impl FnOnce(io::Error) -> Self {
        let name = name.to_owned();
        move |error| Self::Disk { what, name, error }
    }
}
