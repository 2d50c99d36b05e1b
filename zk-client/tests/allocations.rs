//! How often a request allocates: a count, not a time, so it can be held to. The counter counts
//! this thread alone, on which client and callers run; the server has threads of its own.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test is the world")]

use allocation_counter::measure;
use tokio::runtime::{Builder, Runtime};
use zk_client::{Client, CreateMode, Error};
use zk_server::testing::TestServer;

const ROUNDS: u64 = 2000;
const DATA: [u8; 128] = [7; 128];

/// Blocks for frames, and buffers to read into, are shared by hundreds of requests.
const SHARED_PER_HUNDRED: u64 = 10;

fn world() -> (Runtime, TestServer, Runtime, Client) {
    let servers = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let servers = servers.expect("a runtime");
    let server = servers.block_on(TestServer::start()).expect("the server starts");
    let clients = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = clients.block_on(async {
        let client = Client::connect(&server.connect_string()).await?;
        client.create("/some", b"", CreateMode::Persistent).await?;
        client.create("/some/node", &DATA, CreateMode::Persistent).await?;
        Ok::<_, Error>(client)
    });
    let client = client.expect("the client connects");
    (servers, server, clients, client)
}

/// Allocations for each hundred requests, once everything has reached its size.
fn per_hundred<F: Future<Output = Result<(), Error>>>(
    runtime: &Runtime,
    requests: u64,
    work: impl Fn() -> F,
) -> u64 {
    runtime.block_on(work()).expect("the requests succeed");
    let counted = measure(|| runtime.block_on(work()).expect("the requests succeed"));
    counted.count_total * 100 / requests
}

#[test]
fn a_get_allocates_for_its_reply_and_its_data_and_a_set_for_its_reply() {
    let (_servers, _server, clients, client) = world();
    let gets = per_hundred(&clients, ROUNDS, || async {
        for _ in 0..ROUNDS {
            let (data, _) = client.get("/some/node").await?;
            assert_eq!(data, DATA[..]);
        }
        Ok(())
    });
    assert!(gets <= 200 + SHARED_PER_HUNDRED, "{gets} allocations for a hundred gets");
    let sets = per_hundred(&clients, ROUNDS, || async {
        for _ in 0..ROUNDS {
            client.set("/some/node", &DATA).await?;
        }
        Ok(())
    });
    assert!(sets <= 100 + SHARED_PER_HUNDRED, "{sets} allocations for a hundred sets");
    let exists = per_hundred(&clients, ROUNDS, || async {
        for _ in 0..ROUNDS {
            assert!(client.exists("/some/node").await?.is_some());
        }
        Ok(())
    });
    assert!(exists <= 100 + SHARED_PER_HUNDRED, "{exists} allocations for a hundred exists");
}

#[test]
fn many_requests_at_once_cost_as_few_allocations_each() {
    let (_servers, _server, clients, client) = world();
    let gets = per_hundred(&clients, ROUNDS, || async {
        for _ in 0..ROUNDS / 50 {
            let sent = (0..50).map(|_| client.get("/some/node").send()).collect::<Vec<_>>();
            for read in sent {
                assert_eq!(read.await?.0, DATA[..]);
            }
        }
        Ok(())
    });
    assert!(gets <= 200 + SHARED_PER_HUNDRED, "{gets} allocations for a hundred gets");
}
