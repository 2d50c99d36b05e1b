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
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use zk_proto::codec::{Decode, Encode, Reader, encode_frame};
use zk_proto::{
    ConnectRequest, ConnectResponse, CreateMode, CreateRequest, ErrorCode, GetDataRequest,
    GetDataResponse, OpCode, Password, ReplyHeader, Request, RequestHeader, SessionId, Zxid, xid,
};

/// Far longer than anything takes; a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Between the pings of a client that keeps pinging.
const PING_INTERVAL: Duration = Duration::from_millis(100);

/// One connection.
pub(crate) struct RawClient {
    stream: TcpStream,
    next_xid: i32,
    /// What the server granted.
    pub(crate) granted: ConnectResponse,
}

/// A thread that pings; ends with this.
pub(crate) struct Pinging {
    _kept: mpsc::Sender<()>,
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

    /// A new session, unless the connection is cut before there is one.
    pub(crate) fn try_connect(addr: SocketAddr) -> std::io::Result<Self> {
        Self::try_open(addr, &connect_request(SessionId::NONE, Password::NONE, 30_000))
    }

    fn open(addr: SocketAddr, request: &[u8]) -> Self {
        Self::try_open(addr, request).unwrap()
    }

    fn try_open(addr: SocketAddr, request: &[u8]) -> std::io::Result<Self> {
        let mut stream = dial(addr);
        stream.write_all(request)?;
        let frame = read_frame(&mut stream)?;
        let granted = ConnectResponse::decode(&mut Reader::of(&frame)).unwrap();
        Ok(Self { stream, next_xid: 1, granted })
    }

    /// Sends a request and gives its xid.
    pub(crate) fn send(&mut self, request: &Request<'_>) -> i32 {
        self.try_send(request).unwrap()
    }

    fn try_send(&mut self, request: &Request<'_>) -> std::io::Result<i32> {
        let xid = self.next_xid;
        self.next_xid += 1;
        let mut frame = BytesMut::new();
        encode_frame(&mut frame, |out| {
            RequestHeader { xid, op: request.op().code() }.encode(out);
            request.encode(out);
        });
        self.stream.write_all(&frame)?;
        Ok(xid)
    }

    /// The next frame.
    pub(crate) fn receive(&mut self) -> Reply {
        self.try_receive().unwrap()
    }

    /// The next frame that answers no ping, if the server lives that long.
    fn try_receive(&mut self) -> std::io::Result<Reply> {
        loop {
            let frame = read_frame(&mut self.stream)?;
            let header = ReplyHeader::decode(&mut Reader::of(&frame)).unwrap();
            if header.xid != xid::PING {
                return Ok(Reply { header, body: frame.slice(ReplyHeader::LEN..) });
            }
        }
    }

    /// Pings the server by another thread, as long as it has the connection and the result is kept.
    pub(crate) fn keep_pinging(&self) -> Pinging {
        let (kept, dropped) = mpsc::channel::<()>();
        let mut stream = self.stream.try_clone().unwrap();
        let mut ping = BytesMut::new();
        encode_frame(&mut ping, |out| {
            RequestHeader { xid: xid::PING, op: OpCode::Ping.code() }.encode(out);
        });
        std::thread::spawn(move || {
            while stream.write_all(&ping).is_ok()
                && dropped.recv_timeout(PING_INTERVAL) == Err(RecvTimeoutError::Timeout)
            {
            }
        });
        Pinging { _kept: kept }
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
        let xid = self.try_send(request)?;
        let reply = self.try_receive()?;
        assert_eq!(reply.header.xid, xid);
        Ok(reply)
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
        let begun = Instant::now();
        // A read with a timeout ends early if this process is stopped meanwhile.
        while let Some(left) = time.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) {
            self.stream.set_read_timeout(Some(left)).unwrap();
            match self.stream.read(&mut [0]) {
                Ok(0) => break,
                Ok(_) => panic!("it says something"),
                Err(_) => {}
            }
        }
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    }

    /// Whether the server has closed the connection; waits for it.
    pub(crate) fn is_closed(&mut self) -> bool {
        loop {
            match self.stream.read(&mut [0]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => return matches!(read, Ok(0) | Err(_)),
            }
        }
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
