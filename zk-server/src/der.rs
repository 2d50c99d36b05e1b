//! Just enough of DER to walk through certificates and stores of keys.

pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const INTEGER: u8 = 0x02;
#[cfg(feature = "tls")]
pub(crate) const BIT_STRING: u8 = 0x03;
#[cfg(feature = "tls")]
pub(crate) const OCTET_STRING: u8 = 0x04;

/// One element: its tag, what it contains, and all of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// Elements one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next element; nothing at what is none: ask [`is_empty`](Self::is_empty) whether that was
    /// the end.
    pub(crate) fn pop(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        // Tags of more than one byte are in no certificate.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let len = match first {
            0..=0x7f => usize::from(first),
            // One to four bytes of length; no length at all is BER.
            0x81..=0x84 => {
                let (digits, behind) = rest.split_at_checked(usize::from(first & 0x7f))?;
                rest = behind;
                digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit))
            }
            _ => return None,
        };
        let (content, behind) = rest.split_at_checked(len)?;
        let whole = &self.0[..self.0.len() - behind.len()];
        self.0 = behind;
        Some(Element { tag, content, whole })
    }

    /// The next element if it has this tag; otherwise it stays.
    pub(crate) fn take(&mut self, tag: u8) -> Option<Element<'a>> {
        if self.peek() == Some(tag) { self.pop() } else { None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tag of the next element.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }
}

/// An element around some bytes.
#[cfg(feature = "tls")]
pub(crate) fn wrapped(tag: u8, content: &[u8]) -> Vec<u8> {
    let digits = content.len().to_be_bytes();
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = &digits[zeros.min(digits.len())..];
    let mut element = vec![tag];
    match content.len() {
        short @ 0..=0x7f => element.extend(u8::try_from(short)),
        _ => {
            element.extend(u8::try_from(digits.len()).map(|count| 0x80 | count));
            element.extend_from_slice(digits);
        }
    }
    element.extend_from_slice(content);
    element
}

/// An object identifier in dots and digits. `None` if it is malformed or has a number of more than
/// 128 bits.
pub(crate) fn dotted(oid: &[u8]) -> Option<String> {
    let mut numbers = Vec::new();
    let mut number = 0_u128;
    for byte in oid {
        number = number.checked_mul(128)? | u128::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            numbers.push(std::mem::take(&mut number));
        }
    }
    if oid.last()? & 0x80 != 0 {
        return None;
    }
    let (&first, others) = numbers.split_first()?;
    let root = (first / 40).min(2);
    let mut text = format!("{root}.{}", first - 40 * root);
    for number in others {
        text.push('.');
        text.push_str(&number.to_string());
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_walked_and_garbage_ends_the_walk() {
        let mut elements = Elements::of(&[0x02, 1, 5, 0x04, 0x81, 2, 7, 8]);
        let first = elements.take(0x02).unwrap();
        assert_eq!((first.content, first.whole), (&[5][..], &[2, 1, 5][..]));
        assert_eq!(elements.pop().unwrap().content, [7, 8]);
        assert!(elements.is_empty() && elements.pop().is_none());
        for bad in [&[0x02][..], &[2, 5, 1], &[2, 0x80], &[0x1f, 1, 0], &[2, 0x85, 0, 0, 0, 0, 0]] {
            let mut elements = Elements::of(bad);
            assert!(elements.pop().is_none() && !elements.is_empty(), "{bad:?}");
        }
        assert!(Elements::of(&[2, 0x84, 0xff, 0xff, 0xff, 0xff, 1]).pop().is_none());
    }

    #[test]
    fn object_identifiers_are_written_in_dots() {
        assert_eq!(dotted(&[0x55, 4, 3]).unwrap(), "2.5.4.3");
        assert_eq!(
            dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1]).unwrap(),
            "1.2.840.113549.1.9.1"
        );
        assert_eq!(dotted(&[0x88, 0x37, 3]).unwrap(), "2.999.3");
        for bad in [&[][..], &[0x81], &[0xff; 30]] {
            assert_eq!(dotted(bad), None, "{bad:?}");
        }
    }
}
