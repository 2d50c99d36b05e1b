//! Counters, gauges and histograms of the `metrics` facade: give it any recorder (Prometheus, statsd,
//! OpenTelemetry …), and give it that before the first client is made.
//!
//! | metric | kind | what it is |
//! | --- | --- | --- |
//! | [`REQUESTS`]`{op, outcome}` | counter | requests that have ended, each once |
//! | [`REQUEST_DURATION`]`{op}` | histogram, s | from the call to the server's answer, be it a refusal |
//! | [`REQUESTS_OUTSTANDING`] | gauge | requests without an answer, but for those beyond [`max_outstanding`](crate::ClientBuilder::max_outstanding) |
//! | [`REQUEST_BYTES_OUTSTANDING`] | gauge, bytes | their frames |
//! | [`CONNECTED`] | gauge | clients that a server is answering |
//! | [`RECONNECTS`] | counter | connections of each client after its first |
//! | [`SESSION_EXPIRIES`] | counter | sessions that were lost |
//! | [`WATCHES`] | gauge | watches that are set, or will be set again by the next connection |
//! | [`WATCH_EVENTS`] | counter | events, once for each watch that was told |
//! | [`PING_DURATION`] | histogram, s | from a ping to its answer; there is one a third of the session timeout after anything was sent |
//! | [`BYTES_SENT`], [`BYTES_RECEIVED`] | counter, bytes | what the protocol takes, without TLS and TCP |
//!
//! `op` is the name of the request in ZooKeeper's protocol, as in [`Error`](crate::Error):
//! `getData`, `setData`, `create2`. A call that takes several requests counts each of them.
//!
//! `outcome` is one of:
//! * `ok`
//! * what a server answered: `no_node`, `node_exists`, `bad_version`, `not_empty`, `no_auth`,
//!   `not_read_only`, `throttled`, `unimplemented`, or `refused` for everything else
//! * why there is no answer: `connection_loss`, `session_expired`, `timeout`, `unreachable`,
//!   `auth_failed`, `closed`, `request_too_large`, `reply_too_large`, `too_many`
//!
//! Not counted is what was never sent: a request that was dropped while it waited in line
//! ([`Pending`](crate::Pending)), and a call whose path or arguments make no sense.
//!
//! The clients of one process add up. A gauge goes back by a client's share when the client ends.
//!
//! A request costs two look-ups in the recorder and no allocation of its own; without the feature
//! `metrics` there is nothing of this.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ::metrics::{
    Key, Label, Level, Metadata, Unit, counter, describe_counter, describe_gauge,
    describe_histogram, gauge, histogram, with_recorder,
};
use zk_proto::{ErrorCode, OpCode};

use crate::driver;
use crate::session::{Failure, Outcome};

/// Requests that have ended, by `op` and `outcome`.
pub const REQUESTS: &str = "zk_client_requests_total";
/// Seconds from a call to the server's answer, by `op`.
pub const REQUEST_DURATION: &str = "zk_client_request_duration_seconds";
/// Requests without an answer, but for those that wait beyond
/// [`max_outstanding`](crate::ClientBuilder::max_outstanding).
pub const REQUESTS_OUTSTANDING: &str = "zk_client_requests_outstanding";
/// Bytes of their frames.
pub const REQUEST_BYTES_OUTSTANDING: &str = "zk_client_request_bytes_outstanding";
/// Clients that a server is answering, be it a read-only one.
pub const CONNECTED: &str = "zk_client_connected";
/// Connections that were taken in by a server, but for each client's first.
pub const RECONNECTS: &str = "zk_client_reconnects_total";
/// Sessions that were lost.
pub const SESSION_EXPIRIES: &str = "zk_client_session_expiries_total";
/// Watches that are set.
pub const WATCHES: &str = "zk_client_watches";
/// Events that were handed to watches.
pub const WATCH_EVENTS: &str = "zk_client_watch_events_total";
/// Seconds from a ping to its answer.
pub const PING_DURATION: &str = "zk_client_ping_seconds";
/// Bytes that were given to connections.
pub const BYTES_SENT: &str = "zk_client_sent_bytes_total";
/// Bytes that came from connections.
pub const BYTES_RECEIVED: &str = "zk_client_received_bytes_total";

