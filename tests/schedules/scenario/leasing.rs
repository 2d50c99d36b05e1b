//! Processes that want a right for a time.

use std::sync::Arc;

use zk_client::{Client, SessionId};
use zk_recipes::Error;

use super::may_pass;
use super::mutex::Boxed;
use crate::invariant::{Claim, NothingLeft};
use crate::world::{Process, World};

pub(crate) const PATH: &str = "/leases/one";

/// A lease to be had.
pub(crate) trait Leasing: Send + Sync {
    /// Asks for it in the name of `holder`.
    fn ask(&self, client: &Client, holder: &str) -> Boxed<Result<Option<Box<dyn Grant>>, Error>>;
}

/// A lease while it lasts.
pub(crate) trait Grant: Send + Sync {
    fn is_held(&self) -> bool;
    fn token(&self) -> i64;
    /// The node with the name of the holder.
    fn path(&self) -> String;
    fn lost(&self) -> Boxed<()>;
    /// Makes it last longer; whether that worked.
    fn renew(self: Arc<Self>) -> Boxed<Result<bool, Error>>;
    fn release(self: Arc<Self>) -> Boxed<Result<(), Error>>;
}

/// Lets processes ask for it, until each has had it so often.
pub(crate) fn lease(world: &Arc<World>, leasing: impl Leasing + 'static, rounds: usize) {
    let leasing: Arc<dyn Leasing> = Arc::new(leasing);
    world.watch_over(NothingLeft::but([
        "/leases",
        PATH,
        "/leases/one/lease_holder",
        "/leases/one/0",
        "/leases/one/0/lease_holder",
        "/leases/one/1",
        "/leases/one/1/lease_holder",
    ]));
    for _ in 0..3 {
        let leasing = Arc::clone(&leasing);
        world.start(move |process| {
            let client = process.client();
            process.keep(client.clone());
            process.work(want(process.clone(), client, Arc::clone(&leasing), rounds));
        });
    }
}

async fn want(
    process: Process,
    client: Client,
    leasing: Arc<dyn Leasing>,
    rounds: usize,
) -> Result<(), String> {
    let mut rng = process.rng();
    let holder = format!("node-{}", process.id().number);
    let mut won = 0;
    while won < rounds {
        process.idle(rng.u64(1..1000)).await;
        let polls = if rng.u8(..8) == 0 { rng.usize(1..20) } else { usize::MAX };
        match process.abandon(polls, leasing.ask(&client, &holder)).await {
            Err(_) | Ok(Ok(None)) => {}
            Ok(Err(error)) if may_pass(&error) => {}
            Ok(Err(error)) => return Err(format!("asking failed: {error}")),
            Ok(Ok(Some(grant))) => {
                won += 1;
                have(&process, Arc::from(grant)).await?;
            }
        }
    }
    Ok(())
}

async fn have(process: &Process, grant: Arc<dyn Grant>) -> Result<(), String> {
    let mut rng = process.rng();
    process.note(format_args!("has it by {:#x}", grant.token()));
    let asked = Arc::clone(&grant);
    let entry = process.holders().enter(Claim {
        what: grant.path(),
        limit: 1,
        process: process.id(),
        // The node is of no session.
        session: SessionId::NONE,
        node: Some(grant.path()),
        token: Some(grant.token()),
        is_held: Box::new(move || asked.is_held()),
    });
    let outcome = use_it(process, &grant).await;
    process.note(format_args!("has it no more"));
    process.holders().leave(entry);
    outcome?;
    // Half of them just run out.
    if rng.bool() {
        return Ok(());
    }
    match grant.release().await {
        Err(error) if !may_pass(&error) => Err(format!("releasing failed: {error}")),
        _ => Ok(()),
    }
}

async fn use_it(process: &Process, grant: &Arc<dyn Grant>) -> Result<(), String> {
    let mut rng = process.rng();
    loop {
        tokio::select! {
            biased;
            () = grant.lost() => return Ok(()),
            () = process.idle(rng.u64(1..3000)) => {}
        }
        if rng.bool() {
            return Ok(());
        }
        match Arc::clone(grant).renew().await {
            Ok(true) => process.note(format_args!("has it for longer")),
            Ok(false) => return Ok(()),
            Err(error) if may_pass(&error) => {}
            Err(error) => return Err(format!("renewing failed: {error}")),
        }
    }
}
