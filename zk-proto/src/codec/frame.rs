//! Frames: a 4-byte length, then that many bytes. The same in both directions.

use bytes::{Buf, Bytes, BytesMut};

/// Bytes of the length in front of each frame.
pub const FRAME_PREFIX_LEN: usize = 4;

/// `jute.maxbuffer` as Apache sets it: a frame of exactly this many bytes is still accepted.
pub const DEFAULT_FRAME_LIMIT: usize = 0xf_ffff;

/// A length that no frame may have. The connection cannot be used any further, since the start of
/// the next frame is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A negative length.
    #[error("the frame length {0} is negative: the peer does not speak the ZooKeeper protocol")]
    Negative(i32),
    /// A length above the limit.
    #[error(
        "a frame of {len} bytes is over the limit of {limit}: \
         send less at once or raise jute.maxbuffer on both sides"
    )]
    TooLong {
        /// The announced length in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

/// Cuts a stream of bytes into frames.
#[derive(Clone, Copy, Debug)]
pub struct FrameDecoder {
    limit: usize,
}

impl FrameDecoder {
    /// A decoder that accepts frames of up to `limit` bytes, the prefix not counted.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit }
    }

    /// Takes the next whole frame out of `buffer`, without its prefix; `None` until enough bytes
    /// have come. The length is judged as soon as its four bytes are there.
    ///
    /// # Errors
    ///
    /// When the length is negative or over the limit.
    pub fn next(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        let Some(prefix) = buffer.first_chunk::<FRAME_PREFIX_LEN>() else {
            return Ok(None);
        };
        let prefix = i32::from_be_bytes(*prefix);
        let len = usize::try_from(prefix).map_err(|_| FrameError::Negative(prefix))?;
        if len > self.limit {
            return Err(FrameError::TooLong { len, limit: self.limit });
        }
        if buffer.len() < FRAME_PREFIX_LEN + len {
            buffer.reserve(FRAME_PREFIX_LEN + len - buffer.len());
            return Ok(None);
        }
        buffer.advance(FRAME_PREFIX_LEN);
        Ok(Some(buffer.split_to(len).freeze()))
    }
}

/// Appends one frame to `out`: whatever `body` writes, behind its length.
///
/// # Panics
///
/// If the body is longer than 2 GiB, which no limit allows.
pub fn encode_frame(out: &mut BytesMut, body: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME_PREFIX_LEN]);
    body(out);
    let len = i32::try_from(out.len() - start - FRAME_PREFIX_LEN).expect("a frame is below 2 GiB");
    out[start..start + FRAME_PREFIX_LEN].copy_from_slice(&len.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_out_whole_however_it_arrives() {
        let mut whole = BytesMut::new();
        encode_frame(&mut whole, |out| out.extend_from_slice(b"hello"));
        let decoder = FrameDecoder::new(5);
        let mut buffer = BytesMut::new();
        for (at, byte) in whole.iter().enumerate() {
            assert_eq!(decoder.next(&mut buffer), Ok(None), "{at} bytes are not a frame");
            buffer.extend_from_slice(&[*byte]);
        }
        assert_eq!(decoder.next(&mut buffer), Ok(Some(Bytes::from_static(b"hello"))));
        assert!(buffer.is_empty());
    }

    #[test]
    fn the_limit_itself_is_accepted_and_one_more_byte_is_not() {
        let decoder = FrameDecoder::new(DEFAULT_FRAME_LIMIT);
        let mut at_limit = BytesMut::from(&0x000f_ffff_i32.to_be_bytes()[..]);
        assert_eq!(decoder.next(&mut at_limit), Ok(None));
        let mut over = BytesMut::from(&0x0010_0000_i32.to_be_bytes()[..]);
        let too_long = FrameError::TooLong { len: 0x10_0000, limit: 0xf_ffff };
        assert_eq!(decoder.next(&mut over), Err(too_long));
        let mut negative = BytesMut::from(&(-5_i32).to_be_bytes()[..]);
        assert_eq!(decoder.next(&mut negative), Err(FrameError::Negative(-5)));
    }
}
