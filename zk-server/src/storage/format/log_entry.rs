//! One transaction in a log.
//!
//! ```text
//! file    header entry entry .. zeros
//! header  "ZKLG", i32 version, i64 database
//! entry   i64 Adler-32 of txn, i32 length of txn, txn, 'B'
//! txn     TxnHeader, body, [TxnDigest], [i64 mark]
//! ```
//!
//! The mark is ours; Apache passes over it. It is the length of the file that was durable when the
//! batch which the entry belongs to began. With it a reader that finds a broken entry knows whether
//! somebody may have relied on it: if a later entry's mark lies behind the broken one, it had been
//! durable, and the disk has damaged it; otherwise the two were on their way together when the
//! machine stopped, and nobody was told of either.

use bytes::{BufMut, Bytes, BytesMut};
use zk_proto::codec::{Decode, DecodeError, Encode, Reader};
use zk_proto::txn::{Txn, TxnDigest, TxnHeader};

use super::adler32::Adler32;
use crate::storage::log::TxnRecord;

/// Bytes of the header of a log.
pub const LOG_HEADER_LEN: u64 = 16;

/// Bytes of the longest transaction that Apache reads with its default settings: `jute.maxbuffer`
/// and as much again.
pub const RECORD_LEN_MAX: usize = 2 * 0xf_ffff;

pub(super) const MAGIC: [u8; 4] = *b"ZKLG";
const VERSION: i32 = 2;
const DATABASE: i64 = 0;

/// Bytes in front of a transaction.
pub(super) const PREFIX_LEN: usize = 12;
/// The byte behind a transaction.
pub(super) const END: u8 = 0x42;
const MARK_LEN: usize = 8;
const DIGEST_LEN: usize = 12;
/// No transaction is shorter than its header.
const RECORD_LEN_MIN: usize = 32;

/// An entry of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The transaction.
    pub record: TxnRecord,
    /// How much of the file was durable when the entry's batch began; `None` in Apache's logs.
    pub mark: Option<u64>,
}

/// Why bytes are no entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The file ends, or is zero, in the middle of it.
    #[error("it is not complete")]
    Incomplete,
    /// No transaction has that length.
    #[error("its length is {0}, which no transaction has")]
    Length(i32),
    /// It is whole, and longer than this server is to read.
    #[error(
        "it has {len} bytes, and `jute.maxbuffer` with `jute.maxbuffer.extrasize` allows {allowed}"
    )]
    TooLong {
        /// Its length in bytes.
        len: usize,
        /// The most that is allowed.
        allowed: usize,
    },
    /// The byte behind it is another one.
    #[error("it is not complete: its last byte is missing")]
    NotEnded,
    /// The sum in front of it is not that of its bytes.
    #[error("its checksum is {stored:#x} and that of its bytes {computed:#x}")]
    Checksum {
        /// In the file.
        stored: i64,
        /// As it should be.
        computed: i64,
    },
    /// The checksum is right, but this version does not understand it.
    #[error("it cannot be understood: {0}")]
    NotUnderstood(#[from] DecodeError),
    /// The file does not begin like a log.
    #[error("the file does not begin with ZKLG")]
    Magic,
}

/// Appends the header of a log.
pub fn encode_header(out: &mut BytesMut) {
    out.put_slice(&MAGIC);
    out.put_i32(VERSION);
    out.put_i64(DATABASE);
}

/// Appends an entry. Writes nothing that Apache's own server would not read.
pub fn encode_entry(record: &TxnRecord, mark: Option<u64>, out: &mut BytesMut) {
    let start = out.len();
    out.put_bytes(0, PREFIX_LEN);
    record.header.encode(out);
    record.txn.encode(out);
    if let Some(digest) = record.digest {
        digest.encode(out);
    }
    if let Some(mark) = mark {
        out.put_u64(mark);
    }
    let txn = start + PREFIX_LEN;
    let len = i32::try_from(out.len() - txn).expect("a transaction is below 2 GiB");
    let sum = i64::from(Adler32::of(&out[txn..]));
    out[start..start + 8].copy_from_slice(&sum.to_be_bytes());
    out[start + 8..txn].copy_from_slice(&len.to_be_bytes());
    out.put_u8(END);
}

/// The checksum and the length in front of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    stored: i64,
    len: i32,
}

impl Prefix {
    pub(super) fn read(bytes: &[u8; PREFIX_LEN]) -> Self {
        let (sum, len) = bytes.split_at(8);
        let sum = sum.try_into().expect("8 of 12 bytes");
        let len = len.try_into().expect("4 of 12 bytes");
        Self { stored: i64::from_be_bytes(sum), len: i32::from_be_bytes(len) }
    }

    /// The length of the transaction and the byte behind it, if no more than `longest` is said to
    /// be in the transaction.
    pub(super) fn body_len(self, longest: usize) -> Result<usize, EntryError> {
        match usize::try_from(self.len) {
            Ok(0) => Err(EntryError::Incomplete),
            Ok(len) if (RECORD_LEN_MIN..=longest).contains(&len) => Ok(len + 1),
            _ => Err(EntryError::Length(self.len)),
        }
    }

    /// Checks the bytes that follow, as many as [`body_len`](Self::body_len) says, and gives those
    /// of the transaction.
    pub(super) fn verify(self, body: &[u8]) -> Result<&[u8], EntryError> {
        let Some((&END, txn)) = body.split_last() else {
            return Err(EntryError::NotEnded);
        };
        match i64::from(Adler32::of(txn)) {
            computed if computed == self.stored => Ok(txn),
            computed => Err(EntryError::Checksum { stored: self.stored, computed }),
        }
    }

    /// Whether the bytes that follow are a transaction with that checksum and the byte behind it, but
    /// for its length.
    pub(super) fn fits_another_length(self, body: &[u8]) -> bool {
        let Ok(stored @ 1..) = u32::try_from(self.stored) else { return false };
        let mut sum = Adler32::default();
        body.windows(2).enumerate().any(|(i, bytes)| {
            sum.update(&bytes[..1]);
            bytes[1] == END && i + 1 >= RECORD_LEN_MIN && sum.value() == stored
        })
    }
}

impl LogEntry {
    /// Reads what stands between an entry's prefix and its end.
    pub(super) fn decode(txn: &Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::of(txn);
        let header = TxnHeader::decode(&mut reader)?;
        let txn = Txn::decode(header.op, &mut reader)?;
        let digest = match reader.remaining().len() {
            DIGEST_LEN.. => Some(TxnDigest::decode(&mut reader)?),
            _ => None,
        };
        let mark = match reader.remaining().len() {
            MARK_LEN => u64::try_from(i64::decode(&mut reader)?).ok(),
            _ => None,
        };
        Ok(Self { record: TxnRecord { header, txn, digest }, mark })
    }
}
