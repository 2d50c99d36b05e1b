//! Numbers that many add to.

use zk_recipes::Counter;

use crate::task::{Outcome, Task};

fn counter(task: &Task) -> Counter {
    match task.text("counter") {
        "long" => Counter::new(&task.client, task.path()),
        "text" => Counter::kazoo(&task.client, task.path()),
        _ => Counter::shared_count(&task.client, task.path()),
    }
}

pub(crate) async fn add(task: Task) -> Outcome {
    let counter = counter(&task);
    for _ in 0..task.number("times") {
        counter.add(task.number("by")).await?;
    }
    Ok(true.into())
}

pub(crate) async fn value(task: Task) -> Outcome {
    Ok(counter(&task).get().await?.into())
}
