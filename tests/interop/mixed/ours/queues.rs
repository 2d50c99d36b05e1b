//! Queues: `put` fills them, `consume` works on them until the driver ends it.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::{Value, json};
use zk_recipes::queue::Claim;
use zk_recipes::{DelayQueue, NodeOptions, Parents, PriorityQueue, Queue, Result, ShardedQueue};

use crate::task::{Failure, Outcome, Task};

/// A queue of any kind.
enum AnyQueue {
    Plain(Queue),
    WithIds(Queue),
    Priority(PriorityQueue),
    Delay(DelayQueue),
    Sharded(ShardedQueue),
}

/// The same call on whichever it is.
macro_rules! on {
    ($queue:expr, $inner:ident => $call:expr) => {
        match $queue {
            AnyQueue::Plain($inner) | AnyQueue::WithIds($inner) => $call,
            AnyQueue::Priority($inner) => $call,
            AnyQueue::Delay($inner) => $call,
            AnyQueue::Sharded($inner) => $call,
        }
    };
}

impl AnyQueue {
    fn of(task: &Task) -> Self {
        let (client, path) = (&task.client, task.path());
        let queue = match task.text("queue") {
            "priority" => Self::Priority(PriorityQueue::new(client, path)),
            "delay" => Self::Delay(DelayQueue::new(client, path)),
            "sharded" => Self::Sharded(sharded(task)),
            "id" => Self::WithIds(Queue::new(client, path)),
            "simple" => Self::Plain(Queue::simple(client, path)),
            "kazoo" => Self::Priority(PriorityQueue::kazoo(client, path)),
            "locking" => Self::Priority(PriorityQueue::kazoo_locking(client, path)),
            _ => Self::Plain(Queue::new(client, path)),
        };
        match task.text("claims") {
            "" => queue,
            claims => match queue {
                Self::Plain(queue) => Self::Plain(queue.claims_in(claims)),
                Self::WithIds(queue) => Self::WithIds(queue.claims_in(claims)),
                Self::Priority(queue) => Self::Priority(queue.claims_in(claims)),
                Self::Delay(queue) => Self::Delay(queue.claims_in(claims)),
                Self::Sharded(queue) => Self::Sharded(queue.claims_in(claims)),
            },
        }
    }

    async fn put(&self, item: &Value) -> std::result::Result<(), Failure> {
        let data = data(item);
        match self {
            Self::WithIds(queue) => {
                queue.put_with_id(item["id"].as_str().unwrap_or_default(), data).await?;
            }
            Self::Plain(queue) => queue.put(data).await?,
            Self::Sharded(queue) => queue.put(data).await?,
            Self::Priority(queue) => {
                let priority = i32::try_from(item["priority"].as_i64().unwrap_or(100))?;
                queue.put(data, priority).await?;
            }
            Self::Delay(queue) => {
                let due = Duration::from_millis(item["due_ms"].as_u64().unwrap_or_default());
                queue.put(data, UNIX_EPOCH + due).await?;
            }
        }
        Ok(())
    }

    async fn take(&self) -> Result<Bytes> {
        on!(self, queue => queue.take().await)
    }

    async fn claim(&self) -> Result<Claim> {
        on!(self, queue => queue.claim().await)
    }
}

/// Shards that stay, as Curator expects them to: those it has once seen it does not look for again.
fn sharded(task: &Task) -> ShardedQueue {
    let size = |name| usize::try_from(task.number(name)).unwrap_or(1);
    ShardedQueue::new(&task.client, task.path())
        .threshold(size("threshold"))
        .max_shards(size("max_shards"))
        .leader_in(task.text("leader"))
        .options(NodeOptions::new().parents(Parents::Persistent))
}

fn data(item: &Value) -> Bytes {
    Bytes::copy_from_slice(item["data"].as_str().unwrap_or_default().as_bytes())
}

fn items(task: &Task) -> &[Value] {
    task.arguments["items"].as_array().map_or(&[], Vec::as_slice)
}

pub(crate) async fn put(task: Task) -> Outcome {
    let queue = AnyQueue::of(&task);
    for item in items(&task) {
        queue.put(item).await?;
    }
    Ok(true.into())
}

/// Several items in one node.
pub(crate) async fn put_together(task: Task) -> Outcome {
    let queue = Queue::new(&task.client, task.path());
    queue.put_together(items(&task).iter().map(data)).await?;
    Ok(true.into())
}

/// Takes items, or claims them where there is a place for claims.
pub(crate) async fn consume(task: Task) -> Outcome {
    let queue = AnyQueue::of(&task);
    let claims = !task.text("claims").is_empty() || task.text("queue") == "locking";
    let work = async {
        loop {
            if claims {
                let claim = queue.claim().await?;
                for item in claim.items() {
                    say(&task, item).await?;
                }
                claim.complete().await?;
            } else {
                say(&task, &queue.take().await?).await?;
            }
        }
    };
    tokio::select! {
        ended = work => ended,
        told = task.say("consuming", json!({})) => told,
    }
}

async fn say(task: &Task, item: &[u8]) -> std::result::Result<(), Failure> {
    task.say("item", json!({ "data": String::from_utf8_lossy(item) })).await?;
    Ok(())
}
