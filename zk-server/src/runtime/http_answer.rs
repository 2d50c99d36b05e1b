//! The body of an answer over HTTP.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::backup_commands::Pieces;
use super::http_places::Answering;
use super::shared::Shared;
use crate::ops::Report;

/// A body that is there, or comes piece by piece as it is read. Each piece that is taken is
/// progress.
pub(super) struct Answer {
    pub(super) answering: Answering,
    pub(super) content: Content,
}

pub(super) enum Content {
    Whole(Bytes),
    Report(Arc<Shared>, Box<Report>),
    /// From a thread, and how many bytes there are still to come.
    Pieces {
        pieces: Pieces,
        left: u64,
    },
    Ended,
}

type Next = Poll<Option<Result<Frame<Bytes>, io::Error>>>;

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Next {
        let (next, content) = match std::mem::replace(&mut self.content, Content::Ended) {
            Content::Whole(text) => (Poll::Ready(Some(Ok(Frame::data(text)))), Content::Ended),
            Content::Report(shared, report) => report_on(shared, report, cx),
            Content::Pieces { mut pieces, left } => match pieces.poll_recv(cx) {
                Poll::Ready(Some(Ok(piece))) => {
                    let left = left.saturating_sub(piece.len() as u64);
                    let next = Poll::Ready(Some(Ok(Frame::data(piece))));
                    (next, Content::Pieces { pieces, left })
                }
                Poll::Ready(Some(Err(error))) => (Poll::Ready(Some(Err(error))), Content::Ended),
                Poll::Ready(None) => (Poll::Ready(None), Content::Ended),
                Poll::Pending => (Poll::Pending, Content::Pieces { pieces, left }),
            },
            Content::Ended => (Poll::Ready(None), Content::Ended),
        };
        self.content = content;
        // Who waits for a thread stands still; a report goes on with nothing to say yet.
        if next.is_ready() || matches!(self.content, Content::Report(..)) {
            self.answering.note_progress();
        }
        next
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Ended)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(text) => SizeHint::with_exact(text.len() as u64),
            Content::Pieces { left, .. } => SizeHint::with_exact(*left),
            Content::Ended => SizeHint::with_exact(0),
            Content::Report(..) => SizeHint::default(),
        }
    }
}

/// The next piece of a report, with the lock for just that long.
fn report_on(shared: Arc<Shared>, mut report: Box<Report>, cx: &Context<'_>) -> (Next, Content) {
    let mut piece = String::new();
    let Ok(more) = shared.act(|server, now| report.piece(server, now, &mut piece)) else {
        let stops = io::Error::other("the server stops");
        return (Poll::Ready(Some(Err(stops))), Content::Ended);
    };
    let next = match (more, piece.is_empty()) {
        // Others may go first.
        (true, true) => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        (false, true) => Poll::Ready(None),
        _ => Poll::Ready(Some(Ok(Frame::data(Bytes::from(piece))))),
    };
    (next, if more { Content::Report(shared, report) } else { Content::Ended })
}
