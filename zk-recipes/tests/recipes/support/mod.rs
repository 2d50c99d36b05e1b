//! A server, clients, a network with scissors, and waiting on conditions.

mod counted;
mod proxy;
mod resource;

use std::future::Future;
use std::time::Duration;

pub(crate) use counted::Counted;
pub(crate) use proxy::{Op, Proxy};
pub(crate) use resource::Resource;

use zk_client::Client;
use zk_server::testing::TestServer;

/// Long enough for any machine; reaching it means that the condition never comes true.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any test: sessions end when a test says so.
pub(crate) const LONG_SESSION: Duration = Duration::from_secs(40);

pub(crate) async fn server() -> TestServer {
    TestServer::start().await.expect("the server starts")
}

pub(crate) async fn client(server: &TestServer) -> Client {
    connect(&server.connect_string()).await
}

pub(crate) async fn connect(connect_string: &str) -> Client {
    connect_for(connect_string, LONG_SESSION).await
}

pub(crate) async fn connect_for(connect_string: &str, session_timeout: Duration) -> Client {
    Client::builder(connect_string)
        .session_timeout(session_timeout)
        .close_timeout(PATIENCE)
        .connect()
        .await
        .expect("the client connects")
}

/// Plays a scene whose session ends by silence when its timeout has passed. A machine that stands still
/// for as long as that ends it before the scene wants it, which is not what the scene is about: then
/// it gives up with `None`, and is played again with a longer session.
pub(crate) async fn with_short_session(scene: impl AsyncFn(Duration) -> Option<()>) {
    for session_ms in [600, 3000, 12_000] {
        if scene(Duration::from_millis(session_ms)).await.is_some() {
            return;
        }
    }
    panic!("no session lives as long as it should");
}

/// The output of `future`, which has to come.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it happens in time")
}

/// Waits until `condition` is true. Each look asks the server something, which paces the loop.
pub(crate) async fn until<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    soon(async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// The names under `path`; none if it does not exist.
pub(crate) async fn children(client: &Client, path: &str) -> Vec<String> {
    match client.children(path).await {
        Ok((mut names, _)) => {
            names.sort_by_key(|name| name[name.len().saturating_sub(10)..].to_owned());
            names
        }
        Err(zk_client::Error::NoNode { .. }) => Vec::new(),
        Err(error) => panic!("cannot list {path}: {error}"),
    }
}

/// Waits until there are exactly `count` nodes under `path`.
pub(crate) async fn until_children(client: &Client, path: &str, count: usize) {
    until(|| async { children(client, path).await.len() == count }).await;
}

/// Ends the client's session on the server, as if it had timed out.
pub(crate) fn expire(server: &TestServer, client: &Client) {
    let session = client.session_id().expect("there is a session");
    assert!(server.expire_session(session), "the server knows the session");
}
