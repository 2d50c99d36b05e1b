//! How the scripted servers take a client in, and which kinds there are.

use zk_proto::codec::{Decode, Encode, Reader, encode_frame};
use zk_proto::{ConnectRequest, ConnectResponse, Password, SessionId};

use super::server::{Ensemble, SessionRecord};

/// What the server at a port does with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// Serves it.
    Up,
    /// Cannot be connected to.
    Down,
    /// Swallows attempts to connect.
    Hangs,
    /// Takes the connection and says nothing, ever.
    Mute,
    /// Takes the connection and closes it on the connect request.
    NotServing,
    /// Serves those who have not seen more than this.
    Behind(i64),
    /// Answers the connect request, then closes.
    Flaky,
    /// Is cut off from the others and serves reads. Since 3.7 it takes no session that it knows.
    ReadOnly,
    /// As before 3.7: it resumes what sessions it knows.
    OldReadOnly,
}

impl Host {
    /// What it says when it is asked.
    pub(super) fn takes_writes(self) -> bool {
        !matches!(self, Self::Down | Self::Hangs | Self::Mute | Self::ReadOnly | Self::OldReadOnly)
    }
}

impl Ensemble {
    pub(super) fn greeting(&mut self, frame: &[u8]) {
        let request = ConnectRequest::decode(&mut Reader::new(frame)).expect("a connect request");
        let conn = self.conn.as_ref().expect("a connection");
        assert!(conn.inbox.is_empty(), "nothing follows a connect request before its answer");
        let seen = request.last_zxid_seen.0;
        let host = conn.host;
        self.greetings.push(request.clone());
        let behind = matches!(host, Some(Host::Behind(zxid)) if zxid < seen);
        if host == Some(Host::NotServing) || behind {
            self.closing = true;
            return;
        }
        let answer = if self.refuses_writes() {
            self.greeting_read_only(&request)
        } else {
            Some(self.greeting_read_write(&request))
        };
        let conn = self.conn.as_ref().expect("a connection");
        self.closing = !conn.greeted || host == Some(Host::Flaky);
        if let Some(answer) = answer {
            encode_frame(&mut self.out, |out| answer.encode(out));
        }
    }

    fn greeting_read_write(&mut self, request: &ConnectRequest) -> ConnectResponse {
        let id = request.session_id.0;
        let known = self.knows(request);
        if self.protocol_version != 0 {
            let answer = ConnectResponse::expired(None);
            let protocol_version = self.protocol_version;
            return ConnectResponse { protocol_version, timeout_ms: request.timeout_ms, ..answer };
        }
        if id != 0 && !known && !self.replaces_sessions {
            return ConnectResponse::expired(Some(false));
        }
        let resumed = known && !self.replaces_sessions;
        let next = self.next_session.unwrap_or(0x1000 + self.sessions.len() as i64);
        let id = if resumed { id } else { next };
        self.sessions.entry(id).or_insert_with(|| SessionRecord {
            password: Password::for_session(SessionId(id)),
            closed: false,
        });
        self.grant(request, id, false)
    }

    /// A read-only server knows the sessions that there were when it was cut off.
    fn greeting_read_only(&mut self, request: &ConnectRequest) -> Option<ConnectResponse> {
        if request.read_only != Some(true) {
            return None;
        }
        let old = self.conn.as_ref().is_some_and(|conn| conn.host == Some(Host::OldReadOnly));
        let local = 0x7000_0000 + self.connections as i64;
        match request.session_id.0 {
            0 => Some(self.grant(request, local, true)),
            id if self.knows(request) => old.then(|| self.grant(request, id, true)),
            _ => Some(ConnectResponse::expired(Some(true))),
        }
    }

    fn knows(&self, request: &ConnectRequest) -> bool {
        let known = self.sessions.get(&request.session_id.0);
        known.is_some_and(|known| !known.closed && known.password == request.password)
    }

    fn grant(&mut self, request: &ConnectRequest, id: i64, read_only: bool) -> ConnectResponse {
        let conn = self.conn.as_mut().expect("a connection");
        (conn.greeted, conn.session) = (true, id);
        ConnectResponse {
            protocol_version: 0,
            timeout_ms: request.timeout_ms.min(self.timeout_max_ms),
            session_id: SessionId(id),
            password: Password::for_session(SessionId(id)),
            read_only: (!self.omits_read_only).then_some(read_only),
        }
    }

    /// Whether the client's server is cut off from the others.
    pub(super) fn refuses_writes(&self) -> bool {
        let host = self.conn.as_ref().and_then(|conn| conn.host);
        matches!(host, Some(Host::ReadOnly | Host::OldReadOnly))
    }
}
