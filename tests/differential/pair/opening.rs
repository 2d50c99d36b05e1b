//! Connecting to both servers: with new sessions, and with those there are.

use fastrand::Rng;
use zk_proto::{ConnectRequest, ConnectResponse, Password, SessionId, Zxid};

use super::{Connection, Mismatch, NAMES, Pair, Session, Step};
use crate::generator::WatchClasses;
use crate::normal::Normal;
use crate::wire::Wire;
use crate::{SESSION_TIMEOUT_MAX, SESSION_TIMEOUT_MIN};

impl Pair {
    /// A new session, or none if `last_zxid_seen` is too high.
    pub(crate) fn open(&mut self, rng: &mut Rng, ahead: i64) -> Result<Option<usize>, Mismatch> {
        let (least, most) = (SESSION_TIMEOUT_MIN, SESSION_TIMEOUT_MAX);
        let wanted = [-1, 0, 1, least - 1, least + 1, most, most + 1, i32::MAX][rng.usize(..8)];
        let (timeout_ms, read_only) = (wanted, [None, Some(false), Some(true)][rng.usize(..3)]);
        let number = self.sessions.len();
        let (wires, responses) = self.connect(|normal, _| ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: Zxid(if ahead > 0 { normal.last_zxid + ahead } else { 0 }),
            timeout_ms,
            session_id: SessionId::NONE,
            password: Password::NONE,
            read_only,
        });
        let [Some(apache), Some(ours)] = &responses else {
            return if responses == [None, None] { Ok(None) } else { Err(differ(&responses)) };
        };
        let ids = [apache.session_id, ours.session_id];
        self.equal_welcome(apache, ours)?;
        for (normal, id) in self.normal.iter_mut().zip(ids) {
            normal.learn_session(id, number);
            // Its transaction; a ping confirms it.
            normal.last_zxid += 1;
        }
        let connection = Connection { wires, classes: WatchClasses::new(), last_xid: 0 };
        self.sessions.push(Session { ids, connection: Some(connection), is_over: false });
        self.settle(Step { start: self.last_zxid(), ..Step::QUIET }, None)?;
        Ok(Some(number))
    }

    /// Another connection for a session; the one it has, if any, is closed.
    pub(crate) fn resume(
        &mut self,
        session: usize,
        is_password_right: bool,
    ) -> Result<(), Mismatch> {
        let ids = self.sessions[session].ids;
        let (wires, responses) = self.connect(|_, server| {
            let mut password = Password::for_session(ids[server]);
            if !is_password_right {
                password.0[3] ^= 1;
            }
            ConnectRequest {
                protocol_version: 0,
                last_zxid_seen: Zxid::ZERO,
                timeout_ms: SESSION_TIMEOUT_MIN + 1,
                session_id: ids[server],
                password,
                read_only: Some(false),
            }
        });
        let [Some(apache), Some(ours)] = &responses else { return Err(differ(&responses)) };
        self.equal_welcome(apache, ours)?;
        let is_welcome = apache.timeout_ms > 0;
        if is_welcome != (is_password_right && !self.sessions[session].is_over) {
            return Err(Mismatch(format!("both accept or refuse wrongly: {apache:?}")));
        }
        let impersonated = (!is_welcome).then_some(session);
        let step = Step { start: self.last_zxid(), impersonated, ..Step::QUIET };
        self.settle(step, None)?;
        if is_welcome {
            if self.sessions[session].connection.is_some() {
                return Err(Mismatch("a session that moved keeps its old connection".to_owned()));
            }
            let connection = Connection { wires, classes: WatchClasses::new(), last_xid: 0 };
            self.sessions[session].connection = Some(connection);
            self.settle(Step { start: self.last_zxid(), ..Step::QUIET }, None)?;
        }
        Ok(())
    }

    fn connect(
        &self,
        request: impl Fn(&Normal, usize) -> ConnectRequest,
    ) -> ([Wire; 2], [Option<ConnectResponse>; 2]) {
        let mut wires = [0, 1].map(|server| Wire::open(self.addresses[server], NAMES[server]));
        for (server, wire) in wires.iter_mut().enumerate() {
            wire.ask_to_connect(&request(&self.normal[server], server));
        }
        let responses = wires.each_mut().map(Wire::connected);
        (wires, responses)
    }

    fn equal_welcome(
        &self,
        apache: &ConnectResponse,
        ours: &ConnectResponse,
    ) -> Result<(), Mismatch> {
        let normal = |response: &ConnectResponse| {
            let password = if response.timeout_ms > 0 {
                Password::for_session(response.session_id)
            } else {
                Password::NONE
            };
            (
                response.protocol_version,
                response.timeout_ms,
                response.session_id == SessionId::NONE,
                response.password == password,
                response.read_only,
            )
        };
        if normal(apache) == normal(ours) { Ok(()) } else { Err(differ(&[apache, ours])) }
    }
}

fn differ<T: std::fmt::Debug>(answers: &[T; 2]) -> Mismatch {
    Mismatch(format!("connecting\nApache: {:?}\nours:   {:?}", answers[0], answers[1]))
}
