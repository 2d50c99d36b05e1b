//! Barriers that do not hold.

use std::sync::Arc;

use zk_client::Client;
use zk_recipes::barrier::Inside;
use zk_recipes::{DoubleBarrier, Error};

use crate::run::{Scenario, caught};
use crate::scenario::meeting::{MEMBERS, Meeting, Member, PATH, meet};
use crate::scenario::mutex::Boxed;
use crate::world::{Allowed, World};

/// Opens for so many.
struct OpensFor(usize);

impl Meeting for OpensFor {
    fn enter(&self, client: &Client) -> Boxed<Result<Box<dyn Member>, Error>> {
        let barrier = DoubleBarrier::new(client, PATH, self.0);
        Box::pin(async move { Ok(Box::new(barrier.enter().await?) as Box<dyn Member>) })
    }
}

/// Goes home without a look at the others.
struct NobodyWaits;

struct Impatient(Inside);

impl Meeting for NobodyWaits {
    fn enter(&self, client: &Client) -> Boxed<Result<Box<dyn Member>, Error>> {
        let barrier = DoubleBarrier::new(client, PATH, MEMBERS);
        Box::pin(async move { Ok(Box::new(Impatient(barrier.enter().await?)) as Box<dyn Member>) })
    }
}

impl Member for Impatient {
    fn leave(self: Box<Self>) -> Boxed<Result<(), Error>> {
        drop(self.0);
        Box::pin(async { Ok(()) })
    }
}

fn scenario(begin: fn(&Arc<World>)) -> Scenario {
    let allowed = Allowed { crashes: false, kills: false };
    Scenario { name: "planted::barrier", processes: MEMBERS, allowed, begin }
}

#[test]
fn a_barrier_that_opens_too_early_is_found() {
    caught(&scenario(|world| meet(world, OpensFor(MEMBERS - 1), 2)), 1, "opened for 2 of 3");
}

#[test]
fn a_barrier_that_opens_for_nobody_is_found() {
    caught(&scenario(|world| meet(world, OpensFor(MEMBERS + 1), 1)), 5, "stuck");
}

#[test]
fn a_member_that_does_not_wait_for_the_others_is_found() {
    caught(&scenario(|world| meet(world, NobodyWaits, 2)), 1, "had left when one was out");
}
