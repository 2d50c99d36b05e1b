//! Many tasks that share a client, ask at random and give up at random, while the network is cut.

use std::time::Duration;

use fastrand::Rng;
use futures_util::FutureExt;
use zk_client::{Client, CreateMode, Error};
use zk_server::testing::TestServer;

use super::scissors::{Direction, Scissors};
use super::within;

const SESSION_TIMEOUT: Duration = Duration::from_secs(40);

/// What a task knows of its node, whose data is the number of the last write.
#[derive(Default)]
struct Known {
    /// The last write that was confirmed or read.
    floor: u32,
    sent: u32,
}

async fn work(client: Client, number: usize, rounds: usize, mut rng: Rng) -> (Known, Rng) {
    let path = format!("/t{number}");
    let mut known = Known::default();
    for _ in 0..rounds {
        match rng.u8(..8) {
            0..=2 => {
                known.sent += 1;
                let data = known.sent.to_be_bytes();
                let pending = client.set(&path, &data).send();
                if rng.u8(..4) == 0 {
                    give_up(pending, &mut rng).await;
                    continue;
                }
                match within("a write", pending).await {
                    Ok(_) => known.floor = known.sent,
                    Err(error) => assert!(error.is_outcome_unknown(), "{error}"),
                }
            }
            3 => {
                let mode = CreateMode::EphemeralSequential;
                give_up(client.create(&format!("{path}/e-"), b"", mode).send(), &mut rng).await;
            }
            4 => give_up(client.exists(&path).watch().send(), &mut rng).await,
            5 => {
                let short = Duration::from_micros(rng.u64(..3000));
                match within("a short read", client.get(&path).timeout(short)).await {
                    Ok((data, _)) => check(&mut known, &data),
                    Err(Error::Timeout { in_flight: false, .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            _ => {
                let (data, _) = within("a read", client.get(&path)).await.unwrap();
                check(&mut known, &data);
            }
        }
    }
    (known, rng)
}

/// Drops a future before it is polled, after, or somewhat later.
async fn give_up<F: Future + Unpin>(mut pending: F, rng: &mut Rng) {
    match rng.u8(..3) {
        0 => {}
        1 => drop((&mut pending).now_or_never()),
        _ => {
            for _ in 0..rng.u8(..20) {
                if (&mut pending).now_or_never().is_some() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }
    }
}

fn check(known: &mut Known, data: &[u8]) {
    let value = u32::from_be_bytes(data.try_into().unwrap());
    assert!((known.floor..=known.sent).contains(&value), "{value} after {}", known.floor);
    known.floor = value;
}

async fn chaos(seed: u64, tasks: usize, rounds: usize, cuts: usize, max_outstanding: usize) {
    let server = TestServer::start().await.unwrap();
    let mut rng = Rng::with_seed(seed);
    let mut way = || if rng.bool() { Direction::ToServer } else { Direction::ToClient };
    let plan = (0..cuts).map(|at| (way(), 200 + at * 37 % 7000)).collect();
    let scissors = Scissors::start(server.addr(), plan).await;
    let builder = Client::builder(&scissors.address().to_string());
    let builder = builder.session_timeout(SESSION_TIMEOUT).close_timeout(SESSION_TIMEOUT).seed(3);
    let client = builder.max_outstanding(max_outstanding).connect().await.unwrap();
    let control = Client::connect(&server.connect_string()).await.unwrap();
    for number in 0..tasks {
        let (path, mode) = (format!("/t{number}"), CreateMode::Persistent);
        control.create(&path, &0_u32.to_be_bytes(), mode).await.unwrap();
    }
    let working = (0..tasks).map(|number| {
        let rng = Rng::with_seed(seed << 32 | number as u64);
        tokio::spawn(work(client.clone(), number, rounds, rng))
    });
    for (number, task) in working.collect::<Vec<_>>().into_iter().enumerate() {
        let (mut known, _) = within("a task", task).await.unwrap();
        within("all that is in line", client.sync("/")).await.unwrap();
        let (data, stat) = control.get(&format!("/t{number}")).await.unwrap();
        check(&mut known, &data);
        assert!(stat.version <= i32::try_from(known.sent).unwrap(), "a write was applied twice");
    }
    assert_eq!(client.session_epoch(), 1);
    // The last cut may be behind the last answer.
    let connected = async {
        while !format!("{client:?}").contains("Connected") {
            tokio::task::yield_now().await;
        }
    };
    within("the connection it shows", connected).await;
    within("the close", client.close()).await.unwrap();
}

#[tokio::test]
async fn tasks_that_give_up_at_random_harm_nobody() {
    chaos(9, 64, 40, 20, 10_000).await;
}

#[tokio::test]
async fn tasks_that_give_up_in_a_crowded_line_harm_nobody() {
    chaos(9, 64, 20, 10, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: many rounds"]
async fn endurance_of_tasks_that_give_up_at_random() {
    // A cut costs a client's pause before it connects again, and all of one go have to be done before
    // the patience with its first task ends.
    for seed in 0..4 {
        chaos(seed, 64, 375, 100, 10_000).await;
    }
    for seed in 0..2 {
        chaos(seed, 64, 250, 100, 2).await;
    }
}
