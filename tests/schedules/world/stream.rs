//! A client's end of a simulated connection.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zk_client::world::{Connecting, Connection, Connector};

use super::executor::ProcessId;
use super::network::{LinkId, Network};

/// Makes the connections of one process.
pub(crate) struct Port {
    pub(crate) network: Arc<Mutex<Network>>,
    pub(crate) process: ProcessId,
}

impl Connector for Port {
    fn connect(&self, _: &str, _: u16) -> Connecting {
        let network = Arc::clone(&self.network);
        let attempt = network.lock().unwrap().connect(self.process);
        Box::pin(async move {
            let link = poll_fn(|cx| {
                let mut attempt = attempt.lock().unwrap();
                attempt.waker = Some(cx.waker().clone());
                attempt.outcome.take().map_or(Poll::Pending, Poll::Ready)
            });
            let link = link.await?;
            Ok(Box::new(SimStream { network, link }) as Box<dyn Connection>)
        })
    }
}

struct SimStream {
    network: Arc<Mutex<Network>>,
    link: LinkId,
}

impl AsyncRead for SimStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = buf.remaining();
        let read = self.network.lock().unwrap().receive(self.link, cx.waker(), room);
        match read {
            None => Poll::Pending,
            Some(read) => Poll::Ready(read.map(|bytes| buf.put_slice(&bytes))),
        }
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.network.lock().unwrap().send(self.link, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        self.network.lock().unwrap().close(self.link);
    }
}
