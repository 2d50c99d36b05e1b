//! Locks as one would write them, each with one of the usual mistakes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zk_client::{Client, CreateMode, Error as ClientError, SessionId};
use zk_recipes::Error;

use crate::run::{Scenario, caught, explore};
use crate::scenario::mutex::{Boxed, Guard, How, Mutex, PATH, contend};
use crate::world::{Allowed, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    None,
    /// Holds until it lets go, whatever becomes of the session.
    IgnoresExpiry,
    /// Takes the end of whoever is in front for its own turn, and looks no more.
    TrustsItsWatch,
    /// Takes a lost reply for a create that was not made.
    ForgetsItsNode,
    /// Waits for the end of a node that has ended before the watch was set.
    WatchesTooLate,
    /// Counts holders by the number in the name, which begins anew with the directory.
    TokenFromTheName,
}

struct NaiveLock(Mistake);

impl Mutex for NaiveLock {
    fn acquire(&self, client: &Client, how: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>> {
        let (client, mistake) = (client.clone(), self.0);
        Box::pin(async move {
            let waiting = acquire(&client, mistake, matches!(how, How::Try));
            let How::WaitAtMost(limit) = how else { return waiting.await };
            tokio::time::timeout(limit, waiting).await.unwrap_or(Ok(None))
        })
    }
}

/// The node in line. Dropped, it is deleted.
struct Place {
    client: Client,
    path: String,
    token: i64,
    session: SessionId,
    epoch: u64,
    mistake: Mistake,
    let_go: AtomicBool,
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.client.delete(&self.path).guaranteed().in_session(self.epoch).send());
    }
}

async fn acquire(
    client: &Client,
    mistake: Mistake,
    only_try: bool,
) -> Result<Option<Box<dyn Guard>>, Error> {
    loop {
        let place = get_in_line(client, mistake).await?;
        while place.is_alive() {
            let Ok((mut names, _)) = client.children(PATH).await else { continue };
            names.sort_by_key(|name| number(name));
            let own = place.path.rsplit('/').next().unwrap_or_default();
            let Some(at) = names.iter().position(|name| name == own) else { break };
            if at == 0 && place.is_alive() {
                return Ok(Some(Box::new(place)));
            }
            if only_try {
                return Ok(None);
            }
            let in_front = format!("{PATH}/{}", names[at.saturating_sub(1)]);
            let Ok((stat, watch)) = client.exists(&in_front).watch().await else { continue };
            if stat.is_none() && mistake != Mistake::WatchesTooLate {
                continue;
            }
            let ended = client.session_ended(place.epoch);
            tokio::select! {
                biased;
                _ = watch => {}
                () = ended => continue,
            }
            if mistake == Mistake::TrustsItsWatch && place.is_alive() {
                return Ok(Some(Box::new(place)));
            }
        }
    }
}

async fn get_in_line(client: &Client, mistake: Mistake) -> Result<Place, Error> {
    loop {
        let epoch = client.session_epoch();
        let path = format!("{PATH}/lock-");
        let create = client.create(&path, b"", CreateMode::EphemeralSequential);
        let created = match mistake {
            Mistake::ForgetsItsNode => create.with_container_parents().in_session(epoch).await,
            _ => create.protected().with_container_parents().in_session(epoch).await,
        };
        match created {
            Ok(created) => {
                let token = match mistake {
                    Mistake::TokenFromTheName => number(&created.path),
                    _ => created.stat.czxid.0,
                };
                let session = created.stat.ephemeral_owner;
                let (client, path) = (client.clone(), created.path);
                let let_go = AtomicBool::new(false);
                return Ok(Place { client, path, token, session, epoch, mistake, let_go });
            }
            Err(ClientError::NoNode { .. }) => {}
            Err(error) if error.is_retryable() || error.is_outcome_unknown() => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn number(name: &str) -> i64 {
    let digits = name.get(name.len().saturating_sub(10)..).unwrap_or_default();
    digits.parse().unwrap_or(i64::MAX)
}

impl Place {
    fn is_alive(&self) -> bool {
        let deadline = self.client.session_deadline();
        self.client.session_epoch() == self.epoch
            && deadline.is_some_and(|deadline| zk_client::simulation::now() < deadline)
    }
}

impl Guard for Place {
    fn is_held(&self) -> bool {
        let let_go = self.let_go.load(Ordering::Relaxed);
        !let_go && (self.mistake == Mistake::IgnoresExpiry || self.is_alive())
    }

    fn token(&self) -> i64 {
        self.token
    }

    fn path(&self) -> String {
        self.path.clone()
    }

    fn session(&self) -> SessionId {
        self.session
    }

    fn lost(&self) -> Boxed<()> {
        let ended = self.client.session_ended(self.epoch);
        match self.mistake {
            Mistake::IgnoresExpiry => Box::pin(std::future::pending()),
            _ => Box::pin(ended),
        }
    }

    fn release(self: Box<Self>) -> Boxed<Result<(), Error>> {
        self.let_go.store(true, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }
}

const fn scenario(begin: fn(&Arc<World>)) -> Scenario {
    let allowed = Allowed { crashes: true, kills: true };
    Scenario { name: "planted::lock", processes: 3, allowed, begin }
}

/// The same lock without a mistake stands: it is the mistakes that are found.
#[test]
fn the_naive_lock_stands_as_such() {
    explore(&scenario(|world| contend(world, NaiveLock(Mistake::None), 3)));
}

#[test]
fn a_holder_that_ignores_its_expiry_is_found() {
    let begin = |world: &Arc<World>| contend(world, NaiveLock(Mistake::IgnoresExpiry), 3);
    caught(&scenario(begin), 1, "claims to hold");
}

#[test]
fn a_waiter_that_trusts_its_watch_is_found() {
    let begin = |world: &Arc<World>| contend(world, NaiveLock(Mistake::TrustsItsWatch), 3);
    caught(&scenario(begin), 1, "holders at once");
}

#[test]
fn a_node_that_nobody_remembers_is_found() {
    let begin = |world: &Arc<World>| contend(world, NaiveLock(Mistake::ForgetsItsNode), 3);
    caught(&scenario(begin), 3, "stuck");
}

#[test]
fn a_waiter_that_nobody_wakes_is_found() {
    let begin = |world: &Arc<World>| contend(world, NaiveLock(Mistake::WatchesTooLate), 3);
    caught(&scenario(begin), 1, "stuck");
}

#[test]
fn tokens_that_begin_anew_are_found() {
    let begin = |world: &Arc<World>| contend(world, NaiveLock(Mistake::TokenFromTheName), 3);
    caught(&scenario(begin), 13, "tokens do not grow");
}
