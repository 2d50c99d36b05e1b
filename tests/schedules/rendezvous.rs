//! `Rendezvous`: who waits learns where to meet, or that nobody will say.

use std::sync::Arc;

use zk_client::Client;
use zk_recipes::{Error, Rendezvous as Real};

use crate::run::{Scenario, explore};
use crate::scenario::mutex::Boxed;
use crate::scenario::rendezvous::{PATH, Place, Rendezvous, gather};
use crate::world::{Allowed, World};

pub(crate) struct RealRendezvous;

impl Rendezvous for RealRendezvous {
    fn open(&self, client: &Client) -> Boxed<Result<Box<dyn Place>, Error>> {
        let client = client.clone();
        Box::pin(async move { Ok(Box::new(Real::open(&client, PATH).await?) as Box<dyn Place>) })
    }

    fn announce(&self, client: &Client, path: String, data: String) -> Boxed<Result<(), Error>> {
        let client = client.clone();
        Box::pin(async move { Real::announce(&client, &path, data).await })
    }

    fn meet(&self, client: &Client, path: String) -> Boxed<Result<Vec<u8>, Error>> {
        let client = client.clone();
        Box::pin(async move { Ok(Real::meet(&client, &path).await?.to_vec()) })
    }
}

impl Place for Real {
    fn path(&self) -> String {
        self.path().to_owned()
    }

    fn close(self: Box<Self>) -> Boxed<Result<(), Error>> {
        Box::pin(async move { (*self).close().await.map(drop) })
    }
}

#[test]
fn who_waits_learns_where_to_meet() {
    let begin = |world: &Arc<World>| gather(world, RealRendezvous);
    // Rounds are counted in the processes' memory.
    let allowed = Allowed { crashes: false, kills: true };
    explore(&Scenario { name: "rendezvous", processes: 3, allowed, begin });
}
