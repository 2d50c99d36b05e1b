//! Observers of an election who miss a change of leader.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::watch;
use zk_client::Client;
use zk_recipes::{Error, LeaderLatch};

use crate::observer::Latches;
use crate::run::{Scenario, caught};
use crate::scenario::mutex::Boxed;
use crate::scenario::observing::{Electing, Leader, Observer, PATH, Participation, observe};
use crate::world::{Allowed, Process, World};

/// Asks who leads, and then for the next change of that node: one in between is missed.
struct AsksThenWatches;

struct Asked(watch::Receiver<Leader>);

impl Electing for AsksThenWatches {
    fn join(&self, client: &Client, id: &str) -> Boxed<Result<Box<dyn Participation>, Error>> {
        Latches.join(client, id)
    }

    fn observe(
        &self,
        process: &Process,
        client: &Client,
    ) -> Boxed<Result<Box<dyn Observer>, Error>> {
        let (tell, told) = watch::channel(None);
        process.spawn(follow(client.clone(), tell));
        Box::pin(async move { Ok(Box::new(Asked(told)) as Box<dyn Observer>) })
    }
}

async fn follow(client: Client, tell: watch::Sender<Leader>) {
    while !tell.is_closed() {
        let Ok(leader) = LeaderLatch::leader_of(&client, PATH).await else { continue };
        let path = leader.as_ref().map_or(PATH, |leader| &leader.path).to_owned();
        tell.send_replace(leader.map(|leader| (leader.path, leader.id.into_bytes())));
        // Of the directory, its list is what changes.
        let changed = match path == PATH {
            true => client.children(PATH).watch().await.map(|(_, _, watch)| watch),
            false => client.exists(&path).watch().await.map(|(_, watch)| watch),
        };
        if let Ok(changed) = changed {
            drop(changed.await);
        }
    }
}

impl Observer for Asked {
    fn leader(&self) -> Leader {
        self.0.borrow().clone()
    }

    fn is_stale(&self) -> bool {
        false
    }

    fn changes(&self) -> BoxStream<'static, Leader> {
        stream::unfold((self.0.clone(), true), |(mut told, is_first)| async move {
            if !is_first {
                told.changed().await.ok()?;
            }
            let leader = told.borrow_and_update().clone();
            Some((leader, (told, false)))
        })
        .boxed()
    }
}

#[test]
fn an_observer_that_misses_a_change_is_found() {
    let begin = |world: &Arc<World>| observe(world, AsksThenWatches);
    let allowed = Allowed { crashes: true, kills: true };
    let scenario = Scenario { name: "planted::observer", processes: 3, allowed, begin };
    caught(&scenario, 300, " says ");
}
