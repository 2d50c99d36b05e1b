//! A log from its first to its last transaction.

use std::io::{self, Read};

use bytes::{Bytes, BytesMut};
use zk_proto::Zxid;

use super::log_entry::{
    EntryError, LOG_HEADER_LEN, LogEntry, MAGIC, PREFIX_LEN, Prefix, RECORD_LEN_MAX,
};
use super::log_tail::{self, Tail};

/// Bytes that are read at once.
const FILL_LEN: usize = 64 << 10;

/// Bytes of the longest transaction that is told from garbage though it may not be read: whoever
/// wrote it had a greater `jute.maxbuffer`.
const RECOGNIZED_LEN_MAX: usize = 64 << 20;

/// How a log ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogEnd {
    /// Behind the last entry is nothing but zeros, or nothing.
    Clean {
        /// Where they begin.
        at: u64,
    },
    /// Behind the last entry is one that was not written to its end, or a whole batch of such: parts
    /// of it are missing, and nothing shows that it was ever durable.
    Torn {
        /// Where it begins.
        at: u64,
        /// What is wrong with it.
        error: EntryError,
    },
    /// An entry that was durable, or of which nothing is missing, cannot be read.
    Damaged {
        /// Where it begins.
        at: u64,
        /// What is wrong with it.
        error: EntryError,
        /// Where there is a later one that can be.
        readable_at: Option<u64>,
    },
}

/// Reads a log piece by piece.
#[derive(Debug)]
pub struct LogReader<R> {
    source: R,
    /// Bytes of the longest transaction that may be read.
    longest: usize,
    /// Where the next entry begins.
    offset: u64,
    end: Option<LogEnd>,
}

/// What reading one entry came to.
enum Step {
    Entry(Box<LogEntry>),
    /// Bytes that are no entry, and that were read already.
    Broken(BytesMut, EntryError),
    /// It was written like that, but this version does not know what it says, or may not read it.
    NotUnderstood(EntryError),
}

impl<R: Read> LogReader<R> {
    /// Reads the header. Transactions may be as long as Apache's servers allow by default.
    ///
    /// # Errors
    ///
    /// When the source cannot be read. A header that is wrong is an [end](Self::end).
    pub fn new(source: R) -> io::Result<Self> {
        Self::with_longest(source, RECORD_LEN_MAX)
    }

    /// The same with transactions of up to `longest` bytes. One that is longer ends the log as
    /// [`LogEnd::Damaged`] by [`EntryError::TooLong`].
    ///
    /// # Errors
    ///
    /// When the source cannot be read. A header that is wrong is an [end](Self::end).
    pub fn with_longest(mut source: R, longest: usize) -> io::Result<Self> {
        let mut header = BytesMut::new();
        fill(&mut source, &mut header, LOG_HEADER_LEN)?;
        let mut reader = Self { source, longest, offset: LOG_HEADER_LEN, end: None };
        let (whole, begins) = (header.len() as u64 == LOG_HEADER_LEN, header.starts_with(&MAGIC));
        if !(whole && begins) {
            reader.offset = 0;
            let started = MAGIC.starts_with(&header[..header.len().min(MAGIC.len())]);
            // All of a header reaches the disk, or nothing: it is shorter than a sector.
            reader.end = Some(if started || header.iter().all(|byte| *byte == 0) {
                reader.judge(header, EntryError::Incomplete)?
            } else {
                LogEnd::Damaged { at: 0, error: EntryError::Magic, readable_at: None }
            });
        }
        Ok(reader)
    }

    /// The first transaction of a log; `None` if there is none that can be read. Reads no more than
    /// that.
    ///
    /// # Errors
    ///
    /// When the source cannot be read.
    pub fn first(mut source: R, longest: usize) -> io::Result<Option<Zxid>> {
        let mut header = BytesMut::new();
        fill(&mut source, &mut header, LOG_HEADER_LEN)?;
        let mut reader = Self { source, longest, offset: LOG_HEADER_LEN, end: None };
        Ok(match reader.step()? {
            Step::Entry(entry) if header.starts_with(&MAGIC) => Some(entry.record.header.zxid),
            _ => None,
        })
    }

