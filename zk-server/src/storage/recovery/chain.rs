//! The logs, one behind the other.

use zk_proto::Zxid;

use super::RecoveryError;
use crate::storage::directory::Directory;
use crate::storage::format::{EntryError, FileName, LOG_HEADER_LEN, LogEnd, LogReader};
use crate::storage::log::TxnRecord;
use crate::storage::order::follows;

/// Reads logs in order, and holds them to follow each other without a gap.
#[derive(Debug)]
pub(super) struct Chain<'d> {
    directory: &'d dyn Directory,
    /// Bytes of the longest transaction that may be read.
    longest: usize,
    /// What the snapshot has already.
    covered: Zxid,
    /// The last transaction that was read; `covered` while there was none.
    last: Zxid,
    begun: bool,
    /// A log that ended in the middle of a transaction, and none has been read since.
    torn: Option<Torn>,
    /// Logs that have a transaction.
    read: Vec<String>,
    /// Logs without any, behind all that have one.
    empty: Vec<String>,
    /// What an operator should know.
    notes: Vec<String>,
}

#[derive(Debug)]
struct Torn {
    name: String,
    at: u64,
    error: EntryError,
}

impl<'d> Chain<'d> {
    pub(super) fn new(directory: &'d dyn Directory, covered: Zxid, longest: usize) -> Self {
        Self {
            directory,
            longest,
            covered,
            last: covered,
            begun: false,
            torn: None,
            read: Vec::new(),
            empty: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Holds a log that the snapshot covers, as its name says, to have the right name: another one
    /// may go on behind the snapshot. Anything else that is wrong with it does not matter.
    pub(super) fn pass_over(&mut self, log: Zxid) -> Result<(), RecoveryError> {
        let name = FileName::Log(log).to_string();
        let source = self.directory.peek(&name);
        match source.and_then(|source| LogReader::first(source, self.longest)) {
            Ok(Some(found)) if found != log => Err(RecoveryError::Misnamed { name, found }),
            Ok(_) => Ok(()),
            Err(error) => {
                self.notes.push(format!("{name} cannot be read: {error}. It is not needed now"));
                Ok(())
            }
        }
    }

    /// Reads one log, and hands out what the snapshot does not have, with the log's name and where
    /// in it each transaction is.
    pub(super) fn read(
        &mut self,
        log: Zxid,
        mut apply: impl FnMut(&str, u64, &TxnRecord),
    ) -> Result<(), RecoveryError> {
        let name = FileName::Log(log).to_string();
        let disk = |error| RecoveryError::disk("read", &name)(error);
        let source = self.directory.read(&name).map_err(disk)?;
        let mut reader = LogReader::with_longest(source, self.longest).map_err(disk)?;
        let mut is_empty = true;
        while let Some((offset, entry)) = reader.next().map_err(disk)? {
            let header = &entry.record.header;
            if is_empty && header.zxid != log {
                return Err(RecoveryError::Misnamed { name, found: header.zxid });
            }
            self.follow(&name, offset, header.zxid)?;
            is_empty = false;
            if header.zxid > self.covered {
                apply(&name, offset, &entry.record);
            }
        }
        match reader.end() {
            Some(LogEnd::Damaged { at, error: EntryError::TooLong { len, allowed }, .. }) => {
                let (offset, len, allowed) = (*at, *len, *allowed);
                return Err(RecoveryError::TooLong { name, offset, len, allowed });
            }
            Some(LogEnd::Damaged { at, error, .. }) => {
                let (offset, last, error) = (*at, self.last, error.clone());
                return Err(RecoveryError::Damaged { name, offset, last, error });
            }
            Some(LogEnd::Torn { at, error }) if *at >= LOG_HEADER_LEN => {
                self.torn = Some(Torn { name: name.clone(), at: *at, error: error.clone() });
            }
            _ => {}
        }
        if is_empty {
            self.check_name(&name, log)?;
            self.empty.push(name);
        } else {
            self.read.push(name);
            self.empty.clear();
        }
        Ok(())
    }

    /// Holds a transaction to its place.
    fn follow(&mut self, name: &str, offset: u64, found: Zxid) -> Result<(), RecoveryError> {
        if let Some(torn) = self.torn.take() {
            // What could not be read there was written anew here, or it is missing.
            if found.0 != self.last.0.saturating_add(1) {
                let Torn { name, at: offset, error } = torn;
                return Err(RecoveryError::Damaged { name, offset, last: self.last, error });
            }
        }
        let in_place = follows(self.last, found) || (!self.begun && found <= self.covered);
        if !in_place {
            let (name, after) = (name.to_owned(), self.last);
            return Err(RecoveryError::Order { name, offset, after, found });
        }
        self.begun = true;
        self.last = found;
        Ok(())
    }

    /// A log is begun for a transaction when all before it are durable. So its name alone tells of
    /// transactions that must be there.
    fn check_name(&self, name: &str, log: Zxid) -> Result<(), RecoveryError> {
        if log <= self.last || follows(self.last, log) {
            return Ok(());
        }
        let (name, after) = (name.to_owned(), self.last);
        Err(RecoveryError::Order { name, offset: 0, after, found: log })
    }

    /// Behind the last log: cuts off what is torn, removes what is empty, and makes durable what was
    /// read. Gives what an operator should know.
    pub(super) fn settle(self) -> Result<Vec<String>, RecoveryError> {
        let mut notes = self.notes;
        for name in &self.read {
            let disk = |error| RecoveryError::disk("sync", name)(error);
            let mut file = self.directory.open(name).map_err(disk)?;
            if let Some(Torn { name: torn, at, error }) = &self.torn
                && torn == name
            {
                notes.push(format!(
                    "{name} ends at offset {at} in the middle of a transaction that was never \
                     acknowledged ({error}), which is cut off"
                ));
                file.truncate(*at).map_err(disk)?;
            }
            file.sync().map_err(disk)?;
        }
        for name in &self.empty {
            notes.push(format!("{name} has no transaction in it and is removed"));
            self.directory.remove(name).map_err(RecoveryError::disk("remove", name))?;
        }
        self.directory.sync().map_err(RecoveryError::disk("sync", "the logs"))?;
        Ok(notes)
    }
}
