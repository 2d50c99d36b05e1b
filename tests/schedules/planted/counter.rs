//! Counters that miscount.

use std::sync::Arc;

use zk_client::{Client, CreateMode, Error as ClientError};
use zk_recipes::{Counter, Error};

use crate::run::{Scenario, caught};
use crate::scenario::adding::{Adder, PATH, add_up};
use crate::scenario::mutex::Boxed;
use crate::world::{Allowed, World};

/// Writes over whatever was added since it looked.
struct LooksAway;

impl Adder for LooksAway {
    fn add(&self, client: &Client) -> Boxed<Result<i64, Error>> {
        let client = client.clone();
        Box::pin(async move {
            loop {
                let (data, _) = match client.get(PATH).await {
                    Err(ClientError::NoNode { .. }) => {
                        let _ =
                            client.create(PATH, &0_i64.to_be_bytes(), CreateMode::Persistent).await;
                        continue;
                    }
                    read => read?,
                };
                let sum = self::read(&data) + 1;
                client.set(PATH, &sum.to_be_bytes()).await?;
                return Ok(sum);
            }
        })
    }

    fn read(&self, data: &[u8]) -> i64 {
        self::read(data)
    }
}

/// Adds once more when it has not heard that it has.
struct AddsAgain;

impl Adder for AddsAgain {
    fn add(&self, client: &Client) -> Boxed<Result<i64, Error>> {
        let client = client.clone();
        Box::pin(async move {
            loop {
                let (data, stat) = match client.get(PATH).await {
                    Err(ClientError::NoNode { .. }) => {
                        let _ =
                            client.create(PATH, &0_i64.to_be_bytes(), CreateMode::Persistent).await;
                        continue;
                    }
                    read => read?,
                };
                let sum = self::read(&data) + 1;
                match client.set(PATH, &sum.to_be_bytes()).version(stat.version).await {
                    Ok(_) => return Ok(sum),
                    Err(ClientError::BadVersion { .. }) => {}
                    Err(error) if error.is_outcome_unknown() => {}
                    Err(error) => return Err(error.into()),
                }
            }
        })
    }

    fn read(&self, data: &[u8]) -> i64 {
        self::read(data)
    }
}

fn read(data: &[u8]) -> i64 {
    data.try_into().map_or(0, i64::from_be_bytes)
}

/// Says what it would be, and does not wait for it.
struct Presumes;

impl Adder for Presumes {
    fn add(&self, client: &Client) -> Boxed<Result<i64, Error>> {
        let counter = Counter::new(client, PATH);
        Box::pin(async move {
            let sum = counter.get().await? + 1;
            drop(counter.add(1).await);
            Ok(sum)
        })
    }

    fn read(&self, data: &[u8]) -> i64 {
        self::read(data)
    }
}

fn scenario(begin: fn(&Arc<World>)) -> Scenario {
    let allowed = Allowed { crashes: true, kills: true };
    Scenario { name: "planted::counter", processes: 3, allowed, begin }
}

#[test]
fn a_sum_that_was_written_over_is_found() {
    caught(&scenario(|world| add_up(world, LooksAway, 12)), 1, "the sum ");
}

#[test]
fn an_addition_that_is_made_twice_is_found() {
    caught(&scenario(|world| add_up(world, AddsAgain, 6)), 10, "the sum is");
}

#[test]
fn a_sum_that_was_told_twice_is_found() {
    caught(&scenario(|world| add_up(world, Presumes, 12)), 1, "twice");
}
