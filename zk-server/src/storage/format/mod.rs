//! PURE: the bytes of transaction logs and snapshots, which are Apache's.
//!
//! | file | what |
//! | --- | --- |
//! | `file_name` | what files are called, and what their names tell |
//! | `log_entry` | one transaction in a log |
//! | `log_reader` | a log from its first to its last transaction, and how it ends |
//! | `log_tail` | what an end means: is anything behind it that counts? |
//! | `stat_persisted` | a node's metadata |
//! | `snapshot`, `snapshot_reader`, `snapshot_source` | a snapshot, written and read piece by piece |
//! | `snappy` | unpacking |
//! | `adler32` | the checksum of both |

mod adler32;
mod file_name;
mod log_entry;
mod log_reader;
mod log_tail;
mod snappy;
mod snapshot;
mod snapshot_reader;
mod snapshot_source;
mod stat_persisted;
#[cfg(test)]
mod tests;

pub use file_name::{FileName, Packing, VERSION_DIR};
pub use log_entry::{
    EntryError, LOG_HEADER_LEN, LogEntry, RECORD_LEN_MAX, encode_entry, encode_header,
};
pub use log_reader::{LogEnd, LogReader};
pub use snapshot::{OPEN_ACL, SnapshotEncoder, SnapshotNode};
pub use snapshot_reader::{SnapshotError, SnapshotReader, SnapshotTrailer};
pub use stat_persisted::StatPersisted;
#[cfg(test)]
pub(crate) use tests::record as test_record;
