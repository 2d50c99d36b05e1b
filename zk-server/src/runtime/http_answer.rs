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
    /// Made as it is read.
    Report(LongReport),
    /// From a thread, and how many bytes there are still to come.
    Pieces {
        pieces: Pieces,
        left: u64,
    },
    Ended,
}

/// A report, and whether others may go before its next piece.
pub(super) struct LongReport {
    shared: Arc<Shared>,
    report: Box<Report>,
    gives_way: bool,
}

impl LongReport {
    pub(super) fn new(shared: &Arc<Shared>, report: Report) -> Self {
        Self { shared: Arc::clone(shared), report: Box::new(report), gives_way: false }
    }
}

type Next = Poll<Option<Result<Frame<Bytes>, io::Error>>>;

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Next {
        let (next, content) = match std::mem::replace(&mut self.content, Content::Ended) {
            Content::Whole(text) => (Poll::Ready(Some(Ok(Frame::data(text)))), Content::Ended),
            Content::Report(report) => report_on(report, cx),
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

/// The next piece of a report, with the lock for just that long. Between two pieces others go first: a
/// socket takes many at once, and there may be dozens who want them.
fn report_on(mut long: LongReport, cx: &Context<'_>) -> (Next, Content) {
    if std::mem::take(&mut long.gives_way) {
        cx.waker().wake_by_ref();
        return (Poll::Pending, Content::Report(long));
    }
    let (mut piece, report) = (String::new(), &mut long.report);
    let Ok(more) = long.shared.act(|server, now| report.piece(server, now, &mut piece)) else {
        let stops = io::Error::other("the server stops");
        return (Poll::Ready(Some(Err(stops))), Content::Ended);
    };
    let next = match (more, piece.is_empty()) {
        (true, true) => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        (false, true) => Poll::Ready(None),
        _ => Poll::Ready(Some(Ok(Frame::data(Bytes::from(piece))))),
    };
    long.gives_way = next.is_ready();
    (next, if more { Content::Report(long) } else { Content::Ended })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use std::task::Waker;

    use super::super::clock;
    use super::super::http_places::{Places, Taking};
    use super::super::shared::Journal;
    use super::*;
    use crate::ops::Format;
    use crate::server::{Event, Server};
    use crate::storage::log::DiscardTxnLog;
    use crate::{ConnectionId, ServerConfig};
    use zk_proto::SessionId;

    const CONNECTIONS: u64 = 1000;

    #[test]
    fn others_go_between_two_pieces_of_a_report() {
        let config = ServerConfig { max_client_cnxns: 0, ..ServerConfig::default() };
        let server = Server::new(config, SessionId(1), clock::now());
        let journal = Journal::Inline(Box::new(DiscardTxnLog::default()));
        let shared = Arc::new(Shared::new(server, journal, Duration::from_secs(60), None));
        for conn in 0..CONNECTIONS {
            let (conn, peer) = (ConnectionId(conn), ([127, 0, 0, 1], 1).into());
            shared.act(|server, now| server.handle(now, Event::Accepted { conn, peer })).unwrap();
        }
        let Taking::Place(place) = Places::default().take(Instant::now(), Instant::now()) else {
            panic!("all places are free");
        };
        let report = Report::connections(Format::Json("connections"));
        let content = Content::Report(LongReport::new(&shared, report));
        let mut answer = Answer { answering: place.answer(), content };
        let mut cx = Context::from_waker(Waker::noop());
        let (mut pieces, mut gave_way) = (0, true);
        loop {
            match Pin::new(&mut answer).poll_frame(&mut cx) {
                Poll::Pending => gave_way = true,
                Poll::Ready(Some(piece)) => {
                    assert!(gave_way, "behind piece {pieces}");
                    (pieces, gave_way) = (pieces + 1, piece.is_err());
                }
                Poll::Ready(None) => break,
            }
        }
        assert!(pieces > 2, "{pieces}");
    }
}