static METADATA: Metadata<'static> = Metadata::new("zk_client", Level::INFO, Some(module_path!()));

macro_rules! endings {
    ($($name:ident = $label:literal,)*) => {
        /// How a request has ended: the values of the label `outcome`.
        #[derive(Clone, Copy)]
        enum Ending { $($name,)* }

        const ENDINGS: &[&str] = &[$($label,)*];
    };
}

endings! {
    Ok = "ok",
    NoNode = "no_node",
    NodeExists = "node_exists",
    BadVersion = "bad_version",
    NotEmpty = "not_empty",
    NoAuth = "no_auth",
    NotReadOnly = "not_read_only",
    Throttled = "throttled",
    Unimplemented = "unimplemented",
    Refused = "refused",
    ConnectionLoss = "connection_loss",
    SessionExpired = "session_expired",
    Timeout = "timeout",
    Unreachable = "unreachable",
    AuthFailed = "auth_failed",
    Closed = "closed",
    RequestTooLarge = "request_too_large",
    ReplyTooLarge = "reply_too_large",
    TooMany = "too_many",
}

impl Ending {
    fn of(outcome: &Outcome) -> Self {
        let failure = match outcome {
            Ok(_) => return Self::Ok,
            Err(failure) => failure,
        };
        match failure {
            Failure::Code(code) => Self::of_code(*code),
            Failure::ConnectionLoss => Self::ConnectionLoss,
            Failure::SessionExpired => Self::SessionExpired,
            Failure::TimedOut { .. } => Self::Timeout,
            Failure::AuthFailed(_) => Self::AuthFailed,
            Failure::Closed => Self::Closed,
            Failure::Unreachable => Self::Unreachable,
            Failure::QueueFull | Failure::TooManyCredentials => Self::TooMany,
            Failure::RequestTooLong { .. } => Self::RequestTooLarge,
            Failure::ReplyTooLong { .. } => Self::ReplyTooLarge,
        }
    }

    fn of_code(code: ErrorCode) -> Self {
        match code {
            ErrorCode::NoNode => Self::NoNode,
            ErrorCode::NodeExists => Self::NodeExists,
            ErrorCode::BadVersion => Self::BadVersion,
            ErrorCode::NotEmpty => Self::NotEmpty,
            ErrorCode::NoAuth => Self::NoAuth,
            ErrorCode::NotReadOnly => Self::NotReadOnly,
            ErrorCode::ThrottledOp => Self::Throttled,
            ErrorCode::Unimplemented => Self::Unimplemented,
            ErrorCode::SessionExpired => Self::SessionExpired,
            ErrorCode::AuthFailed => Self::AuthFailed,
            _ => Self::Refused,
        }
    }
}

/// The keys of one kind of request, made once: a key with labels takes an allocation.
struct Keys {
    duration: Key,
    /// In the order of [`ENDINGS`].
    requests: Vec<Key>,
}

impl Keys {
    fn of(op: OpCode) -> Option<&'static Self> {
        static ALL: [OnceLock<Keys>; OpCode::ALL.len()] =
            [const { OnceLock::new() }; OpCode::ALL.len()];
        let at = OpCode::ALL.iter().position(|known| *known == op)?;
        Some(ALL[at].get_or_init(|| Self::new(op)))
    }

    fn new(op: OpCode) -> Self {
        let op = Label::new("op", op.name());
        let request = |ending: &&'static str| {
            Key::from_parts(REQUESTS, vec![op.clone(), Label::new("outcome", *ending)])
        };
        Self {
            requests: ENDINGS.iter().map(request).collect(),
            duration: Key::from_parts(REQUEST_DURATION, vec![op.clone()]),
        }
    }
}

/// A request, from the call to its end.
#[derive(Debug)]
pub(crate) struct Request {
    op: OpCode,
    since: Instant,
}

