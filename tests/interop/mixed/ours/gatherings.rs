//! Waiting for each other, and knowing of each other.

use serde_json::{Map, Value, json};
use zk_recipes::{Barrier, DoubleBarrier, Group};

use crate::task::{Outcome, Task};

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
