//! The bytes of a snapshot, summed up as they are taken.

use std::io::{self, BufReader, Read};

use bytes::{Bytes, BytesMut};
use flate2::read::GzDecoder;

use super::Packing;
use super::adler32::Adler32;
use super::snappy::SnappyReader;
use super::snapshot_reader::SnapshotError;

/// Bytes that are taken from the file at once.
const PIECE_LEN: usize = 256 << 10;

/// Bytes of the longest path or data. No server takes as much from a client, and a file of a few
/// bytes that was packed can stand for any length.
const FIELD_LEN_MAX: usize = 256 << 20;

/// Where a snapshot's bytes come from.
pub(super) struct SnapshotSource<'a> {
    file: Box<dyn Read + 'a>,
    /// What was read and not taken yet.
    buffer: BytesMut,
    sum: Adler32,
    /// How much was taken.
    taken: u64,
}

impl<'a> SnapshotSource<'a> {
    pub(super) fn new(file: impl Read + 'a, packing: Packing) -> Self {
        let file: Box<dyn Read + 'a> = match packing {
            Packing::Plain => Box::new(file),
            Packing::Gzip => Box::new(GzDecoder::new(file)),
            Packing::Snappy => {
                Box::new(SnappyReader::new(BufReader::with_capacity(PIECE_LEN, file)))
            }
        };
        Self { file, buffer: BytesMut::new(), sum: Adler32::default(), taken: 0 }
    }

    /// Where the next byte to take is, in the snapshot as it was before it was packed.
    pub(super) fn offset(&self) -> u64 {
        self.taken
    }

    /// What was taken adds up to this.
    pub(super) fn sum(&self) -> u32 {
        self.sum.value()
    }

    /// Takes `len` bytes.
    pub(super) fn take(&mut self, len: usize) -> Result<Bytes, SnapshotError> {
        self.need(len)?;
        let bytes = self.buffer.split_to(len).freeze();
        self.sum.update(&bytes);
        self.taken += len as u64;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        self.need(N)?;
        let bytes = self.buffer.split_to(N);
        self.sum.update(&bytes);
        self.taken += N as u64;
        Ok(bytes[..].try_into().expect("as many bytes as were split off"))
    }

    /// The next bytes, which stay.
    pub(super) fn peek<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        self.need(N)?;
        Ok(self.buffer[..N].try_into().expect("as many bytes as are needed"))
    }

    pub(super) fn i32(&mut self) -> Result<i32, SnapshotError> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, SnapshotError> {
        self.array().map(i64::from_be_bytes)
    }

    /// The length that stands `ahead` bytes before the next to take; `None` is null.
    pub(super) fn len_at(&mut self, ahead: usize) -> Result<Option<usize>, SnapshotError> {
        self.need(ahead + 4)?;
        let bytes = self.buffer[ahead..ahead + 4].try_into().expect("4 bytes");
        match i32::from_be_bytes(bytes) {
            -1 => Ok(None),
            len => match usize::try_from(len) {
                Ok(len) if len <= FIELD_LEN_MAX => Ok(Some(len)),
                _ => Err(SnapshotError::Length { at: self.taken + ahead as u64, len }),
            },
        }
    }

    /// Bytes with their length in front; `None` is null.
    pub(super) fn buffer(&mut self) -> Result<Option<Bytes>, SnapshotError> {
        let len = self.len_at(0)?;
        self.array::<4>()?;
        len.map(|len| self.take(len)).transpose()
    }

    /// Reads until there are `len` bytes to take. Takes no more memory than there are, a piece aside.
    fn need(&mut self, len: usize) -> Result<(), SnapshotError> {
        while self.buffer.len() < len {
            let before = self.buffer.len();
            self.buffer.resize(before + PIECE_LEN, 0);
            let read = self.file.read(&mut self.buffer[before..]);
            self.buffer.truncate(before + *read.as_ref().unwrap_or(&0));
            let error = match read {
                Ok(1..) => continue,
                Ok(0) => io::ErrorKind::UnexpectedEof.into(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            return Err(SnapshotError::Read { at: self.taken + before as u64, error });
        }
        Ok(())
    }
}
