//! Guests who do not wait for a word.

use std::sync::Arc;

use zk_client::{Client, Error as ClientError};
use zk_recipes::Error;

use crate::rendezvous::RealRendezvous;
use crate::run::{Scenario, caught};
use crate::scenario::mutex::Boxed;
use crate::scenario::rendezvous::{Place, Rendezvous, gather};
use crate::world::{Allowed, World};

/// Takes what is there for what was announced.
struct Hasty;

impl Rendezvous for Hasty {
    fn open(&self, client: &Client) -> Boxed<Result<Box<dyn Place>, Error>> {
        RealRendezvous.open(client)
    }

    fn announce(&self, client: &Client, path: String, data: String) -> Boxed<Result<(), Error>> {
        RealRendezvous.announce(client, path, data)
    }

    fn meet(&self, client: &Client, path: String) -> Boxed<Result<Vec<u8>, Error>> {
        let client = client.clone();
        Box::pin(async move {
            loop {
                match client.get(&path).await {
                    Ok((data, _)) => return Ok(data.to_vec()),
                    Err(ClientError::NoNode { .. }) => {
                        return Err(Error::RendezvousOver { path });
                    }
                    Err(_) => {}
                }
            }
        })
    }
}

#[test]
fn a_guest_that_does_not_wait_is_found() {
    let begin = |world: &Arc<World>| gather(world, Hasty);
    let allowed = Allowed { crashes: false, kills: true };
    let scenario = Scenario { name: "planted::rendezvous", processes: 3, allowed, begin };
    caught(&scenario, 1, "instead of");
}
