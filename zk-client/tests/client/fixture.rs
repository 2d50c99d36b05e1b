//! A server, clients of it, and patience.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::net::TcpSocket;
use zk_client::{Client, ClientBuilder, SessionState};
use zk_server::testing::TestServer;

/// How long a condition may take: far above what it should, so that a slow machine is no failure
/// and a hang is one.
const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough that no stall of a busy machine ends a session by accident.
const SESSION_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) async fn server() -> TestServer {
    TestServer::start().await.expect("the server starts")
}

pub(crate) fn builder(server: &TestServer) -> ClientBuilder {
    let builder = Client::builder(&server.connect_string()).session_timeout(SESSION_TIMEOUT);
    builder.close_timeout(PATIENCE).seed(1)
}

/// An address where nobody listens, and nobody else will while the socket is there.
pub(crate) fn nobody() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

pub(crate) async fn client(server: &TestServer) -> Client {
    within("connecting", builder(server).connect()).await.expect("the client connects")
}

/// The future's value; fails the test if it takes too long.
pub(crate) async fn within<F: IntoFuture>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}

/// The stream's next item; fails the test if it takes too long, or the stream has ended.
pub(crate) async fn next<S: Stream + Unpin>(what: &str, stream: &mut S) -> S::Item {
    within(what, stream.next()).await.unwrap_or_else(|| panic!("the stream has ended: {what}"))
}

/// The first item that the condition holds for.
pub(crate) async fn next_where<S: Stream + Unpin>(
    what: &str,
    stream: &mut S,
    mut condition: impl FnMut(&S::Item) -> bool,
) -> S::Item {
    loop {
        let item = next(what, stream).await;
        if condition(&item) {
            return item;
        }
    }
}

/// Waits until the client has noticed that its connection is gone.
pub(crate) async fn disconnected(client: &Client) {
    let is_disconnected = |state: &SessionState| !state.is_connected();
    next_where("the loss of the connection", &mut client.states(), is_disconnected).await;
}
