//! `LeaderElection`: work that runs while leading, and no two of it.

use std::sync::{Arc, Mutex as SyncMutex};

use tokio::sync::oneshot;
use zk_client::{Client, SessionId};
use zk_recipes::election::Term;
use zk_recipes::{Error, LeaderElection};

use crate::run::{LONG, Scenario, explore_one_in};
use crate::scenario::mutex::{Boxed, Guard, How, Mutex, PATH, contend};
use crate::world::{Allowed, World};

struct Elections;

/// The work of a leader, told to whoever waits for it.
struct Leading {
    term: Term,
    election: LeaderElection,
}

impl Mutex for Elections {
    fn acquire(&self, client: &Client, how: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>> {
        let client = client.clone();
        Box::pin(async move {
            let (tell, mut told) = oneshot::channel();
            let tell = SyncMutex::new(Some(tell));
            let work = move |term: Term| {
                let tell = tell.lock().unwrap().take();
                async move {
                    if let Some(tell) = tell {
                        let _ = tell.send(term.clone());
                        term.cancellation().cancelled().await;
                    }
                }
            };
            let election = LeaderElection::start(&client, PATH, "somebody", work).await?;
            let term = match how {
                How::Wait => told.await.ok(),
                How::WaitAtMost(limit) => {
                    tokio::time::timeout(limit, &mut told).await.ok().and_then(Result::ok)
                }
                // Dropped instead of stopped.
                How::Try => return Ok(None),
            };
            match term {
                Some(term) => Ok(Some(Box::new(Leading { term, election }) as Box<dyn Guard>)),
                None => election.stop().await.map(|()| None),
            }
        })
    }
}

impl Guard for Leading {
    fn is_held(&self) -> bool {
        self.term.is_held()
    }

    fn token(&self) -> i64 {
        self.term.fencing_token().into()
    }

    fn path(&self) -> String {
        self.term.path().to_owned()
    }

    fn session(&self) -> SessionId {
        self.term.session_id()
    }

    fn lost(&self) -> Boxed<()> {
        let lost = self.term.lost();
        Box::pin(async move {
            lost.await;
        })
    }

    fn release(self: Box<Self>) -> Boxed<Result<(), Error>> {
        Box::pin(async move { self.election.stop().await })
    }
}

fn begin(world: &Arc<World>) {
    contend(world, Elections, 3);
}

#[test]
fn the_work_of_two_leaders_never_runs_at_once() {
    let allowed = Allowed { crashes: true, kills: true };
    explore_one_in(LONG, &Scenario { name: "election", processes: 3, allowed, begin });
}
