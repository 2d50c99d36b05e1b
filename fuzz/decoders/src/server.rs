//! A whole server as a value, fed by clients that say anything.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use zk_proto::codec::{DEFAULT_FRAME_LIMIT, Encode, FrameDecoder, encode_frame};
use zk_proto::{ConnectRequest, Password, SessionId, Zxid};
use zk_server::config::FourLetterWhitelist;
use zk_server::server::{Action, Event, Now};
use zk_server::storage::log::TxnRecord;
use zk_server::{ConnectionId, Server, ServerConfig};

const FIRST_SESSION: SessionId = SessionId(0x0100_0000_0000_0000);
const CONNECTIONS: u8 = 3;
/// Enough for any script that is worth reading, and a bound on what one input costs.
const MAX_STEPS: usize = 64;

/// The input is a script. Each step is a byte that chooses a connection and what it does, and, for
/// bytes and frames, a length byte and that many bytes.
pub(crate) fn server(data: &[u8]) {
    let mut world = World::new();
    let mut script = Script(data);
    for _ in 0..MAX_STEPS {
        let Some(step) = script.byte() else { break };
        let conn = ConnectionId(u64::from(step % CONNECTIONS));
        match step / CONNECTIONS % 8 {
            0 => world.raw(conn, script.bytes()),
            1 => world.handle(Event::Disconnected { conn }),
            2 => world.pass(Duration::from_secs(u64::from(step) + 1)),
            3 => world.pass(Duration::from_millis(500)),
            _ => world.frame(conn, script.bytes()),
        }
    }
    world.check();
}

struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte().unwrap_or(0)).min(self.0.len());
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }
}

struct World {
    server: Server,
    now: Now,
    log: Vec<Arc<TxnRecord>>,
    synced: usize,
    unread: [BytesMut; CONNECTIONS as usize],
    replies: [BytesMut; CONNECTIONS as usize],
}

impl World {
    fn new() -> Self {
        let now = Now { instant: Instant::now(), wall_ms: 1_700_000_000_000 };
        let mut world = Self {
            server: new_server(now),
            now,
            log: Vec::new(),
            synced: 0,
            unread: Default::default(),
            replies: Default::default(),
        };
        world.server.start(now);
        for conn in (0..u64::from(CONNECTIONS)).map(ConnectionId) {
            let peer = ([127, 0, 0, 1], 40_000).into();
            world.handle(Event::Accepted { conn, peer });
            // The last connection stays without a session: it may become an operator's.
            if conn.0 + 1 < u64::from(CONNECTIONS) {
                world.frame(conn, &connect_request());
            }
        }
        world
    }

    fn frame(&mut self, conn: ConnectionId, payload: &[u8]) {
        let mut out = BytesMut::new();
        encode_frame(&mut out, |out| out.extend_from_slice(payload));
        self.raw(conn, &out);
    }

    fn raw(&mut self, conn: ConnectionId, bytes: &[u8]) {
        self.unread[index(conn)].extend_from_slice(bytes);
        self.offer(conn);
        self.settle();
    }

    fn offer(&mut self, conn: ConnectionId) {
        let mut bytes = std::mem::take(&mut self.unread[index(conn)]);
        self.server.handle(self.now, Event::Received { conn, bytes: &mut bytes });
        self.unread[index(conn)] = bytes;
    }

    fn pass(&mut self, time: Duration) {
        self.now.instant += time;
        self.now.wall_ms += i64::try_from(time.as_millis()).expect("a short time");
        self.handle(Event::Tick);
    }

    fn handle(&mut self, event: Event<'_>) {
        self.server.handle(self.now, event);
        self.settle();
    }

    /// What the runtime does: every action, then the log, until nothing is left.
    fn settle(&mut self) {
        loop {
            while let Some(action) = self.server.poll_action() {
                self.perform(action);
            }
            if self.synced == self.log.len() {
                return;
            }
            self.synced = self.log.len();
            let zxid = self.log.last().map_or(Zxid(0), |record| record.header.zxid);
            self.server.handle(self.now, Event::Durable { zxid });
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Append(record) => self.log.push(record),
            Action::Transmit { conn } => {
                let output = self.server.take_output(conn);
                self.replies[index(conn)].extend_from_slice(&output);
            }
            Action::Close { conn, reason } => {
                let output = self.server.take_output(conn);
                if !reason.is_abrupt() {
                    self.replies[index(conn)].extend_from_slice(&output);
                }
                self.unread[index(conn)].clear();
                self.server.handle(self.now, Event::Disconnected { conn });
            }
            Action::Resume { conn } => self.offer(conn),
            _ => {}
        }
    }

    /// Clients with a session got whole frames, and the log makes the same server again.
    fn check(mut self) {
        for replies in &mut self.replies[..usize::from(CONNECTIONS) - 1] {
            let decoder = FrameDecoder::new(DEFAULT_FRAME_LIMIT);
            while let Some(frame) = decoder.next(replies).expect("a server sends frames") {
                assert!(frame.len() >= 16, "a reply without a header: {frame:?}");
            }
            assert!(replies.is_empty(), "a frame is cut: {replies:?}");
        }
        for pair in self.log.windows(2) {
            assert_eq!(pair[0].header.zxid.0 + 1, pair[1].header.zxid.0, "zxids have no gaps");
        }
        let mut again = new_server(self.now);
        for record in &self.log {
            again.replay(&record.header, &record.txn);
        }
        assert_eq!(again.last_zxid(), self.server.last_zxid());
        assert_eq!(again.tree().digest(), self.server.tree().digest());
        assert_eq!(again.tree().node_count(), self.server.tree().node_count());
        assert_eq!(again.session_ids(), self.server.session_ids());
    }
}

fn new_server(now: Now) -> Server {
    let mut config = ServerConfig::default();
    config.four_letter_whitelist = FourLetterWhitelist::all();
    config.extended_types_enabled = true;
    Server::new(config, FIRST_SESSION, now)
}

fn index(conn: ConnectionId) -> usize {
    usize::try_from(conn.0).expect("connections are few")
}

fn connect_request() -> Bytes {
    let mut out = BytesMut::new();
    ConnectRequest {
        protocol_version: 0,
        last_zxid_seen: Zxid(0),
        timeout_ms: 10_000,
        session_id: SessionId::NONE,
        password: Password::NONE,
        read_only: Some(false),
    }
    .encode(&mut out);
    out.freeze()
}
