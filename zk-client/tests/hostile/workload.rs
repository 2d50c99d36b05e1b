//! A conversation in which each request can be checked against the server's tree afterwards.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use zk_client::{Client, CreateMode, Created, Error, EventType, Result, Stat, WatchMode};

use super::within;

const PERSISTENT: CreateMode = CreateMode::Persistent;

/// Nodes that are each changed by one request.
const SETS: usize = 4;

/// What one run found out about itself.
pub(crate) struct Outcomes {
    base: String,
    create: Result<Created>,
    sets: Vec<Result<Stat>>,
    chain: Vec<Result<Stat>>,
    multi: Result<()>,
    wrong_multi: Result<()>,
    ephemerals: Vec<Result<Created>>,
    delete: Result<()>,
    session: zk_client::SessionId,
}

/// What is there before the run.
pub(crate) async fn prepare(control: &Client, base: &str) {
    let names = (0..SETS).map(|n| format!("/s{n}"));
    let names = [String::new()].into_iter().chain(names);
    let names = names.chain(["/chain", "/d", "/w", "/m"].map(str::to_owned));
    let mut sent = Vec::new();
    for name in names {
        sent.push(control.create(&format!("{base}{name}"), b"0", PERSISTENT).send());
    }
    for pending in sent {
        pending.await.unwrap();
    }
}

/// Connects through the network and does a session of work, many requests at once.
pub(crate) async fn run(
    network: SocketAddr,
    control: &Client,
    base: &str,
    seed: u64,
) -> (Client, Outcomes) {
    let builder = Client::builder(&format!("{network}{base}"))
        .session_timeout(Duration::from_secs(30))
        .connect_timeout(Duration::from_secs(30))
        .seed(seed);
    let client = within("the connect", builder.connect()).await.unwrap();
    let session = client.session_id().unwrap();
    let mut stream = within("the stream", client.watch("/w", WatchMode::Persistent)).await.unwrap();
    let (data, _, watch) = within("the watch", client.get("/w").watch()).await.unwrap();
    assert_eq!(&data[..], b"0");

    let outcomes = ask(&client, base, session).await;
    control.set(&format!("{base}/w"), b"1").await.unwrap();
    let event = within("the event", watch).await.expect("watches survive cuts");
    assert_eq!((event.kind, &event.path[..]), (EventType::NodeDataChanged, "/w"));
    // A stream says what happened, or that something may have.
    let event = within("the stream's event", stream.next()).await.unwrap();
    assert!(matches!(event.kind, EventType::NodeDataChanged | EventType::Resync), "{event:?}");
    drop(stream);
    (client, outcomes)
}

/// Sends everything at once, then waits for it.
async fn ask(client: &Client, base: &str, session: zk_client::SessionId) -> Outcomes {
    let create = client.create("/c", b"c", PERSISTENT).send();
    let sets: Vec<_> =
        (0..SETS).map(|n| client.set(&format!("/s{n}"), b"1").version(0).send()).collect();
    let read = client.get("/s0").send();
    let chain: Vec<_> =
        (0..3).map(|n| client.set("/chain", &[b'a' + n]).version(i32::from(n)).send()).collect();
    let multi =
        client.multi().check("/m", 0).create("/m/x", b"x", PERSISTENT).set("/m", b"1").commit();
    let wrong_multi = client.multi().create("/y", b"", PERSISTENT).check("/m", 77).commit();
    let mode = CreateMode::EphemeralSequential;
    let ephemerals: Vec<_> = (0..3).map(|_| client.create("/e-", b"", mode).send()).collect();
    let delete = client.delete("/d").send();
    let list = client.children("/").send();

    let create = within("the create", create).await;
    let mut set_results = Vec::new();
    for set in sets {
        set_results.push(within("a set", set).await);
    }
    let (data, stat) = within("the read", read).await.expect("reads survive cuts");
    assert_eq!(
        (&data[..] == b"1", stat.version),
        (stat.version == 1, i32::from(&data[..] == b"1"))
    );
    let mut chain_results = Vec::new();
    for set in chain {
        chain_results.push(within("a set in a chain", set).await);
    }
    let multi = within("the multi", multi).await.map(drop);
    let wrong_multi = within("the wrong multi", wrong_multi).await.map(drop);
    let mut ephemeral_results = Vec::new();
    for create in ephemerals {
        ephemeral_results.push(within("an ephemeral", create).await);
    }
    let delete = within("the delete", delete).await;
    within("the list", list).await.expect("reads survive cuts");

    Outcomes {
        base: base.to_owned(),
        create,
        sets: set_results,
        chain: chain_results,
        multi,
        wrong_multi,
        ephemerals: ephemeral_results,
        delete,
        session,
    }
}

