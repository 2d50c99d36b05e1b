//! The whole server on a fake clock: bytes in, bytes out, time moved by hand.

mod audit;
mod expiry;
mod frames;
mod handshake;
mod limits;
mod metrics;
mod operators;
mod order;
mod random;
mod restart;
mod restore;
mod sasl;
mod watches;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use zk_proto::codec::{Decode, Encode, FrameDecoder, Reader, encode_frame};
use zk_proto::{
    Acl, ConnectRequest, ConnectResponse, CreateMode, CreateRequest, ErrorCode, ExistsRequest,
    GetDataRequest, Password, ReplyHeader, Request, RequestHeader, SessionId, SetDataRequest,
    WatcherEvent, Zxid,
};

use super::{Action, CloseReason, Event, Now, Server};
use crate::ConnectionId;
use crate::config::{FourLetterWhitelist, ServerConfig};
use crate::storage::log::TxnRecord;

const TICK: Duration = Duration::from_secs(2);
const FIRST_SESSION: SessionId = SessionId(0x0100_0000_0000_0000);

/// A server, its log, its clients and its clock.
struct World {
    server: Server,
    now: Now,
    /// Whether the log is slow: nothing is durable until [`World::sync`].
    slow_log: bool,
    log: Vec<Arc<TxnRecord>>,
    synced: usize,
    next_conn: u64,
    clients: BTreeMap<ConnectionId, ClientEnd>,
    /// What the SASL mechanism is asked.
    asked: Vec<(ConnectionId, Bytes)>,
}

/// What a client sees of its connection.
#[derive(Default)]
struct ClientEnd {
    /// Sent, and not taken by the server yet.
    unread: BytesMut,
    received: BytesMut,
    closed: Option<CloseReason>,
}

/// One frame from the server.
#[derive(Debug)]
struct Reply {
    header: ReplyHeader,
    body: Bytes,
}

impl Reply {
    fn err(&self) -> ErrorCode {
        self.header.err
    }

    fn record<T: for<'a> Decode<'a>>(&self) -> T {
        assert_eq!(self.header.err, ErrorCode::Ok);
        T::decode(&mut Reader::of(&self.body)).unwrap()
    }

    fn event(&self) -> WatcherEvent {
        assert_eq!(self.header.xid, zk_proto::xid::NOTIFICATION);
        self.record()
    }
}

fn config() -> ServerConfig {
    ServerConfig {
        tick_time: TICK,
        four_letter_whitelist: FourLetterWhitelist::all(),
        extended_types_enabled: true,
        ..ServerConfig::default()
    }
}

impl World {
    fn new() -> Self {
        Self::with(config())
    }

    #[allow(clippy::disallowed_methods, reason = "the origin of a clock that the test moves")]
    fn with(config: ServerConfig) -> Self {
        let now = Now { instant: Instant::now(), wall_ms: 1_700_000_000_000 };
        let mut server = Server::new(config, FIRST_SESSION, now);
        server.start(now);
        Self {
            server,
            now,
            slow_log: false,
            log: Vec::new(),
            synced: 0,
            next_conn: 1,
            clients: BTreeMap::new(),
            asked: Vec::new(),
        }
    }

    fn handle(&mut self, event: Event<'_>) {
        self.server.handle(self.now, event);
        self.settle();
    }

    /// Does what a runtime does: every action, in order.
    fn settle(&mut self) {
        loop {
            while let Some(action) = self.server.poll_action() {
                self.perform(action);
            }
            if self.slow_log || self.synced == self.log.len() {
                return;
            }
            self.synced = self.log.len();
            let zxid = self.log[self.synced - 1].header.zxid;
            self.server.handle(self.now, Event::Durable { zxid });
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            // The last, empty take says that everything before has been written.
            Action::Transmit { conn } => loop {
                let output = self.server.take_output(conn);
                if output.is_empty() {
                    return;
                }
                self.client(conn).received.unsplit(output);
            },
            Action::Close { conn, reason } => {
                let output = self.server.take_output(conn);
                let client = self.client(conn);
                assert!(output.is_empty() || !reason.is_abrupt());
                client.received.unsplit(output);
                client.closed = Some(reason);
                self.server.handle(self.now, Event::Disconnected { conn });
            }
            Action::Resume { conn } => self.offer(conn),
            Action::AskMechanism { conn, token } => self.asked.push((conn, token)),
            Action::Append(record) => {
                let last = self.log.last().map_or(Zxid::ZERO, |last| last.header.zxid);
                assert_eq!(record.header.zxid.0, last.0 + 1, "no gaps in the log");
                self.log.push(record);
            }
        }
    }

    /// Makes the next `count` transactions durable.
    fn sync(&mut self, count: usize) {
        self.synced += count;
        let zxid = self.log[self.synced - 1].header.zxid;
        self.handle(Event::Durable { zxid });
    }

    /// Moves the clock to `deadline`, stopping at every deadline of the server on the way.
    fn advance(&mut self, by: Duration) {
        let end = self.now.instant + by;
        while let Some(deadline) = self.server.next_deadline().filter(|at| *at <= end) {
            self.set_clock(deadline);
            self.handle(Event::Tick);
        }
        self.set_clock(end);
    }

    fn set_clock(&mut self, to: Instant) {
        let passed = to.saturating_duration_since(self.now.instant);
        self.now.instant += passed;
        self.now.wall_ms += i64::try_from(passed.as_millis()).unwrap();
    }

