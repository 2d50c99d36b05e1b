//! `DoubleBarrier`: it opens for all together, and for nobody before.

use std::sync::Arc;

use zk_client::Client;
use zk_recipes::barrier::Inside;
use zk_recipes::{DoubleBarrier, Error};

use crate::run::{LONG, Scenario, explore_one_in};
use crate::scenario::meeting::{MEMBERS, Meeting, Member, PATH, meet};
use crate::scenario::mutex::Boxed;
use crate::world::{Allowed, World};

struct RealBarrier;

impl Meeting for RealBarrier {
    fn enter(&self, client: &Client) -> Boxed<Result<Box<dyn Member>, Error>> {
        let barrier = DoubleBarrier::new(client, PATH, MEMBERS);
        Box::pin(async move { Ok(Box::new(barrier.enter().await?) as Box<dyn Member>) })
    }
}

impl Member for Inside {
    fn leave(self: Box<Self>) -> Boxed<Result<(), Error>> {
        Box::pin(async move { (*self).leave().await })
    }
}

fn begin(world: &Arc<World>) {
    meet(world, RealBarrier, 3);
}

#[test]
fn it_opens_for_all_together_whatever_happens() {
    let allowed = Allowed { crashes: false, kills: false };
    explore_one_in(LONG, &Scenario { name: "barrier", processes: MEMBERS, allowed, begin });
}
