//! One request of every kind, and what became of it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use zk_client::{
    Client, ClientBuilder, CreateMode, Created, Error, EventType, MultiResult, OneshotWatch,
    Pending, Result, Stat, WatchMode, WatchStream,
};
use zk_server::testing::TestServer;

/// Far above what anything here takes, so that a slow machine is no failure and a hang is one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const NOTHING: &str = "-";

/// The future's output; fails the test if it takes too long.
pub(crate) async fn within<F: IntoFuture>(what: &str, future: F) -> F::Output {
    let outcome = tokio::time::timeout(PATIENCE, future).await;
    outcome.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// A server with a node to write to, and a client of it that waits on two watches.
pub(crate) struct World {
    pub(crate) server: TestServer,
    pub(crate) client: Client,
    oneshot: OneshotWatch,
    stream: WatchStream,
}

impl World {
    pub(crate) async fn new(settings: impl Fn(ClientBuilder) -> ClientBuilder) -> Self {
        let server = TestServer::start().await.unwrap();
        let builder = Client::builder(&server.connect_string()).seed(1);
        let client = within("connecting", settings(builder).connect()).await.unwrap();
        client.create("/a", b"", CreateMode::Persistent).await.unwrap();
        let (_, oneshot) = client.exists("/watched").watch().await.unwrap();
        let stream = client.watch("/watched", WatchMode::Persistent).await.unwrap();
        Self { server, client, oneshot, stream }
    }

    /// Makes certain that all that was sent before has left.
    pub(crate) async fn flush(&self) {
        let flushed = self.client.get("/").timeout(Duration::from_millis(200)).await;
        assert!(matches!(flushed, Err(Error::Timeout { .. })), "{flushed:?}");
    }

    pub(crate) async fn until_disconnected(&self) {
        let mut states = self.client.states();
        while within("the disconnection", states.next()).await.unwrap().is_connected() {}
    }

    /// What became of the requests; and of the watches, once what they wait for has happened.
    pub(crate) async fn fates(self, asked: Asked) -> [String; 6] {
        let [read, write, create, multi] = asked.fates().await;
        let other = Client::connect(&self.server.connect_string()).await.unwrap();
        other.create("/watched", b"", CreateMode::Persistent).await.unwrap();
        let oneshot = match within("the watch", self.oneshot).await {
            Ok(event) if event.kind == EventType::NodeCreated => "fires".to_owned(),
            Ok(event) => panic!("{event:?}"),
            Err(error) => named(&error),
        };
        let mut stream = self.stream;
        let stream = match within("the stream", stream.next()).await {
            Some(event) if event.kind == EventType::Resync => "`Resync`",
            Some(event) if event.kind == EventType::NodeCreated => "goes on",
            Some(event) => panic!("{event:?}"),
            None => "ends",
        };
        [read, write, create, multi, oneshot, stream.to_owned()]
    }
}

/// Requests that were sent.
pub(crate) struct Asked {
    read: Pending<(Bytes, Stat)>,
    write: Pending<Stat>,
    create: Pending<Created>,
    multi: Pending<Vec<MultiResult>>,
}

impl Asked {
    pub(crate) fn of(client: &Client) -> Self {
        let create = client.create("/e", b"", CreateMode::Ephemeral);
        Self {
            read: client.get("/a").send(),
            write: client.set("/a", b"").send(),
            create: create.send(),
            multi: client.multi().set("/a", b"").send(),
        }
    }

    pub(crate) fn within(client: &Client, limit: Duration) -> Self {
        let create = client.create("/e", b"", CreateMode::Ephemeral);
        Self {
            read: client.get("/a").timeout(limit).send(),
            write: client.set("/a", b"").timeout(limit).send(),
            create: create.timeout(limit).send(),
            multi: client.multi().set("/a", b"").timeout(limit).send(),
        }
    }

    pub(crate) fn in_session(client: &Client, epoch: u64) -> Self {
        let create = client.create("/e", b"", CreateMode::Ephemeral);
        Self {
            read: client.get("/a").in_session(epoch).send(),
            write: client.set("/a", b"").in_session(epoch).send(),
            create: create.in_session(epoch).send(),
            multi: client.multi().set("/a", b"").in_session(epoch).send(),
        }
    }

    pub(crate) async fn fates(self) -> [String; 4] {
        [
            fate(within("the read", self.read).await),
            fate(within("the write", self.write).await),
            fate(within("the create", self.create).await),
            fate(within("the multi", self.multi).await),
        ]
    }
}

fn fate<T>(result: Result<T>) -> String {
    result.map_or_else(|error| named(&error), |_| "answered".to_owned())
}

/// The variant's name, and whether the outcome is unknown.
fn named(error: &Error) -> String {
    let debug = format!("{error:?}");
    let name = debug.split([' ', '{', '(']).next().unwrap_or_default();
    let doubt = if error.is_outcome_unknown() { " **?**" } else { "" };
    format!("`{name}`{doubt}")
}
