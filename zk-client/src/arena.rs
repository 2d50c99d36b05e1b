//! Room for what each request takes along: its frame and its path. Requests are many, small and
//! short-lived, so they share blocks instead of having an allocation each.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use zk_proto::OpCode;
use zk_proto::codec::Encode;

use crate::session::{FRAME_LEN_MIN, encode_request_into};

/// Bytes of a block. A block is used again, or given back, once nothing in it is in use: so a
/// single request that waits for long keeps this much.
const BLOCK_LEN: usize = 4096;

/// What is longer than this gets an allocation of its own.
const SHARED_LEN_MAX: usize = 1024;

/// The block in use.
#[derive(Default)]
pub(crate) struct Arena(Mutex<BytesMut>);

/// The path of a request as the application gave it, kept for what may be said about the request.
#[derive(Clone)]
pub(crate) struct RequestPath(Bytes);

impl Arena {
    /// Encodes a request as the session wants it, and keeps its path.
    pub(crate) fn encode(
        &self,
        op: OpCode,
        record: &impl Encode,
        path: &str,
    ) -> (BytesMut, RequestPath) {
        let frame_len = FRAME_LEN_MIN + record.len_hint();
        if frame_len + path.len() > SHARED_LEN_MAX {
            let mut frame = BytesMut::with_capacity(frame_len);
            encode_request_into(&mut frame, op, record);
            return (frame, RequestPath::from(path));
        }
        // A panic of an `encode` would leave bytes of a frame behind; they are split off here.
        let mut block = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        block.clear();
        if block.capacity() < frame_len + path.len() {
            block.reserve(BLOCK_LEN);
        }
        encode_request_into(&mut block, op, record);
        let frame = block.split();
        block.extend_from_slice(path.as_bytes());
        (frame, RequestPath(block.split().freeze()))
    }
}

impl RequestPath {
    pub(crate) fn as_str(&self) -> &str {
        // It was made of a `str`.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl From<&str> for RequestPath {
    fn from(path: &str) -> Self {
        Self(Bytes::copy_from_slice(path.as_bytes()))
    }
}

impl fmt::Debug for RequestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use zk_proto::{GetDataRequest, SetDataRequest};

    use super::*;
    use crate::session::encode_request;

    #[test]
    fn frames_are_the_same_wherever_they_lie() {
        let arena = Arena::default();
        let mut kept = Vec::new();
        for len in [0, 1, 500, SHARED_LEN_MAX, 3 * BLOCK_LEN].into_iter().cycle().take(100) {
            let data = vec![7; len];
            let request = SetDataRequest { path: "/a/b", data: Some(&data), version: 3 };
            let (frame, path) = arena.encode(OpCode::SetData, &request, "/b");
            assert_eq!(frame, encode_request(OpCode::SetData, &request));
            kept.push((frame, path));
        }
        assert!(kept.iter().all(|(_, path)| path.as_str() == "/b"));
    }

    #[test]
    fn small_requests_share_blocks_and_blocks_are_used_again() {
        let arena = Arena::default();
        let request = GetDataRequest { path: "/a", watch: false };
        let places = (0..1000).map(|_| arena.encode(OpCode::GetData, &request, "/a").0.as_ptr());
        let first = places.map(|place| place as usize / BLOCK_LEN).collect::<Vec<_>>();
        let distinct = first.iter().collect::<std::collections::BTreeSet<_>>().len();
        assert!(distinct <= 4, "{distinct} blocks for requests that never overlap");
    }
}
