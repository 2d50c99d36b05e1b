//! A request that was sent and whose reply is still to come.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::Span;
use zk_proto::OpCode;
use zk_proto::codec::{Decode, Encode, Reader};

use super::call::class;
use super::span;
use crate::arena::RequestPath;
use crate::chroot::Chroot;
use crate::error::{Error, Result};
use crate::queue::{Command, ReplyTo, Submission, Ticket};
use crate::session::{Class, Failure, Outcome, Watch};
use crate::shared::Shared;
use crate::watch::Sink;

/// Turns the outcome into what the caller wants. Boxed, yet without allocation unless it captures.
type Decoder<T> = Box<dyn FnOnce(&Context, Outcome) -> Result<T> + Send + Sync>;

/// What is needed to make sense of an outcome, and of what the builder was asked for.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) chroot: Chroot,
    pub(crate) op: OpCode,
    pub(crate) path: RequestPath,
    pub(crate) timeout: Option<Duration>,
    pub(crate) span: Span,
}

impl Context {
    /// The record that answers the request.
    pub(crate) fn decode<T: for<'a> Decode<'a>>(&self, outcome: Outcome) -> Result<T> {
        let reply = outcome.map_err(|failure| self.fail(failure))?;
        // Bytes behind the record are a newer server's business.
        T::decode(&mut Reader::of(&reply.body)).map_err(|reason| self.protocol(reason))
    }

    /// For requests that are answered with nothing but success.
    pub(crate) fn done(&self, outcome: Outcome) -> Result<()> {
        outcome.map(drop).map_err(|failure| self.fail(failure))
    }

    /// The error for an answer that cannot be right.
    pub(crate) fn protocol(&self, reason: impl fmt::Display) -> Error {
        let (op, path) = (self.op.name(), self.path.as_str().to_owned());
        Error::Protocol { op, path, reason: reason.to_string() }
    }

    /// The error for a request that has no answer.
    pub(crate) fn fail(&self, failure: Failure) -> Error {
        let (op, path) = (self.op.name(), self.path.as_str().to_owned());
        match failure {
            Failure::Code(code) => Error::from_code(code, op, &path),
            Failure::ConnectionLoss => Error::ConnectionLoss { op, path },
            Failure::TimedOut { in_flight } => {
                let after = self.timeout.unwrap_or_default();
                let in_flight = in_flight && class(self.op) == Class::Write;
                Error::Timeout { op, path, after, in_flight }
            }
            Failure::RequestTooLong { len, limit } => Error::RequestTooLarge { path, len, limit },
            Failure::ReplyTooLong { len, limit } => Error::ReplyTooLarge { op, path, len, limit },
            Failure::Unreachable => self.shared.unreachable(),
            Failure::QueueFull => Error::InvalidRequest {
                path,
                reason: "too many requests are outstanding; wait for replies before sending more",
            },
            Failure::TooManyCredentials => Error::InvalidRequest {
                path,
                reason: "the client has too many different credentials; use fewer",
            },
            Failure::SessionExpired | Failure::AuthFailed(_) | Failure::Closed => {
                Error::from_end(&failure)
            }
        }
    }
}

/// A request that was sent: a future of its result.
///
/// Its place in the order of all requests of the client was fixed when it was made. Dropping it
/// gives up the result, not the request, with one exception: while more requests are outstanding
/// than [`max_outstanding`](crate::ClientBuilder::max_outstanding) allows, later ones wait in line
/// as long as somebody wants them, and one that is dropped in that line is never sent.
#[must_use = "the result may be an error; dropping it leaves the outcome unknown"]
pub struct Pending<T> {
    stage: Stage<T>,
}

enum Stage<T> {
    /// Nothing was sent.
    Failed(Error),
    /// Sent, or in line for it.
    Sent(Sent<T>),
    /// More than one request in a row.
    Chained(Pin<Box<dyn Future<Output = Result<T>> + Send + Sync>>),
    /// The result was taken.
    Taken,
}

