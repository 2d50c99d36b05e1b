//! A queue that gives out what is not due.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use zk_recipes::queue::Claim;
use zk_recipes::{DelayQueue, Error};

use crate::queue::{Kind, Taking};
use crate::run::{Scenario, caught};
use crate::scenario::mutex::Boxed;
use crate::scenario::passing_on::{PATH, pass_on, with_due};
use crate::world::{Allowed, World};

/// Puts items as if they were due long since.
#[derive(Clone)]
struct Hurried(DelayQueue);

impl Kind for Hurried {
    fn put(&self, item: String) -> Boxed<Result<(), Error>> {
        let (queue, (item, _)) = (self.0.clone(), with_due(&item));
        Box::pin(async move { queue.put(item, UNIX_EPOCH).await })
    }

    fn take(&self) -> Boxed<Result<Bytes, Error>> {
        Kind::take(&self.0)
    }

    fn claim(&self) -> Boxed<Result<Claim, Error>> {
        Kind::claim(&self.0)
    }

    fn count(&self) -> Boxed<Result<usize, Error>> {
        Kind::count(&self.0)
    }
}

fn scenario(begin: fn(&Arc<World>)) -> Scenario {
    let allowed = Allowed { crashes: false, kills: true };
    Scenario { name: "planted::order", processes: 3, allowed, begin }
}

#[test]
fn an_item_that_is_taken_before_its_time_is_found() {
    let begin = |world: &Arc<World>| {
        pass_on(world, |client| Arc::new(Taking(Hurried(DelayQueue::new(client, PATH)))));
    };
    caught(&scenario(begin), 1, "before its time");
}
