//! `LeaderObserver`: whatever was missed meanwhile, in the end it says who leads.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use zk_client::Client;
use zk_recipes::election::Participant;
use zk_recipes::{Error, LeaderLatch, LeaderObserver};

use crate::run::{LONG, Scenario, explore_one_in};
use crate::scenario::mutex::Boxed;
use crate::scenario::observing::{Electing, Leader, Observer, PATH, Participation, observe};
use crate::world::{Allowed, Process, World};

/// Latches, and how to follow them.
pub(crate) struct Latches;

impl Electing for Latches {
    fn join(&self, client: &Client, id: &str) -> Boxed<Result<Box<dyn Participation>, Error>> {
        let (client, id) = (client.clone(), id.to_owned());
        Box::pin(async move {
            let latch = LeaderLatch::start(&client, PATH, &id).await?;
            Ok(Box::new(latch) as Box<dyn Participation>)
        })
    }

    fn observe(&self, _: &Process, client: &Client) -> Boxed<Result<Box<dyn Observer>, Error>> {
        let client = client.clone();
        Box::pin(async move {
            let observer = LeaderLatch::observe(&client, PATH).await?;
            Ok(Box::new(observer) as Box<dyn Observer>)
        })
    }
}

impl Participation for LeaderLatch {
    fn leave(self: Box<Self>) -> Boxed<Result<(), Error>> {
        Box::pin((*self).close())
    }
}

impl Observer for LeaderObserver {
    fn leader(&self) -> Leader {
        self.leader().and_then(said)
    }

    fn is_stale(&self) -> bool {
        self.is_stale()
    }

    fn changes(&self) -> BoxStream<'static, Leader> {
        self.changes().map(|leader| leader.and_then(said)).boxed()
    }
}

fn said(leader: Participant) -> Leader {
    Some((leader.path, leader.id.into_bytes()))
}

#[test]
fn who_leads_is_known_in_the_end() {
    let begin = |world: &Arc<World>| observe(world, Latches);
    let allowed = Allowed { crashes: true, kills: true };
    explore_one_in(LONG, &Scenario { name: "observer", processes: 3, allowed, begin });
}
