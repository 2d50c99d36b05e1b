//! The checksum of logs and snapshots.

/// The largest prime below 2^16.
const MODULUS: u32 = 65_521;

/// Bytes that can be summed up before a sum could run over 32 bits.
const RUN: usize = 5552;

/// Adler-32, as in RFC 1950, over bytes that come piece by piece.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adler32 {
    low: u32,
    high: u32,
}

impl Default for Adler32 {
    fn default() -> Self {
        Self { low: 1, high: 0 }
    }
}

impl Adler32 {
    pub(crate) fn of(bytes: &[u8]) -> u32 {
        let mut sum = Self::default();
        sum.update(bytes);
        sum.value()
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for run in bytes.chunks(RUN) {
            for byte in run {
                self.low += u32::from(*byte);
                self.high += self.low;
            }
            self.low %= MODULUS;
            self.high %= MODULUS;
        }
    }

    pub(crate) fn value(self) -> u32 {
        self.high << 16 | self.low
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
