//! What happens to a request, by its op code.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use zk_proto::codec::{Decode, Encode, FrameDecoder, Reader};
use zk_proto::{
    AuthPacket, ErrorCode, OpCode, Permissions, Request, RequestHeader, SessionId, SyncResponse,
    Zxid, xid as reserved_xid,
};

use super::connection::{Deferred, Phase, Waiting};
use super::delivery::encode_reply;
use super::{Action, CloseReason, Now, Server};
use crate::ConnectionId;
use crate::auth::Verdicts;
use crate::request;
use crate::request::admission::{self, Route};
use crate::request::read::{self, ReadContext};
use crate::watch::set_watches::{self, SetWatchesLists};

/// Bytes of a request or its answer that weigh as much as one small request.
const BYTES_PER_REQUEST: usize = 16 << 10;

/// How many small requests one frame weighs in its connection's turn: by its size and that of the
/// answer, and all there is for one whose work does not show in either.
fn weight(frame: &[u8], sent: u64) -> usize {
    let op = frame.get(4..8).and_then(|op| Some(i32::from_be_bytes(op.try_into().ok()?)));
    match op.and_then(|op| OpCode::try_from(op).ok()).map(admission::is_heavy) {
        Some(true) => usize::MAX,
        _ => {
            1 + frame.len() / BYTES_PER_REQUEST
                + usize::try_from(sent).unwrap_or(usize::MAX) / BYTES_PER_REQUEST
        }
    }
}

