//! Clients that come, work, watch and go, by the thousand: nothing of them may stay.
// Tests live in the world, and a failed unwrap is a failed test.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)]

mod figures;
mod life;
mod server;

use fastrand::Rng;
use futures_util::{StreamExt, stream};

use figures::Figures;
use server::ServerProcess;

/// Lives at the same time.
const ABREAST: usize = 16;

/// Memory, in KiB, that the allocator may keep in another place than before. What leaks with each
/// client, be it one small allocation, is more after a hundred thousand.
const MEMORY_NOISE_KIB: usize = 4096;

/// `count` lives; the figures before and after them, at rest.
async fn live(server: &ServerProcess, count: u64, seed: u64) -> life::Count {
    let lives = (0..count).map(|number| {
        let rng = Rng::with_seed(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        life::live(server.address(), rng)
    });
    let lives = stream::iter(lives).buffer_unordered(ABREAST);
    lives.fold(life::Count::default(), |sum, one| async move { sum + one }).await
}

async fn soak(count: u64) {
    let server = ServerProcess::start().await;
    // What is allocated once, by the runtime, by the resolver, by the allocator itself.
    live(&server, (count / 10).clamp(200, 5000), 1).await;
    let before = Figures::at_rest(&server).await;
    eprintln!("before: {before}");
    let mut done = life::Count::default();
    for part in 0..10 {
        done = done + live(&server, count / 10, 2 + part).await;
        let now = Figures::now();
        eprintln!("{done}: {now}");
    }
    let after = Figures::at_rest(&server).await;
    eprintln!("after: {after}");
    assert_eq!((after.tasks, after.files), (before.tasks, before.files));
    let growth = after.memory_kib.saturating_sub(before.memory_kib);
    assert!(growth < MEMORY_NOISE_KIB, "memory grew by {growth} KiB");
}

#[tokio::test]
async fn a_thousand_clients_leave_nothing_behind() {
    soak(1000).await;
}

#[tokio::test]
#[ignore = "slow: a hundred thousand clients"]
async fn a_hundred_thousand_clients_leave_nothing_behind() {
    // Fewer where there is less time.
    let count = std::env::var("ZK_SOAK_CLIENTS").map(|count| count.parse().expect("a number"));
    soak(count.unwrap_or(100_000)).await;
}
