//! What the server says.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use zk_proto::codec::{Decode, FrameDecoder, FrameError, Reader};
use zk_proto::{ErrorCode, ReplyHeader, WatcherEvent, Zxid, xid};

use super::link::Phase;
use super::machine::Session;
use super::output::{Loss, NodeEvent, Notice, Output, SessionState};
use super::request::{Failure, Outcome, Reply, XID_AT};
use super::slot::{Owner, Registration};
use super::timers::Timer;
use super::watches::Watch;

impl<R, W: Clone> Session<R, W> {
    /// Bytes have come. Takes whole frames out of the buffer and leaves the rest, to which the
    /// next bytes are to be appended.
    pub(crate) fn received(&mut self, now: Instant, buffer: &mut BytesMut) {
        self.expire_if_due(now);
        let decoder = FrameDecoder::new(self.config.reply_len_max);
        while self.phase.has_connection() {
            match decoder.next(buffer) {
                Ok(Some(frame)) if self.phase == Phase::Handshake => {
                    self.connect_answered(now, &frame);
                }
                Ok(Some(frame)) if self.phase == Phase::Authenticating => {
                    self.sasl_answered(now, &frame);
                }
                Ok(Some(frame)) => self.answered(now, frame),
                Ok(None) => return self.detach_if_idle(),
                // An answer to the connect request has no xid.
                Err(FrameError::TooLong { len, limit }) if self.phase != Phase::Handshake => {
                    // Its xid tells whose reply it is.
                    let Some(xid) = peek_xid(buffer) else {
                        return;
                    };
                    self.too_long(now, xid, len, limit);
                }
                Err(reason) => self.drop_connection(now, reason.into()),
            }
        }
        buffer.clear();
        self.detach_if_idle();
    }

    /// A whole frame has come: the server is alive.
    pub(super) fn heard(&mut self, now: Instant) {
        let decides = self.server_decides();
        if let Some(granted) = &mut self.granted {
            granted.heard_at = now;
            self.timers.set(Timer::Read, now + granted.read_timeout());
            if decides {
                self.timers.set(Timer::Expiry, now + granted.expiry_timeout());
            }
        }
    }

    /// A reply has come to what was sent then: the session was alive at that time, and the server
    /// does what it is there for.
    fn proved(&mut self, sent_at: Instant) {
        self.backoff.reset();
        let decides = self.server_decides();
        if let Some(granted) = self.granted.as_mut().filter(|_| decides) {
            granted.prove(sent_at);
        }
    }

    fn answered(&mut self, now: Instant, frame: Bytes) {
        self.heard(now);
        let mut reader = Reader::of(&frame);
        let header = match ReplyHeader::decode(&mut reader) {
            Ok(header) => header,
            Err(reason) => return self.drop_connection(now, reason.into()),
        };
        let body = frame.slice(frame.len() - reader.remaining().len()..);
        if header.xid != xid::NOTIFICATION && header.xid != xid::PING {
            self.link.held.forget_told();
        }
        match header.xid {
            xid::NOTIFICATION => self.notified(now, header, &body),
            xid::PING => self.ping_answered(now),
            xid::AUTH => self.auth_answered(now, header.err),
            xid::SET_WATCHES => self.watches_answered(now, header.err),
            _ => self.request_answered(now, header, body),
        }
        self.leave_if_idle(now);
    }

    fn notified(&mut self, now: Instant, header: ReplyHeader, body: &Bytes) {
        let event = match WatcherEvent::decode(&mut Reader::of(body)) {
            Ok(event) => event,
            Err(reason) => return self.drop_connection(now, reason.into()),
        };
        let (kind, path): (_, Arc<str>) = (event.kind, event.path.into());
        // The change is not "seen" yet in the sense of the connect request: of several events of
        // one transaction, those after a lost connection would never come.
        let zxid = (header.zxid > Zxid::ZERO).then_some(header.zxid);
        self.happened(now, NodeEvent { kind, path, zxid });
    }

    fn ping_answered(&mut self, now: Instant) {
        // The zxid of a ping's reply is left alone: the server takes it outside the order of
        // events and replies.
        match self.link.pings.pop_front() {
            Some(sent_at) => {
                self.proved(sent_at);
                let after = now.saturating_duration_since(sent_at);
                self.outputs.push_back(Output::PingAnswered { after });
            }
            None => self.unexpected(now, xid::PING, None),
        }
    }

    fn auth_answered(&mut self, now: Instant, code: ErrorCode) {
        let Some(scheme) = self.credentials.due() else {
            return self.unexpected(now, xid::AUTH, None);
        };
        if code != ErrorCode::Ok {
            let why = Loss::AuthRefused { scheme: scheme.to_owned() };
            return self.auth_failed(why);
        }
        for caller in self.credentials.accepted() {
            self.complete(caller, Ok(Reply::NONE));
        }
    }

