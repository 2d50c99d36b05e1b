//! The checksum of logs and snapshots.

use std::fmt;

/// Adler-32, as in RFC 1950, over bytes that come piece by piece.
#[derive(Clone, Default)]
pub(crate) struct Adler32(simd_adler32::Adler32);

impl Adler32 {
    pub(crate) fn of(bytes: &[u8]) -> u32 {
        simd_adler32::adler32(&bytes)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    pub(crate) fn value(&self) -> u32 {
        self.0.finish()
    }
}

impl fmt::Debug for Adler32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Adler32({:#x})", self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_zlib() {
        assert_eq!(Adler32::of(b""), 1);
        assert_eq!(Adler32::of(b"Wikipedia"), 0x11e6_0398);
        let long = vec![0xff; 100_000];
        let mut pieces = Adler32::default();
        long.chunks(777).for_each(|piece| pieces.update(piece));
        assert_eq!(pieces.value(), Adler32::of(&long));
        assert_eq!(Adler32::of(&long), 0x149a_302c, "as zlib says");
    }
}
