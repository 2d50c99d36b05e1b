//! The server behind its lock, and what its actions mean in the world.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use hashbrown::HashMap;
use tokio::sync::Notify;

use super::committer::Flushes;
use super::doors::Door;
use super::durable::LogQueue;
use super::halt::Halt;
use super::{ServeError, clock};
use crate::ConnectionId;
use crate::auth::sasl::KerberosLogin;
use crate::log_limit::LogLimit;
use crate::server::{Action, CloseReason, Event, Now, Server};
use crate::storage::log::{LogError, TxnLog, TxnRecord};

/// How often a task steps back for a thread that waits for the lock. Waking one up takes some ten
/// microseconds, which is less.
const YIELDS_MAX: usize = 1000;

/// What all tasks of a server share.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Threads that wait for `state`.
    waiting: AtomicUsize,
    /// How often `state` was locked.
    locked: AtomicU64,
    next_conn: AtomicU64,
    failure: OnceLock<ServeError>,
    pub(super) flushes: Flushes,
    /// Told when a deadline came up that is earlier than the one the ticker waits for.
    pub(super) ticker: Notify,
    pub(super) halt: Halt,
    pub(super) write_stall_timeout: Duration,
    /// Of clients that break the protocol or a limit: there may be thousands a second.
    reports: Mutex<LogLimit>,
    /// Of clients that were sent away, which is as easy to bring about.
    news: Mutex<LogLimit>,
    /// Which service of Kerberos the server is, if it is one.
    pub(super) kerberos: Option<KerberosLogin>,
}

struct State {
    server: Server,
    journal: Journal,
    links: HashMap<ConnectionId, Arc<Link>>,
    /// Whose task is here itself and about to take its output: it need not be woken for it.
    looks: Option<ConnectionId>,
    /// What the ticker waits for.
    armed: Option<Instant>,
}

/// Where transactions go that the server has proposed.
pub(super) enum Journal {
    /// To a log that is done with them at once.
    Inline(Box<dyn TxnLog>),
    /// To the log thread.
    Queued(QueuedLog),
}

/// The way to the log thread.
pub(super) struct QueuedLog {
    queue: Arc<LogQueue>,
    /// Those of one look at the server: they go together.
    records: Vec<Arc<TxnRecord>>,
}

impl QueuedLog {
    pub(super) fn new(queue: Arc<LogQueue>) -> Self {
        Self { queue, records: Vec::new() }
    }
}

/// The way from the server to a connection's task.
#[derive(Default)]
pub(super) struct Link {
    pub(super) wake: Notify,
    pub(super) ending: OnceLock<Ending>,
    /// The client's token that the SASL mechanism is to look into.
    ask: Mutex<Option<Bytes>>,
}

