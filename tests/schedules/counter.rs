//! `Counter`, `AtomicValue` and `IdGenerator`: each addition counts once, no number comes twice.

use std::sync::Arc;

use bytes::Bytes;
use zk_client::Client;
use zk_recipes::{AtomicValue, Counter, Error, IdGenerator};

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

/// A number as text, changed by a function.
struct Text;

fn number(data: &[u8]) -> i64 {
    std::str::from_utf8(data).ok().and_then(|text| text.parse().ok()).unwrap_or(i64::MIN)
}

impl Adder for Text {
    fn add(&self, client: &Client) -> Boxed<Result<i64, Error>> {
        let value = AtomicValue::new(client, PATH);
        Box::pin(async move {
            let next = |data: Option<&Bytes>| {
                Some(Bytes::from((data.map_or(0, |data| number(data)) + 1).to_string()))
            };
            let update = value.update(next).await?;
            Ok(update.after.map_or(i64::MIN, |data| number(&data)))
        })
    }

    fn read(&self, data: &[u8]) -> i64 {
        number(data)
    }
}

/// Numbers one by one: so many are given out as the node says.
struct Ids;

impl Adder for Ids {
    fn add(&self, client: &Client) -> Boxed<Result<i64, Error>> {
        let ids = IdGenerator::new(client, PATH).block(1);
        Box::pin(async move { ids.next().await })
    }

    fn read(&self, data: &[u8]) -> i64 {
        RealCounter.read(data)
    }
}

const ALLOWED: Allowed = Allowed { crashes: true, kills: true };

#[test]
fn each_addition_counts_once_whatever_happens() {
    let begin = |world: &Arc<World>| add_up(world, RealCounter, 6);
    explore(&Scenario { name: "counter::each_addition", processes: 3, allowed: ALLOWED, begin });
}

#[test]
fn each_change_of_a_value_counts_once() {
    let begin = |world: &Arc<World>| add_up(world, Text, 6);
    explore(&Scenario { name: "counter::each_change", processes: 3, allowed: ALLOWED, begin });
}

#[test]
fn no_number_is_given_out_twice() {
    let begin = |world: &Arc<World>| add_up(world, Ids, 6);
    explore(&Scenario { name: "counter::no_number", processes: 3, allowed: ALLOWED, begin });
}
