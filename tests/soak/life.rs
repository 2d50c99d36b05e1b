//! One client, from its connect to its end.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use fastrand::Rng;
use futures_util::{FutureExt, StreamExt};
use tests::{PATIENCE, within};
use zk_client::{Client, CreateMode, WatchMode};

/// What has been done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    connects: u64,
    given_up: u64,
    unreachable: u64,
    watches: u64,
    requests: u64,
}

impl Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            connects: self.connects + other.connects,
            given_up: self.given_up + other.given_up,
            unreachable: self.unreachable + other.unreachable,
            watches: self.watches + other.watches,
            requests: self.requests + other.requests,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connects, given_up, unreachable, watches, requests } = self;
        write!(
            f,
            "{connects} connects ({given_up} given up, {unreachable} to nobody), {watches} watches, \
             {requests} requests"
        )
    }
}

/// Connects, works, watches and goes, each in one of several ways.
pub(crate) async fn live(server: &str, mut rng: Rng) -> Count {
    let mut count = Count { connects: 1, ..Count::default() };
    match rng.u8(..20) {
        0 => {
            give_up(server, &mut rng).await;
            count.given_up = 1;
        }
        1 => {
            let nobody = Client::builder("127.0.0.1:1").connect_timeout(Duration::from_millis(1));
            within("the verdict", nobody.connect()).await.unwrap_err();
            count.unreachable = 1;
        }
        _ => {
            let connecting = Client::builder(server).close_timeout(PATIENCE).connect();
            let client = within("the connect", connecting).await.unwrap();
            work(&client, &mut rng, &mut count).await;
            watch(&client, &mut rng, &mut count).await;
            if rng.bool() {
                within("the close", client.close()).await.unwrap();
            }
        }
    }
    count
}

/// Drops a connect half-way.
async fn give_up(server: &str, rng: &mut Rng) {
    let mut connecting = Box::pin(Client::connect(server));
    for _ in 0..rng.u8(..60) {
        if (&mut connecting).now_or_never().is_some() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn work(client: &Client, rng: &mut Rng, count: &mut Count) {
    let mode = CreateMode::EphemeralSequential;
    let created = client.create("/e-", b"data", mode).send();
    let dropped = client.set("/", b"").send();
    let read = client.get("/").send();
    count.requests += 3;
    if rng.bool() {
        drop(dropped);
        within("a create", created).await.unwrap();
    }
    if rng.bool() {
        within("a read", read).await.unwrap();
    }
}

async fn watch(client: &Client, rng: &mut Rng, count: &mut Count) {
    let (_, oneshot) = within("a watch", client.exists("/none").watch()).await.unwrap();
    let sent = client.watch("/none", WatchMode::PersistentRecursive).send();
    let mut observed = client.observe("/none");
    count.watches += 3;
    match rng.u8(..3) {
        0 => drop((oneshot, sent)),
        1 => {
            drop(within("a stream", sent).await.unwrap());
            drop(within("a state", observed.next()).await.unwrap().unwrap());
        }
        _ => {
            let stream = within("a stream", sent).await.unwrap();
            // Some go with their client, not before it.
            drop((stream, oneshot, observed));
        }
    }
}
