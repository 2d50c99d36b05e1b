//! The world: one task per client that moves bytes and time between the sockets, the clock and
//! the [`Session`], which decides everything.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // This is where they belong.

mod alarm;
mod close;
mod connect;
mod connector;
mod executor;
mod four_letter;
#[cfg(feature = "__tls")]
mod handshake;
mod link;
mod pace;
mod probe;
mod sasl;
pub mod simulation;
mod stream;
pub mod world;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::metrics;
use crate::queue::{Command, ReplyTo};
use crate::session::{Failure, Loss, Notice, Output, SaslStep, Session, SessionState};
use crate::shared::Shared;
use crate::states::Snapshot;
use crate::watch::Sink;
use alarm::Alarm;
use link::{Happening, Link};
use probe::Probe;

pub(crate) use close::{close, detach};
pub(crate) use connect::Transport;
pub(crate) use connector::OwnConnector;
pub(crate) use executor::Executor;
pub use four_letter::{FOUR_LETTER_REPLY_MAX, four_letter};
#[cfg(feature = "__tls")]
pub(crate) use handshake::read_file;
pub(crate) use pace::{PAUSE_MAX, PAUSE_MIN, Pace, Pauses, fresh_guid};
pub(crate) use sasl::Authenticator;

/// The time, for those that may not look at the clock themselves.
pub(crate) fn now() -> Instant {
    simulation::now()
}

/// A seed for a client that was not given one.
pub(crate) fn entropy() -> u64 {
    fastrand::u64(..)
}

/// Runs a client in the background until its session has ended for good.
pub(crate) fn spawn(
    session: Session<ReplyTo, Sink>,
    shared: Arc<Shared>,
    transport: Transport,
    authenticator: Authenticator,
) {
    let executor = shared.executor.clone();
    let driver = Driver {
        session,
        authenticator,
        shared,
        transport,
        link: Link::None,
        probe: Probe::default(),
        host: String::new(),
        server: String::new(),
        commands: VecDeque::new(),
        completed: 0,
        gathers: false,
        queue_deadline: None,
        now: now(),
        gauges: metrics::Gauges::new(),
        ended: None,
    };
    executor.spawn(driver.run());
}

struct Driver {
    session: Session<ReplyTo, Sink>,
    authenticator: Authenticator,
    shared: Arc<Shared>,
    transport: Transport,
    link: Link,
    probe: Probe,
    /// The server's name alone, for the SASL mechanism.
    host: String,
    /// The server of the connection or the attempt, for the log.
    server: String,
    /// Taken from the queue, not yet handed to the session.
    commands: VecDeque<Command>,
    /// Requests that have ended since the queue was told.
    completed: usize,
    /// Whether several callers were answered just now, who may all have a next request.
    gathers: bool,
    /// When the time of a request in the queue runs out.
    queue_deadline: Option<Instant>,
    /// When the driver woke up last.
    now: Instant,
    /// This client's share of the metrics that go up and down.
    gauges: metrics::Gauges,
    /// Why the session has ended for good, once it has.
    ended: Option<Failure>,
}

/// What a driver wakes up for.
enum Wakeup {
    Network(Happening),
    /// A step of an exchange of the SASL mechanism.
    Mechanism(u64, SaslStep),
    /// Whether the server that was asked takes writes.
    Probe(bool),
    /// Something in the queue, or a deadline.
    News,
}

impl Driver {
    async fn run(mut self) {
        let mut alarm = Alarm::new(self.now);
        loop {
            self.obey_outputs();
            self.hand_over_commands();
            self.fill_link();
            self.publish();
            if self.ended.is_some() {
                return;
            }
            alarm.set_by(earlier(self.session.next_deadline(), self.queue_deadline));
            let wakeup = poll_fn(|cx| self.poll_wakeup(&mut alarm, cx)).await;
            self.now = now();
            self.take_in(wakeup);
            self.keep_time();
        }
    }

