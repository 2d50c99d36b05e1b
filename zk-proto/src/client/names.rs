//! Many names in one piece.

use std::fmt;
use std::iter::FusedIterator;

use bytes::{Bytes, BytesMut};

use crate::codec::{Decode, DecodeError, Encode, Reader, put_count, put_slice};

/// Lists below this many bytes are copied out of the buffer they came in, since a short one that
/// somebody keeps would keep all of that buffer alive.
const SHARED_LEN_MIN: usize = 4096;

/// The names of a node's children as they came over the wire: one buffer for all of them, and no
/// allocation for each. It may share the buffer it was received in, and keeps that alive.
///
/// As for a `Vec<String>`, null reads as no names, and what is not UTF-8 as U+FFFD.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Each behind its length: whole, and UTF-8.
    packed: Bytes,
    count: usize,
}

impl Names {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The names one after the other, in the order in which they came.
    #[must_use]
    pub fn iter(&self) -> NamesIter<'_> {
        NamesIter { rest: Reader::new(&self.packed), left: self.count }
    }

    /// Whether `name` is among them; looks through all.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|other| other == name)
    }

    /// The same names, one of which at least is not UTF-8, made readable.
    fn replaced(packed: &[u8], count: usize) -> Result<Self, DecodeError> {
        let (mut reader, mut out) = (Reader::new(packed), BytesMut::with_capacity(packed.len()));
        for _ in 0..count {
            put_slice(&mut out, String::decode(&mut reader)?.as_bytes());
        }
        Ok(Self { packed: out.freeze(), count })
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<'a> IntoIterator for &'a Names {
    type Item = &'a str;
    type IntoIter = NamesIter<'a>;

    fn into_iter(self) -> NamesIter<'a> {
        self.iter()
    }
}

impl Encode for Names {
    fn encode(&self, out: &mut BytesMut) {
        put_count(out, self.count);
        out.extend_from_slice(&self.packed);
    }

    fn len_hint(&self) -> usize {
        size_of::<i32>() + self.packed.len()
    }
}

impl<'a> Decode<'a> for Names {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let count = reader.count()?.unwrap_or(0);
        let rest = reader.remaining();
        for _ in 0..count {
            reader.buffer()?;
        }
        let packed = &rest[..rest.len() - reader.remaining().len()];
        // The lengths of names of up to 127 bytes are ASCII as well, so one look tells of most lists.
        if !packed.is_ascii() {
            let mut again = Reader::new(packed);
            for _ in 0..count {
                if <&str>::decode(&mut again).is_err() {
                    return Self::replaced(packed, count);
                }
            }
        }
        let packed = match packed.len() {
            0..SHARED_LEN_MIN => Bytes::copy_from_slice(packed),
            _ => reader.share(packed),
        };
        Ok(Self { packed, count })
    }
}

/// Goes through [`Names`].
#[derive(Clone, Debug)]
pub struct NamesIter<'a> {
    rest: Reader<'a>,
    left: usize,
}

impl<'a> Iterator for NamesIter<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.left = self.left.checked_sub(1)?;
        Some(Decode::decode(&mut self.rest).expect("the names were checked when they came"))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for NamesIter<'_> {}

impl FusedIterator for NamesIter<'_> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(names: &Vec<Vec<u8>>) -> Bytes {
        let mut out = BytesMut::new();
        put_count(&mut out, names.len());
        for name in names {
            put_slice(&mut out, name);
        }
        out.freeze()
    }

    fn read_both(bytes: &Bytes) {
        let (mut one, mut other) = (Reader::of(bytes), Reader::of(bytes));
        let (names, strings) = (Names::decode(&mut one), <Vec<String>>::decode(&mut other));
        let read = names.clone().map(|names| names.iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(read, strings);
        if let (Ok(names), Ok(strings)) = (names, strings) {
            assert_eq!(one.remaining(), other.remaining());
            assert_eq!((names.len(), names.is_empty()), (strings.len(), strings.is_empty()));
            assert!(strings.iter().all(|name| names.contains(name)));
            let (mut of_names, mut of_strings) = (BytesMut::new(), BytesMut::new());
            names.encode(&mut of_names);
            strings.encode(&mut of_strings);
            assert_eq!(of_names, of_strings);
            assert_eq!(names.len_hint(), of_names.len());
        }
    }

    #[test]
    fn long_lists_share_the_buffer_they_came_in_and_short_ones_do_not() {
        let shares = |count| {
            let bytes = encoded(&vec![vec![b'x'; 60]; count]);
            let names = Names::decode(&mut Reader::of(&bytes)).unwrap();
            assert_eq!(names.iter().len(), count);
            bytes.as_ptr_range().contains(&names.packed.as_ptr())
        };
        assert!(shares(1000));
        assert!(!shares(2));
    }

    #[test]
    fn null_is_no_names_and_what_is_cut_off_is_refused() {
        let null = Bytes::from_static(&[0xff; 4]);
        assert_eq!(Names::decode(&mut Reader::of(&null)), Ok(Names::default()));
        let whole = encoded(&vec![b"one".to_vec(), b"two".to_vec()]);
        for len in 0..whole.len() {
            read_both(&whole.slice(..len));
            assert!(Names::decode(&mut Reader::new(&whole[..len])).is_err(), "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn names_read_as_strings_do(
            names in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..40),
            readable in prop::collection::vec("\\PC{0,40}", 0..30),
        ) {
            read_both(&encoded(&names));
            read_both(&encoded(&readable.into_iter().map(String::into_bytes).collect()));
        }

        #[test]
        fn any_bytes_read_as_strings_do(bytes in prop::collection::vec(any::<u8>(), 0..40), count in 0_u8..4) {
            read_both(&bytes.iter().copied().collect());
            read_both(&[0, 0, 0, count].into_iter().chain(bytes).collect());
        }
    }
}
