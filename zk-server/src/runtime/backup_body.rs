//! The body of a `restore` over HTTP, on its way to the thread that reads it.

use std::io::{self, Read};
use std::pin::Pin;
use std::time::Instant;

use bytes::{Buf, Bytes};
use hyper::body::{Body, Incoming};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::http_places::{Answering, PROGRESS_LEN};
use crate::admin::{RESTORE_LEN_MAX, Refusal};

/// Bytes that are read of a body that was refused, so that its sender hears why: a connection that is
/// closed with something unread may take the answer with it.
const REFUSED_LEN_MAX: u64 = 64 << 20;

/// What comes of a body.
pub(super) enum Piece {
    Bytes(Bytes),
    /// It has come whole.
    End,
}

/// Forwards a body to the thread that reads it, until there is no more.
pub(super) async fn forward(
    mut body: Incoming,
    sender: mpsc::Sender<Piece>,
    answering: &Answering,
) -> Result<(), Refusal> {
    let (mut len, mut counted, mut refused) = (0_u64, 0, 0);
    loop {
        let frame = std::future::poll_fn(|cx| {
            let frame = Pin::new(&mut body).poll_frame(cx);
            if frame.is_pending() {
                answering.awaits_body(Instant::now());
            }
            frame
        });
        let frame = frame.await;
        let bytes = match frame {
            None => {
                answering.awaits_server(Instant::now());
                // If nobody reads, the thread has found out already why not.
                let _ = sender.send(Piece::End).await;
                return Ok(());
            }
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            // The reader sees that it is cut.
            Some(Err(_)) => return Ok(()),
        };
        let piece_len = bytes.len();
        answering.received(piece_len, Instant::now());
        len += piece_len as u64;
        counted += piece_len;
        if len > RESTORE_LEN_MAX {
            return Err(Refusal::TooLong);
        }
        if counted >= PROGRESS_LEN {
            counted = 0;
            answering.note_progress();
        }
        let is_taken = match sender.try_send(Piece::Bytes(bytes)) {
            Err(TrySendError::Full(piece)) => {
                // The thread is slower than the sender, who cannot be blamed for that.
                answering.awaits_server(Instant::now());
                sender.send(piece).await.is_ok()
            }
            sent => sent.is_ok(),
        };
        if !is_taken {
            refused += piece_len as u64;
            if refused > REFUSED_LEN_MAX {
                return Ok(());
            }
        }
    }
}

/// A body, as a thread reads it.
pub(super) struct BodyReader {
    pieces: mpsc::Receiver<Piece>,
    piece: Bytes,
    ended: bool,
}

impl BodyReader {
    pub(super) fn new(pieces: mpsc::Receiver<Piece>) -> Self {
        Self { pieces, piece: Bytes::new(), ended: false }
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Piece::Bytes(bytes)) => self.piece = bytes,
                Some(Piece::End) => self.ended = true,
                None => {
                    let cut = "the connection ended in the middle of it";
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, cut));
                }
            }
        }
        let len = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..len]);
        Ok(len)
    }
}
