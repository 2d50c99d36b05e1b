//! How numbers are written.

use bytes::Bytes;

use crate::error::{Error, Result};

/// Whose number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// 64 bits, big endian.
    Long,
    /// 32 bits, big endian.
    Int,
    /// Decimal text.
    Text,
}

impl Format {
    /// The data for `value`; `None` if it does not fit.
    pub(super) fn encode(self, value: i64) -> Option<Bytes> {
        Some(match self {
            Self::Long => Bytes::copy_from_slice(&value.to_be_bytes()),
            Self::Int => Bytes::copy_from_slice(&i32::try_from(value).ok()?.to_be_bytes()),
            Self::Text => value.to_string().into(),
        })
    }

    /// The number in the data of the node at `path`: 0 if there is none.
    pub(super) fn decode(self, path: &str, data: Option<&[u8]>) -> Result<i64> {
        let data = data.unwrap_or_default();
        if data.is_empty() {
            return Ok(0);
        }
        let value = match self {
            Self::Long => data.try_into().ok().map(i64::from_be_bytes),
            Self::Int => data.try_into().ok().map(i32::from_be_bytes).map(i64::from),
            Self::Text => std::str::from_utf8(data).ok().and_then(|text| text.trim().parse().ok()),
        };
        value.ok_or_else(|| Error::Malformed {
            path: path.to_owned(),
            reason: format!("{} bytes are no number of this kind ({self:?})", data.len()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_others_write_them() {
        assert_eq!(Format::Long.encode(-2).unwrap(), &b"\xff\xff\xff\xff\xff\xff\xff\xfe"[..]);
        assert_eq!(Format::Int.encode(258).unwrap(), &b"\0\0\x01\x02"[..]);
        assert_eq!(Format::Int.encode(1 << 31), None);
        assert_eq!(Format::Text.encode(-17).unwrap(), "-17");
    }

    #[test]
    fn what_was_written_is_read() {
        for format in [Format::Long, Format::Int, Format::Text] {
            for value in [0, 1, -1, i64::from(i32::MIN), i64::from(i32::MAX)] {
                let data = format.encode(value).unwrap();
                assert_eq!(format.decode("/a", Some(&data)), Ok(value));
            }
            assert_eq!(format.decode("/a", None), Ok(0));
            assert_eq!(format.decode("/a", Some(b"")), Ok(0));
            assert!(format.decode("/a", Some(b"abc")).is_err());
        }
    }
}
