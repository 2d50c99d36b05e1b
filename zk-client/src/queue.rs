//! The line between the application's tasks and the driver: it fixes the order of requests, and
//! bounds how many are outstanding.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};

use crate::session::{Failure, Outcome, Request, WatcherId};
use crate::watch::Sink;

/// Who waits for an outcome.
#[derive(Debug)]
pub(crate) enum ReplyTo {
    /// A [`Pending`](crate::Pending), which may have been dropped meanwhile.
    Caller(oneshot::Sender<Outcome>),
    /// Whoever closes the client.
    Close,
}

/// A request, encoded, on its way to the session.
pub(crate) type Submission = Request<ReplyTo, Sink>;

/// Something for the driver to do.
pub(crate) enum Command {
    /// Send a request.
    Request(Submission),
    /// Authenticate on this and every later connection.
    AddAuth { scheme: String, auth: Bytes, reply: ReplyTo },
    /// Nobody waits for this watch any more.
    Unwatch(WatcherId),
    /// End the session once everything before this is answered.
    Close,
}

/// A place in the line, for taking a request back out of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket(Option<u64>);

impl Ticket {
    /// The place of what cannot be taken back.
    pub(crate) const NONE: Self = Self(None);
}

/// The line. Requests beyond the limit wait in `overflow`, each owned by a live
/// [`Pending`](crate::Pending): so what the client holds on its own account is bounded, and the
/// order is kept all the same.
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    wake: Notify,
    limit: usize,
}

struct Inner {
    ready: VecDeque<Command>,
    overflow: BTreeMap<u64, Submission>,
    next_ticket: u64,
    /// No deadline in `overflow` is earlier; it may be too early after a withdrawal.
    overflow_deadline: Option<Instant>,
    /// Requests in `ready`, or handed out and not yet completed.
    outstanding: usize,
    /// Why nothing more is taken in.
    closed: Option<Failure>,
}

impl Queue {
    pub(crate) fn new(limit: usize) -> Self {
        let inner = Inner {
            ready: VecDeque::new(),
            overflow: BTreeMap::new(),
            next_ticket: 0,
            overflow_deadline: None,
            outstanding: 0,
            closed: None,
        };
        Self { inner: Mutex::new(inner), wake: Notify::new(), limit }
    }

    /// Takes a request in. Its place is fixed by now.
    pub(crate) fn push(&self, submission: Submission) -> Result<Ticket, Failure> {
        let mut inner = self.lock();
        if let Some(failure) = &inner.closed {
            return Err(failure.clone());
        }
        let ticket = inner.push(submission, self.limit);
        drop(inner);
        self.wake.notify_one();
        Ok(ticket)
    }

    /// Takes in a command that no limit holds for: they are few, one for each credential and watch.
    pub(crate) fn command(&self, command: Command) -> Result<(), Failure> {
        let mut inner = self.lock();
        if let Some(failure) = &inner.closed {
            return Err(failure.clone());
        }
        if let Command::AddAuth { .. } = command {
            inner.outstanding += 1;
        }
        inner.ready.push_back(command);
        drop(inner);
        self.wake.notify_one();
        Ok(())
    }

    /// Takes a request out again that waits beyond the limit; any other stays.
    pub(crate) fn withdraw(&self, ticket: Ticket) {
        if let Ticket(Some(ticket)) = ticket {
            let withdrawn = self.lock().overflow.remove(&ticket);
            drop(withdrawn);
        }
    }