struct Sent<T> {
    outcome: oneshot::Receiver<Outcome>,
    ticket: Ticket,
    context: Context,
    decode: Decoder<T>,
}

impl<T> Pending<T> {
    /// A request that never got as far as being sent.
    pub(crate) fn failed(error: Error) -> Self {
        Self { stage: Stage::Failed(error) }
    }

    /// A result that takes more than one request.
    pub(crate) fn chained(future: impl Future<Output = Result<T>> + Send + Sync + 'static) -> Self {
        Self { stage: Stage::Chained(Box::pin(future)) }
    }

    /// Puts a request in line.
    pub(crate) fn submit(
        submission: Submission,
        outcome: oneshot::Receiver<Outcome>,
        context: Context,
        decode: Decoder<T>,
    ) -> Self {
        match context.shared.queue.push(submission) {
            Ok(ticket) => Self { stage: Stage::Sent(Sent { outcome, ticket, context, decode }) },
            Err(failure) => Self::failed(context.fail(failure)),
        }
    }
}

impl Pending<()> {
    /// Hands a command to the driver that is answered with nothing but success.
    pub(crate) fn command(
        command: Command,
        outcome: oneshot::Receiver<Outcome>,
        context: Context,
    ) -> Self {
        match context.shared.queue.command(command) {
            Ok(()) => {
                let decode: Decoder<()> = Box::new(|context, outcome| context.done(outcome));
                Self { stage: Stage::Sent(Sent { outcome, ticket: Ticket::NONE, context, decode }) }
            }
            Err(failure) => Self::failed(context.fail(failure)),
        }
    }

    /// Sets a persistent watch again, for a stream that outlives its session.
    pub(crate) fn add_watch(
        shared: &Arc<Shared>,
        path: &str,
        record: &impl Encode,
        watch: Watch<Sink>,
    ) -> Self {
        let op = OpCode::AddWatch;
        let (frame, path) = shared.arena.encode(op, record, path);
        let (shared, chroot) = (Arc::clone(shared), Chroot::default());
        let span = span::of_call(op, path.as_str(), &shared);
        let context = Context { shared, chroot, op, path, timeout: None, span };
        let (reply, outcome) = oneshot::channel();
        let mut submission = Submission::new(frame, Class::Read, ReplyTo::caller(op, reply));
        submission.watch = Some(watch);
        Self::submit(
            submission,
            outcome,
            context,
            Box::new(|context, outcome| context.done(outcome)),
        )
    }
}

/// Nothing in it is pinned: the boxed future is on the heap.
impl<T> Unpin for Pending<T> {}

impl<T> Future for Pending<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Result<T>> {
        let outcome = match &mut self.stage {
            // The driver always answers; it dropped the sender only if its runtime was shut down.
            Stage::Sent(sent) => {
                ready!(Pin::new(&mut sent.outcome).poll(cx)).unwrap_or(Err(Failure::Closed))
            }
            Stage::Chained(future) => {
                let result = ready!(future.as_mut().poll(cx));
                self.stage = Stage::Taken;
                return Poll::Ready(result);
            }
            Stage::Failed(_) | Stage::Taken => Err(Failure::Closed),
        };
        Poll::Ready(match std::mem::replace(&mut self.stage, Stage::Taken) {
            Stage::Sent(sent) => {
                span::note_outcome(&sent.context.span, &outcome);
                (sent.decode)(&sent.context, outcome)
            }
            Stage::Failed(error) => Err(error),
            Stage::Chained(_) | Stage::Taken => panic!("a Pending was polled after its result"),
        })
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        if let Stage::Sent(sent) = &self.stage {
            sent.context.shared.queue.withdraw(sent.ticket);
        }
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Pending");
        if let Stage::Sent(Sent { context, .. }) = &self.stage {
            debug.field("op", &context.op.name()).field("path", &context.path);
        }
        debug.finish_non_exhaustive()
    }
}
