//! A cut at each byte of a conversation.

use std::time::Duration;

use fastrand::Rng;
use futures_util::{StreamExt, stream};
use zk_client::{Client, CreateMode};
use zk_server::testing::TestServer;

use super::scissors::{Direction, Scissors};
use super::{within, workload};

/// Runs at once: they mostly wait for reconnections.
const ABREAST: usize = 24;

async fn control(server: &TestServer) -> Client {
    let builder = Client::builder(&server.connect_string());
    builder.session_timeout(Duration::from_secs(40)).connect().await.unwrap()
}

/// One run with these cuts; how many bytes went in each direction.
async fn run(
    server: &TestServer,
    control: &Client,
    at: usize,
    cuts: Vec<(Direction, usize)>,
) -> [usize; 2] {
    let scissors = Scissors::start(server.addr(), cuts).await;
    let base = format!("/r{at:06}");
    workload::prepare(control, &base).await;
    let (client, outcomes) = workload::run(scissors.address(), control, &base, at as u64).await;
    let bytes = [Direction::ToServer, Direction::ToClient].map(|way| scissors.bytes(way));
    outcomes.check(&client, control).await;
    if within("the close", client.close()).await.is_ok() {
        assert!(!server.session_ids().contains(&outcomes.session()), "closed and still there");
    }
    bytes
}

async fn enumerate(step: usize, seed: u64) -> usize {
    let server = TestServer::start().await.unwrap();
    let control = control(&server).await;
    let bytes = run(&server, &control, 0, Vec::new()).await;
    let mut rng = Rng::with_seed(seed);
    let mut plans = Vec::new();
    for way in [Direction::ToServer, Direction::ToClient] {
        for at in (1..=bytes[way as usize]).step_by(step) {
            // What comes after the cut is cut in turn, somewhere.
            let again = if rng.bool() { Direction::ToServer } else { Direction::ToClient };
            plans.push(vec![(way, at), (again, rng.usize(1..1200))]);
        }
    }
    let count = plans.len();
    stream::iter(plans.into_iter().enumerate())
        .for_each_concurrent(ABREAST, |(at, cuts)| {
            let (server, control) = (&server, &control);
            async move {
                run(server, control, at + 1, cuts).await;
            }
        })
        .await;
    assert_eq!(control.create("/end", b"", CreateMode::Persistent).await.unwrap().path, "/end");
    eprintln!("{bytes:?} bytes, {count} cuts");
    count
}

#[tokio::test]
async fn wherever_the_network_is_cut_outcomes_and_tree_agree() {
    assert!(enumerate(29, 1).await > 50);
}

#[tokio::test]
#[ignore = "slow: a cut at each byte"]
async fn endurance_at_each_byte_outcomes_and_tree_agree() {
    enumerate(1, 2).await;
}