impl Server {
    pub(super) fn received(&mut self, now: Now, conn: ConnectionId, bytes: &mut BytesMut) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.turn_over = false;
        }
        let mut left = self.config.limits.turn_requests;
        while let Some(connection) = self.connections.get(&conn) {
            if !self.may_read(connection) {
                if connection.phase == Phase::Closing {
                    bytes.clear();
                } else if connection.phase == Phase::Reporting {
                    bytes.clear();
                    self.continue_report(conn);
                } else if !bytes.is_empty() {
                    self.starve(conn);
                }
                return;
            }
            if left == 0 && !bytes.is_empty() {
                self.end_turn(conn);
                return;
            }
            if connection.phase == Phase::Handshake && self.four_letter_word(now, conn, bytes) {
                return;
            }
            if self.is_too_much(conn, bytes) {
                let limit = self.config.limits.large_request_max_bytes;
                self.stats.large_requests_rejected += 1;
                self.close(conn, CloseReason::LargeRequests { limit });
                continue;
            }
            match FrameDecoder::new(self.config.limits.frame_len).next(bytes) {
                Ok(Some(frame)) => {
                    let sent_before = self.stats.response_bytes;
                    self.frame(now, conn, &frame);
                    let sent = self.stats.response_bytes - sent_before;
                    left = left.saturating_sub(weight(&frame, sent));
                }
                Ok(None) => return,
                Err(error) => self.close(conn, CloseReason::BadFrame(error)),
            }
        }
        bytes.clear();
    }

    /// Whatever else came is looked at after the others.
    fn end_turn(&mut self, conn: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.turn_over = true;
            self.actions.push_back(Action::Resume { conn });
        }
    }

    fn frame(&mut self, now: Now, conn: ConnectionId, frame: &Bytes) {
        self.stats.packets_received += 1;
        self.stats.bytes_received += frame.len() as u64;
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.stats.received += 1;
        match connection.phase {
            Phase::Handshake => self.connect(now, conn, frame),
            Phase::Active(session) => self.request(now, conn, session, frame),
            Phase::Opening | Phase::Reporting | Phase::Closing => {}
        }
    }

    fn request(&mut self, now: Now, conn: ConnectionId, session: SessionId, frame: &Bytes) {
        let mut reader = Reader::of(frame);
        let header = match RequestHeader::decode(&mut reader) {
            Ok(header) => header,
            Err(error) => {
                self.close(conn, CloseReason::Malformed { what: "request header", error });
                return;
            }
        };
        let request = Deferred {
            xid: header.xid,
            op: OpCode::try_from(header.op).map_err(|_| header.op),
            body: frame.slice(RequestHeader::LEN..),
            received: now.instant,
            large: self.large(frame.len()),
        };
        match request.op.map(admission::route) {
            // Neither of the two is a sign of life of the session, as in Apache.
            Ok(Route::Auth) => self.authenticate(conn, request.xid, &request.body),
            Ok(Route::Sasl) => self.sasl_token(conn, request.xid, &request.body),
            _ if !self.is_admitted(conn, request.xid) => {}
            // A request of a session that is ending finds nobody.
            _ if !self.sessions.touch(session, now.instant) => {}
            // A ping waits for nobody: a slow disk must not look like a dead server.
            Ok(Route::Ping) => self.pong(conn),
            Ok(Route::Write) => self.propose_write(now, conn, session, request),
            Ok(Route::CloseSession) => self.propose_close(now, conn, session, &request),
            _ => self.read_or_wait(now, conn, session, request),
        }
    }

    /// A read sees every earlier write of its connection, so it waits for them.
    pub(super) fn read_or_wait(
        &mut self,
        now: Now,
        conn: ConnectionId,
        session: SessionId,
        read: Deferred,
    ) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        if connection.lane.is_empty() {
            self.answer(now.instant, conn, session, &read);
        } else {
            self.large_in_flight += read.large;
            connection.lane.push_back(Waiting::Request(read));
            self.in_flight += 1;
        }
    }

    /// Answers a request that changes nothing in the tree.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        conn: ConnectionId,
        session: SessionId,
        request: &Deferred,
    ) {
        let op = match request.op {
            Ok(op) => op,
            Err(unknown) => return self.refuse_op_code(conn, request.xid, unknown),
        };
        let decoded = request::decode(op, &request.body);
        match (admission::route(op), decoded) {
            (Route::Invalid, _) => self.refuse_op_code(conn, request.xid, op.code()),
            (_, Err(_)) => self.reply(conn, request.xid, |_| Err(ErrorCode::MarshallingError)),
            (Route::Read, Ok(body)) => self.read(conn, session, request.xid, &body),
            (_, Ok(Request::SetWatches(lists))) => {
                self.set_watches(conn, request.xid, SetWatchesLists::from(&lists));
            }
            (_, Ok(Request::SetWatches2(lists))) => {
                self.set_watches(conn, request.xid, SetWatchesLists::from(&lists));
            }
            (_, Ok(Request::Sync(sync))) => {
                let response = SyncResponse { path: sync.path.to_owned() };
                self.reply(conn, request.xid, |body| {
                    response.encode(body);
                    Ok(())
                });
            }
            (_, Ok(_)) => self.refuse_op_code(conn, request.xid, op.code()),
        }
        let taken = now.saturating_duration_since(request.received);
        self.stats.read(taken);
        self.note_answer(conn, op, request.xid, taken);
    }

    fn read(&mut self, conn: ConnectionId, session: SessionId, xid: i32, body: &Request<'_>) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let zxid = self.tree.last_zxid();
        let mut context = ReadContext {
            tree: &self.tree,
            access: &self.access,
            watches: &mut self.watches,
            connection: conn,
            session,
            identities: &connection.identities,
            traffic: &mut self.stats.reads,
        };
        let before = connection.output.len();
        encode_reply(&mut connection.output, xid, zxid, |out| {
            read::answer(&mut context, body, out)
        });
        let written = connection.output.len() - before;
        self.count_sent(conn, written);
    }

    fn set_watches(&mut self, conn: ConnectionId, xid: i32, lists: SetWatchesLists<'_>) {
        let Some(connection) = self.connections.get(&conn) else { return };
        let (access, identities) = (&self.access, &connection.identities);
        let verdicts = Verdicts::default();
        let may_read =
            |acl: &_| verdicts.allows(access, (None, identities), acl, Permissions::READ);
        let events = set_watches::decide(&self.tree, &mut self.watches, conn, lists, may_read);
        self.catch_up(conn, &events);
        self.reply(conn, xid, |_| Ok(()));
    }

    /// Whatever xid the ping had, its answer has the reserved one, as in Apache.
    fn pong(&mut self, conn: ConnectionId) {
        self.reply(conn, reserved_xid::PING, |_| Ok(()));
        self.stats.read(Duration::ZERO);
        self.note_answer(conn, OpCode::Ping, reserved_xid::PING, Duration::ZERO);
    }

    fn authenticate(&mut self, conn: ConnectionId, xid: i32, body: &Bytes) {
        let packet = match AuthPacket::decode(&mut Reader::of(body)) {
            Ok(packet) => packet,
            Err(error) => {
                self.close(conn, CloseReason::Malformed { what: "auth packet", error });
                return;
            }
        };
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let outcome =
            self.access.authenticate(packet.scheme, packet.auth, &mut connection.identities);
        if outcome.is_ok() {
            self.reply_with_zxid(conn, xid, Zxid::ZERO, |_| Ok(()));
            return;
        }
        self.stats.auth_failures += 1;
        self.reply_with_zxid(conn, xid, Zxid::ZERO, |_| Err(ErrorCode::AuthFailed));
        self.close(conn, CloseReason::AuthFailed);
    }

    fn refuse_op_code(&mut self, conn: ConnectionId, xid: i32, op: i32) {
        self.reply_with_zxid(conn, xid, Zxid::UNKNOWN, |_| Err(ErrorCode::Unimplemented));
        self.close(conn, CloseReason::UnknownOpCode(op));
    }
}
