//! What all builders have in common: whom to ask, about which path, for how long.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;
use zk_proto::codec::Encode;
use zk_proto::path::PathError;
use zk_proto::{ErrorCode, OpCode};

use super::pending::{Context, Pending};
use super::span;
use crate::arena::RequestPath;
use crate::client::Client;
use crate::driver;
use crate::error::{Error, Result};
use crate::queue::{Command, ReplyTo, Submission};
use crate::session::{Class, Failure, Outcome, Watch, WatchKind};
use crate::watch::{OneshotWatch, Sink};

/// A request in the making.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    client: &'a Client,
    path: &'a str,
    limits: Limits,
}

/// When a request is to be given up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) timeout: Option<Duration>,
    /// Whether the time was asked for here, not once for all requests of the client.
    pub(crate) asked_for: bool,
    /// When that time is up, for what takes more than one request.
    pub(crate) deadline: Option<Instant>,
    pub(crate) epoch: Option<u64>,
}

impl Limits {
    /// No limit but the session's own.
    pub(crate) const NONE: Self =
        Self { timeout: None, asked_for: false, deadline: None, epoch: None };

    /// Whether the time is up.
    pub(crate) fn are_exhausted(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= driver::now())
    }

    /// From now on the time runs, for all requests together that are sent with these limits.
    pub(crate) fn started(self) -> Self {
        let deadline = self.deadline();
        Self { deadline, ..self }
    }

    /// The same for what takes any number of requests: a limit that is meant for each request does
    /// not hold for all of them.
    pub(crate) fn started_if_asked_for(self) -> Self {
        if self.asked_for { self.started() } else { self }
    }

    /// A time beyond the clock's reach never comes.
    fn deadline(&self) -> Option<Instant> {
        self.deadline.or_else(|| driver::now().checked_add(self.timeout?))
    }
}

impl<'a> Call<'a> {
    /// A request about a path of the application; an empty one if it is about none.
    pub(crate) fn new(client: &'a Client, path: &'a str) -> Self {
        let limits = Limits { timeout: client.shared().request_timeout, ..Limits::NONE };
        Self { client, path, limits }
    }

    pub(crate) fn client(&self) -> &'a Client {
        self.client
    }

    pub(crate) fn path(&self) -> &'a str {
        self.path
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        self.limits.timeout = Some(timeout);
        self.limits.asked_for = true;
    }

    pub(crate) fn set_epoch(&mut self, epoch: u64) {
        self.limits.epoch = Some(epoch);
    }

    /// The path as the server knows it.
    pub(crate) fn server_path(&self) -> Cow<'a, str> {
        self.client.chroot().to_server(self.path)
    }

    /// Puts the request in line, if its path is valid.
    pub(crate) fn submit<T: 'static>(
        self,
        op: OpCode,
        record: &impl Encode,
        decode: impl FnOnce(&Context, Outcome) -> Result<T> + Send + Sync + 'static,
    ) -> Pending<T> {
        match zk_proto::path::validate(self.path) {
            Ok(()) => self.enqueue(op, record, None, decode),
            Err(reason) => Pending::failed(self.invalid_path(&reason)),
        }
    }

    /// Puts a request in line whose path is none, or was checked by rules of its own.
    pub(crate) fn submit_unchecked<T: 'static>(
        self,
        op: OpCode,
        record: &impl Encode,
        decode: impl FnOnce(&Context, Outcome) -> Result<T> + Send + Sync + 'static,
    ) -> Pending<T> {
        self.enqueue(op, record, None, decode)
    }

    /// Puts a request that sets a one-shot watch in line, if its path is valid.
    pub(crate) fn submit_watching<T: 'static>(
        self,
        op: OpCode,
        record: &impl Encode,
        kind: WatchKind,
        decode: impl FnOnce(&Context, Outcome, OneshotWatch) -> Result<T> + Send + Sync + 'static,
    ) -> Pending<T> {
        let (registration, mut watch) = OneshotWatch::new(self.client, kind, &self.server_path());
        self.submit_with_watch(op, record, registration, move |context, outcome| {
            let is_missing = outcome == Err(Failure::Code(ErrorCode::NoNode));
            if outcome.is_err() && !(is_missing && kind == WatchKind::Exist) {
                watch.was_never_set();
            }
            decode(context, outcome, watch)
        })
    }

    /// Puts a request that sets a watch in line, if its path is valid.
    pub(crate) fn submit_with_watch<T: 'static>(
        self,
        op: OpCode,
        record: &impl Encode,
        watch: Watch<Sink>,
        decode: impl FnOnce(&Context, Outcome) -> Result<T> + Send + Sync + 'static,
    ) -> Pending<T> {
        match zk_proto::path::validate(self.path) {
            Ok(()) => self.enqueue(op, record, Some(watch), decode),
            Err(reason) => Pending::failed(self.invalid_path(&reason)),
        }
    }

    /// Adds credentials to those of this and every later connection.
    pub(crate) fn authenticate(self, scheme: &str, auth: &[u8]) -> Pending<()> {
        let (reply, outcome) = oneshot::channel();
        let command = Command::AddAuth {
            scheme: scheme.to_owned(),
            auth: Bytes::copy_from_slice(auth),
            reply: ReplyTo::caller(OpCode::Auth, reply),
        };
        let context = self.context(OpCode::Auth, RequestPath::from(self.path));
        Pending::command(command, outcome, context)
    }

    fn enqueue<T: 'static>(
        self,
        op: OpCode,
        record: &impl Encode,
        watch: Option<Watch<Sink>>,
        decode: impl FnOnce(&Context, Outcome) -> Result<T> + Send + Sync + 'static,
    ) -> Pending<T> {
        let (frame, path) = self.client.shared().arena.encode(op, record, self.path);
        let (reply, outcome) = oneshot::channel();
        let mut submission = Submission::new(frame, class(op), ReplyTo::caller(op, reply));
        submission.deadline = self.limits.deadline();
        submission.epoch = self.limits.epoch;
        submission.watch = watch;
        Pending::submit(submission, outcome, self.context(op, path), Box::new(decode))
    }

    fn context(&self, op: OpCode, path: RequestPath) -> Context {
        let timeout = self.limits.timeout;
        let (shared, chroot) = (Arc::clone(self.client.shared()), self.client.chroot().clone());
        let span = span::of_call(op, self.path, &shared);
        Context { shared, chroot, op, path, timeout, span }
    }

    pub(crate) fn invalid_path(&self, reason: &PathError) -> Error {
        Error::InvalidPath { path: self.path.to_owned(), reason: reason.to_string() }
    }
}

/// Whether a request can be sent twice without harm. `sync` and `addWatch` can.
pub(super) fn class(op: OpCode) -> Class {
    if op.is_write() { Class::Write } else { Class::Read }
}
