//! What goes to the server.

use std::time::Instant;

use bytes::BytesMut;
use zk_proto::codec::{Encode, encode_frame};
use zk_proto::{OpCode, RequestHeader, xid};

use super::link::Phase;
use super::machine::Session;
use super::output::Loss;
use super::timers::Timer;

/// How many bytes one call of [`Session::transmit`] gives, but for a single frame that is longer.
/// What was given counts as sent, so less is better when the connection dies; more saves calls.
const TRANSMIT_LEN_MAX: usize = 64 * 1024;

impl<R, W: Clone> Session<R, W> {
    /// Appends to `out` what is to be written to the connection, if anything is: at most about
    /// 64 KiB, so that a slow connection leaves requests in line rather than in a buffer. From here
    /// on they count as sent; see [`connection_lost`](Self::connection_lost).
    pub(crate) fn transmit(&mut self, now: Instant, out: &mut BytesMut) {
        self.expire_if_due(now);
        // What is past its time must not go out any more, even if its timer comes a moment later.
        if self.timers.take_if_due(Timer::Request, now) {
            self.requests_timed_out(now);
        }
        let start = out.len();
        match self.phase {
            Phase::Handshake => {
                out.extend_from_slice(&self.link.greeting.split());
                self.link.greeted_at.get_or_insert(now);
            }
            Phase::Authenticating => self.transmit_sasl(out),
            Phase::Established => self.transmit_established(now, out),
            Phase::Waiting | Phase::Connecting | Phase::Finished(_) => return,
        }
        self.link.written += (out.len() - start) as u64;
    }

    /// First who we are, then what we watch, then what we want: nothing may be done under the wrong
    /// identity, and no reply may overtake the event that it reveals.
    fn transmit_established(&mut self, now: Instant, out: &mut BytesMut) {
        let start = out.len();
        self.credentials.transmit(out);
        let touching = out.len();
        if self.link.ping_due_since.take().is_some() {
            encode_frame(out, |out| {
                RequestHeader { xid: xid::PING, op: OpCode::Ping.code() }.encode(out);
            });
            self.link.pings.push_back(now);
        }
        while out.len() - start < TRANSMIT_LEN_MAX && !self.link.leaving {
            if let Some(chunk) = self.link.rearm.pop_front() {
                chunk.transmit(self.link.relative_zxid, out);
                self.link.rearming.push_back((now, chunk));
            } else if self.may_send_next() {
                let xid = self.take_xid();
                let before = self.link.written + (out.len() - start) as u64;
                self.pending.send_next(now, xid, before, out);
            } else {
                break;
            }
        }
        // Authentication does not count: servers do not take it for a sign of life.
        if out.len() > touching
            && let Some(granted) = &self.granted
        {
            self.timers.set(Timer::Ping, now + granted.ping_interval());
        }
    }

    /// Nothing was sent for a while. Pings go by this clock alone, however much the server sends;
    /// and a server that sends but does not answer is given up, even if the connection does not
    /// take the ping.
    pub(super) fn ping_due(&mut self, now: Instant) {
        let Some(granted) = &self.granted else {
            return;
        };
        let due_since = *self.link.ping_due_since.get_or_insert(now);
        let oldest = self.link.pings.front().copied().unwrap_or(due_since);
        let patience_ends = oldest + granted.timeout;
        if patience_ends <= now {
            let why = Loss::PingUnanswered(granted.timeout);
            return self.drop_connection(now, why);
        }
        self.timers.set(Timer::Ping, patience_ends.min(now + granted.ping_interval()));
    }

    /// The next xid: up to the highest that a client may use, then from 1 again. Never one that is
    /// still in flight, since far fewer requests may be.
    pub(super) fn take_xid(&mut self) -> i32 {
        let xid = self.next_xid;
        self.next_xid = if xid >= xid::MAX { 1 } else { xid + 1 };
        xid
    }
}
