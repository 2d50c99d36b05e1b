//! One request on its way, and what its reply does.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;

use super::request::{Class, FRAME_LEN_MIN, RequestId, XID_AT};
use super::watches::{Watch, WatchKind};

/// Whom a request belongs to.
pub(crate) enum Owner<R> {
    /// A caller, who is told the outcome.
    Caller(R),
    /// A caller who has been told that it took too long.
    Abandoned,
    /// The session, which removes a watch from the server that nobody waits for any more.
    Removal {
        /// The kind of the watch.
        kind: WatchKind,
        /// Its node.
        path: Arc<str>,
        /// Whether nothing else is left to try if the server does not understand.
        last_try: bool,
    },
    /// The caller who closes the session.
    Close(R),
}

/// What the reply does to the watches.
pub(crate) enum Registration<W> {
    /// Nothing.
    None,
    /// It sets one.
    Set(Watch<W>),
    /// It sets one on the server that nobody wants any more, and that would stay.
    Undo {
        /// Its kind.
        kind: WatchKind,
        /// Its node.
        path: Arc<str>,
    },
}

/// A request on its way.
pub(crate) struct Slot<R, W> {
    pub(crate) id: RequestId,
    pub(crate) owner: Owner<R>,
    pub(crate) class: Class,
    pub(crate) registration: Registration<W>,
    /// When it was submitted.
    pub(crate) since: Instant,
    /// When it was sent, as which xid, and where its frame ends in what was written to the
    /// connection. Meaningless while it is queued.
    pub(crate) sent_at: Instant,
    pub(crate) xid: i32,
    pub(super) end: u64,
    pub(super) deadline: Option<Instant>,
    pub(super) resends: u8,
    pub(super) frame: BytesMut,
}

impl<W> Registration<W> {
    /// What the request asks to watch, wanted or not.
    pub(crate) fn watched(&self) -> Option<(WatchKind, &Arc<str>)> {
        match self {
            Self::None => None,
            Self::Set(watch) => Some((watch.kind, &watch.path)),
            Self::Undo { kind, path } => Some((*kind, path)),
        }
    }
}

impl<R, W> Slot<R, W> {
    /// The watcher is gone; what stays of its watch on the server must go too. A one-shot watch is
    /// not asked for when the request is sent, or sent again.
    pub(super) fn forget_watch(&mut self) {
        self.registration = match std::mem::replace(&mut self.registration, Registration::None) {
            Registration::Set(watch) if watch.kind.is_persistent() => {
                Registration::Undo { kind: watch.kind, path: watch.path }
            }
            Registration::Set(_) => {
                self.set_last_byte(0);
                Registration::None
            }
            other => other,
        };
    }

    /// Asks for as much of the watch as this connection needs, given the lasting watch that the
    /// server holds on the path.
    pub(super) fn ask_for_watch(&mut self, carrier: Option<WatchKind>) {
        let Some((kind, _)) = self.registration.watched() else {
            return;
        };
        let asked = match kind.asked_beside(carrier) {
            None | Some(WatchKind::Persistent) => 0,
            Some(_) => 1,
        };
        self.set_last_byte(asked);
    }

    /// A read that can set a one-shot watch ends with the flag that asks for it, and the request
    /// for a lasting watch with the mode, whose other bytes are 0.
    fn set_last_byte(&mut self, value: u8) {
        if let Some(last) = self.frame.get_mut(FRAME_LEN_MIN..).and_then(<[u8]>::last_mut) {
            *last = value;
        }
    }
}

/// Whether these bytes can be a request.
pub(crate) fn is_frame(frame: &[u8]) -> bool {
    let prefix = frame.first_chunk().map(|prefix| u32::from_be_bytes(*prefix) as usize);
    frame.len() >= FRAME_LEN_MIN && prefix == Some(frame.len() - XID_AT)
}