    /// Does what the session says. Comes after each input to it, before the next.
    fn obey_outputs(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Connect { host, within } => {
                    self.server = host.to_string();
                    self.host.clone_from(&host.host);
                    tracing::debug!(server = self.server, "connecting");
                    self.link = Link::connect(host, within, self.transport.clone());
                }
                Output::Disconnect { why } => {
                    // That time is up says nothing about this server.
                    if !matches!(why, Loss::Unreachable { .. }) {
                        self.note_trouble(&why);
                    } else if let Some(open) = self.link.open_question() {
                        self.shared.note_silence(self.server.clone(), open);
                    }
                    self.link = Link::None;
                    self.probe.forget();
                    self.authenticator.forget();
                }
                Output::Probe { host, within } => {
                    tracing::debug!(server = %host, "does it take writes?");
                    self.probe.ask(host, within, self.transport.clone());
                }
                Output::Detached(handover) => {
                    // Set once: the session is left once.
                    let _ = self.shared.detached.set(handover);
                }
                Output::Sasl { exchange, challenge } => {
                    self.authenticator.ask(exchange, &self.host, challenge);
                }
                Output::Complete { reply, outcome } => {
                    self.completed += 1;
                    match reply {
                        ReplyTo::Caller(..) => reply.send(outcome),
                        ReplyTo::Close => {
                            // Set once: the queue lets one close through.
                            let _ = self.shared.close_outcome.set(outcome);
                        }
                    }
                }
                Output::Watch { sink, notice } => {
                    if let Notice::Event(_) = notice {
                        metrics::watch_event();
                    }
                    sink.put(notice);
                }
                Output::PingAnswered { after } => metrics::ping_answered(after),
                Output::State { state, epoch, why } => self.enter(state, epoch, why.as_ref()),
                Output::Finished(failure) => self.ended = Some(failure),
            }
        }
    }

    /// Publishes a state at once: it must be visible before the completions that follow it.
    fn enter(&mut self, state: SessionState, epoch: u64, why: Option<&Loss>) {
        match why {
            Some(why) => tracing::info!(%state, server = self.server, %why, "session"),
            None => tracing::info!(%state, server = self.server, "session"),
        }
        match state {
            SessionState::Expired => metrics::session_expired(),
            state if state.is_connected() && self.session.connections() > 1 => {
                metrics::reconnected();
            }
            _ => {}
        }
        let over = state.is_final() || state == SessionState::Expired;
        let session = &self.session;
        self.shared.set_deadline(session.session_deadline().filter(|_| !over));
        self.shared.set_seen(session.zxid_seen());
        self.shared.set_handover(session.handover().filter(|_| !over));
        self.shared.snapshot.send_replace(Snapshot {
            state,
            epoch: if over { epoch + 1 } else { epoch },
            connections: session.connections(),
            session: session.session_id().filter(|_| !over),
            timeout: session.session_timeout().filter(|_| !over),
            finished: false,
        });
    }

    fn hand_over_commands(&mut self) {
        let completed = std::mem::take(&mut self.completed);
        self.gathers = completed > 1;
        let bytes = self.session.request_bytes();
        self.queue_deadline = self.shared.queue.trade(completed, bytes, &mut self.commands);
        while let Some(command) = self.commands.pop_front() {
            match command {
                Command::Request(request) => self.session.submit(self.now, request),
                Command::AddAuth { scheme, auth, reply } => {
                    self.session.add_auth(self.now, &scheme, auth, Some(reply));
                }
                Command::Unwatch(id) => self.session.unwatch(self.now, id),
                Command::UpdateServers(hosts) => {
                    self.shared.forget_troubles_of_all_but(&hosts);
                    self.session.update_hosts(self.now, hosts);
                }
                Command::Close => self.session.close(self.now, ReplyTo::Close),
                Command::Detach => self.session.detach(self.now),
                Command::Abort => self.session.abort(self.now),
            }
            self.obey_outputs();
        }
    }

    /// Moves what the session has to say into the socket, as far as that takes it.
    fn fill_link(&mut self) {
        while let Link::Up(connection) = &mut self.link {
            if connection.is_drained() {
                self.session.transmit(self.now, connection.outgoing());
                self.obey_outputs();
            }
            let Link::Up(connection) = &mut self.link else { return };
            if connection.is_drained() {
                return;
            }
            match connection.write_now() {
                Ok(true) => {}
                Ok(false) => return,
                Err(why) => self.lost(why),
            }
        }
    }

    /// Tells the world what has changed, except for states, which `enter` told.
    fn publish(&mut self) {
        if self.session.state().is_connected() {
            self.shared.set_deadline(self.session.session_deadline());
            self.shared.set_seen(self.session.zxid_seen());
        }
        let session = &self.session;
        let (requests, bytes) = (session.request_count(), session.request_bytes());
        let connected = session.state().is_connected();
        self.gauges.show(requests, bytes, session.watch_count(), connected);
    }

    /// Waits for something to do. The network comes first: commands and the clock are looked after
    /// in each round anyway.
    fn poll_wakeup(&mut self, alarm: &mut Alarm, cx: &mut Context<'_>) -> Poll<Wakeup> {
        if let Poll::Ready(happening) = self.link.poll_happening(cx) {
            return Poll::Ready(Wakeup::Network(happening));
        }
        if let Poll::Ready((exchange, step)) = self.authenticator.poll_step(cx) {
            return Poll::Ready(Wakeup::Mechanism(exchange, step));
        }
        if let Poll::Ready(takes_writes) = self.probe.poll_answer(cx) {
            return Poll::Ready(Wakeup::Probe(takes_writes));
        }
        if self.completed > 0 {
            return Poll::Ready(Wakeup::News);
        }
        if self.shared.queue.poll_news(cx).is_ready() {
            // Lets the other callers that were answered run first, so that their requests go out
            // together with this one.
            if std::mem::take(&mut self.gathers) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(Wakeup::News);
        }
        alarm.poll(cx).map(|()| Wakeup::News)
    }

    fn take_in(&mut self, wakeup: Wakeup) {
        match wakeup {
            Wakeup::News => {}
            Wakeup::Mechanism(exchange, step) => {
                self.session.sasl_stepped(self.now, exchange, step);
            }
            Wakeup::Probe(takes_writes) => self.session.probed(self.now, takes_writes),
            Wakeup::Network(happening) => self.heed(happening),
        }
        self.obey_outputs();
    }

    fn heed(&mut self, happening: Happening) {
        match happening {
            Happening::Connected(connection) => {
                self.link = Link::Up(connection);
                self.session.connected(self.now);
            }
            Happening::ConnectFailed(why) => {
                self.link = Link::None;
                tracing::debug!(server = self.server, why, "connecting failed");
                self.shared.note_trouble(self.server.clone(), why.clone());
                self.session.connect_failed(self.now, why);
            }
            Happening::Received => {
                if let Link::Up(connection) = &mut self.link {
                    self.session.received(self.now, connection.incoming());
                }
            }
            Happening::Written => {}
            Happening::Lost(why) => self.lost(why),
        }
    }

    /// The time passes whatever else happens: a busy connection must not keep pings from going out.
    fn keep_time(&mut self) {
        if self.queue_deadline.is_some_and(|deadline| deadline <= self.now) {
            self.shared.queue.expire(self.now);
        }
        if self.session.next_deadline().is_some_and(|deadline| deadline <= self.now) {
            self.session.timeout(self.now);
        }
    }

    fn lost(&mut self, why: Loss) {
        let unwritten = match std::mem::replace(&mut self.link, Link::None) {
            Link::Up(mut connection) => connection.outgoing().len(),
            Link::None | Link::Connecting { .. } => 0,
        };
        self.probe.forget();
        self.authenticator.forget();
        self.note_trouble(&why);
        self.session.connection_lost(now(), why, unwritten);
        self.obey_outputs();
    }

    fn note_trouble(&self, why: &Loss) {
        tracing::debug!(server = self.server, %why, "disconnected");
        self.shared.note_trouble(self.server.clone(), self.link.describe(why));
    }
}

/// Tells everybody that nothing more will come: the session has ended, or the runtime goes away
/// under the driver and takes it along.
impl Drop for Driver {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // Requests and watches learn their end from the session, so it has to come to one.
            self.session.abort(now());
            self.obey_outputs();
        }
        let failure = self.ended.take().unwrap_or(Failure::Closed);
        self.shared.queue.end(&failure);
        for command in self.commands.drain(..) {
            command.fail(&failure);
        }
        // Set once: there is one driver.
        let _ = self.shared.end.set(failure);
        self.shared.set_deadline(None);
        self.shared.snapshot.send_modify(|snapshot| {
            if !snapshot.state.is_final() && snapshot.state != SessionState::Expired {
                snapshot.state = SessionState::Closed;
                snapshot.epoch += 1;
                snapshot.session = None;
            }
            snapshot.finished = true;
        });
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}