impl Request {
    pub(crate) fn new(op: OpCode) -> Self {
        Self { op, since: driver::now() }
    }

    pub(crate) fn ended(&self, outcome: &Outcome) {
        let Some(keys) = Keys::of(self.op) else { return };
        let key = &keys.requests[Ending::of(outcome) as usize];
        with_recorder(|recorder| recorder.register_counter(key, &METADATA)).increment(1);
        if matches!(outcome, Ok(_) | Err(Failure::Code(_))) {
            let took = driver::now().saturating_duration_since(self.since);
            with_recorder(|recorder| recorder.register_histogram(&keys.duration, &METADATA))
                .record(took);
        }
    }
}

/// One client's share of the gauges.
pub(crate) struct Gauges {
    requests: usize,
    request_bytes: usize,
    watches: usize,
    connected: usize,
}

impl Gauges {
    /// Those of a client that begins.
    pub(crate) fn new() -> Self {
        describe();
        Self { requests: 0, request_bytes: 0, watches: 0, connected: 0 }
    }

    /// Brings the gauges to where the client stands.
    pub(crate) fn show(
        &mut self,
        requests: usize,
        request_bytes: usize,
        watches: usize,
        connected: bool,
    ) {
        shift(REQUESTS_OUTSTANDING, &mut self.requests, requests);
        shift(REQUEST_BYTES_OUTSTANDING, &mut self.request_bytes, request_bytes);
        shift(WATCHES, &mut self.watches, watches);
        shift(CONNECTED, &mut self.connected, connected.into());
    }
}

impl Drop for Gauges {
    fn drop(&mut self) {
        self.show(0, 0, 0, false);
    }
}

/// Moves by the difference: the gauge is that of all clients.
fn shift(name: &'static str, share: &mut usize, new: usize) {
    let old = std::mem::replace(share, new);
    if old != new {
        gauge!(name).increment(new as f64 - old as f64);
    }
}

/// A server has taken the client in again.
pub(crate) fn reconnected() {
    counter!(RECONNECTS).increment(1);
}

/// A session was lost.
pub(crate) fn session_expired() {
    counter!(SESSION_EXPIRIES).increment(1);
}

/// A watch was told of a change.
pub(crate) fn watch_event() {
    counter!(WATCH_EVENTS).increment(1);
}

/// A ping was answered.
pub(crate) fn ping_answered(after: Duration) {
    histogram!(PING_DURATION).record(after);
}

/// A connection took so many bytes.
pub(crate) fn sent(len: usize) {
    counter!(BYTES_SENT).increment(len as u64);
}

/// So many bytes came from a connection.
pub(crate) fn received(len: usize) {
    counter!(BYTES_RECEIVED).increment(len as u64);
}

fn describe() {
    let counters = [
        (REQUESTS, Unit::Count, "Requests that have ended"),
        (RECONNECTS, Unit::Count, "Connections of each client after its first"),
        (SESSION_EXPIRIES, Unit::Count, "Sessions that were lost"),
        (WATCH_EVENTS, Unit::Count, "Events that were handed to watches"),
        (BYTES_SENT, Unit::Bytes, "Bytes sent, without TLS and TCP"),
        (BYTES_RECEIVED, Unit::Bytes, "Bytes received, without TLS and TCP"),
    ];
    for (name, unit, description) in counters {
        describe_counter!(name, unit, description);
    }
    let gauges = [
        (REQUESTS_OUTSTANDING, Unit::Count, "Requests without an answer"),
        (REQUEST_BYTES_OUTSTANDING, Unit::Bytes, "Bytes of the requests without an answer"),
        (WATCHES, Unit::Count, "Watches that are set"),
        (CONNECTED, Unit::Count, "Clients that a server is answering"),
    ];
    for (name, unit, description) in gauges {
        describe_gauge!(name, unit, description);
    }
    let histograms = [
        (REQUEST_DURATION, "From the call to the server's answer"),
        (PING_DURATION, "From a ping to its answer"),
    ];
    for (name, description) in histograms {
        describe_histogram!(name, Unit::Seconds, description);
    }
}
