//! A client of few words: frames in, frames out, over a blocking socket.
#![allow(
    dead_code,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "each test uses its part of it, and a broken wire is a failed test"
)]

pub(crate) mod load;
pub(crate) mod program;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use zk_proto::codec::{Decode, Encode, Reader, encode_frame};
use zk_proto::{
    ConnectRequest, ConnectResponse, CreateMode, CreateRequest, ErrorCode, GetDataRequest,
    GetDataResponse, Password, ReplyHeader, Request, RequestHeader, SessionId, Zxid,
};

/// Far longer than anything takes; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection.
pub(crate) struct RawClient {
    stream: TcpStream,
    next_xid: i32,
    /// What the server granted.
    pub(crate) granted: ConnectResponse,
}

/// One frame from the server.
pub(crate) struct Reply {
    pub(crate) header: ReplyHeader,
    pub(crate) body: Bytes,
}

impl Reply {
    /// The record behind the header.
    pub(crate) fn record<T: for<'a> Decode<'a>>(&self) -> T {
        assert_eq!(self.header.err, ErrorCode::Ok);
        T::decode(&mut Reader::of(&self.body)).unwrap()
    }
}

/// A bare connection.
pub(crate) fn dial(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&addr, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// What the server answers to a four-letter word.
pub(crate) fn four_letter(addr: SocketAddr, word: &str) -> String {
    let mut stream = dial(addr);
    stream.write_all(word.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The connect request of a session: 0 and zeros for a new one.
pub(crate) fn connect_request(
    session_id: SessionId,
    password: Password,
    timeout_ms: i32,
) -> BytesMut {
    let request = ConnectRequest {
        protocol_version: 0,
        last_zxid_seen: Zxid::ZERO,
        timeout_ms,
        session_id,
        password,
        read_only: Some(false),
    };
    let mut frame = BytesMut::new();
    encode_frame(&mut frame, |out| request.encode(out));
    frame
}

impl RawClient {
    /// A new session.
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        Self::connect_as(addr, SessionId::NONE, Password::NONE)
    }

    /// Resumes a session, or is told that it has expired.
    pub(crate) fn connect_as(addr: SocketAddr, session: SessionId, password: Password) -> Self {
        Self::open(addr, &connect_request(session, password, 30_000))
    }

    /// A new session with this timeout, if the server grants it.
    pub(crate) fn connect_for(addr: SocketAddr, timeout_ms: i32) -> Self {
        Self::open(addr, &connect_request(SessionId::NONE, Password::NONE, timeout_ms))
    }

    fn open(addr: SocketAddr, request: &[u8]) -> Self {
        let mut stream = dial(addr);
        stream.write_all(request).unwrap();
        let frame = read_frame(&mut stream).unwrap();
        let granted = ConnectResponse::decode(&mut Reader::of(&frame)).unwrap();
        Self { stream, next_xid: 1, granted }
    }

    /// Sends a request and gives its xid.
    pub(crate) fn send(&mut self, request: &Request<'_>) -> i32 {
        let xid = self.next_xid;
        self.next_xid += 1;
        let mut frame = BytesMut::new();
        encode_frame(&mut frame, |out| {
            RequestHeader { xid, op: request.op().code() }.encode(out);
            request.encode(out);
        });
        self.stream.write_all(&frame).unwrap();
        xid
    }

    /// The next frame.
    pub(crate) fn receive(&mut self) -> Reply {
        let frame = read_frame(&mut self.stream).unwrap();
        let header = ReplyHeader::decode(&mut Reader::of(&frame)).unwrap();
        Reply { header, body: frame.slice(ReplyHeader::LEN..) }
    }

    /// Sends a request and waits for its reply.
    pub(crate) fn call(&mut self, request: &Request<'_>) -> Reply {
        let xid = self.send(request);
        let reply = self.receive();
        assert_eq!(reply.header.xid, xid);
        reply
    }

    /// Sends a request and waits for its reply, if the server lives that long.
    pub(crate) fn try_call(&mut self, request: &Request<'_>) -> std::io::Result<Reply> {
        let xid = self.next_xid;
        self.next_xid += 1;
        let mut frame = BytesMut::new();
        encode_frame(&mut frame, |out| {
            RequestHeader { xid, op: request.op().code() }.encode(out);
            request.encode(out);
        });
        self.stream.write_all(&frame)?;
        let frame = read_frame(&mut self.stream)?;
        let header = ReplyHeader::decode(&mut Reader::of(&frame)).unwrap();
        assert_eq!(header.xid, xid);
        Ok(Reply { header, body: frame.slice(ReplyHeader::LEN..) })
    }

    /// Creates a node with everybody's ACL.
    pub(crate) fn create(&mut self, path: &str, data: &[u8], mode: CreateMode) -> Reply {
        self.call(&Request::Create(CreateRequest {
            path,
            data: Some(data),
            acl: zk_proto::Acl::open(),
            flags: mode.flags(),
        }))
    }

    /// Waits for so long, and holds the server to say nothing meanwhile but goodbye.
    pub(crate) fn stays_silent_for(&mut self, time: Duration) {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let heard = self.stream.read(&mut [0]);
        assert!(!matches!(heard, Ok(1..)), "it says something");
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    }

    /// Whether the server has closed the connection; waits for it.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        matches!(self.stream.read(&mut byte), Ok(0) | Err(_))
    }
}

/// What a node has; `None` if there is none.
pub(crate) fn stat_of(client: &mut RawClient, path: &str) -> Option<GetDataResponse> {
    let reply = client.call(&Request::GetData(GetDataRequest { path, watch: false }));
    match reply.header.err {
        ErrorCode::NoNode => None,
        _ => Some(reply.record()),
    }
}

fn read_frame(stream: &mut TcpStream) -> std::io::Result<Bytes> {
    let mut len = [0; 4];
    stream.read_exact(&mut len)?;
    let mut frame = vec![0; usize::try_from(i32::from_be_bytes(len)).unwrap()];
    stream.read_exact(&mut frame)?;
    Ok(frame.into())
}
