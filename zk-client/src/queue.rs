//! The line between the application's tasks and the driver: it fixes the order of requests, and
//! bounds how many are outstanding.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::oneshot;
use zk_proto::{HostPort, OpCode};

use crate::metrics;
use crate::session::{Failure, Outcome, Request, WatcherId};
use crate::watch::Sink;

/// Who waits for an outcome.
#[derive(Debug)]
pub(crate) enum ReplyTo {
    /// A [`Pending`](crate::Pending), which may have been dropped meanwhile.
    Caller(oneshot::Sender<Outcome>, metrics::Request),
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
    /// The servers are these from now on.
    UpdateServers(Vec<HostPort>),
    /// End the session once everything before this is answered.
    Close,
    /// End the session now.
    Abort,
    /// Leave the session to another client once everything before this is answered.
    Detach,
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
    limits: QueueLimits,
}

/// What the client holds on its own account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueLimits {
    /// Requests.
    pub(crate) requests: usize,
    /// Bytes of their frames. One request is always let in, however long.
    pub(crate) bytes: usize,
}

struct Inner {
    ready: VecDeque<Command>,
    overflow: BTreeMap<u64, Submission>,
    next_ticket: u64,
    /// No deadline in `overflow` is earlier; it may be too early after a withdrawal.
    overflow_deadline: Option<Instant>,
    /// Requests in `ready`, or handed out and not yet completed.
    outstanding: usize,
    /// Bytes of the frames in `ready`, and of those that were handed out, as of the last trade.
    ready_bytes: usize,
    handed_out_bytes: usize,
    /// Why nothing more is taken in.
    closed: Option<Failure>,
    /// Whether anything was put in since the driver looked.
    has_news: bool,
    /// The driver, while it waits: whoever has news for it takes it and wakes it.
    driver: Option<Waker>,
}

