//! Watches that go on: every change as a stream.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;
use zk_proto::{AddWatchRequest, OpCode};

use super::{EventType, Sink, WatchMode, WatchedEvent};
use crate::chroot::Chroot;
use crate::client::Client;
use crate::driver::Pace;
use crate::error::{Error, Result};
use crate::ops::{Call, Pending, request};
use crate::queue::Command;
use crate::session::{Failure, NodeEvent, Notice, WatcherId};
use crate::shared::Shared;

/// How many events a [`WatchStream`] keeps for a consumer that is slow. One more, and all of them
/// give way to a single [`EventType::Resync`].
pub const WATCH_BUFFER_LEN: usize = 1024;

/// Sets a persistent watch; made by [`Client::watch`](crate::Client::watch).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct Watch<'a> {
    call: Call<'a>,
    mode: WatchMode,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(call: Call<'a>, mode: WatchMode) -> Self {
        Self { call, mode }
    }

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<WatchStream> {
        let path = self.call.path().to_owned();
        let stream = WatchStream::new(self.call.client(), path, self.mode);
        let server_path = self.call.server_path();
        let request = AddWatchRequest { path: &server_path, mode: self.mode.to_wire().code() };
        let watch = stream.registration(&server_path);
        self.call.submit_with_watch(OpCode::AddWatch, &request, watch, |context, outcome| {
            context.done(outcome)?;
            Ok(stream)
        })
    }
}

request!(Watch => WatchStream);

/// Every change of a node or a subtree, as it happens, until it is dropped; dropping it removes
/// the watch from the server.
///
/// Servers forget what happens while a client is away, so the stream says when it may have missed
/// something: [`EventType::Resync`] comes after each reconnection, after the client opened a new
/// session (the watch is then set again), and when more than [`WATCH_BUFFER_LEN`] events waited to
/// be read. Whoever keeps a copy of the tree reads it anew then.
///
/// The stream ends when the client is closed, when its last session is over, or when it came to a
/// server before 3.6, which has no such watches.
#[must_use = "a stream does nothing unless it is read, and dropping it removes the watch"]
pub struct WatchStream {
    buffer: Arc<Buffer>,
    id: WatcherId,
    path: String,
    mode: WatchMode,
    shared: Arc<Shared>,
    chroot: Chroot,
    /// Boxed: rare, and larger than all the rest.
    renewing: Option<Box<Pending<()>>>,
    /// The watch is to be set again after a pause.
    paused: bool,
    pace: Pace,
    ended: bool,
}

impl WatchStream {
    fn new(client: &Client, path: String, mode: WatchMode) -> Self {
        let (shared, chroot) = (Arc::clone(client.shared()), client.chroot().clone());
        let (buffer, id) = (Arc::new(Buffer::default()), shared.next_watcher());
        let (renewing, paused, ended, pace) = (None, false, false, Pace::default());
        Self { buffer, id, path, mode, shared, chroot, renewing, paused, pace, ended }
    }

    fn registration(&self, server_path: &str) -> crate::session::Watch<Sink> {
        crate::session::Watch {
            id: self.id,
            kind: self.mode.kind(),
            path: server_path.into(),
            sink: Sink::Stream(Arc::clone(&self.buffer)),
        }
    }

    /// The session is over: sets the watch again, in the next one.
    fn renew(&mut self) {
        self.id = self.shared.next_watcher();
        let server_path = self.chroot.to_server(&self.path);
        let request = AddWatchRequest { path: &server_path, mode: self.mode.to_wire().code() };
        let watch = self.registration(&server_path);
        self.renewing =
            Some(Box::new(Pending::add_watch(&self.shared, &self.path, &request, watch)));
    }

    fn resync(&self) -> WatchedEvent {
        WatchedEvent { kind: EventType::Resync, path: self.path.clone(), zxid: None }
    }

