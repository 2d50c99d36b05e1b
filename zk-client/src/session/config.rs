//! What the application chose about its session.

use std::time::Duration;

use zk_proto::HostPort;

use crate::handover::SessionHandover;

/// The settings of a [`Session`](super::Session). Times are as the application asked for them; the
/// server may grant another session timeout.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The servers, in the order of the connect string; the session shuffles them once.
    pub(crate) hosts: Vec<HostPort>,
    /// The session timeout to ask for. The server clamps it, by default to 2..=20 of its ticks.
    pub(crate) session_timeout: Duration,
    /// How long the first session may take, all attempts together; then the session ends with
    /// [`Failure::Unreachable`](super::Failure::Unreachable). For a later session, requests that
    /// waited this long for it fail with the same word while the attempts go on.
    pub(crate) connect_timeout: Duration,
    /// How long closing may take before it is given up.
    pub(crate) close_timeout: Duration,
    /// The SASL mechanism by which the client shows each server who it is.
    pub(crate) sasl: Option<&'static str>,
    /// Whether the first session may take as long as it likes: requests that wait for it longer
    /// than `connect_timeout` fail, and the attempts go on.
    pub(crate) lazy: bool,
    /// Whether to be content with a read-only server while there is no other.
    pub(crate) read_only: bool,
    /// The session to go on with, from another client.
    pub(crate) resume: Option<SessionHandover>,
    /// Whether an expired session is followed by a new one; otherwise expiry is the end.
    pub(crate) renew: bool,
    /// How many requests may be queued and in flight together.
    pub(crate) requests_max: usize,
    /// How many bytes the frames of these requests may hold together. One request is always let
    /// in, however large.
    pub(crate) request_bytes_max: usize,
    /// The longest frame that is sent, without its length prefix. A server drops the connection of
    /// who sends more than its `jute.maxbuffer`, so a longer request fails here, alone.
    pub(crate) request_len_max: usize,
    /// The longest frame that is accepted, without its length prefix. A longer reply fails its
    /// request and costs the connection.
    pub(crate) reply_len_max: usize,
    /// The first pause before a reconnect; jitter lies on top. Doubles with each failure once all
    /// servers have failed.
    pub(crate) backoff_min: Duration,
    /// The longest pause before a reconnect, without its jitter (up to as much again).
    pub(crate) backoff_max: Duration,
}

impl Config {
    /// The defaults, for these servers.
    pub(crate) fn new(hosts: Vec<HostPort>) -> Self {
        Self {
            hosts,
            session_timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(15),
            close_timeout: Duration::from_secs(3),
            sasl: None,
            lazy: false,
            read_only: false,
            resume: None,
            renew: true,
            requests_max: 10_000,
            request_bytes_max: 64 << 20,
            request_len_max: zk_proto::codec::DEFAULT_FRAME_LIMIT,
            reply_len_max: 4 << 20,
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_secs(1),
        }
    }
}