impl Queue {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        let inner = Inner {
            ready: VecDeque::new(),
            overflow: BTreeMap::new(),
            next_ticket: 0,
            overflow_deadline: None,
            outstanding: 0,
            ready_bytes: 0,
            handed_out_bytes: 0,
            closed: None,
            has_news: false,
            driver: None,
        };
        Self { inner: Mutex::new(inner), limits }
    }

    /// Takes a request in. Its place is fixed by now.
    pub(crate) fn push(&self, submission: Submission) -> Result<Ticket, Failure> {
        let mut inner = self.lock();
        if let Some(failure) = inner.closed.clone() {
            drop(inner);
            submission.reply.send(Err(failure.clone()));
            return Err(failure);
        }
        let ticket = inner.push(submission, self.limits);
        wake_driver(inner);
        Ok(ticket)
    }

    /// Takes in a command that no limit holds for: they are few, one for each credential and watch.
    pub(crate) fn command(&self, command: Command) -> Result<(), Failure> {
        let mut inner = self.lock();
        if let Some(failure) = inner.closed.clone() {
            drop(inner);
            command.fail(&failure);
            return Err(failure);
        }
        if let Command::AddAuth { .. } = command {
            inner.outstanding += 1;
        }
        inner.ready.push_back(command);
        wake_driver(inner);
        Ok(())
    }

    /// Takes a request out again that waits beyond the limit; any other stays.
    pub(crate) fn withdraw(&self, ticket: Ticket) {
        if let Ticket(Some(ticket)) = ticket {
            let mut inner = self.lock();
            let withdrawn = inner.overflow.remove(&ticket);
            // It may have been too long for the room there is, and the next in line may not be.
            inner.advance(self.limits);
            wake_driver(inner);
            drop(withdrawn);
        }
    }

    /// Takes no more requests, and ends or leaves the session, as `last` says, once those that were
    /// taken are answered.
    pub(crate) fn close(&self, last: Command) {
        let mut inner = self.lock();
        if inner.closed.is_some() {
            return;
        }
        inner.closed = Some(Failure::Closed);
        // Those beyond the limit came before the close, so they are sent before it.
        let overflow = std::mem::take(&mut inner.overflow);
        for submission in overflow.into_values() {
            inner.let_in(submission);
        }
        inner.ready.push_back(last);
        wake_driver(inner);
    }

    /// Ends the session before anything else, and without its server.
    pub(crate) fn abort(&self) {
        let mut inner = self.lock();
        inner.ready.push_front(Command::Abort);
        wake_driver(inner);
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

    /// So many requests were completed, and those that were not hold so many bytes: others come
    /// forward. Puts all that is ready into `commands`, which is empty, and says when
    /// [`expire`](Self::expire) has something to do.
    pub(crate) fn trade(
        &self,
        completed: usize,
        bytes: usize,
        commands: &mut VecDeque<Command>,
    ) -> Option<Instant> {
        let mut inner = self.lock();
        inner.outstanding = inner.outstanding.saturating_sub(completed);
        inner.handed_out_bytes = bytes;
        inner.advance(self.limits);
        inner.handed_out_bytes += std::mem::take(&mut inner.ready_bytes);
        inner.has_news = false;
        std::mem::swap(&mut inner.ready, commands);
        inner.overflow_deadline
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

    /// Ready when something was put in since the last [`trade`](Self::trade).
    pub(crate) fn poll_news(&self, cx: &Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        if inner.has_news {
            return Poll::Ready(());
        }
        match &mut inner.driver {
            Some(waker) => waker.clone_from(cx.waker()),
            empty => *empty = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code that holds the lock can panic half-way through a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the driver that there is something new; the lock is given back first.
fn wake_driver(mut inner: MutexGuard<'_, Inner>) {
    inner.has_news = true;
    let driver = inner.driver.take();
    drop(inner);
    if let Some(driver) = driver {
        driver.wake();
    }
}

impl Inner {
    fn has_room(&self, len: usize, limits: QueueLimits) -> bool {
        let bytes = self.ready_bytes + self.handed_out_bytes;
        let fits = bytes.saturating_add(len) <= limits.bytes;
        self.outstanding == 0 || self.outstanding < limits.requests && fits
    }

    fn let_in(&mut self, submission: Submission) {
        self.outstanding += 1;
        self.ready_bytes += submission.frame.len();
        self.ready.push_back(Command::Request(submission));
    }

    /// Lets in from the line whatever there is room for, in order.
    fn advance(&mut self, limits: QueueLimits) {
        while let Some(first) = self.overflow.first_entry() {
            let len = first.get().frame.len();
            if !self.has_room(len, limits) {
                return;
            }
            if let Some((_, submission)) = self.overflow.pop_first() {
                self.let_in(submission);
            }
        }
    }

    fn push(&mut self, submission: Submission, limits: QueueLimits) -> Ticket {
        if self.overflow.is_empty() && self.has_room(submission.frame.len(), limits) {
            self.let_in(submission);
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
    /// The caller of such a request, which is made now.
    pub(crate) fn caller(op: OpCode, sender: oneshot::Sender<Outcome>) -> Self {
        Self::Caller(sender, metrics::Request::new(op))
    }

    /// Tells the caller, if that is who waits and still does.
    pub(crate) fn send(self, outcome: Outcome) {
        if let Self::Caller(sender, request) = self {
            request.ended(&outcome);
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
            Self::Unwatch(_) | Self::UpdateServers(_) => return,
            Self::Close | Self::Detach | Self::Abort => return,
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
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::session::{Class, encode_bare_request};

    fn request(queue: &Queue, deadline: Option<Instant>) -> (Ticket, oneshot::Receiver<Outcome>) {
        let (reply, outcome) = oneshot::channel();
        let mut submission = Submission::new(
            encode_bare_request(OpCode::Sync),
            Class::Read,
            ReplyTo::caller(OpCode::Sync, reply),
        );
        submission.deadline = deadline;
        (queue.push(submission).expect("the queue is open"), outcome)
    }

    fn limits(requests: usize, bytes: usize) -> QueueLimits {
        QueueLimits { requests, bytes }
    }

    fn taken(queue: &Queue, completed: usize) -> usize {
        let mut commands = VecDeque::new();
        queue.trade(completed, 0, &mut commands);
        commands.len()
    }

    #[test]
    fn beyond_the_limit_requests_wait_for_others_to_complete() {
        let queue = Queue::new(limits(2, usize::MAX));
        let _requests = [request(&queue, None), request(&queue, None), request(&queue, None)];
        assert_eq!(taken(&queue, 0), 2);
        assert_eq!(taken(&queue, 0), 0);
        assert_eq!(taken(&queue, 1), 1);
    }

    #[test]
    fn a_request_that_waits_beyond_the_limit_can_be_withdrawn() {
        let queue = Queue::new(limits(1, usize::MAX));
        let first = request(&queue, None);
        let second = request(&queue, None);
        queue.withdraw(first.0);
        queue.withdraw(second.0);
        assert_eq!(taken(&queue, 0), 1, "what is within the limit stays");
        assert_eq!(taken(&queue, 1), 0, "what was beyond it is gone");
    }

    #[test]
    fn the_time_of_a_request_runs_out_while_it_waits_beyond_the_limit() {
        let queue = Queue::new(limits(1, usize::MAX));
        let now = crate::driver::now();
        let _first = request(&queue, None);
        let (_, mut late) = request(&queue, Some(now));
        let (_, mut patient) = request(&queue, Some(now + Duration::from_secs(1)));
        queue.expire(now);
        assert_eq!(late.try_recv(), Ok(Err(Failure::TimedOut { in_flight: false })));
        assert!(patient.try_recv().is_err());
        let next = queue.trade(0, 0, &mut VecDeque::new());
        assert_eq!(next, Some(now + Duration::from_secs(1)));
    }

    #[test]
    fn a_close_comes_after_all_that_was_taken_in() {
        let queue = Queue::new(limits(1, usize::MAX));
        let _requests = [request(&queue, None), request(&queue, None)];
        queue.close(Command::Close);
        let mut commands = VecDeque::new();
        queue.trade(0, 0, &mut commands);
        assert_eq!(commands.len(), 3);
        assert!(matches!(commands.back(), Some(Command::Close)));
        assert!(queue.command(Command::Close).is_err(), "nothing comes after it");
    }

    #[test]
    fn when_the_session_ends_everything_that_waits_is_told() {
        let queue = Queue::new(limits(1, usize::MAX));
        let mut requests = [request(&queue, None), request(&queue, None)];
        queue.end(&Failure::AuthFailed("no".into()));
        for (_, outcome) in &mut requests {
            assert_eq!(outcome.try_recv(), Ok(Err(Failure::AuthFailed("no".into()))));
        }
    }

    #[test]
    fn bytes_have_a_limit_of_their_own_and_the_order_is_kept() {
        let frame_len = encode_bare_request(OpCode::Sync).len();
        let queue = Queue::new(limits(10, 2 * frame_len));
        let _requests = [(); 5].map(|()| request(&queue, None));
        let mut commands = VecDeque::new();
        queue.trade(0, 0, &mut commands);
        assert_eq!(commands.len(), 2);
        commands.clear();
        // One is done, one is not.
        queue.trade(1, frame_len, &mut commands);
        assert_eq!(commands.len(), 1);
        commands.clear();
        queue.trade(2, 0, &mut commands);
        assert_eq!(commands.len(), 2);
    }

    #[test]
    fn one_request_is_let_in_however_long() {
        let queue = Queue::new(limits(10, 1));
        let _requests = [request(&queue, None), request(&queue, None)];
        assert_eq!(taken(&queue, 0), 1);
        assert_eq!(taken(&queue, 0), 0);
        assert_eq!(taken(&queue, 1), 1);
    }
}
