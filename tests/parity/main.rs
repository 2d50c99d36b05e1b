//! The same random requests to our server and to Apache's, answer by answer.
//!
//! Both start empty and get the same frames in the same order, so every zxid, version, sequence
//! number, event and error must agree; only what the clock and chance decide is left out of the
//! comparison (see `plain.rs`). Where 3.9, which our server follows, differs on purpose from an older
//! one, the requests steer clear of it (see `requests.rs`).
// Tests live in the world, and a failed unwrap is a failed test.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)]

mod plain;
mod raw;
mod requests;

use std::net::SocketAddr;

use raw::RawClient;
use requests::{Requests, Wanted};
use tests::{Apache, eventually, is_serving};
use zk_proto::Request;
use zk_server::testing::TestServer;

/// Each seed is a fresh subtree and fresh sessions on the same two servers.
const SEEDS: std::ops::Range<u64> = 0..40;
const REQUESTS_PER_SEED: usize = 250;
/// Two clients at each server, so that one sees what the other does.
const CLIENTS: usize = 2;

/// The clients of one server.
struct Side {
    clients: Vec<RawClient>,
    plain: plain::Names,
}

impl Side {
    async fn connect(address: SocketAddr) -> Self {
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(RawClient::connect(address).await);
        }
        let sessions = clients.iter().map(RawClient::session).collect();
        Self { clients, plain: plain::Names::new(sessions) }
    }

    /// What every client hears when one of them asks, in words that both servers share.
    async fn ask(&mut self, who: usize, wanted: &Wanted) -> Vec<String> {
        let mut heard = Vec::new();
        let frames = self.clients[who].request(wanted.op, &wanted.body).await;
        for frame in frames {
            heard.push(self.plain.frame(who, wanted, &frame));
        }
        for (other, client) in self.clients.iter_mut().enumerate() {
            if other != who {
                for frame in client.events().await {
                    heard.push(self.plain.frame(other, wanted, &frame));
                }
            }
        }
        heard
    }

    /// One client closes its session: what it and those after it hear.
    async fn leave(&mut self, who: usize) -> Vec<String> {
        let wanted = Wanted::new(&Request::CloseSession);
        let mut heard = Vec::new();
        for frame in self.clients[who].request(wanted.op, &wanted.body).await {
            heard.push(self.plain.frame(who, &wanted, &frame));
        }
        for other in who + 1..CLIENTS {
            for frame in self.clients[other].events().await {
                heard.push(self.plain.frame(other, &wanted, &frame));
            }
        }
        // The order in which ephemeral nodes go is not defined.
        heard.sort();
        heard
    }
}

async fn compare(seed: u64, ours: SocketAddr, apache: SocketAddr) -> Result<(), String> {
    let (mut ours, mut apache) = (Side::connect(ours).await, Side::connect(apache).await);
    let mut requests = Requests::new(seed);
    let mut history = Vec::new();
    for number in 0..REQUESTS_PER_SEED {
        let (who, wanted) = requests.next(CLIENTS);
        let (a, b) = (ours.ask(who, &wanted).await, apache.ask(who, &wanted).await);
        history.push(format!("client {who}: {}", wanted.text));
        if a != b {
            let before = history[history.len().saturating_sub(12)..].join("\n  ");
            return Err(format!(
                "seed {seed}, request {number}:\n  {before}\nours:\n  {}\nApache's:\n  {}",
                a.join("\n  "),
                b.join("\n  ")
            ));
        }
    }
    for who in 0..CLIENTS {
        let (a, b) = (ours.leave(who).await, apache.leave(who).await);
        if a != b {
            return Err(format!("seed {seed}, client {who} leaves: ours {a:?}, Apache's {b:?}"));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_servers_answer_alike() {
    let hour = std::time::Duration::from_secs(3_600);
    let ours = TestServer::builder().container_check_interval(hour).start().await.unwrap();
    let apache = tokio::task::spawn_blocking(Apache::undisturbed).await.unwrap();
    eventually("Apache answers", async || is_serving(apache.address()).await).await;
    for seed in SEEDS {
        // After a difference the zxids are apart, so the first ends the test.
        if let Err(difference) = compare(seed, ours.addr(), apache.address()).await {
            panic!("{difference}");
        }
    }
}