impl Link {
    /// The token to look into, once.
    pub(super) fn take_ask(&self) -> Option<Bytes> {
        self.ask.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Why a connection's task is to end.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// The server closes it.
    Closed(CloseReason),
    /// Cut without a word.
    Cut,
}

/// The server is gone or going; tasks that see this just end.
#[derive(Debug)]
pub(super) struct Stopped;

/// What a connection's task gets out of one look at the server.
pub(super) struct Look {
    /// When it was.
    pub(super) at: Instant,
    pub(super) output: BytesMut,
    pub(super) wants_input: bool,
    /// Whether to [let others in](Shared::let_others_in) before the next look.
    pub(super) turn_is_over: bool,
}

impl Shared {
    pub(super) fn new(
        server: Server,
        journal: Journal,
        write_stall_timeout: Duration,
        kerberos: Option<KerberosLogin>,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                server,
                journal,
                links: HashMap::new(),
                looks: None,
                armed: None,
            }),
            waiting: AtomicUsize::new(0),
            locked: AtomicU64::new(0),
            next_conn: AtomicU64::new(1),
            failure: OnceLock::new(),
            flushes: Flushes::default(),
            ticker: Notify::new(),
            halt: Halt::default(),
            write_stall_timeout,
            reports: Mutex::default(),
            news: Mutex::default(),
            kerberos,
        }
    }

    pub(super) fn next_conn(&self) -> ConnectionId {
        ConnectionId(self.next_conn.fetch_add(1, Ordering::Relaxed))
    }

    /// Lets `f` act on the server at this moment, and does what it asks for.
    pub(super) fn act<R>(&self, f: impl FnOnce(&mut Server, Now) -> R) -> Result<R, Stopped> {
        let mut state = self.lock()?;
        let now = clock::now();
        let result = f(&mut state.server, now);
        self.settle(&mut state, now)?;
        Ok(result)
    }

    /// Introduces a connection. At some doors it turns out later how it came.
    pub(super) fn accepted(
        &self,
        conn: ConnectionId,
        peer: std::net::SocketAddr,
        link: &Arc<Link>,
        door: &Door,
    ) -> Result<(), Stopped> {
        let mut state = self.lock()?;
        let now = clock::now();
        state.links.insert(conn, Arc::clone(link));
        state.server.handle(now, Event::Accepted { conn, peer });
        if matches!(door, Door::Plain) {
            state.server.note_plain(conn);
        } else {
            state.server.note_entering(conn);
        }
        self.settle(&mut state, now)
    }

    /// Tells whose certificate a connection has shown.
    pub(super) fn certified(&self, conn: ConnectionId, subject: String) -> Result<(), Stopped> {
        self.act(|server, now| server.handle(now, Event::Certified { conn, subject }))
    }

    /// Says goodbye to a connection.
    pub(super) fn disconnected(&self, conn: ConnectionId) -> Result<(), Stopped> {
        let mut state = self.lock()?;
        let now = clock::now();
        state.links.remove(&conn);
        state.server.handle(now, Event::Disconnected { conn });
        self.settle(&mut state, now)
    }

    /// Shows the server what a connection has read, and takes its output if there is room for it.
    pub(super) fn look(
        &self,
        conn: ConnectionId,
        input: &mut BytesMut,
        take_output: bool,
    ) -> Result<Look, Stopped> {
        let mut state = self.lock()?;
        let now = clock::now();
        if !input.is_empty() {
            state.looks = Some(conn);
            state.server.handle(now, Event::Received { conn, bytes: input });
            self.settle(&mut state, now)?;
            state.looks = None;
        }
        let output = if take_output { state.server.take_output(conn) } else { BytesMut::new() };
        self.settle(&mut state, now)?;
        let wants_input = state.server.wants_input(conn);
        let turn_is_over = state.server.turn_is_over(conn);
        Ok(Look { at: now.instant, output, wants_input, turn_is_over })
    }

    /// Cuts every connection: the server has forgotten them when this returns, and their sockets
    /// are dropped as soon as their tasks run.
    pub(super) fn cut_all(&self) -> Result<usize, Stopped> {
        let mut state = self.lock()?;
        let now = clock::now();
        let links: Vec<_> = state.links.drain().collect();
        for (conn, link) in &links {
            // One that is closing already keeps its first reason.
            let _ = link.ending.set(Ending::Cut);
            link.wake.notify_one();
            state.server.handle(now, Event::Disconnected { conn: *conn });
        }
        self.settle(&mut state, now)?;
        Ok(links.len())
    }

    /// Has every connection's task look again: whether the server stops, or plays dead.
    pub(super) fn wake_all(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for link in state.links.values() {
            link.wake.notify_one();
        }
    }

    /// When the ticker has to act next. It is told if that changes.
    pub(super) fn arm(&self) -> Result<Option<Instant>, Stopped> {
        let mut state = self.lock()?;
        state.armed = state.server.next_deadline();
        Ok(state.armed)
    }

    /// Why the server stopped by itself, if it did.
    pub(super) fn failure(&self) -> Option<ServeError> {
        self.failure.get().cloned()
    }

    /// Warns of a client, unless there was a warning of another one right before.
    pub(super) fn report(&self, warning: &impl std::fmt::Display) {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.warn(clock::now().wall_ms, warning);
    }

    /// Tells of a client that was sent away, unless it told of another one right before.
    pub(super) fn tell(&self, news: &impl std::fmt::Display) {
        let mut told = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        told.info(clock::now().wall_ms, news);
    }

    /// Stops everything for a reason that nobody asked for. Whoever runs the server hears of it and
    /// [wakes](Self::wake_all) the connections.
    pub(super) fn fail(&self, error: ServeError) {
        tracing::error!("{error}");
        // The first failure explains the others.
        let _ = self.failure.set(error);
        self.halt.stop();
    }

    fn lock(&self) -> Result<MutexGuard<'_, State>, Stopped> {
        if self.failure.get().is_some() {
            return Err(Stopped);
        }
        let guard = match self.state.try_lock() {
            Err(TryLockError::WouldBlock) => {
                self.waiting.fetch_add(1, Ordering::Relaxed);
                let guard = self.state.lock().ok();
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                guard
            }
            tried => tried.ok(),
        };
        let Some(guard) = guard else {
            let reason = "a request made it panic".to_owned();
            self.fail(ServeError::Fault { reason });
            return Err(Stopped);
        };
        self.locked.fetch_add(1, Ordering::Relaxed);
        Ok(guard)
    }

    /// Gives way to other tasks, and to a thread that waits for the lock: a mutex prefers whoever
    /// comes back at once, and one busy client could keep all others out.
    pub(super) async fn let_others_in(&self) {
        let locked = self.locked.load(Ordering::Relaxed);
        for _ in 0..YIELDS_MAX {
            tokio::task::yield_now().await;
            let taken = self.locked.load(Ordering::Relaxed) != locked;
            if taken || self.waiting.load(Ordering::Relaxed) == 0 {
                return;
            }
        }
    }

    fn settle(&self, state: &mut State, now: Now) -> Result<(), Stopped> {
        state.perform(now).map_err(|error| {
            self.fail(error.into());
            Stopped
        })?;
        let deadline = state.server.next_deadline();
        if let Some(deadline) = deadline
            && state.armed.is_none_or(|armed| deadline < armed)
        {
            state.armed = Some(deadline);
            self.ticker.notify_one();
        }
        Ok(())
    }
}

