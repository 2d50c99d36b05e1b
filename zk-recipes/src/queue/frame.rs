//! How Curator's queues write what a node holds: one item, or several put together.
//!
//! The number `0x00010001`, then for each item the byte 1, its length, and its bytes; at the end the
//! byte 2. All numbers are big endian, lengths are 32 bits.

use bytes::{Buf, BufMut, Bytes, BytesMut};

const VERSION: u32 = 0x0001_0001;
const ITEM: u8 = 1;
const END: u8 = 2;

/// The data of a node that holds `items`.
pub(super) fn encode<T: AsRef<[u8]>>(items: &[T]) -> Bytes {
    let size: usize = items.iter().map(|item| item.as_ref().len() + 5).sum();
    let mut data = BytesMut::with_capacity(size + 5);
    data.put_u32(VERSION);
    for item in items {
        let item = item.as_ref();
        data.put_u8(ITEM);
        // What is too long for this is too long for any server.
        data.put_u32(u32::try_from(item.len()).unwrap_or(u32::MAX));
        data.put_slice(item);
    }
    data.put_u8(END);
    data.freeze()
}

/// The items in the data of a node, or what is wrong with it.
pub(super) fn decode(mut data: Bytes) -> Result<Vec<Bytes>, &'static str> {
    if data.len() < 4 || data.get_u32() != VERSION {
        return Err("it does not begin as a queue item does");
    }
    let mut items = Vec::new();
    while data.has_remaining() {
        match data.get_u8() {
            END => return Ok(items),
            ITEM => {}
            _ => return Err("there is neither an item nor an end where one has to be"),
        }
        if data.remaining() < 4 {
            return Err("it ends in the middle of an item");
        }
        let length = data.get_u32() as usize;
        if data.remaining() < length {
            return Err("it ends in the middle of an item");
        }
        items.push(data.split_to(length));
    }
    Err("it has no end")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn items_are_written_as_curator_writes_them() {
        let data = encode(&[&b"ab"[..], b""]);
        assert_eq!(data, &b"\0\x01\0\x01\x01\0\0\0\x02ab\x01\0\0\0\0\x02"[..]);
    }

    #[test]
    fn what_is_cut_short_is_told_from_what_is_whole() {
        let data = encode(&[b"one".as_slice(), b"two"]);
        for end in 0..data.len() {
            assert!(decode(data.slice(..end)).is_err(), "cut at {end}");
        }
        let plain = decode(Bytes::from_static(b"plain text"));
        assert_eq!(plain, Err("it does not begin as a queue item does"));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(items: Vec<Vec<u8>>) {
            prop_assert_eq!(decode(encode(&items)).unwrap(), items);
        }

        #[test]
        fn nothing_makes_it_panic(data: Vec<u8>) {
            let _ = decode(Bytes::from(data.clone()));
            let framed = [&VERSION.to_be_bytes()[..], &data].concat();
            let _ = decode(Bytes::from(framed));
        }
    }
}