    fn watches_answered(&mut self, now: Instant, code: ErrorCode) {
        let Some((sent_at, chunk)) = self.link.rearming.pop_front() else {
            return self.unexpected(now, xid::SET_WATCHES, None);
        };
        self.proved(sent_at);
        let unsupported = code == ErrorCode::Unimplemented && chunk.persistent().next().is_some();
        if code != ErrorCode::Ok && !unsupported {
            return self.drop_connection(now, Loss::WatchesRefused(code));
        }
        for (kind, path) in chunk.persistent() {
            if !unsupported {
                self.link.held.insert(kind, path);
            }
            if unsupported {
                let failure = Failure::Code(ErrorCode::Unimplemented);
                for sink in self.watches.take(kind, path) {
                    let notice = Notice::Ended(failure.clone());
                    self.outputs.push_back(Output::Watch { sink, notice });
                }
            } else {
                for sink in self.watches.sinks(kind, path) {
                    self.outputs.push_back(Output::Watch { sink, notice: Notice::Rearmed });
                }
            }
        }
        if unsupported {
            // The server closes after such an answer; the one-shot watches that were in the same
            // request go to the next.
            self.drop_connection(now, Loss::WatchesRefused(code));
        }
    }

    fn request_answered(&mut self, now: Instant, header: ReplyHeader, body: Bytes) {
        let due = self.pending.due_xid();
        if due != Some(header.xid) {
            return self.unexpected(now, header.xid, due);
        }
        let Some(slot) = self.pending.answered() else {
            return;
        };
        self.proved(slot.sent_at);
        if header.zxid > self.zxid_seen {
            self.zxid_seen = header.zxid;
        }
        let watched = slot.registration.watched().map(|(_, path)| Arc::clone(path));
        self.register(now, slot.registration, header.err);
        if let Some(path) = watched {
            self.tidy(now, &path);
        }
        let outcome = match header.err {
            ErrorCode::Ok => Ok(Reply { xid: header.xid, zxid: header.zxid, body }),
            code => Err(Failure::Code(code)),
        };
        match slot.owner {
            Owner::Caller(reply) => self.complete(reply, outcome),
            Owner::Abandoned => {}
            Owner::Removal { kind, path, last_try } => {
                self.removal_answered(now, kind, path, last_try, header.err);
            }
            Owner::Close(reply) => self.close_answered(reply, outcome),
        }
    }

    fn close_answered(&mut self, reply: R, outcome: Outcome) {
        let outcome = match outcome {
            // Nothing but a read-only server knows the session, and nothing depends on it.
            Err(Failure::Code(_)) if self.settled().is_none() => Ok(Reply::NONE),
            outcome => outcome,
        };
        self.complete(reply, outcome);
        self.finish(Failure::Closed, SessionState::Closed, Some(Loss::Closed));
    }

    fn register(&mut self, now: Instant, registration: Registration<W>, answer: ErrorCode) {
        if let Some((kind, path)) = registration.watched() {
            self.link.held.answered(kind, path, kind.filed(answer).is_some());
        }
        match registration {
            Registration::None => {}
            Registration::Set(watch) => {
                if let Some(kind) = watch.kind.filed(answer) {
                    self.watches.set(Watch { kind, ..watch });
                }
            }
            Registration::Undo { kind, path } => {
                if kind.filed(answer).is_some() {
                    self.retire(now, kind, path);
                }
            }
        }
    }

    pub(super) fn unexpected(&mut self, now: Instant, got: i32, expected: Option<i32>) {
        self.drop_connection(now, Loss::UnexpectedReply { got, expected });
    }

    /// A reply that is too long to take fails its request for good: it would be as long again.
    fn too_long(&mut self, now: Instant, xid: i32, len: usize, limit: usize) {
        if self.pending.due_xid() == Some(xid)
            && let Some(slot) = self.pending.answered()
        {
            let outcome = Err(Failure::ReplyTooLong { len, limit });
            match slot.owner {
                Owner::Caller(reply) | Owner::Close(reply) => self.complete(reply, outcome),
                Owner::Abandoned | Owner::Removal { .. } => {}
            }
        }
        self.drop_connection(now, FrameError::TooLong { len, limit }.into());
    }
}

/// The xid of the frame at the front, if that much of it has come.
fn peek_xid(buffer: &BytesMut) -> Option<i32> {
    buffer.get(XID_AT..)?.first_chunk().map(|xid| i32::from_be_bytes(*xid))
}