impl State {
    /// Does what the server asks for until it asks for nothing more.
    fn perform(&mut self, now: Now) -> Result<(), LogError> {
        loop {
            let mut appended = false;
            while let Some(action) = self.server.poll_action() {
                match action {
                    Action::Transmit { conn } if self.looks == Some(conn) => {}
                    Action::Transmit { conn } | Action::Resume { conn } => self.wake(conn),
                    Action::Close { conn, reason } => {
                        if let Some(link) = self.links.get(&conn) {
                            let _ = link.ending.set(Ending::Closed(reason));
                            link.wake.notify_one();
                        }
                    }
                    Action::AskMechanism { conn, token } => {
                        if let Some(link) = self.links.get(&conn) {
                            *link.ask.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
                            link.wake.notify_one();
                        }
                    }
                    Action::Append(record) => match &mut self.journal {
                        Journal::Inline(log) => {
                            log.append(record)?;
                            appended = true;
                        }
                        Journal::Queued(log) => log.records.push(record),
                    },
                }
            }
            let zxid = match &mut self.journal {
                Journal::Inline(log) if appended => log.sync()?,
                Journal::Inline(_) => return Ok(()),
                Journal::Queued(log) => {
                    if !log.records.is_empty() {
                        log.queue.push(&mut log.records);
                    }
                    return Ok(());
                }
            };
            self.server.handle(now, Event::Durable { zxid });
        }
    }

    fn wake(&self, conn: ConnectionId) {
        if let Some(link) = self.links.get(&conn) {
            link.wake.notify_one();
        }
    }
}
