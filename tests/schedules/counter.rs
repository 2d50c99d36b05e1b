//! `Counter`: each addition counts once.

use std::sync::Arc;

use zk_client::Client;
use zk_recipes::{Counter, Error};

use crate::run::{Scenario, explore};
use crate::scenario::adding::{Adder, PATH, add_up};
use crate::scenario::mutex::Boxed;
use crate::world::{Allowed, World};

struct RealCounter;

impl Adder for RealCounter {
    fn add(&self, client: &Client) -> Boxed<Result<i64, Error>> {
        let counter = Counter::new(client, PATH);
        Box::pin(async move { counter.add(1).await })
    }

    fn read(&self, data: &[u8]) -> i64 {
        data.try_into().map_or(i64::MIN, i64::from_be_bytes)
    }
}

fn begin(world: &Arc<World>) {
    add_up(world, RealCounter, 6);
}

#[test]
fn each_addition_counts_once_whatever_happens() {
    let allowed = Allowed { crashes: true, kills: true };
    explore(&Scenario { name: "counter", processes: 3, allowed, begin });
}