    /// What became of setting the watch again: whether there is something to read now.
    fn renewed(&mut self, result: Result<()>) -> Option<WatchedEvent> {
        match result {
            Ok(()) => {
                self.pace.worked();
                return Some(self.resync());
            }
            Err(Error::SessionExpired) if !self.shared.has_ended() => self.renew(),
            // The server refuses for now: it sheds load, say.
            Err(error) if error.is_retryable() && !self.shared.has_ended() => {
                self.pace.failed(&self.shared);
                self.paused = true;
            }
            Err(error) => {
                tracing::debug!(path = self.path, %error, "a persistent watch is over");
                self.ended = true;
            }
        }
        None
    }
}

impl Stream for WatchStream {
    type Item = WatchedEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<WatchedEvent>> {
        while !self.ended {
            if self.paused {
                ready!(self.pace.poll(cx));
                self.paused = false;
                self.renew();
            }
            if let Some(renewing) = &mut self.renewing {
                let result = ready!(Pin::new(renewing).poll(cx));
                self.renewing = None;
                if let Some(resync) = self.renewed(result) {
                    return Poll::Ready(Some(resync));
                }
                continue;
            }
            match ready!(self.buffer.poll(cx)) {
                Item::Event(event) => {
                    if let Some(event) = WatchedEvent::new(&event, &self.chroot) {
                        return Poll::Ready(Some(event));
                    }
                }
                Item::Resync => return Poll::Ready(Some(self.resync())),
                Item::Ended(Failure::SessionExpired) => self.renew(),
                Item::Ended(_) => self.ended = true,
            }
        }
        Poll::Ready(None)
    }
}

impl Drop for WatchStream {
    fn drop(&mut self) {
        if !self.ended {
            // A client that has ended has no watches left to remove.
            let _ = self.shared.queue.command(Command::Unwatch(self.id));
        }
    }
}

impl fmt::Debug for WatchStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchStream")
            .field("path", &self.path)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// What waits to be read.
#[derive(Debug, PartialEq, Eq)]
enum Item {
    Event(NodeEvent),
    Resync,
    Ended(Failure),
}

/// The events that wait to be read, shared by the driver and the [`WatchStream`].
#[derive(Default)]
pub(crate) struct Buffer(Mutex<BufferState>);

#[derive(Default)]
struct BufferState {
    items: VecDeque<Item>,
    waker: Option<Waker>,
}

impl Buffer {
    pub(super) fn put(&self, notice: Notice) {
        let mut state = self.lock();
        match notice {
            Notice::Event(event) if state.items.len() < WATCH_BUFFER_LEN => {
                state.items.push_back(Item::Event(event));
            }
            // What was kept is part of what the consumer reads anew anyway.
            Notice::Event(_) | Notice::Rearmed => {
                state.items.clear();
                state.items.push_back(Item::Resync);
            }
            Notice::Ended(failure) => state.items.push_back(Item::Ended(failure)),
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Item> {
        let mut state = self.lock();
        if let Some(item) = state.items.pop_front() {
            return Poll::Ready(item);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, BufferState> {
        // No code that holds the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Notice {
        let kind = zk_proto::EventType::NodeDataChanged;
        Notice::Event(NodeEvent { kind, path: "/a".into(), zxid: None })
    }

    fn drain(buffer: &Buffer) -> Vec<Item> {
        let cx = Context::from_waker(Waker::noop());
        std::iter::from_fn(|| match buffer.poll(&cx) {
            Poll::Ready(item) => Some(item),
            Poll::Pending => None,
        })
        .collect()
    }

    #[test]
    fn a_full_buffer_gives_way_to_one_resync() {
        let buffer = Buffer::default();
        for _ in 0..WATCH_BUFFER_LEN {
            buffer.put(event());
        }
        assert_eq!(drain(&buffer).len(), WATCH_BUFFER_LEN);
        for _ in 0..=WATCH_BUFFER_LEN {
            buffer.put(event());
        }
        assert_eq!(drain(&buffer), [Item::Resync]);
        buffer.put(event());
        assert_eq!(drain(&buffer).len(), 1, "events go on after the resync");
    }

    #[test]
    fn a_reconnection_replaces_what_was_not_read_yet() {
        let buffer = Buffer::default();
        buffer.put(event());
        buffer.put(Notice::Rearmed);
        buffer.put(event());
        let items = drain(&buffer);
        assert_eq!(items[0], Item::Resync);
        assert_eq!(items.len(), 2);
    }
}
