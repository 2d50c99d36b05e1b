//! `Barrier`: nobody goes through while it is down, everybody does when it is not, and no call removes
//! two.

use std::sync::Arc;

use zk_client::Client;
use zk_recipes::{Barrier, Error};

use crate::run::{Scenario, explore};
use crate::scenario::gate::{Gate, PATH, pass_through};
use crate::scenario::mutex::Boxed;
use crate::world::{Allowed, World};

struct RealBarrier;

impl Gate for RealBarrier {
    fn set(&self, client: &Client) -> Boxed<Result<(), Error>> {
        let barrier = Barrier::new(client, PATH);
        Box::pin(async move { barrier.set().await })
    }

    fn remove(&self, client: &Client) -> Boxed<Result<(), Error>> {
        let barrier = Barrier::new(client, PATH);
        Box::pin(async move { barrier.remove().await })
    }

    fn wait(&self, client: &Client) -> Boxed<Result<(), Error>> {
        let barrier = Barrier::new(client, PATH);
        Box::pin(async move { barrier.wait().await })
    }
}

#[test]
fn nobody_goes_through_while_it_is_down() {
    let begin = |world: &Arc<World>| pass_through(world, RealBarrier);
    // A process that let it down and crashed has left it so: that is what it is for.
    let allowed = Allowed { crashes: false, kills: true };
    explore(&Scenario { name: "gate", processes: 3, allowed, begin });
}
