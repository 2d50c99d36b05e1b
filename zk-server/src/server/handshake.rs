//! The first thing a connection says.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use zk_proto::codec::{Decode, Encode, Reader, encode_frame};
use zk_proto::four_letter::Word;
use zk_proto::{ConnectRequest, ConnectResponse, OpCode, Password, SessionId};

use super::connection::{Connection, Phase, Waiting};
use super::pipeline::{Answer, Origin};
use super::{Action, CloseReason, Now, Server};
use crate::ConnectionId;
use crate::request::ServerRequest;

impl Server {
    pub(super) fn accepted(&mut self, now: Now, conn: ConnectionId, peer: SocketAddr) {
        let address = peer.ip();
        let from_address = self.per_address.get(&address).copied().unwrap_or(0);
        let (total, per_address) = (self.config.max_cnxns, self.config.max_client_cnxns);
        let refused = if total > 0 && self.connections.len() >= total {
            Some(CloseReason::TooManyConnections { limit: total })
        } else if per_address > 0 && from_address >= per_address {
            Some(CloseReason::TooManyFromAddress { limit: per_address })
        } else {
            None
        };
        if let Some(reason) = refused {
            self.stats.connections_rejected += 1;
            self.actions.push_back(Action::Close { conn, reason });
            return;
        }
        *self.per_address.entry(address).or_default() += 1;
        self.connections.insert(conn, Connection::new(peer, now.wall_ms));
        let deadline = now.instant + self.config.limits.sessionless_timeout;
        self.sessionless.push_back((deadline, conn));
    }

    pub(super) fn certified(&mut self, conn: ConnectionId, subject: String) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        if let Err(failure) = self.access.certified(subject, &mut connection.identities) {
            tracing::debug!(peer = %connection.peer, "{failure}");
            self.close(conn, CloseReason::AuthFailed);
        }
    }

    /// Answers a four-letter word if that is what the connection starts with.
    /// False if it is not, or cannot be told yet.
    pub(super) fn four_letter_word(
        &mut self,
        now: Now,
        conn: ConnectionId,
        bytes: &mut BytesMut,
    ) -> bool {
        let Some(word) = bytes.first_chunk::<4>().and_then(|first| Word::detect(*first)) else {
            return false;
        };
        self.command(now, conn, word, bytes);
        true
    }

    /// The connect request: a new session, or one to resume.
    pub(super) fn connect(&mut self, now: Now, conn: ConnectionId, frame: &Bytes) {
        self.stats.connection_requests += 1;
        if !self.tokens.take(now.instant) {
            self.stats.connections_rejected += 1;
            self.close(conn, CloseReason::Throttled);
            return;
        }
        self.stats.token_deficit.record(self.tokens.deficit().into());
        let request = match ConnectRequest::decode(&mut Reader::of(frame)) {
            Ok(request) => request,
            Err(error) => {
                self.close(conn, CloseReason::Malformed { what: "connect request", error });
                return;
            }
        };
        if request.last_zxid_seen > self.tree.last_zxid() {
            self.close(conn, CloseReason::ClientAhead);
            return;
        }
        let timeout_ms = self.config.negotiate_timeout_ms(request.timeout_ms);
        if request.session_id == SessionId::NONE {
            self.open_session(now, conn, timeout_ms, request.read_only.is_some());
        } else {
            self.resume_session(now, conn, timeout_ms, &request);
        }
    }

    fn open_session(&mut self, now: Now, conn: ConnectionId, timeout_ms: i32, ask_ro: bool) {
        let session = self.sessions.next_id();
        self.sessions.open(session, timeout_ms, Some(conn), now.instant);
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.phase = Phase::Opening;
        }
        let answer = Answer::Connected { ask_ro };
        let op = OpCode::CreateSession;
        let origin =
            Origin { conn, xid: 0, op, answer, received: now.instant, audited: None, large: 0 };
        self.propose_own(now, ServerRequest::CreateSession { session, timeout_ms }, Some(origin));
    }

    /// Apache closes the live connection of the named session first and looks at the password
    /// afterwards, so that anybody who has seen a session id (it stands in every ephemeral node)
    /// can cut its owner off. Here a wrong password changes nothing for anybody else.
    fn resume_session(
        &mut self,
        now: Now,
        conn: ConnectionId,
        timeout_ms: i32,
        request: &ConnectRequest,
    ) {
        self.stats.revalidations += 1;
        let session = request.session_id;
        let ask_ro = request.read_only.is_some();
        let password = Password::for_session(session);
        if request.password != password || !self.sessions.is_live(session) {
            let refusal = ConnectResponse::expired(ask_ro.then_some(false));
            self.write(conn, |out| encode_frame(out, |out| refusal.encode(out)));
            self.close(conn, CloseReason::SessionRefused);
            return;
        }
        if let Some(former) = self.sessions.take_over(session, timeout_ms, conn, now.instant) {
            self.close(former, CloseReason::SessionMoved);
        }
        self.wait_for_former_writes(conn);
        self.greet(conn, session, timeout_ms, ask_ro);
    }

    /// What the session wrote over its former connection may still be on its way through the log;
    /// the first read over the new one must see it.
    fn wait_for_former_writes(&mut self, conn: ConnectionId) {
        if self.proposed.is_empty() {
            return;
        }
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.lane.push_back(Waiting::FormerWrites);
            self.barriers.push_back((self.last_proposed, conn));
        }
    }

    /// Tells a client that its session is set up.
    pub(super) fn greet(
        &mut self,
        conn: ConnectionId,
        session: SessionId,
        timeout_ms: i32,
        ask_ro: bool,
    ) {
        let response = ConnectResponse {
            protocol_version: 0,
            timeout_ms,
            session_id: session,
            password: Password::for_session(session),
            read_only: ask_ro.then_some(false),
        };
        if let Some(connection) = self.connections.get_mut(&conn)
            && connection.phase != Phase::Closing
        {
            connection.phase = Phase::Active(session);
            self.write(conn, |out| encode_frame(out, |out| response.encode(out)));
            self.resume_if_possible(conn);
        }
    }
}