    fn client(&mut self, conn: ConnectionId) -> &mut ClientEnd {
        self.clients.entry(conn).or_default()
    }

    fn closed(&mut self, conn: ConnectionId) -> Option<CloseReason> {
        self.client(conn).closed.clone()
    }

    fn accept(&mut self) -> ConnectionId {
        self.accept_from("10.0.0.1:40000")
    }

    fn accept_from(&mut self, peer: &str) -> ConnectionId {
        let conn = ConnectionId(self.next_conn);
        self.next_conn += 1;
        self.client(conn);
        self.handle(Event::Accepted { conn, peer: peer.parse().unwrap() });
        conn
    }

    fn disconnect(&mut self, conn: ConnectionId) {
        self.handle(Event::Disconnected { conn });
    }

    fn send_bytes(&mut self, conn: ConnectionId, bytes: &[u8]) {
        self.client(conn).unread.extend_from_slice(bytes);
        self.offer(conn);
    }

    fn offer(&mut self, conn: ConnectionId) {
        let mut bytes = std::mem::take(&mut self.client(conn).unread);
        self.server.handle(self.now, Event::Received { conn, bytes: &mut bytes });
        self.client(conn).unread = bytes;
        self.settle();
    }

    fn send(&mut self, conn: ConnectionId, xid: i32, request: &Request<'_>) {
        self.send_bytes(conn, &request_frame(xid, request));
    }

    /// Everything that has come since the last time.
    fn frames(&mut self, conn: ConnectionId) -> Vec<Bytes> {
        let received = &mut self.client(conn).received;
        let decoder = FrameDecoder::new(usize::MAX);
        let frames = std::iter::from_fn(|| decoder.next(received).unwrap()).collect();
        assert!(received.is_empty(), "only whole frames are sent");
        frames
    }

    fn replies(&mut self, conn: ConnectionId) -> Vec<Reply> {
        let reply = |frame: Bytes| Reply {
            header: ReplyHeader::decode(&mut Reader::of(&frame)).unwrap(),
            body: frame.slice(ReplyHeader::LEN..),
        };
        self.frames(conn).into_iter().map(reply).collect()
    }

    fn xids(&mut self, conn: ConnectionId) -> Vec<i32> {
        self.replies(conn).iter().map(|reply| reply.header.xid).collect()
    }

    fn reply(&mut self, conn: ConnectionId) -> Reply {
        let mut replies = self.replies(conn);
        assert_eq!(replies.len(), 1, "one reply: {replies:?}");
        replies.remove(0)
    }

    fn call(&mut self, conn: ConnectionId, request: &Request<'_>) -> Reply {
        self.send(conn, 77, request);
        self.reply(conn)
    }

    /// A connection with a new session of `timeout_ms`.
    fn session(&mut self, timeout_ms: i32) -> (ConnectionId, ConnectResponse) {
        let conn = self.accept();
        let response = self.connect(conn, SessionId::NONE, Password::NONE, timeout_ms);
        (conn, response.expect("a new session"))
    }

    fn connect(
        &mut self,
        conn: ConnectionId,
        session_id: SessionId,
        password: Password,
        timeout_ms: i32,
    ) -> Option<ConnectResponse> {
        self.send_bytes(conn, &connect_frame(session_id, password, timeout_ms));
        self.connected(conn)
    }

    fn connected(&mut self, conn: ConnectionId) -> Option<ConnectResponse> {
        let frames = self.frames(conn);
        assert!(frames.len() <= 1, "one answer");
        frames.first().map(|frame| ConnectResponse::decode(&mut Reader::of(frame)).unwrap())
    }

    /// What the server believes that a client has not read yet.
    fn unread_by(&self, conn: ConnectionId) -> usize {
        self.server.connections.get(&conn).map_or(0, |connection| connection.unread())
    }

    fn ping(&mut self, conn: ConnectionId) {
        self.send(conn, zk_proto::xid::PING, &Request::Ping);
        let _ = self.replies(conn);
    }
}

fn connect_request(session_id: SessionId, password: Password, timeout_ms: i32) -> ConnectRequest {
    ConnectRequest {
        protocol_version: 0,
        last_zxid_seen: Zxid::ZERO,
        timeout_ms,
        session_id,
        password,
        read_only: Some(false),
    }
}

fn connect_frame(session_id: SessionId, password: Password, timeout_ms: i32) -> BytesMut {
    frame(|out| connect_request(session_id, password, timeout_ms).encode(out))
}

fn request_frame(xid: i32, request: &Request<'_>) -> BytesMut {
    frame(|out| {
        RequestHeader { xid, op: request.op().code() }.encode(out);
        request.encode(out);
    })
}

fn frame(body: impl FnOnce(&mut BytesMut)) -> BytesMut {
    let mut out = BytesMut::new();
    encode_frame(&mut out, body);
    out
}

fn create(path: &str, mode: CreateMode) -> Request<'_> {
    Request::Create(CreateRequest { path, data: None, acl: Acl::open(), flags: mode.flags() })
}

fn get(path: &str, watch: bool) -> Request<'_> {
    Request::GetData(GetDataRequest { path, watch })
}

fn exists(path: &str, watch: bool) -> Request<'_> {
    Request::Exists(ExistsRequest { path, watch })
}

fn set<'a>(path: &'a str, data: &'a [u8]) -> Request<'a> {
    Request::SetData(SetDataRequest { path, data: Some(data), version: -1 })
}
