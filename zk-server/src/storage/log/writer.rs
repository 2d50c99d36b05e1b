//! PURE: transactions to files, batch by batch.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use zk_proto::Zxid;

use super::{LogError, TxnRecord};
use crate::storage::directory::{Directory, DirectoryFile};
use crate::storage::format::{FileName, encode_entry, encode_header};

/// How close to the end of the room that was taken a batch may come before more is taken.
const MARGIN: u64 = 4096;

/// Bytes of zeros that are written behind a batch when it comes to where none were written yet. Room
/// that was only taken has to be marked as written with each sync, which costs as much as the sync
/// itself; zeros mark it for a thousand batches at once.
static ZEROS: [u8; 256 << 10] = [0; 256 << 10];

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogSettings {
    /// Bytes that a file is extended by at once (`preAllocSize`, 64 MiB): a sync is cheaper when the
    /// length of the file stays. 0: never more than is written.
    pub preallocation: u64,
    /// Bytes after which another file is begun (`txnLogSizeLimitInKb`, no limit); 0 is no limit.
    pub file_len_max: u64,
    /// Whether the disk is made to keep each batch (`forceSync`, true). Without that a machine that
    /// stops loses writes that were acknowledged.
    pub force_sync: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { preallocation: 64 << 20, file_len_max: 0, force_sync: true }
    }
}

/// Writes a log in Apache's format: a batch of transactions with one write and one sync.
///
/// After an error it refuses everything: what the disk has is unknown then.
#[derive(Debug)]
pub struct LogWriter {
    directory: Arc<dyn Directory>,
    settings: LogSettings,
    file: Option<OpenLog>,
    last: Zxid,
    /// The batch as bytes; kept for its room.
    buffer: BytesMut,
    failed: Option<LogError>,
}

#[derive(Debug)]
struct OpenLog {
    name: String,
    file: Box<dyn DirectoryFile>,
    /// Bytes that are written, and durable.
    len: u64,
    /// Bytes that the file has, zeros included.
    extended: u64,
    /// Bytes that were written once, zeros included.
    touched: u64,
}

impl LogWriter {
    /// A writer that goes on behind `last`. Its first batch begins a file.
    #[must_use]
    pub fn new(directory: Arc<dyn Directory>, settings: LogSettings, last: Zxid) -> Self {
        Self { directory, settings, file: None, last, buffer: BytesMut::new(), failed: None }
    }

    /// The last transaction that is durable.
    #[must_use]
    pub fn last(&self) -> Zxid {
        self.last
    }

    /// Writes a batch, and returns when it is durable. Gives the bytes it took.
    ///
    /// # Errors
    ///
    /// When the disk fails, or a batch does not follow the last one. Nothing more can be written
    /// then: the server must stop.
    pub fn append(&mut self, batch: &[Arc<TxnRecord>]) -> Result<u64, LogError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        self.try_append(batch).inspect_err(|error| self.failed = Some(error.clone()))
    }

    /// Ends the file: the next batch begins another one.
    pub fn roll(&mut self) {
        // All in it is durable. The zeros at its end stay, as Apache leaves them.
        self.file = None;
    }

    /// Goes on behind another transaction, which is in no log: the next batch begins a file.
    pub fn skip_to(&mut self, last: Zxid) {
        self.roll();
        self.last = last;
    }

    fn try_append(&mut self, batch: &[Arc<TxnRecord>]) -> Result<u64, LogError> {
        let (Some(first), Some(last)) = (batch.first(), batch.last()) else { return Ok(0) };
        let mut before = self.last;
        for record in batch {
            let zxid = record.header.zxid;
            if zxid <= before {
                let reason = format!("{zxid} was to be written behind {before}");
                return Err(LogError { reason });
            }
            before = zxid;
        }
        let limit = self.settings.file_len_max;
        if limit > 0 && self.file.as_ref().is_some_and(|file| file.len > limit) {
            self.roll();
        }
        let (is_new, open) = match &mut self.file {
            Some(open) => (false, open),
            none => {
                let name = FileName::Log(first.header.zxid).to_string();
                let file = self
                    .directory
                    .create(&name)
                    .map_err(|error| failed("create", &name, &error))?;
                (true, none.insert(OpenLog { name, file, len: 0, extended: 0, touched: 0 }))
            }
        };
        self.buffer.clear();
        if is_new {
            encode_header(&mut self.buffer);
        }
        // Where nothing is synced nothing is known to be durable.
        let durable = if self.settings.force_sync { open.len } else { 0 };
        for record in batch {
            encode_entry(record, Some(durable), &mut self.buffer);
        }
        open.write(&self.buffer, &self.settings)?;
        if is_new && self.settings.force_sync {
            let name = &open.name;
            self.directory.sync().map_err(|error| failed("keep the name of", name, &error))?;
        }
        self.last = last.header.zxid;
        Ok(self.buffer.len() as u64)
    }
}

impl OpenLog {
    fn write(&mut self, bytes: &[u8], settings: &LogSettings) -> Result<(), LogError> {
        let end = self.len + bytes.len() as u64;
        if settings.preallocation > 0 && end + MARGIN >= self.extended {
            let step = settings.preallocation;
            let wanted = (end + MARGIN).div_ceil(step).saturating_mul(step);
            self.file.extend(wanted).map_err(|error| failed("extend", &self.name, &error))?;
            self.extended = wanted;
        }
        let written = self.file.write_at(self.len, bytes);
        written.map_err(|error| failed("write to", &self.name, &error))?;
        self.touch(end, settings).map_err(|error| failed("write to", &self.name, &error))?;
        if settings.force_sync {
            self.file.sync().map_err(|error| failed("sync", &self.name, &error))?;
        }
        self.len = end;
        Ok(())
    }

    /// Writes zeros behind `end`, if nothing was ever written there.
    fn touch(&mut self, end: u64, settings: &LogSettings) -> io::Result<()> {
        if settings.force_sync && self.touched < end {
            let room = usize::try_from(self.extended.saturating_sub(end)).unwrap_or(usize::MAX);
            let zeros = ZEROS.get(..room).unwrap_or(&ZEROS);
            if !zeros.is_empty() {
                self.file.write_at(end, zeros)?;
            }
            self.touched = end + zeros.len() as u64;
        }
        Ok(())
    }
}

fn failed(what: &str, name: &str, error: &io::Error) -> LogError {
    LogError { reason: format!("cannot {what} {name}: {error}") }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
