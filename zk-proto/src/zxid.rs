//! Transaction ids.

use std::fmt;

use bytes::BytesMut;

use crate::codec::{Decode, DecodeError, Encode, Reader};

/// A transaction id: the position of a write in the one order of all writes.
///
/// The upper 32 bits are the epoch of the leader that proposed it, the lower 32 a counter within
/// the epoch. Displayed in hexadecimal, as all of ZooKeeper's tools do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zxid(pub i64);

impl Zxid {
    /// Before the first transaction.
    pub const ZERO: Self = Self(0);
    /// What a header carries where no transaction id is known.
    pub const UNKNOWN: Self = Self(-1);

    /// The id of a transaction in an epoch.
    #[must_use]
    pub fn new(epoch: u32, counter: u32) -> Self {
        Self((i64::from(epoch) << 32) | i64::from(counter))
    }

    /// The epoch of the leader that proposed the transaction.
    #[must_use]
    #[expect(clippy::cast_sign_loss, reason = "the upper half")]
    pub fn epoch(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The transaction's number within its epoch.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the lower half")]
    pub fn counter(self) -> u32 {
        self.0 as u32
    }

    /// The id that follows in the same epoch; `None` when the epoch's counter is used up and only
    /// a new epoch can go on.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.counter().checked_add(1).map(|counter| Self::new(self.epoch(), counter))
    }
}

impl fmt::Display for Zxid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl Encode for Zxid {
    fn encode(&self, out: &mut BytesMut) {
        self.0.encode(out);
    }
}

impl<'a> Decode<'a> for Zxid {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        i64::decode(reader).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halves_are_epoch_and_counter() {
        let zxid = Zxid::new(3, 0xffff_fffe);
        assert_eq!((zxid.epoch(), zxid.counter()), (3, 0xffff_fffe));
        assert_eq!(zxid.to_string(), "0x3fffffffe");
        assert_eq!(zxid.next(), Some(Zxid::new(3, u32::MAX)));
        assert_eq!(zxid.next().and_then(Zxid::next), None);
    }
}
