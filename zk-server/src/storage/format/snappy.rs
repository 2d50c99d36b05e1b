//! Unpacking of what Java's `SnappyOutputStream` packs.
//!
//! ```text
//! stream  16 bytes of header, then blocks: i32 length, raw snappy
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
    let len = snap::raw::decompress_len(packed).ok()?;
    // What a block says of itself costs no more room than its bytes justify: a copy of 64 bytes
    // takes 3.
    if len > BLOCK_LEN_MAX || len > packed.len().saturating_mul(64) {
        return None;
    }
    snap::raw::Decoder::new().decompress_vec(packed).ok()
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
