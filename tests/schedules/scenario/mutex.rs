//! Contenders for one thing that only one may hold.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use zk_client::{Client, SessionId};
use zk_recipes::Error;

use super::may_pass;
use crate::invariant::{Claim, NothingLeft};
use crate::world::{Process, World};

pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What is contended for.
pub(crate) const PATH: &str = "/locks/one";

/// How to try.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Wait,
    WaitAtMost(Duration),
    Try,
}

/// Something that one may hold.
pub(crate) trait Mutex: Send + Sync {
    /// A guard, or nothing if it cannot be had now.
    fn acquire(&self, client: &Client, how: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>>;
}

/// Somebody who holds it.
pub(crate) trait Guard: Send + Sync {
    fn is_held(&self) -> bool;
    fn token(&self) -> i64;
    fn path(&self) -> String;
    fn session(&self) -> SessionId;
    /// How many may have one like this while somebody has this one.
    fn limit(&self) -> usize {
        1
    }
    fn lost(&self) -> Boxed<()>;
    fn release(self: Box<Self>) -> Boxed<Result<(), Error>>;
}

/// Lets processes contend for it, each of their workers so many times.
pub(crate) fn contend(world: &Arc<World>, mutex: impl Mutex + 'static, rounds: usize) {
    contend_leaving(world, mutex, rounds, &[]);
}

/// As [`contend`], for one that leaves these nodes behind.
pub(crate) fn contend_leaving(
    world: &Arc<World>,
    mutex: impl Mutex + 'static,
    rounds: usize,
    left: &[&'static str],
) {
    let mutex = Arc::new(mutex);
    world.watch_over(NothingLeft::but(left.iter().copied()));
    for _ in 0..3 {
        let mutex = Arc::clone(&mutex);
        world.start(move |process| {
            let client = process.client();
            let workers = 1 + process.rng().usize(..2);
            for _ in 0..workers {
                let worker = Worker {
                    process: process.clone(),
                    client: client.clone(),
                    mutex: Arc::clone(&mutex) as Arc<dyn Mutex>,
                    rng: process.rng(),
                };
                process.work(worker.run(rounds));
            }
            process.keep(client);
        });
    }
}

struct Worker {
    process: Process,
    client: Client,
    mutex: Arc<dyn Mutex>,
    rng: Rng,
}

impl Worker {
    async fn run(mut self, rounds: usize) -> Result<(), String> {
        let mut won = 0;
        while won < rounds {
            self.process.idle(self.rng.u64(1..400)).await;
            let polls = if self.rng.u8(..8) == 0 { self.rng.usize(1..12) } else { usize::MAX };
            let acquiring = self.mutex.acquire(&self.client, some_way(&mut self.rng));
            match self.process.abandon(polls, acquiring).await {
                Err(_) | Ok(Ok(None)) => {}
                Ok(Err(error)) if may_pass(&error) => {}
                Ok(Err(error)) => return Err(format!("acquiring failed: {error}")),
                Ok(Ok(Some(guard))) => {
                    won += 1;
                    // Half of the guards are just dropped.
                    let (ms, releases) = (self.rng.u64(1..2000), self.rng.bool());
                    hold(&self.process, guard, ms, releases).await?;
                }
            }
        }
        Ok(())
    }
}

/// Has it for so many ms, or until it is lost; then releases it, or just drops it.
pub(crate) async fn hold(
    process: &Process,
    guard: Box<dyn Guard>,
    ms: u64,
    releases: bool,
) -> Result<(), String> {
    let path = guard.path();
    process.note(format_args!("holds by {path}"));
    let guard = Arc::new(guard);
    let asked = Arc::clone(&guard);
    let entry = process.holders().enter(Claim {
        what: PATH.to_owned(),
        limit: guard.limit(),
        process: process.id(),
        session: guard.session(),
        node: Some(path.clone()),
        token: Some(guard.token()),
        is_held: Box::new(move || asked.is_held()),
    });
    tokio::select! {
        biased;
        () = guard.lost() => {}
        () = process.idle(ms) => {}
    }
    process.note(format_args!("lets go of {path}"));
    process.holders().leave(entry);
    match Arc::into_inner(guard) {
        Some(guard) if releases => match guard.release().await {
            Err(error) if !may_pass(&error) => Err(format!("releasing failed: {error}")),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn some_way(rng: &mut Rng) -> How {
    match rng.u8(..4) {
        0 => How::Try,
        1 => How::WaitAtMost(Duration::from_millis(rng.u64(1..3000))),
        _ => How::Wait,
    }
}
