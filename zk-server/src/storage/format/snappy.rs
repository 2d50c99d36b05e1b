//! Unpacking of what Java's `SnappyOutputStream` packs.
//!
//! ```text
//! stream  16 bytes of header, then blocks: i32 length, raw snappy
//! raw     varint length when unpacked, then literals and copies of what was unpacked before
//! ```

use std::io::{self, Read};

/// The first bytes of a stream; a version and the least compatible one follow.
const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const HEADER_LEN: usize = 16;

/// A block, packed or not. Java makes them of 32 KiB unless told otherwise.
const BLOCK_LEN_MAX: usize = 64 << 20;

/// Unpacks a stream while it is read.
#[derive(Debug)]
pub(crate) struct SnappyReader<R> {
    source: R,
    begun: bool,
    block: Vec<u8>,
    position: usize,
}

impl<R: Read> SnappyReader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, begun: false, block: Vec::new(), position: 0 }
    }

    /// Unpacks the next block. False at the end.
    fn advance(&mut self) -> io::Result<bool> {
        if !self.begun {
            let mut header = [0; HEADER_LEN];
            self.source.read_exact(&mut header)?;
            if !header.starts_with(&MAGIC) {
                return Err(malformed("it does not begin like a snappy stream"));
            }
            self.begun = true;
        }
        let mut len = [0; 4];
        match self.source.read(&mut len[..1])? {
            0 => return Ok(false),
            _ => self.source.read_exact(&mut len[1..])?,
        }
        let len = usize::try_from(i32::from_be_bytes(len)).unwrap_or(usize::MAX);
        if len > BLOCK_LEN_MAX {
            return Err(malformed("a block is too long"));
        }
        let mut packed = Vec::new();
        (&mut self.source).take(len as u64).read_to_end(&mut packed)?;
        if packed.len() < len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.block = unpack(&packed).ok_or_else(|| malformed("a block cannot be unpacked"))?;
        self.position = 0;
        Ok(true)
    }
}

impl<R: Read> Read for SnappyReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.position == self.block.len() {
            if !self.advance()? {
                return Ok(0);
            }
        }
        let len = into.len().min(self.block.len() - self.position);
        into[..len].copy_from_slice(&self.block[self.position..self.position + len]);
        self.position += len;
        Ok(len)
    }
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Unpacks a raw block; `None` if it is none.
fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let mut input = packed;
    let len = varint(&mut input)?;
    // A copy of 64 bytes takes 3.
    if len > BLOCK_LEN_MAX || len > packed.len().saturating_mul(64) {
        return None;
    }
    let mut out = Vec::with_capacity(len);
    while let Some((&tag, rest)) = input.split_first() {
        input = rest;
        let upper = usize::from(tag >> 2);
        let (copied, back) = match tag & 3 {
            0 => {
                let len = match upper {
                    0..=59 => upper,
                    more => little_endian(&mut input, more - 59)?,
                };
                let literal;
                (literal, input) = input.split_at_checked(len.checked_add(1)?)?;
                out.extend_from_slice(literal);
                continue;
            }
            1 => ((upper & 7) + 4, (upper >> 3) << 8 | little_endian(&mut input, 1)?),
            2 => (upper + 1, little_endian(&mut input, 2)?),
            _ => (upper + 1, little_endian(&mut input, 4)?),
        };
        if back == 0 || back > out.len() || out.len() + copied > len {
            return None;
        }
        let from = out.len() - back;
        // A copy may overlap what it makes.
        for i in from..from + copied {
            out.push(out[i]);
        }
    }
    (out.len() == len).then_some(out)
}

fn varint(input: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn little_endian(input: &mut &[u8], len: usize) -> Option<usize> {
    let (bytes, rest) = input.split_at_checked(len)?;
    *input = rest;
    Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_overlapping_copies_unpack() {
        // "ab", then 10 bytes from 2 back.
        let packed = [12, 0b100, b'a', b'b', (10 - 1) << 2 | 2, 2, 0];
        assert_eq!(unpack(&packed).unwrap(), b"abababababab");
        assert_eq!(unpack(&[0]).unwrap(), b"");
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let malformed: [&[u8]; 6] = [
            &[],
            &[2, 0, b'a'],
            &[1, 0b100, b'a', b'b'],
            &[4, 0, b'a', 2 << 2 | 2, 0, 0],
            &[4, 0, b'a', 2 << 2 | 2, 2, 0],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ];
        for packed in malformed {
            assert_eq!(unpack(packed), None, "{packed:?}");
        }
        let mut out = Vec::new();
        assert!(SnappyReader::new(&b"ZKSN and more than that"[..]).read_to_end(&mut out).is_err());
    }
}
