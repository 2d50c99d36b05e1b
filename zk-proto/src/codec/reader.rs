//! The one place where bytes from outside are read.

use bytes::Bytes;

use super::DecodeError;

/// No element of any vector in the protocol takes fewer bytes than its own length prefix.
const ELEMENT_LEN_MIN: usize = 4;

/// A cursor over one frame. Every length is checked against what is left.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// The shared buffer behind `rest`, when there is one: payloads are then slices of it.
    shared: Option<&'a Bytes>,
}

impl<'a> Reader<'a> {
    /// Reads from a slice. Payloads that outlive it are copied.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, shared: None }
    }

    /// Reads from a shared buffer. Payloads are slices of it and keep it alive; none is copied.
    #[must_use]
    pub fn of(bytes: &'a Bytes) -> Self {
        Self { rest: bytes, shared: Some(bytes) }
    }

    /// The bytes that are left, without taking them.
    #[must_use]
    pub fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Insists that nothing is left.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TrailingBytes`] with the number of bytes left.
    pub fn expect_empty(&self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            len => Err(DecodeError::TrailingBytes(len)),
        }
    }

    /// Takes exactly `len` bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] if fewer are left.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(len) else {
            return Err(DecodeError::Truncated { needed: len, present: self.rest.len() });
        };
        self.rest = rest;
        Ok(taken)
    }

    /// Takes an array of `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(DecodeError::Truncated { needed: N, present: self.rest.len() });
        };
        self.rest = rest;
        Ok(*taken)
    }

    /// Takes a length-prefixed buffer; `None` is null.
    ///
    /// # Errors
    ///
    /// A length below -1 or beyond the bytes that are left.
    pub fn buffer(&mut self) -> Result<Option<&'a [u8]>, DecodeError> {
        let len = i32::from_be_bytes(self.array()?);
        match usize::try_from(len) {
            Ok(len) => self.take(len).map(Some),
            Err(_) if len == -1 => Ok(None),
            Err(_) => Err(DecodeError::NegativeLength(len)),
        }
    }

    /// Like [`buffer`](Self::buffer), but the result outlives the reader: a slice of the shared
    /// buffer if there is one, else a copy.
    ///
    /// # Errors
    ///
    /// As [`buffer`](Self::buffer).
    pub fn shared_buffer(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let taken = self.buffer()?;
        Ok(taken.map(|taken| self.share(taken)))
    }

    /// What was taken, so that it outlives the reader: a slice of the shared buffer if there is
    /// one, else a copy.
    pub(crate) fn share(&self, taken: &[u8]) -> Bytes {
        match self.shared {
            Some(shared) => shared.slice_ref(taken),
            None => Bytes::copy_from_slice(taken),
        }
    }

    /// Takes the count in front of a vector; `None` is null. As in Apache's reader a count below
    /// -1 means no elements.
    ///
    /// # Errors
    ///
    /// [`DecodeError::CountTooLarge`] if the bytes left cannot hold so many elements: checked
    /// before anything is allocated for them.
    pub fn count(&mut self) -> Result<Option<usize>, DecodeError> {
        let count = i32::from_be_bytes(self.array()?);
        if count == -1 {
            return Ok(None);
        }
        let count = usize::try_from(count).unwrap_or(0);
        if count > self.rest.len() / ELEMENT_LEN_MIN {
            return Err(DecodeError::CountTooLarge { count, present: self.rest.len() });
        }
        Ok(Some(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_frame_is_refused_before_allocation() {
        let bytes = [0x7f, 0xff, 0xff, 0xff, 1, 2, 3];
        let truncated = DecodeError::Truncated { needed: 0x7fff_ffff, present: 3 };
        assert_eq!(Reader::new(&bytes).buffer(), Err(truncated));
        let too_large = DecodeError::CountTooLarge { count: 0x7fff_ffff, present: 3 };
        assert_eq!(Reader::new(&bytes).count(), Err(too_large));
    }

    #[test]
    fn null_is_not_empty() {
        assert_eq!(Reader::new(&[0xff; 4]).buffer(), Ok(None));
        assert_eq!(Reader::new(&[0; 4]).buffer(), Ok(Some(&[][..])));
        assert_eq!(Reader::new(&[0xff; 4]).count(), Ok(None));
    }

    #[test]
    fn negative_lengths_are_errors_and_negative_counts_are_no_elements() {
        let minus_two = [0xff, 0xff, 0xff, 0xfe];
        assert_eq!(Reader::new(&minus_two).buffer(), Err(DecodeError::NegativeLength(-2)));
        assert_eq!(Reader::new(&minus_two).count(), Ok(Some(0)));
    }

    #[test]
    fn payloads_of_a_shared_buffer_are_not_copied() {
        let frame = Bytes::from_static(&[0, 0, 0, 2, 7, 8]);
        let payload = Reader::of(&frame).shared_buffer().unwrap().unwrap();
        assert_eq!(payload.as_ptr(), frame[4..].as_ptr());
    }
}
