//! PURE: where transactions are kept, and what becomes of a server that starts again.
//!
//! | module | what |
//! | --- | --- |
//! | `order` | which transaction may come behind which |
//! | `format` | the bytes of logs and snapshots |
//! | `directory` | what is needed of a disk; the runtime has a real one, tests one that forgets |
//! | `log` | where a running server's transactions go |
//! | `snapshot_file` | a tree to a file, piece by piece |
//! | `snapshot_schedule` | when the next one is due |
//! | `recovery` | from files to a tree |
//! | `whole_snapshot` | a snapshot from outside to a tree |
//! | `purge` | which files nobody needs any more |

pub mod directory;
pub mod format;
pub mod log;
pub mod order;
pub mod purge;
pub mod recovery;
pub mod snapshot_file;
pub mod snapshot_schedule;
pub mod whole_snapshot;

#[cfg(test)]
pub(crate) mod tests;