    /// The next entry, with the offset it is at. `None` at the [end](Self::end).
    ///
    /// # Errors
    ///
    /// When the source cannot be read.
    #[expect(clippy::should_implement_trait, reason = "no iterator: the end tells more than that")]
    pub fn next(&mut self) -> io::Result<Option<(u64, LogEntry)>> {
        if self.end.is_some() {
            return Ok(None);
        }
        let at = self.offset;
        self.end = Some(match self.step()? {
            Step::Entry(entry) => return Ok(Some((at, *entry))),
            Step::Broken(bytes, error) => self.judge(bytes, error)?,
            Step::NotUnderstood(error) => LogEnd::Damaged { at, error, readable_at: None },
        });
        Ok(None)
    }

    /// How the log ends, once there is no next entry.
    #[must_use]
    pub fn end(&self) -> Option<&LogEnd> {
        self.end.as_ref()
    }

    fn step(&mut self) -> io::Result<Step> {
        let mut prefix = [0; PREFIX_LEN];
        let filled = fill_slice(&mut self.source, &mut prefix)?;
        if filled < PREFIX_LEN {
            return Ok(Step::Broken(prefix[..filled].into(), EntryError::Incomplete));
        }
        let (bytes, prefix) = (prefix, Prefix::read(&prefix));
        let len = match prefix.body_len(self.longest.max(RECOGNIZED_LEN_MAX)) {
            Ok(len) => len,
            Err(error) => return Ok(Step::Broken(bytes[..].into(), error)),
        };
        let mut body = BytesMut::new();
        fill(&mut self.source, &mut body, len as u64)?;
        let verified = match body.len() == len {
            true => prefix.verify(&body).map(<[u8]>::len),
            false => Err(EntryError::Incomplete),
        };
        match verified {
            Ok(len) if len > self.longest => {
                let allowed = self.longest;
                Ok(Step::NotUnderstood(EntryError::TooLong { len, allowed }))
            }
            Ok(txn_len) => {
                let txn: Bytes = body.freeze().slice(..txn_len);
                match LogEntry::decode(&txn) {
                    Ok(entry) => {
                        self.offset += (PREFIX_LEN + len) as u64;
                        Ok(Step::Entry(Box::new(entry)))
                    }
                    Err(error) => Ok(Step::NotUnderstood(error.into())),
                }
            }
            Err(error) => {
                let mut broken = BytesMut::from(&bytes[..]);
                broken.unsplit(body);
                Ok(Step::Broken(broken, error))
            }
        }
    }

    /// Decides what it means that the bytes at the offset are no entry. `begun` are those that were
    /// read already.
    fn judge(&mut self, begun: BytesMut, error: EntryError) -> io::Result<LogEnd> {
        let at = self.offset;
        Ok(match log_tail::look_behind(begun, &mut self.source, at, self.longest)? {
            Tail::Zeros => LogEnd::Clean { at },
            Tail::NothingThatCounts => LogEnd::Torn { at, error },
            Tail::NothingMissing => LogEnd::Damaged { at, error, readable_at: None },
            Tail::Later { at: readable_at } => {
                LogEnd::Damaged { at, error, readable_at: Some(readable_at) }
            }
        })
    }
}

/// Reads up to `len` bytes behind what `into` has; fewer only if the source ends.
///
/// Takes no more memory than there is in the source, a piece aside.
pub(super) fn fill(source: &mut impl Read, into: &mut BytesMut, len: u64) -> io::Result<()> {
    let mut left = usize::try_from(len).unwrap_or(usize::MAX);
    while left > 0 {
        let (before, wanted) = (into.len(), left.min(FILL_LEN));
        into.resize(before + wanted, 0);
        let filled = fill_slice(source, &mut into[before..])?;
        into.truncate(before + filled);
        if filled < wanted {
            break;
        }
        left -= wanted;
    }
    Ok(())
}

fn fill_slice(source: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match source.read(&mut into[filled..]) {
            Ok(0) => break,
            Ok(len) => filled += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