/// Success means applied, once; a definite error not applied; an unknown outcome either.
fn agrees<T>(what: &str, outcome: &Result<T>, applied: bool) {
    match outcome {
        Ok(_) => assert!(applied, "{what} was confirmed and is not there"),
        Err(error) if error.is_outcome_unknown() => {}
        Err(error) => assert!(!applied, "{what} failed with {error} and is there"),
    }
    if let Err(error) = outcome {
        assert!(matches!(error, Error::ConnectionLoss { .. }), "{what}: {error}");
    }
}

impl Outcomes {
    /// Compares the outcomes with the server's tree.
    pub(crate) async fn check(&self, client: &Client, control: &Client) {
        let path = |name: &str| format!("{}{name}", self.base);
        let exists = async |name: &str| control.exists(&path(name)).await.unwrap();
        assert_eq!(client.session_id(), Some(self.session), "the session lives on");
        assert_eq!(client.session_epoch(), 1);
        let created = exists("/c").await;
        agrees("the create", &self.create, created.is_some());
        if let (Ok(told), Some(stat)) = (&self.create, &created) {
            assert_eq!((&told.path[..], &told.stat), ("/c", stat));
        }
        for (n, set) in self.sets.iter().enumerate() {
            let (data, stat) = control.get(&path(&format!("/s{n}"))).await.unwrap();
            assert!(stat.version <= 1, "a write was sent twice");
            assert_eq!(stat.version == 1, &data[..] == b"1");
            agrees("a set", set, stat.version == 1);
        }
        self.check_chain(control.get(&path("/chain")).await.unwrap().1.version);
        let (m, x) = (exists("/m").await.unwrap(), exists("/m/x").await);
        assert_eq!(m.version == 1, x.is_some(), "a multi is applied as a whole");
        agrees("the multi", &self.multi, x.is_some());
        assert!(exists("/y").await.is_none(), "a multi that fails does nothing");
        assert!(self.wrong_multi.is_err());
        agrees("the delete", &self.delete, exists("/d").await.is_none());
        self.check_ephemerals(&control.children(&self.base).await.unwrap().0);
    }

    fn check_chain(&self, version: i32) {
        for (n, set) in (0..).zip(&self.chain) {
            match set {
                Ok(stat) => assert!(stat.version == n + 1 && version > n),
                Err(Error::BadVersion { .. }) => assert!(version <= n || n > 0),
                Err(error) => assert!(error.is_outcome_unknown(), "{error}"),
            }
        }
        let unknown =
            self.chain.iter().any(|set| set.as_ref().is_err_and(Error::is_outcome_unknown));
        assert!(unknown || version == 3, "all was confirmed up to {version}");
    }

    fn check_ephemerals(&self, children: &[String]) {
        let there: Vec<_> = children.iter().filter(|name| name.starts_with("e-")).collect();
        let mut confirmed = 0;
        for created in &self.ephemerals {
            match created {
                Ok(created) => {
                    confirmed += 1;
                    assert!(there.iter().any(|name| created.path[1..] == ***name));
                    assert_eq!(created.stat.ephemeral_owner, self.session);
                }
                Err(error) => assert!(error.is_outcome_unknown(), "{error}"),
            }
        }
        assert!((confirmed..=self.ephemerals.len()).contains(&there.len()), "{there:?}");
    }

    pub(crate) fn session(&self) -> zk_client::SessionId {
        self.session
    }
}
