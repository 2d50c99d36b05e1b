//! Showing by SASL who the client is: after the answer to the connect request and before anything
//! else, on each connection anew.
//!
//! The mechanism is the driver's, since it may block. The session passes its tokens to and fro,
//! knows whose turn it is, and holds back everything else until the mechanism is content.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use zk_proto::codec::{Decode, Reader};
use zk_proto::{ConnectResponse, ErrorCode, OpCode, ReplyHeader, SaslRequest, SaslResponse};

use super::link::Phase;
use super::machine::Session;
use super::output::{Loss, Output};
use super::request::{XID_AT, encode_request};

/// Tokens that one exchange may take of the client. Kerberos takes four, and a server that goes on
/// asking is not going to be content.
const TOKENS_MAX: usize = 16;

/// What the mechanism does with the server's last word.
#[derive(Debug)]
pub(crate) enum SaslStep {
    /// Says this, and wants to hear the answer.
    Send(Bytes),
    /// Says this, and is content if the server is.
    SendLast(Bytes),
    /// Is content and has nothing more to say.
    Done,
    /// Gives up, for good.
    Refused(String),
    /// Cannot go on now; another attempt may go better.
    Unavailable(String),
}

/// The exchange of one connection.
pub(crate) struct Exchange {
    /// The server's answer to the connect request, which takes effect when the exchange is over.
    welcome: ConnectResponse,
    timeout: Duration,
    turn: Turn,
    /// The frame with the client's token, until it is written.
    outgoing: BytesMut,
    tokens: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Mechanism,
    /// The server's answer to the token with this xid. `last`: the mechanism wants to hear no more
    /// than that the server is content.
    Server {
        xid: i32,
        last: bool,
    },
}

impl<R, W: Clone> Session<R, W> {
    /// The server takes the client in; now the mechanism has the word.
    pub(super) fn authenticate(
        &mut self,
        now: Instant,
        welcome: ConnectResponse,
        timeout: Duration,
    ) {
        self.phase = Phase::Authenticating;
        if self.granted.is_some() {
            self.heard(now);
        }
        let (outgoing, turn) = (BytesMut::new(), Turn::Mechanism);
        self.link.sasl = Some(Exchange { welcome, timeout, turn, outgoing, tokens: 0 });
        self.sasl_exchanges += 1;
        self.ask_mechanism(None);
    }

    fn ask_mechanism(&mut self, challenge: Option<Bytes>) {
        let exchange = self.sasl_exchanges;
        self.outputs.push_back(Output::Sasl { exchange, challenge });
    }

    /// The mechanism has an answer to [`Output::Sasl`]. One of an earlier connection is ignored.
    pub(crate) fn sasl_stepped(&mut self, now: Instant, exchange: u64, step: SaslStep) {
        let stale = exchange != self.sasl_exchanges || self.phase != Phase::Authenticating;
        let its_turn = |sasl: &Exchange| sasl.turn == Turn::Mechanism;
        if self.expire_if_due(now) || stale || !self.link.sasl.as_ref().is_some_and(its_turn) {
            return;
        }
        match step {
            SaslStep::Send(token) => self.send_token(&token, false),
            SaslStep::SendLast(token) => self.send_token(&token, true),
            SaslStep::Done => self.authenticated(now),
            SaslStep::Refused(reason) => {
                self.auth_failed(Loss::SaslFailed { mechanism: self.mechanism(), reason });
            }
            SaslStep::Unavailable(reason) => {
                let why = Loss::SaslFailed { mechanism: self.mechanism(), reason };
                self.drop_connection(now, why);
            }
        }
    }

    fn send_token(&mut self, token: &[u8], last: bool) {
        let xid = self.take_xid();
        let mut frame = encode_request(OpCode::Sasl, &SaslRequest { token: Some(token) });
        frame[XID_AT..XID_AT + 4].copy_from_slice(&xid.to_be_bytes());
        let (len, limit) = (frame.len() - XID_AT, self.config.request_len_max);
        let Some(sasl) = &mut self.link.sasl else { return };
        sasl.tokens += 1;
        if sasl.tokens > TOKENS_MAX || len > limit {
            let reason = if len > limit {
                format!("its token of {len} bytes is over the limit of {limit} (max_frame_len)")
            } else {
                format!("the server is still not content after {TOKENS_MAX} tokens")
            };
            return self.auth_failed(Loss::SaslFailed { mechanism: self.mechanism(), reason });
        }
        sasl.outgoing = frame;
        sasl.turn = Turn::Server { xid, last };
    }

    pub(super) fn transmit_sasl(&mut self, out: &mut BytesMut) {
        if let Some(sasl) = &mut self.link.sasl {
            out.extend_from_slice(&sasl.outgoing.split());
        }
    }

    /// A frame has come during the exchange: there is nothing that it can be but the answer to the
    /// token.
    pub(super) fn sasl_answered(&mut self, now: Instant, frame: &Bytes) {
        if self.granted.is_some() {
            self.heard(now);
        }
        let mut reader = Reader::of(frame);
        let header = match ReplyHeader::decode(&mut reader) {
            Ok(header) => header,
            Err(reason) => return self.drop_connection(now, reason.into()),
        };
        let sasl = self.link.sasl.as_mut();
        let (sasl, last) = match sasl.map(|sasl| (sasl.turn, sasl)) {
            Some((Turn::Server { xid, last }, sasl)) if xid == header.xid => (sasl, last),
            Some((Turn::Server { xid, .. }, _)) => {
                return self.unexpected(now, header.xid, Some(xid));
            }
            _ => return self.unexpected(now, header.xid, None),
        };
        let first = sasl.tokens == 1;
        sasl.turn = Turn::Mechanism;
        if header.err != ErrorCode::Ok {
            let why = Loss::SaslRefused { mechanism: self.mechanism(), code: header.err };
            return self.auth_failed(why);
        }
        match SaslResponse::decode(&mut reader) {
            Err(reason) => self.drop_connection(now, reason.into()),
            Ok(_) if last => self.authenticated(now),
            // A server that has no login section ends each exchange so, at once.
            Ok(SaslResponse { token: None }) if first => {
                self.auth_failed(Loss::SaslNotOffered { mechanism: self.mechanism() });
            }
            Ok(SaslResponse { token }) => self.ask_mechanism(Some(token.unwrap_or_default())),
        }
    }

    /// Both sides are content.
    fn authenticated(&mut self, now: Instant) {
        if let Some(sasl) = self.link.sasl.take() {
            self.established(now, sasl.welcome, sasl.timeout);
        }
    }

    pub(super) fn mechanism(&self) -> &'static str {
        self.config.sasl.unwrap_or("none")
    }
}
