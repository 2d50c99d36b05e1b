//! The credentials of a client, which each connection has to be shown anew.

use bytes::{Bytes, BytesMut};
use zk_proto::codec::{Encode, encode_frame};
use zk_proto::{AuthPacket, OpCode, RequestHeader, xid};

/// How many different credentials a client may have.
pub(crate) const CREDENTIALS_MAX: usize = 64;

/// Remembered credentials in the order they were added. On each connection they go out before
/// watches are set again, and those before requests, so that nothing is done under the wrong
/// identity.
pub(crate) struct Credentials<R> {
    remembered: Vec<Credential<R>>,
    /// How many of them went out on this connection.
    sent: usize,
    /// How many of these the server has answered.
    answered: usize,
}

struct Credential<R> {
    scheme: String,
    auth: Bytes,
    /// Who waits for the server's word on it.
    waiting: Vec<R>,
}

/// Where a new credential stands.
pub(crate) enum Added<R> {
    /// It will go out; who waits will be told.
    Remembered,
    /// The server has accepted it on this connection already.
    Known(Option<R>),
    /// There are too many.
    TooMany(Option<R>),
}

impl<R> Credentials<R> {
    pub(crate) fn new() -> Self {
        Self { remembered: Vec::new(), sent: 0, answered: 0 }
    }

    /// Remembers a credential, once.
    pub(crate) fn add(&mut self, scheme: &str, auth: Bytes, reply: Option<R>) -> Added<R> {
        let known = |known: &Credential<R>| known.scheme == scheme && known.auth == auth;
        if let Some(at) = self.remembered.iter().position(known) {
            if at < self.answered {
                return Added::Known(reply);
            }
            self.remembered[at].waiting.extend(reply);
            return Added::Remembered;
        }
        if self.remembered.len() >= CREDENTIALS_MAX {
            return Added::TooMany(reply);
        }
        let waiting = Vec::from_iter(reply);
        self.remembered.push(Credential { scheme: scheme.to_owned(), auth, waiting });
        Added::Remembered
    }

    /// Forgets what the last connection was shown.
    pub(crate) fn disconnected(&mut self) {
        (self.sent, self.answered) = (0, 0);
    }

    /// Writes what the connection has not been shown.
    pub(crate) fn transmit(&mut self, out: &mut BytesMut) {
        for credential in &self.remembered[self.sent..] {
            encode_frame(out, |out| {
                RequestHeader { xid: xid::AUTH, op: OpCode::Auth.code() }.encode(out);
                AuthPacket { kind: 0, scheme: &credential.scheme, auth: &credential.auth }
                    .encode(out);
            });
        }
        self.sent = self.remembered.len();
    }

    /// The scheme of the oldest credential in flight: the one that the next answer is about.
    pub(crate) fn due(&self) -> Option<&str> {
        let in_flight = &self.remembered[..self.sent];
        in_flight.get(self.answered).map(|credential| credential.scheme.as_str())
    }

    /// The server has accepted the oldest credential in flight. Who waits for that.
    pub(crate) fn accepted(&mut self) -> Vec<R> {
        let Some(credential) = self.remembered[..self.sent].get_mut(self.answered) else {
            return Vec::new();
        };
        self.answered += 1;
        std::mem::take(&mut credential.waiting)
    }

    /// Whether anybody waits.
    pub(crate) fn are_awaited(&self) -> bool {
        self.remembered.iter().any(|credential| !credential.waiting.is_empty())
    }

    /// Everybody who still waits.
    pub(crate) fn take_waiting(&mut self) -> Vec<R> {
        self.remembered.iter_mut().flat_map(|credential| credential.waiting.drain(..)).collect()
    }
}
