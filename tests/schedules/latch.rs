//! `LeaderLatch`: one leader, terms that grow, nobody forgotten, nothing left.

use std::sync::Arc;

use zk_client::{Client, SessionId};
use zk_recipes::{Error, LeaderLatch, Leadership};

use crate::run::{LONG, Scenario, explore_one_in};
use crate::scenario::mutex::{Boxed, Guard, How, Mutex, PATH, contend};
use crate::world::{Allowed, World};

struct Election;

/// A leader, and the latch it leads by.
struct Leader {
    leadership: Leadership,
    latch: LeaderLatch,
}

impl Mutex for Election {
    fn acquire(&self, client: &Client, how: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>> {
        let client = client.clone();
        Box::pin(async move {
            let latch = LeaderLatch::start(&client, PATH, "somebody").await?;
            let leadership = match how {
                How::Wait => latch.lead().await?,
                How::WaitAtMost(limit) => match tokio::time::timeout(limit, latch.lead()).await {
                    Ok(leadership) => leadership?,
                    Err(_) => return latch.close().await.map(|()| None),
                },
                // Dropped instead of closed.
                How::Try => return Ok(None),
            };
            Ok(Some(Box::new(Leader { leadership, latch }) as Box<dyn Guard>))
        })
    }
}

impl Guard for Leader {
    fn is_held(&self) -> bool {
        self.leadership.is_held()
    }

    fn token(&self) -> i64 {
        self.leadership.fencing_token().into()
    }

    fn path(&self) -> String {
        self.leadership.path().to_owned()
    }

    fn session(&self) -> SessionId {
        self.leadership.session_id()
    }

    fn lost(&self) -> Boxed<()> {
        let lost = self.leadership.lost();
        Box::pin(async move {
            lost.await;
        })
    }

    fn release(self: Box<Self>) -> Boxed<Result<(), Error>> {
        Box::pin(async move {
            self.leadership.resign().await?;
            self.latch.close().await
        })
    }
}

fn begin(world: &Arc<World>) {
    contend(world, Election, 3);
}

#[test]
fn there_is_one_leader_whatever_happens() {
    let allowed = Allowed { crashes: true, kills: true };
    explore_one_in(LONG, &Scenario { name: "latch", processes: 3, allowed, begin });
}
