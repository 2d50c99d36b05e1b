//! What only one, or only so many, may have at a time.

use serde_json::json;
use tokio::sync::watch;
use zk_recipes::{FencingToken, LeaderElection, LeaderLatch, Lock, RwLock, Semaphore};

use crate::task::{Failure, Outcome, Task};

fn by(token: FencingToken, kind: &str) -> serde_json::Value {
    json!({ "token": token.0, "as": kind })
}

/// What a peer looks like that does not lock: the witness must see it.
pub(crate) async fn free(task: Task) -> Outcome {
    let mut count = 1;
    while task.inside(json!({ "token": i64::MAX, "as": "write" })).await? {
        count += 1;
    }
    Ok(count.into())
}

pub(crate) async fn mutex(task: Task) -> Outcome {
    let builder = match task.text("flavour") {
        "kazoo" => Lock::kazoo(task.path()),
        _ => Lock::builder(task.path()),
    };
    let extra = task.arguments["extra"].as_str();
    let builder = builder.data(task.text("name").to_owned()).extra_marks(extra);
    let mut count = 0;
    loop {
        let guard = builder.acquire(&task.client).await?;
        let goes_on = task.inside(by(guard.fencing_token(), "write")).await?;
        guard.release().await?;
        count += 1;
        if !goes_on {
            return Ok(count.into());
        }
    }
}

/// Reads, writes, and, if so told, now and then becomes a reader while it is a writer.
pub(crate) async fn read_write(task: Task) -> Outcome {
    let lock = match task.text("flavour") {
        "kazoo" => RwLock::kazoo(&task.client, task.path()),
        _ => RwLock::new(&task.client, task.path()),
    };
    let downgrades = task.arguments["downgrade"].as_bool().unwrap_or_default();
    let mut chance = fastrand::Rng::with_seed(task.number("seed").cast_unsigned());
    let mut count = 0;
    loop {
        let goes_on = match chance.u32(..5) {
            0..3 => {
                let guard = lock.read().await?;
                let goes_on = task.inside(by(guard.fencing_token(), "read")).await?;
                guard.release().await?;
                goes_on
            }
            3 if downgrades => downgrade(&task, &lock).await?,
            _ => {
                let guard = lock.write().await?;
                let goes_on = task.inside(by(guard.fencing_token(), "write")).await?;
                guard.release().await?;
                goes_on
            }
        };
        count += 1;
        if !goes_on {
            return Ok(count.into());
        }
    }
}

async fn downgrade(task: &Task, lock: &RwLock) -> Result<bool, Failure> {
    let writer = lock.write().await?;
    let first = task.say("enter", by(writer.fencing_token(), "write")).await?;
    // Who is let in by the downgrade may say so before this task has its answer.
    task.say("downgrade", json!({})).await?;
    let reader = writer.downgrade().await?;
    let second = task.say("leave", json!({})).await?;
    reader.release().await?;
    Ok(first != "stop" && second != "stop")
}

/// With the limit given, or with the one that is shared at `limit_path`.
pub(crate) async fn semaphore(task: Task) -> Outcome {
    let (client, path) = (&task.client, task.path());
    let limit = usize::try_from(task.number("limit"))?;
    let semaphore = match (task.text("limit_path"), task.text("flavour")) {
        ("", "kazoo") => Semaphore::kazoo(client, path, limit),
        ("", _) => Semaphore::new(client, path, limit),
        (shared, _) => Semaphore::shared_count(client, path, shared),
    };
    leases(&task, &semaphore).await
}

pub(crate) async fn semaphore_mutex(task: Task) -> Outcome {
    leases(&task, &Semaphore::mutex(&task.client, task.path())).await
}

async fn leases(task: &Task, semaphore: &Semaphore) -> Outcome {
    let mut count = 0;
    loop {
        let lease = semaphore.acquire().await?;
        let goes_on = task.inside(json!({})).await?;
        lease.release().await?;
        count += 1;
        if !goes_on {
            return Ok(count.into());
        }
    }
}

pub(crate) async fn latch(task: Task) -> Outcome {
    let mut count = 0;
    loop {
        let latch = LeaderLatch::start(&task.client, task.path(), task.text("name")).await?;
        let term = latch.lead().await?;
        let goes_on = task.inside(by(term.fencing_token(), "write")).await?;
        latch.close().await?;
        count += 1;
        if !goes_on {
            return Ok(count.into());
        }
    }
}

/// The leader first.
pub(crate) async fn latch_participants(task: Task) -> Outcome {
    let participants = LeaderLatch::participants_of(&task.client, task.path()).await?;
    Ok(participants.iter().map(|participant| participant.id.as_str()).collect())
}

/// Leads until the driver has seen enough of it, each term in line behind the others.
pub(crate) async fn selector(task: Task) -> Outcome {
    let (done, mut is_done) = watch::channel(false);
    let work = {
        let task = task.clone();
        move |term: zk_recipes::election::Term| {
            let (task, done) = (task.clone(), done.clone());
            async move {
                // Between the last term and the end of the election there may be one more.
                if !*done.borrow() {
                    let goes_on = task.inside(by(term.fencing_token(), "write")).await;
                    done.send_replace(!matches!(goes_on, Ok(true)));
                }
            }
        }
    };
    let (client, path) = (&task.client, task.path());
    let election = LeaderElection::start(client, path, task.text("name"), work).await?;
    is_done.wait_for(|done| *done).await?;
    election.stop().await?;
    Ok(true.into())
}

/// Holds until somebody asks for it back.
pub(crate) async fn revocable(task: Task) -> Outcome {
    let guard = Lock::acquire(&task.client, task.path()).await?;
    task.say("holding", json!({ "node": guard.path() })).await?;
    let was_asked = guard.revoke_requested().await;
    guard.release().await?;
    Ok(was_asked.into())
}

pub(crate) async fn revoke(task: Task) -> Outcome {
    Ok(Lock::revoke(&task.client, task.path()).await?.into())
}

/// Holds a lock, and proves it by writes that only a holder can make, as often as it is told to.
pub(crate) async fn prove(task: Task) -> Outcome {
    let guard = Lock::acquire(&task.client, task.path()).await?;
    let token = i64::from(guard.fencing_token());
    let mut told = task.say("held", json!({ "token": token })).await?;
    while told != "stop" {
        let believed = guard.is_held();
        let written = guard.writes().set(task.text("target"), task.text("name")).await;
        let error = written.err().map(|error| error.to_string());
        let said = json!({ "error": error, "believed": believed, "held": guard.is_held() });
        told = task.say("proved", said).await?;
    }
    Ok(true.into())
}
