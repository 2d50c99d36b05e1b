//! What the feature `metrics` counts, where it is off: nothing, at no cost.

use std::time::Duration;

use zk_proto::OpCode;

use crate::session::Outcome;

/// A request, from the call to its end.
#[derive(Debug)]
pub(crate) struct Request;

impl Request {
    #[inline]
    pub(crate) fn new(_op: OpCode) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn ended(&self, _outcome: &Outcome) {}
}

/// One client's share of the gauges.
pub(crate) struct Gauges;

impl Gauges {
    #[inline]
    pub(crate) fn new() -> Self {
        Self
    }

    #[inline]
    pub(crate) fn show(&mut self, _requests: usize, _bytes: usize, _watches: usize, _up: bool) {}
}

#[inline]
pub(crate) fn reconnected() {}

#[inline]
pub(crate) fn session_expired() {}

#[inline]
pub(crate) fn watch_event() {}

#[inline]
pub(crate) fn ping_answered(_after: Duration) {}

#[inline]
pub(crate) fn sent(_len: usize) {}

#[inline]
pub(crate) fn received(_len: usize) {}
