//! Asking a server whether it takes writes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use zk_proto::HostPort;

use super::connect::{Progress, Transport, connect};

/// A question under way, if there is one.
#[derive(Default)]
pub(super) struct Probe(Option<Pin<Box<dyn Future<Output = bool> + Send>>>);

impl Probe {
    /// Asks this server, instead of whichever is being asked.
    pub(super) fn ask(&mut self, host: HostPort, within: Duration, transport: Transport) {
        self.0 = Some(Box::pin(async move {
            timeout(within, takes_writes(host, within, transport)).await.unwrap_or(false)
        }));
    }

    /// Asks no more.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    /// Whether the server takes writes, once it has said so or not answered in time.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let Some(asking) = &mut self.0 else {
            return Poll::Pending;
        };
        let takes_writes = ready!(asking.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(takes_writes)
    }
}

/// By the four-letter word `isro`: the answer is `rw` or `ro`, then the server closes.
async fn takes_writes(host: HostPort, within: Duration, transport: Transport) -> bool {
    let Ok(mut stream) = connect(host, within, transport, Progress::default()).await else {
        return false;
    };
    let mut answer = [0; 2];
    let asked = async {
        stream.write_all(b"isro").await?;
        stream.flush().await?;
        stream.read_exact(&mut answer).await
    };
    asked.await.is_ok() && answer == *b"rw"
}
