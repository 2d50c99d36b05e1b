//! The world: one task per client that moves bytes and time between the sockets, the clock and
//! the [`Session`], which decides everything.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // This is where they belong.

mod close;
mod connect;
mod link;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::queue::{Command, ReplyTo};
use crate::session::{Failure, Loss, Output, Session, SessionState};
use crate::shared::Shared;
use crate::states::Snapshot;
use crate::watch::Sink;
use link::{Happening, Link};

pub(crate) use close::close;

/// The time, for those that may not look at the clock themselves.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A seed for a client that was not given one.
pub(crate) fn entropy() -> u64 {
    fastrand::u64(..)
}

/// Runs a client in the background until its session has ended for good.
pub(crate) fn spawn(session: Session<ReplyTo, Sink>, shared: Arc<Shared>) {
    let runtime = shared.runtime.clone();
    let driver = Driver {
        session,
        shared,
        link: Link::None,
        server: String::new(),
        commands: VecDeque::new(),
        completed: 0,
        ended: None,
    };
    runtime.spawn(driver.run());
}

struct Driver {
    session: Session<ReplyTo, Sink>,
    shared: Arc<Shared>,
    link: Link,
    /// The server of the connection or the attempt, for the log.
    server: String,
    /// Taken from the queue, not yet handed to the session.
    commands: VecDeque<Command>,
    /// Requests that have ended since the queue was told.
    completed: usize,
    /// Why the session has ended for good, once it has.
    ended: Option<Failure>,
}

impl Driver {
    async fn run(mut self) {
        loop {
            self.obey_outputs();
            self.hand_over_commands();
            self.fill_link();
            self.publish();
            if self.ended.is_some() {
                return;
            }
            self.wait().await;
            self.keep_time();
        }
    }

    /// Does what the session says. Comes after each input to it, before the next.
    fn obey_outputs(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Connect { host, within } => {
                    self.server = host.to_string();
                    tracing::debug!(server = self.server, "connecting");
                    self.link = Link::connect(host, within);
                }
                Output::Disconnect { why } => {
                    // That time is up says nothing about this server.
                    if !matches!(why, Loss::Unreachable { .. }) {
                        self.note_trouble(&why);
                    } else if !matches!(self.link, Link::None) {
                        self.shared.note_trouble(self.server.clone(), "no answer yet".to_owned());
                    }
                    self.link = Link::None;
                }
                Output::Complete { reply, outcome } => {
                    self.completed += 1;
                    match reply {
                        ReplyTo::Caller(_) => reply.send(outcome),
                        ReplyTo::Close => {
                            // Set once: the queue lets one close through.
                            let _ = self.shared.close_outcome.set(outcome);
                        }
                    }
                }
                Output::Watch { sink, notice } => sink.put(notice),
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
        let over = state.is_final() || state == SessionState::Expired;
        let session = &self.session;
        self.shared.set_deadline(session.session_deadline().filter(|_| !over));
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
        self.shared.queue.take(&mut self.commands);
        while let Some(command) = self.commands.pop_front() {
            match command {
                Command::Request(request) => {
                    self.session.submit(now(), request);
                }
                Command::AddAuth { scheme, auth, reply } => {
                    self.session.add_auth(now(), &scheme, auth, Some(reply));
                }
                Command::Unwatch(id) => self.session.unwatch(now(), id),
                Command::Close => self.session.close(now(), ReplyTo::Close),
            }
            self.obey_outputs();
        }
    }

    /// Moves what the session has to say into the socket, as far as that takes it.
    fn fill_link(&mut self) {
        while let Link::Up(connection) = &mut self.link {
            if connection.is_drained() {
                self.session.transmit(now(), connection.outgoing());
                self.obey_outputs();
            }
            let Link::Up(connection) = &mut self.link else { return };
            if connection.is_drained() {
                return;
            }
            match connection.write_now() {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => self.lost(Loss::Network(error.to_string())),
            }
        }
    }

    /// Tells the world what has changed, except for states, which `enter` told.
    fn publish(&mut self) {
        if self.completed > 0 {
            self.shared.queue.completed(std::mem::take(&mut self.completed));
        }
        if self.session.state().is_connected() {
            self.shared.set_deadline(self.session.session_deadline());
        }
    }

    /// Waits for a command, a deadline, or the network.
    async fn wait(&mut self) {
        let deadlines = [self.session.next_deadline(), self.shared.queue.next_deadline()];
        let deadline = deadlines.into_iter().flatten().min();
        let happening = tokio::select! {
            () = self.shared.queue.wait() => None,
            () = self.shared.abort.cancelled() => {
                self.session.abort(now());
                None
            }
            () = sleep_until(deadline) => None,
            happening = self.link.happening() => Some(happening),
        };
        match happening {
            Some(Happening::Connected(connection)) => {
                self.link = Link::Up(connection);
                self.session.connected(now());
            }
            Some(Happening::ConnectFailed(why)) => {
                self.link = Link::None;
                tracing::debug!(server = self.server, why, "connecting failed");
                self.shared.note_trouble(self.server.clone(), why.clone());
                self.session.connect_failed(now(), why);
            }
            Some(Happening::Received) => {
                if let Link::Up(connection) = &mut self.link {
                    self.session.received(now(), connection.incoming());
                }
            }
            Some(Happening::Written) | None => {}
            Some(Happening::Lost(why)) => self.lost(why),
        }
        self.obey_outputs();
    }

    /// The time passes whatever else happens: a busy connection must not keep pings from going out.
    fn keep_time(&mut self) {
        let now = now();
        self.shared.queue.expire(now);
        if self.session.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.session.timeout(now);
        }
    }

    fn lost(&mut self, why: Loss) {
        let unwritten = match std::mem::replace(&mut self.link, Link::None) {
            Link::Up(mut connection) => connection.outgoing().len(),
            Link::None | Link::Connecting(_) => 0,
        };
        self.note_trouble(&why);
        self.session.connection_lost(now(), why, unwritten);
        self.obey_outputs();
    }

    fn note_trouble(&self, why: &Loss) {
        tracing::debug!(server = self.server, %why, "disconnected");
        self.shared.note_trouble(self.server.clone(), why.to_string());
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

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
