//! A barrier at which somebody does not look again, and one that is removed twice.

use std::sync::Arc;

use zk_client::{Client, Error as ClientError};
use zk_recipes::{Barrier, Error};

use crate::run::{Scenario, caught};
use crate::scenario::gate::{Gate, PATH, pass_through};
use crate::scenario::mutex::Boxed;
use crate::world::{Allowed, World};

/// Takes whatever ends its watch for the end of the barrier.
struct TrustsItsWatch;

fn set(client: &Client) -> Boxed<Result<(), Error>> {
    let barrier = Barrier::new(client, PATH);
    Box::pin(async move { barrier.set().await })
}

fn remove(client: &Client) -> Boxed<Result<(), Error>> {
    let barrier = Barrier::new(client, PATH);
    Box::pin(async move { barrier.remove().await })
}

impl Gate for TrustsItsWatch {
    fn set(&self, client: &Client) -> Boxed<Result<(), Error>> {
        set(client)
    }

    fn remove(&self, client: &Client) -> Boxed<Result<(), Error>> {
        remove(client)
    }

    fn wait(&self, client: &Client) -> Boxed<Result<(), Error>> {
        let client = client.clone();
        Box::pin(async move {
            loop {
                match client.get(PATH).watch().await {
                    Ok((_, _, watch)) => {
                        drop(watch.await);
                        return Ok(());
                    }
                    Err(ClientError::NoNode { .. }) => return Ok(()),
                    Err(_) => {}
                }
            }
        })
    }
}

/// Sends the same again when it does not know what became of it.
struct RepeatsItself;

impl Gate for RepeatsItself {
    fn set(&self, client: &Client) -> Boxed<Result<(), Error>> {
        set(client)
    }

    fn remove(&self, client: &Client) -> Boxed<Result<(), Error>> {
        let client = client.clone();
        Box::pin(async move {
            loop {
                match client.delete(PATH).await {
                    Ok(()) | Err(ClientError::NoNode { .. }) => return Ok(()),
                    Err(_) => {}
                }
            }
        })
    }

    fn wait(&self, client: &Client) -> Boxed<Result<(), Error>> {
        let barrier = Barrier::new(client, PATH);
        Box::pin(async move { barrier.wait().await })
    }
}

fn scenario(begin: fn(&Arc<World>)) -> Scenario {
    let allowed = Allowed { crashes: false, kills: true };
    Scenario { name: "planted::gate", processes: 3, allowed, begin }
}

#[test]
fn who_goes_through_while_it_is_down_is_found() {
    caught(&scenario(|world| pass_through(world, TrustsItsWatch)), 15, "while it was down");
}

#[test]
fn who_removes_the_next_one_too_is_found() {
    caught(&scenario(|world| pass_through(world, RepeatsItself)), 44, "1 calls removed 2 barriers");
}
