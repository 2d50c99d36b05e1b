//! One raw connection to one server.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use bytes::{Bytes, BytesMut};
use tests::PATIENCE;
use zk_proto::codec::{Decode, Encode, FrameDecoder, Reader, encode_frame};
use zk_proto::{ConnectRequest, ConnectResponse, OpCode, RequestHeader, xid};

/// Above any reply of the suite.
const FRAME_LIMIT: usize = 16 << 20;

/// A connection without any idea of what a client may do.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    received: BytesMut,
    server: &'static str,
}

impl Wire {
    pub(crate) fn open(address: SocketAddr, server: &'static str) -> Self {
        let stream = TcpStream::connect(address);
        let stream = stream.unwrap_or_else(|error| panic!("{server} takes no connection: {error}"));
        stream.set_nodelay(true).expect("a connected socket has this option");
        stream.set_read_timeout(Some(PATIENCE)).expect("a connected socket has this option");
        Self { stream, received: BytesMut::new(), server }
    }

    /// Writes, or notices nothing: what a server that closes did is seen by reading.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub(crate) fn ask_to_connect(&mut self, request: &ConnectRequest) {
        let mut frame = BytesMut::new();
        encode_frame(&mut frame, |out| request.encode(out));
        self.send(&frame);
    }

    /// The answer to the above; `None` if the server closed instead.
    pub(crate) fn connected(&mut self) -> Option<ConnectResponse> {
        let frame = self.next()?;
        let response = ConnectResponse::decode(&mut Reader::new(&frame));
        Some(response.expect("a server's connect response can be decoded"))
    }

    pub(crate) fn ping(&mut self) {
        let mut frame = BytesMut::new();
        let header = RequestHeader { xid: xid::PING, op: OpCode::Ping.code() };
        encode_frame(&mut frame, |out| header.encode(out));
        self.send(&frame);
    }

    /// Hangs up, and waits until the server has noticed: its watches are gone then.
    pub(crate) fn hang_up(mut self) {
        // Fails if the server was first.
        let _ = self.stream.shutdown(Shutdown::Write);
        while self.next().is_some() {}
    }

    /// The next frame; `None` once the server has closed.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        let frames = FrameDecoder::new(FRAME_LIMIT);
        loop {
            let frame = frames.next(&mut self.received).expect("a server's frames have a length");
            if frame.is_some() {
                return frame;
            }
            let mut chunk = [0; 16 * 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(len) => self.received.extend_from_slice(&chunk[..len]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{} does not answer: {error}", self.server),
            }
        }
    }
}
