//! Waiting for each other, and knowing of each other.

use serde_json::{Map, Value, json};
use tokio::task::JoinSet;
use zk_recipes::partitioner::Share;
use zk_recipes::{Barrier, DoubleBarrier, Group, Partitioner};

use crate::task::{Failure, Outcome, Task};

fn barrier(task: &Task) -> Barrier {
    Barrier::new(&task.client, task.path())
}

pub(crate) async fn set(task: Task) -> Outcome {
    barrier(&task).set().await?;
    Ok(true.into())
}

pub(crate) async fn remove(task: Task) -> Outcome {
    barrier(&task).remove().await?;
    Ok(true.into())
}

pub(crate) async fn wait(task: Task) -> Outcome {
    task.say("waiting", json!({})).await?;
    barrier(&task).wait().await?;
    Ok(true.into())
}

pub(crate) async fn double_barrier(task: Task) -> Outcome {
    let members = usize::try_from(task.number("members"))?;
    let barrier = DoubleBarrier::new(&task.client, task.path(), members);
    task.say("coming", json!({})).await?;
    let inside = barrier.enter().await?;
    task.say("inside", json!({})).await?;
    task.say("leaving", json!({})).await?;
    inside.leave().await?;
    task.say("outside", json!({})).await?;
    Ok(true.into())
}

fn group(task: &Task) -> Group {
    match task.text("group") {
        "party" => Group::party(&task.client, task.path()),
        "shallow" => Group::shallow_party(&task.client, task.path()),
        _ => Group::new(&task.client, task.path()),
    }
}

/// A member until the driver lets it go on.
pub(crate) async fn join(task: Task) -> Outcome {
    let payload = task.text("payload").to_owned();
    let membership = group(&task).join(task.text("name"), payload).await?;
    task.say("joined", json!({})).await?;
    membership.leave().await?;
    Ok(true.into())
}

/// Ids with payloads in Curator's layout, ids alone in kazoo's.
pub(crate) async fn members(task: Task) -> Outcome {
    let members = group(&task).watch().await?.list();
    if task.text("group") == "curator" {
        let pair = |member: &zk_recipes::group::Member| {
            (member.id.clone(), String::from_utf8_lossy(&member.payload).into_owned().into())
        };
        return Ok(members.iter().map(pair).collect::<Map<String, Value>>().into());
    }
    let mut ids: Vec<String> = members.into_iter().map(|member| member.id).collect();
    ids.sort();
    Ok(ids.into())
}

/// Has its part of the items, in kazoo's layout, until the driver lets it go on.
pub(crate) async fn partition(task: Task) -> Outcome {
    let items = task.arguments["items"].as_array().map_or(&[][..], Vec::as_slice);
    let items = items.iter().filter_map(Value::as_str);
    let builder = Partitioner::kazoo(task.path(), task.text("name")).items(items);
    let partitioner = builder.join(&task.client).await?;
    let work = async {
        let mut working = JoinSet::new();
        while let Some(share) = partitioner.next().await {
            working.spawn(work_on(task.clone(), share));
        }
        while let Some(done) = working.join_next().await {
            done??;
        }
        Ok::<_, Failure>(())
    };
    let stop = async {
        task.say("partitioning", json!({})).await?;
        Ok::<_, Failure>(partitioner.leave().await?)
    };
    tokio::try_join!(work, stop)?;
    Ok(true.into())
}

async fn work_on(task: Task, share: Share) -> Result<(), Failure> {
    let item = share.item().to_owned();
    task.say("enter", json!({ "items": [item] })).await?;
    share.revoked().await;
    task.say("leave", json!({ "items": [item] })).await?;
    share.release().await?;
    Ok(())
}
