//! Session ids and passwords.

use std::fmt;

use bytes::BytesMut;

use crate::codec::{Decode, DecodeError, Encode, Reader, put_slice};

/// Bytes of a session password.
pub const PASSWORD_LEN: usize = 16;

/// A session's id; 0 asks for a new session. Displayed in hexadecimal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub i64);

impl SessionId {
    /// No session yet.
    pub const NONE: Self = Self(0);
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl Encode for SessionId {
    fn encode(&self, out: &mut BytesMut) {
        self.0.encode(out);
    }
}

impl<'a> Decode<'a> for SessionId {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        i64::decode(reader).map(Self)
    }
}

/// What resumes a session together with its id. Never shown by `Debug`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Password(pub [u8; PASSWORD_LEN]);

impl Password {
    /// The password of a session that does not exist yet, or was refused.
    pub const NONE: Self = Self([0; PASSWORD_LEN]);

    /// The password every Apache server derives from a session id.
    ///
    /// All members of an ensemble must agree on it without talking to one another, so it is a
    /// function of the id: a check against mix-ups, not a secret. It is the output of Java's
    /// `java.util.Random`, seeded with the id and a constant (`ZooKeeperServer.generatePasswd`).
    #[must_use]
    pub fn for_session(id: SessionId) -> Self {
        const SEED: i64 = 0xB341_5C00;
        let mut random = JavaRandom::new(id.0 ^ SEED);
        let mut password = [0; PASSWORD_LEN];
        for chunk in password.chunks_mut(4) {
            chunk.copy_from_slice(&random.next_i32().to_le_bytes());
        }
        Self(password)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Encode for Password {
    fn encode(&self, out: &mut BytesMut) {
        put_slice(out, &self.0);
    }
}

/// Null reads as zeros, as servers take it.
impl<'a> Decode<'a> for Password {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let Some(bytes) = reader.buffer()? else {
            return Ok(Self::NONE);
        };
        bytes.try_into().map(Self).map_err(|_| DecodeError::PasswordLength(bytes.len()))
    }
}

/// `java.util.Random`: a linear congruential generator of 48 bits.
struct JavaRandom {
    state: i64,
}

impl JavaRandom {
    const MULTIPLIER: i64 = 0x5_DEEC_E66D;
    const INCREMENT: i64 = 0xB;
    const MASK: i64 = (1 << 48) - 1;

    fn new(seed: i64) -> Self {
        Self { state: (seed ^ Self::MULTIPLIER) & Self::MASK }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the generator keeps the low 32 bits")]
    fn next_i32(&mut self) -> i32 {
        self.state =
            self.state.wrapping_mul(Self::MULTIPLIER).wrapping_add(Self::INCREMENT) & Self::MASK;
        (self.state >> 16) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_random_gives_javas_numbers() {
        assert_eq!(JavaRandom::new(0).next_i32(), -1_155_484_576);
    }

    #[test]
    fn passwords_are_those_of_an_apache_server() {
        let expected = [
            0x00, 0x78, 0x0b, 0x00, 0x68, 0x39, 0xd0, 0x37, 0xb4, 0x1e, 0xe3, 0x30, 0x35, 0x62,
            0x5c, 0x49,
        ];
        assert_eq!(Password::for_session(SessionId(0x0100_abcd_1234_5678)).0, expected);
    }

    #[test]
    fn debug_hides_the_password() {
        assert_eq!(format!("{:?}", Password([7; 16])), "Password(..)");
    }
}
