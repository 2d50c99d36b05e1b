//! Semaphores and elections whose holders have more than there is.

use std::sync::{Arc, Mutex as SyncMutex};

use tokio::sync::oneshot;
use zk_client::{Client, SessionId};
use zk_recipes::election::Term;
use zk_recipes::{Error, LeaderElection, LeaderLatch, Semaphore};

use crate::run::{Scenario, caught};
use crate::scenario::mutex::{Boxed, Guard, How, Mutex, PATH, contend};
use crate::world::{Allowed, World};

/// How many there are to be.
const LIMIT: usize = 2;

/// Gives out one more.
struct OneTooMany;

/// One who claims to hold something, by the guard of something else.
struct Claims<G> {
    guard: G,
    node: String,
    session: SessionId,
    token: i64,
    limit: usize,
    is_held: fn(&G) -> bool,
}

impl<G: Send + Sync + 'static> Guard for Claims<G> {
    fn is_held(&self) -> bool {
        (self.is_held)(&self.guard)
    }

    fn token(&self) -> i64 {
        self.token
    }

    fn path(&self) -> String {
        self.node.clone()
    }

    fn session(&self) -> SessionId {
        self.session
    }

    fn limit(&self) -> usize {
        self.limit
    }

    fn lost(&self) -> Boxed<()> {
        Box::pin(std::future::pending())
    }

    fn release(self: Box<Self>) -> Boxed<Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

impl Mutex for OneTooMany {
    fn acquire(&self, client: &Client, _: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>> {
        let semaphore = Semaphore::new(client, PATH, LIMIT + 1);
        Box::pin(async move {
            let guard = semaphore.acquire().await?;
            let (node, session) = (guard.path().to_owned(), guard.session_id());
            let token = guard.fencing_token().into();
            let is_held = zk_recipes::SemaphoreLease::is_held;
            let claims = Claims { guard, node, session, token, limit: LIMIT, is_held };
            Ok(Some(Box::new(claims) as Box<dyn Guard>))
        })
    }
}

/// Leads until it stops by itself, whatever becomes of its session.
struct LeadsForEver;

impl Mutex for LeadsForEver {
    fn acquire(&self, client: &Client, _: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>> {
        let client = client.clone();
        Box::pin(async move {
            let latch = LeaderLatch::start(&client, PATH, "somebody").await?;
            let leadership = latch.lead().await?;
            let (node, session) = (leadership.path().to_owned(), leadership.session_id());
            let token = leadership.fencing_token().into();
            let guard = (latch, leadership);
            // Once a leader, always a leader.
            let claims = Claims { guard, node, session, token, limit: 1, is_held: |_| true };
            Ok(Some(Box::new(claims) as Box<dyn Guard>))
        })
    }
}

/// Work that does not end when it is cancelled.
struct WorksOn;

impl Mutex for WorksOn {
    fn acquire(&self, client: &Client, _: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>> {
        let client = client.clone();
        Box::pin(async move {
            let (tell, told) = oneshot::channel();
            let tell = SyncMutex::new(Some(tell));
            let work = move |term: Term| {
                let tell = tell.lock().unwrap().take();
                async move {
                    if let Some(tell) = tell {
                        let _ = tell.send(term);
                        std::future::pending::<()>().await;
                    }
                }
            };
            let election = LeaderElection::start(&client, PATH, "somebody", work).await?;
            let Ok(term) = told.await else { return Ok(None) };
            let (node, session) = (term.path().to_owned(), term.session_id());
            let token = term.fencing_token().into();
            let guard = (election, term);
            let claims = Claims { guard, node, session, token, limit: 1, is_held: |_| true };
            Ok(Some(Box::new(claims) as Box<dyn Guard>))
        })
    }
}

fn scenario(begin: fn(&Arc<World>)) -> Scenario {
    let allowed = Allowed { crashes: true, kills: true };
    Scenario { name: "planted::guards", processes: 3, allowed, begin }
}

#[test]
fn a_lease_too_many_is_found() {
    caught(&scenario(|world| contend(world, OneTooMany, 3)), 1, "3 holders at once");
}

#[test]
fn a_leader_that_does_not_stop_is_found() {
    caught(&scenario(|world| contend(world, LeadsForEver, 3)), 1, "claims to hold");
}

#[test]
fn work_that_is_not_cancelled_is_found() {
    caught(&scenario(|world| contend(world, WorksOn, 3)), 8, "claims to hold");
}
