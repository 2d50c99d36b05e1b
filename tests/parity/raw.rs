//! A client that sends any bytes and hands back whole frames.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use tests::within;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zk_proto::codec::{DEFAULT_FRAME_LIMIT, Decode, Encode, FrameDecoder, Reader, encode_frame};
use zk_proto::{
    ConnectRequest, ConnectResponse, OpCode, Password, RequestHeader, SessionId, Zxid, xid,
};

const TIMEOUT_MS: i32 = 60_000;

/// One connection with its session.
pub(crate) struct RawClient {
    stream: TcpStream,
    buffer: BytesMut,
    session: SessionId,
    next_xid: i32,
}

impl RawClient {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let request = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: Zxid(0),
            timeout_ms: TIMEOUT_MS,
            session_id: SessionId::NONE,
            password: Password::NONE,
            read_only: Some(false),
        };
        let mut out = BytesMut::new();
        encode_frame(&mut out, |out| request.encode(out));
        stream.write_all(&out).await.unwrap();
        let mut client =
            Self { stream, buffer: BytesMut::new(), session: SessionId::NONE, next_xid: 1 };
        let answer = client.frame().await;
        let answer = ConnectResponse::decode(&mut Reader::of(&answer)).unwrap();
        assert_eq!(answer.timeout_ms, TIMEOUT_MS, "both servers grant the timeout asked for");
        client.session = answer.session_id;
        client
    }

    pub(crate) fn session(&self) -> SessionId {
        self.session
    }

    /// Sends a request and gives every frame up to and including its reply.
    pub(crate) async fn request(&mut self, op: i32, body: &[u8]) -> Vec<Bytes> {
        let xid = self.next_xid;
        self.next_xid += 1;
        let xid = if op == OpCode::Auth.code() { xid::AUTH } else { xid };
        self.exchange(xid, op, body).await
    }

    /// Events that have come since the last reply: whatever the server sent before a pong.
    pub(crate) async fn events(&mut self) -> Vec<Bytes> {
        let mut frames = self.exchange(xid::PING, OpCode::Ping.code(), &[]).await;
        frames.pop();
        frames
    }

    async fn exchange(&mut self, xid: i32, op: i32, body: &[u8]) -> Vec<Bytes> {
        let mut out = BytesMut::new();
        encode_frame(&mut out, |out| {
            RequestHeader { xid, op }.encode(out);
            out.extend_from_slice(body);
        });
        self.stream.write_all(&out).await.unwrap();
        let mut frames = Vec::new();
        loop {
            let frame = self.frame().await;
            let is_reply = i32::decode(&mut Reader::of(&frame)).unwrap() == xid;
            frames.push(frame);
            if is_reply {
                return frames;
            }
        }
    }

    async fn frame(&mut self) -> Bytes {
        loop {
            let decoder = FrameDecoder::new(DEFAULT_FRAME_LIMIT);
            if let Some(frame) = decoder.next(&mut self.buffer).unwrap() {
                return frame;
            }
            let read = within("an answer", self.stream.read_buf(&mut self.buffer)).await.unwrap();
            assert_ne!(read, 0, "the server closed the connection");
        }
    }
}