    /// Takes no more requests, and ends the session once those that were taken are answered.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        if inner.closed.is_some() {
            return;
        }
        inner.closed = Some(Failure::Closed);
        // Those beyond the limit came before the close, so they are sent before it.
        let overflow = std::mem::take(&mut inner.overflow);
        inner.outstanding += overflow.len();
        inner.ready.extend(overflow.into_values().map(Command::Request));
        inner.ready.push_back(Command::Close);
        drop(inner);
        self.wake.notify_one();
    }

    /// The session has ended: everything that waits fails, and so will everything that comes.
    pub(crate) fn end(&self, failure: &Failure) {
        let mut inner = self.lock();
        inner.closed = Some(failure.clone());
        let ready = std::mem::take(&mut inner.ready);
        let overflow = std::mem::take(&mut inner.overflow);
        drop(inner);
        for command in ready.into_iter().chain(overflow.into_values().map(Command::Request)) {
            command.fail(failure);
        }
    }

    /// Moves what is ready behind `commands`, in order.
    pub(crate) fn take(&self, commands: &mut VecDeque<Command>) {
        commands.append(&mut self.lock().ready);
    }

    /// Some requests were completed: as many more come forward.
    pub(crate) fn completed(&self, count: usize) {
        let mut inner = self.lock();
        inner.outstanding = inner.outstanding.saturating_sub(count);
        while inner.outstanding < self.limit
            && let Some((_, submission)) = inner.overflow.pop_first()
        {
            inner.outstanding += 1;
            inner.ready.push_back(Command::Request(submission));
        }
        let more = !inner.ready.is_empty();
        drop(inner);
        if more {
            self.wake.notify_one();
        }
    }

    /// When [`expire`](Self::expire) has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.lock().overflow_deadline
    }

    /// Fails the requests beyond the limit whose time has run out.
    pub(crate) fn expire(&self, now: Instant) {
        let mut inner = self.lock();
        if inner.overflow_deadline.is_none_or(|at| at > now) {
            return;
        }
        let is_late = |submission: &Submission| submission.deadline.is_some_and(|at| at <= now);
        let (late, rest) = std::mem::take(&mut inner.overflow)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(_, submission)| is_late(submission));
        inner.overflow_deadline = rest.values().filter_map(|submission| submission.deadline).min();
        inner.overflow = rest;
        drop(inner);
        for submission in late.into_values() {
            Command::Request(submission).fail(&Failure::TimedOut { in_flight: false });
        }
    }

    /// Waits until something may have been taken in since the last `take`.
    pub(crate) async fn wait(&self) {
        self.wake.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code that holds the lock can panic half-way through a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn push(&mut self, submission: Submission, limit: usize) -> Ticket {
        if self.outstanding < limit && self.overflow.is_empty() {
            self.outstanding += 1;
            self.ready.push_back(Command::Request(submission));
            return Ticket(None);
        }
        if let Some(deadline) = submission.deadline {
            let earliest = self.overflow_deadline.map_or(deadline, |at| at.min(deadline));
            self.overflow_deadline = Some(earliest);
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.overflow.insert(ticket, submission);
        Ticket(Some(ticket))
    }
}

impl ReplyTo {
    /// Tells the caller, if that is who waits and still does.
    pub(crate) fn send(self, outcome: Outcome) {
        if let Self::Caller(sender) = self {
            let _ = sender.send(outcome);
        }
    }
}

impl Command {
    /// Tells whoever waits for the command that it failed.
    pub(crate) fn fail(self, failure: &Failure) {
        let reply = match self {
            Self::Request(submission) => submission.reply,
            Self::AddAuth { reply, .. } => reply,
            Self::Unwatch(_) | Self::Close => return,
        };
        reply.send(Err(failure.clone()));
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        f.debug_struct("Queue")
            .field("outstanding", &inner.outstanding)
            .field("overflow", &inner.overflow.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use zk_proto::OpCode;

    use super::*;
    use crate::session::{Class, encode_bare_request};

    fn request(queue: &Queue, deadline: Option<Instant>) -> (Ticket, oneshot::Receiver<Outcome>) {
        let (reply, outcome) = oneshot::channel();
        let mut submission =
            Submission::new(encode_bare_request(OpCode::Sync), Class::Read, ReplyTo::Caller(reply));
        submission.deadline = deadline;
        (queue.push(submission).expect("the queue is open"), outcome)
    }

    fn taken(queue: &Queue) -> usize {
        let mut commands = VecDeque::new();
        queue.take(&mut commands);
        commands.len()
    }

    #[test]
    fn beyond_the_limit_requests_wait_for_others_to_complete() {
        let queue = Queue::new(2);
        let _requests = [request(&queue, None), request(&queue, None), request(&queue, None)];
        assert_eq!(taken(&queue), 2);
        assert_eq!(taken(&queue), 0);
        queue.completed(1);
        assert_eq!(taken(&queue), 1);
    }

    #[test]
    fn a_request_that_waits_beyond_the_limit_can_be_withdrawn() {
        let queue = Queue::new(1);
        let first = request(&queue, None);
        let second = request(&queue, None);
        queue.withdraw(first.0);
        queue.withdraw(second.0);
        assert_eq!(taken(&queue), 1, "what is within the limit stays");
        queue.completed(1);
        assert_eq!(taken(&queue), 0, "what was beyond it is gone");
    }

    #[test]
    fn the_time_of_a_request_runs_out_while_it_waits_beyond_the_limit() {
        let queue = Queue::new(0);
        let now = crate::driver::now();
        let (_, mut late) = request(&queue, Some(now));
        let (_, mut patient) = request(&queue, Some(now + Duration::from_secs(1)));
        queue.expire(now);
        assert_eq!(late.try_recv(), Ok(Err(Failure::TimedOut { in_flight: false })));
        assert!(patient.try_recv().is_err());
        assert_eq!(queue.next_deadline(), Some(now + Duration::from_secs(1)));
    }

    #[test]
    fn a_close_comes_after_all_that_was_taken_in() {
        let queue = Queue::new(1);
        let _requests = [request(&queue, None), request(&queue, None)];
        queue.close();
        let mut commands = VecDeque::new();
        queue.take(&mut commands);
        assert_eq!(commands.len(), 3);
        assert!(matches!(commands.back(), Some(Command::Close)));
        assert!(queue.command(Command::Close).is_err(), "nothing comes after it");
    }

    #[test]
    fn when_the_session_ends_everything_that_waits_is_told() {
        let queue = Queue::new(1);
        let mut requests = [request(&queue, None), request(&queue, None)];
        queue.end(&Failure::AuthFailed);
        for (_, outcome) in &mut requests {
            assert_eq!(outcome.try_recv(), Ok(Err(Failure::AuthFailed)));
        }
    }
}
