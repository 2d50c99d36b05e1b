//! The recipes on a network that breaks all the time, with sessions that end, and callers who give
//! up: many hand-overs, each checked.
// Tests live in the world: clocks and tasks are what they are about.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]
// What fails here fails the test, in the functions that tests share as well.
#![allow(clippy::unwrap_used)]

mod brittle;
mod elections;
mod guards;
mod locks;
mod registries;
mod rw_locks;
mod semaphores;

use std::time::Duration;

use zk_client::{Client, Error};
use zk_server::testing::TestServer;

use brittle::Brittle;

/// Reaching it means that the condition never comes true.
const PATIENCE: Duration = Duration::from_secs(120);

async fn soon<F: IntoFuture>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}

/// How many hand-overs a slow test makes: `ZK_HAND_OVERS`, fewer where there is less time.
fn hand_overs() -> usize {
    let wanted = std::env::var("ZK_HAND_OVERS").map(|wanted| wanted.parse().expect("a number"));
    wanted.unwrap_or(3000)
}

/// A server, a brittle network before it, and a client on a network that holds.
struct World {
    server: TestServer,
    network: Brittle,
    control: Client,
    clients: Vec<Client>,
}

impl World {
    async fn new(seed: u64, clients: u64) -> Self {
        let server = TestServer::start().await.unwrap();
        let network = Brittle::start(server.addr(), seed).await;
        let connect = |servers: String, seed| {
            let builder = Client::builder(&servers).close_timeout(PATIENCE);
            let builder = builder.session_timeout(Duration::from_secs(40));
            async move { soon("a connect", builder.seed(seed).connect()).await.unwrap() }
        };
        let control = connect(server.connect_string(), seed).await;
        let mut connected = Vec::new();
        for client in 0..clients {
            connected.push(connect(network.address().to_string(), seed * 100 + client).await);
        }
        Self { server, network, control, clients: connected }
    }

    fn client(&self, number: usize) -> Client {
        self.clients[number % self.clients.len()].clone()
    }

    /// Ends the session of a client, if it has one.
    fn expire(&self, number: usize) {
        if let Some(session) = self.client(number).session_id() {
            self.server.expire_session(session);
        }
    }

    /// Waits until a directory is empty or gone, although all its clients are still there.
    async fn no_orphans(&self, directory: &str) {
        let names = || async {
            match self.control.children(directory).await {
                Ok((names, _)) => names,
                Err(Error::NoNode { .. }) => Vec::new(),
                Err(error) => panic!("{error}"),
            }
        };
        let empty = async {
            while !names().await.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(30), empty).await.is_err() {
            panic!("left behind: {:?}", names().await);
        }
    }
}
