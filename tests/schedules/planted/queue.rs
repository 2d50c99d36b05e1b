//! Queues that lose items, or give them out twice.

use std::sync::Arc;

use futures_util::future::try_join;
use zk_client::{Client, CreateMode, Error as ClientError};
use zk_recipes::{Error, Queue};

use crate::run::{Scenario, caught};
use crate::scenario::mutex::Boxed;
use crate::scenario::passing_on::{Book, PATH, Pipe, pass_on};
use crate::world::{Allowed, Process, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    /// Takes what it has read, whoever has deleted it.
    DeletesWithoutLooking,
    /// Takes a lost reply for a delete that was not made.
    ForgetsWhatItDeleted,
    /// Takes a lost reply for a create that was not made.
    PutsAgain,
}

struct NaiveQueue(Client, Mistake);

impl Pipe for NaiveQueue {
    fn put(&self, item: String) -> Boxed<Result<(), Error>> {
        let Self(client, mistake) = self;
        let (client, mistake) = (client.clone(), *mistake);
        Box::pin(async move {
            let path = format!("{PATH}/item-");
            loop {
                let create = client.create(&path, &item, CreateMode::PersistentSequential);
                match create.with_container_parents().await {
                    Ok(_) => return Ok(()),
                    Err(ClientError::NoNode { .. }) => {}
                    Err(error) if error.is_outcome_unknown() && mistake == Mistake::PutsAgain => {}
                    Err(error) => return Err(error.into()),
                }
            }
        })
    }

    fn work_on_one(&self, process: Process, book: Book) -> Boxed<Result<(), Error>> {
        let Self(client, mistake) = self;
        let (client, mistake) = (client.clone(), *mistake);
        Box::pin(async move {
            let mut names = match client.children(PATH).await {
                Ok((names, _)) => names,
                Err(ClientError::NoNode { .. }) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            names.sort();
            for name in names {
                let path = format!("{PATH}/{name}");
                let Ok((data, _)) = client.get(&path).await else { continue };
                match client.delete(&path).await {
                    Ok(()) => {}
                    Err(ClientError::NoNode { .. })
                        if mistake == Mistake::DeletesWithoutLooking => {}
                    Err(ClientError::NoNode { .. }) => continue,
                    Err(error)
                        if error.is_outcome_unknown()
                            && mistake == Mistake::ForgetsWhatItDeleted =>
                    {
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                }
                process.complain_about(book.done(&String::from_utf8_lossy(&data)));
                return Ok(());
            }
            Ok(())
        })
    }

    fn count(&self) -> Boxed<Result<usize, Error>> {
        let client = self.0.clone();
        Box::pin(async move {
            match client.children(PATH).await {
                Ok((names, _)) => Ok(names.len()),
                Err(ClientError::NoNode { .. }) => Ok(0),
                Err(error) => Err(error.into()),
            }
        })
    }
}

/// Two shards. Looks for an item in both at once, and has no use for a second one.
struct NaiveShards([Queue; 2]);

impl NaiveShards {
    fn of(client: &Client) -> Self {
        Self(["a", "b"].map(|name| Queue::new(client, &format!("{PATH}/queue-{name}"))))
    }
}

impl Pipe for NaiveShards {
    fn put(&self, item: String) -> Boxed<Result<(), Error>> {
        let shard = self.0[fastrand::usize(..2)].clone();
        Box::pin(async move { shard.put(item).await })
    }

    fn work_on_one(&self, process: Process, book: Book) -> Boxed<Result<(), Error>> {
        let [one, other] = self.0.clone();
        Box::pin(async move {
            let (one, other) = try_join(one.try_take(), other.try_take()).await?;
            if let Some(item) = one.or(other) {
                process.complain_about(book.done(&String::from_utf8_lossy(&item)));
            }
            Ok(())
        })
    }

    fn count(&self) -> Boxed<Result<usize, Error>> {
        let [one, other] = self.0.clone();
        Box::pin(async move {
            let (one, other) = try_join(one.count(), other.count()).await?;
            Ok(one + other)
        })
    }
}

fn scenario(begin: fn(&Arc<World>)) -> Scenario {
    let allowed = Allowed { crashes: false, kills: false };
    Scenario { name: "planted::queue", processes: 3, allowed, begin }
}

#[test]
fn an_item_that_two_have_taken_is_found() {
    let begin = |world: &Arc<World>| {
        pass_on(world, |client| {
            Arc::new(NaiveQueue(client.clone(), Mistake::DeletesWithoutLooking))
        });
    };
    caught(&scenario(begin), 1, "was taken twice");
}

#[test]
fn an_item_that_nobody_has_taken_is_found() {
    let begin = |world: &Arc<World>| {
        pass_on(world, |client| {
            Arc::new(NaiveQueue(client.clone(), Mistake::ForgetsWhatItDeleted))
        });
    };
    caught(&scenario(begin), 1, "lost without a word");
}

#[test]
fn an_item_that_was_put_twice_is_found() {
    let begin = |world: &Arc<World>| {
        pass_on(world, |client| Arc::new(NaiveQueue(client.clone(), Mistake::PutsAgain)));
    };
    caught(&scenario(begin), 3, "was taken twice");
}

#[test]
fn a_second_item_taken_from_another_shard_is_found() {
    let begin = |world: &Arc<World>| {
        pass_on(world, |client| Arc::new(NaiveShards::of(client)));
    };
    caught(&scenario(begin), 1, "lost without a word");
}
