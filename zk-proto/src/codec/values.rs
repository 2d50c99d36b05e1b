//! How primitives, strings, buffers and vectors go over the wire.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::{Decode, DecodeError, Encode, Reader};

/// The length that stands for null.
const NULL: i32 = -1;

/// Bytes of a count or length.
const COUNT_LEN: usize = size_of::<i32>();

/// Appends null, for a string, buffer or vector.
fn put_null(out: &mut BytesMut) {
    out.put_i32(NULL);
}

/// Appends a count or length.
///
/// # Panics
///
/// If it does not fit into 31 bits; nothing in memory that is framed gets that large.
pub(crate) fn put_count(out: &mut BytesMut, count: usize) {
    out.put_i32(i32::try_from(count).expect("a length is below 2 GiB"));
}

/// Appends a string or buffer with its length.
pub(crate) fn put_slice(out: &mut BytesMut, bytes: &[u8]) {
    put_count(out, bytes.len());
    out.put_slice(bytes);
}

impl Encode for bool {
    fn encode(&self, out: &mut BytesMut) {
        out.put_u8(u8::from(*self));
    }
}

impl<'a> Decode<'a> for bool {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.array::<1>().map(|[byte]| byte != 0)
    }
}

impl Encode for i32 {
    fn encode(&self, out: &mut BytesMut) {
        out.put_i32(*self);
    }
}

impl<'a> Decode<'a> for i32 {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.array().map(Self::from_be_bytes)
    }
}

impl Encode for i64 {
    fn encode(&self, out: &mut BytesMut) {
        out.put_i64(*self);
    }
}

impl<'a> Decode<'a> for i64 {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.array().map(Self::from_be_bytes)
    }
}

impl Encode for &str {
    fn encode(&self, out: &mut BytesMut) {
        put_slice(out, self.as_bytes());
    }

    fn len_hint(&self) -> usize {
        COUNT_LEN + self.len()
    }
}

/// Null reads as the empty string, which is as invalid a path, scheme or id as null is.
impl<'a> Decode<'a> for &'a str {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let bytes = reader.buffer()?.unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| DecodeError::InvalidUtf8)
    }
}

impl<'a> Decode<'a> for Option<&'a str> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let bytes = reader.buffer()?;
        bytes.map(std::str::from_utf8).transpose().map_err(|_| DecodeError::InvalidUtf8)
    }
}

impl Encode for String {
    fn encode(&self, out: &mut BytesMut) {
        self.as_str().encode(out);
    }

    fn len_hint(&self) -> usize {
        COUNT_LEN + self.len()
    }
}

/// Null reads as the empty string. What is not UTF-8 (a Java peer writes supplementary characters
/// as two surrogates) becomes U+FFFD as in Apache's reader: an odd ACL id must not make a whole
/// reply unreadable.
impl<'a> Decode<'a> for String {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let bytes = reader.buffer()?.unwrap_or_default();
        // Most are UTF-8, and to find that out takes less time than to look for what is not.
        Ok(match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(bytes).into_owned(),
        })
    }
}

impl Encode for &[u8] {
    fn encode(&self, out: &mut BytesMut) {
        put_slice(out, self);
    }

    fn len_hint(&self) -> usize {
        COUNT_LEN + self.len()
    }
}

/// Null reads as the empty buffer.
impl<'a> Decode<'a> for &'a [u8] {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(reader.buffer()?.unwrap_or_default())
    }
}

impl<'a> Decode<'a> for Option<&'a [u8]> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.buffer()
    }
}

impl Encode for Bytes {
    fn encode(&self, out: &mut BytesMut) {
        put_slice(out, self);
    }

    fn len_hint(&self) -> usize {
        COUNT_LEN + self.len()
    }
}

impl<'a> Decode<'a> for Option<Bytes> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.shared_buffer()
    }
}

/// `None` is null. Only for strings, buffers and vectors: nothing else has a null on the wire.
impl<T: Encode> Encode for Option<T> {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Some(value) => value.encode(out),
            None => put_null(out),
        }
    }

    fn len_hint(&self) -> usize {
        self.as_ref().map_or(COUNT_LEN, T::len_hint)
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, out: &mut BytesMut) {
        put_count(out, self.len());
        for element in self {
            element.encode(out);
        }
    }

    fn len_hint(&self) -> usize {
        COUNT_LEN + self.iter().map(T::len_hint).sum::<usize>()
    }
}

impl<T: Encode> Encode for Arc<[T]> {
    fn encode(&self, out: &mut BytesMut) {
        put_count(out, self.len());
        for element in &**self {
            element.encode(out);
        }
    }

    fn len_hint(&self) -> usize {
        COUNT_LEN + self.iter().map(T::len_hint).sum::<usize>()
    }
}

/// As a `Vec`.
impl<'a, T: Decode<'a>> Decode<'a> for Arc<[T]> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Vec::decode(reader).map(Self::from)
    }
}

/// Null reads as no elements.
impl<'a, T: Decode<'a>> Decode<'a> for Vec<T> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let count = reader.count()?.unwrap_or(0);
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            elements.push(T::decode(reader)?);
        }
        Ok(elements)
    }
}
