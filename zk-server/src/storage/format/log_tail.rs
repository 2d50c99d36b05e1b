//! What is behind the place where a log cannot be read any further.

use std::io::{self, Read};

use bytes::{Buf, Bytes, BytesMut};

use super::log_entry::{EntryError, LogEntry, PREFIX_LEN, Prefix};
use super::log_reader::fill;

/// Bytes that are read at once, beside the longest entry.
const WINDOW: usize = 6 << 20;

/// Bytes that a disk keeps all or none of. Those of real ones have 512 and more; with fewer nothing
/// that is torn is taken for damage.
const SECTOR_LEN: usize = 64;

/// Bytes at the beginning of an entry that are zero in any: the upper half of its checksum.
const ALWAYS_ZERO_LEN: usize = 4;

/// What is compared at once.
const ZEROS: [u8; 4096] = [0; 4096];

/// What there is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing, or zeros only.
    Zeros,
    /// Bytes, and perhaps entries, that were on their way together with the broken one.
    NothingThatCounts,
    /// The same, but nothing is missing of the broken one: no power failure made it what it is.
    NothingMissing,
    /// An entry that was written after the broken one had become durable, or that does not tell.
    Later { at: u64 },
}

/// Looks for entries behind a broken one at `broken_at`, at every byte: nobody knows how long the
/// broken one is. `begun` is what was read of it already; `longest` is how long a transaction may be.
pub(super) fn look_behind(
    begun: BytesMut,
    source: &mut impl Read,
    broken_at: u64,
    longest: usize,
) -> io::Result<Tail> {
    let entry_len_max = PREFIX_LEN + longest + 1;
    let mut window = begun;
    let mut window_at = broken_at;
    let mut position = 0;
    let mut zeros = leading_zeros(&window) == window.len();
    let mut all_there = false;
    loop {
        let before = window.len();
        // What was begun may be longer than what is looked at.
        let more = (WINDOW + entry_len_max).saturating_sub(before).max(ZEROS.len());
        fill(source, &mut window, more as u64)?;
        let ended = window.len() == before;
        zeros = zeros && leading_zeros(&window[before..]) == window.len() - before;
        all_there |= window_at == broken_at && is_all_there(&window, broken_at, longest);
        // Where the source has not ended, an entry that begins in the last part may go on.
        let limit = if ended { window.len() } else { window.len().saturating_sub(entry_len_max) };
        while position < limit {
            let at = window_at + position as u64;
            let found = (at > broken_at).then(|| entry_at(&window[position..], longest)).flatten();
            match found {
                Some((_, mark)) if mark.is_none_or(|mark| mark > broken_at) => {
                    return Ok(Tail::Later { at });
                }
                Some((len, _)) => position += len,
                None => position += zeros_at(&window[position..limit]).max(1),
            }
        }
        if ended {
            return Ok(match (zeros, all_there) {
                (true, _) => Tail::Zeros,
                (_, true) => Tail::NothingMissing,
                _ => Tail::NothingThatCounts,
            });
        }
        let done = position.min(window.len());
        window.advance(done);
        window_at += done as u64;
        position = 0;
    }
}

/// The length and the mark of the entry at the beginning of these bytes, if there is one.
fn entry_at(bytes: &[u8], longest: usize) -> Option<(usize, Option<u64>)> {
    let (prefix, rest) = bytes.split_first_chunk::<PREFIX_LEN>()?;
    // The upper half of a checksum is always zero: most places need no further look.
    if prefix[..4] != [0; 4] {
        return None;
    }
    let prefix = Prefix::read(prefix);
    let len = prefix.body_len(longest).ok()?;
    let body = rest.get(..len)?;
    let entry: Result<_, EntryError> = prefix.verify(body).and_then(|txn| {
        let txn = Bytes::copy_from_slice(txn);
        Ok(LogEntry::decode(&txn)?)
    });
    match entry {
        Ok(entry) => Some((PREFIX_LEN + len, entry.mark)),
        Err(_) => None,
    }
}

/// Whether nothing is missing of the broken entry at the beginning of these bytes, which are at `at`
/// in the file.
///
/// Where nothing was written a log is zero. So of an entry that was not written to its end whole
/// sectors are zero, or all bytes from somewhere on; of one that was, and that the disk has changed
/// since, none are.
fn is_all_there(bytes: &[u8], at: u64, longest: usize) -> bool {
    let Some((prefix, rest)) = bytes.split_first_chunk::<PREFIX_LEN>() else { return false };
    let prefix = Prefix::read(prefix);
    let rest = &rest[..rest.len().min(longest + 1)];
    // It does not reach into the zeros behind it.
    let end = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if prefix.fits_another_length(&rest[..end]) {
        return true;
    }
    let Ok(len) = prefix.body_len(longest) else { return false };
    let Some(entry) = bytes.get(..PREFIX_LEN + len) else { return false };
    let (_, counted) = entry.split_at(ALWAYS_ZERO_LEN);
    counted.last() != Some(&0) && !has_empty_sector(counted, at + ALWAYS_ZERO_LEN as u64)
}

/// Whether all that is in a sector of these bytes, which are at `at` in the file, is zero.
fn has_empty_sector(bytes: &[u8], at: u64) -> bool {
    let before = usize::try_from(at % SECTOR_LEN as u64).unwrap_or(0);
    let (first, rest) = bytes.split_at((SECTOR_LEN - before).min(bytes.len()));
    let is_empty = |sector: &[u8]| sector.iter().all(|byte| *byte == 0);
    is_empty(first) || rest.chunks(SECTOR_LEN).any(is_empty)
}

/// How many zeros can be passed over: an entry's prefix has at most 11 of them before another byte,
/// as no length is zero.
fn zeros_at(bytes: &[u8]) -> usize {
    leading_zeros(bytes).saturating_sub(PREFIX_LEN - 1)
}

/// How many bytes are zero before the first that is not. The end of a log is up to 64 MiB of them,
/// so they are compared a block at a time.
fn leading_zeros(bytes: &[u8]) -> usize {
    let blocks = bytes.chunks_exact(ZEROS.len()).take_while(|block| **block == ZEROS).count();
    let rest = &bytes[blocks * ZEROS.len()..];
    bytes.len() - rest.len() + rest.iter().take_while(|byte| **byte == 0).count()
}
