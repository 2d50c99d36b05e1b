//! Our side of the mixed runs: `mixed_worker CONNECT SESSION_TIMEOUT_MS`. See `peers.py`.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod discovery;
mod gatherings;
mod locks;
mod queues;
mod task;
mod values;

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use zk_client::Client;

use self::task::{Answers, Outcome, Task, print};

/// How many lines may wait to be read.
const LINES_MAX: usize = 64;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [connect, timeout] = &arguments[..] else {
        return Err("expected CONNECT SESSION_TIMEOUT_MS".into());
    };
    let timeout = Duration::from_millis(timeout.parse()?);
    let client = Client::builder(connect).session_timeout(timeout).connect().await?;
    let session = client.handover().ok_or("connected without a session")?;
    let password: String = session.password().iter().map(|byte| format!("{byte:02x}")).collect();
    print(&json!({ "session": session.session_id().0, "password": password }));
    let mut running: HashMap<u64, Answers> = HashMap::new();
    let mut lines = lines_of_stdin();
    while let Some(line) = lines.recv().await {
        let line: Value = serde_json::from_str(&line)?;
        let id = line["id"].as_u64().ok_or("a line without an id")?;
        if line["do"].is_string() {
            let (task, answers) = Task::new(&client, id, line);
            running.insert(id, answers);
            tokio::spawn(carry_out(task));
        } else if let Some(answers) = running.get(&id) {
            answers.answered(&line);
        }
    }
    client.close().await?;
    Ok(())
}

/// What the driver says, until it ends.
fn lines_of_stdin() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(LINES_MAX);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

async fn carry_out(task: Task) {
    let id = task.id();
    match job(task).await {
        Ok(value) => print(&json!({ "id": id, "done": value })),
        Err(error) => print(&json!({ "id": id, "failed": error.to_string() })),
    }
}

async fn job(task: Task) -> Outcome {
    match task.text("do") {
        "free" => locks::free(task).await,
        "mutex" => locks::mutex(task).await,
        "read_write" => locks::read_write(task).await,
        "semaphore" => locks::semaphore(task).await,
        "semaphore_mutex" => locks::semaphore_mutex(task).await,
        "selector" => locks::selector(task).await,
        "revocable" => locks::revocable(task).await,
        "revoke" => locks::revoke(task).await,
        "prove" => locks::prove(task).await,
        "latch" => locks::latch(task).await,
        "latch_participants" => locks::latch_participants(task).await,
        "barrier_set" => gatherings::set(task).await,
        "barrier_remove" => gatherings::remove(task).await,
        "barrier_wait" => gatherings::wait(task).await,
        "double_barrier" => gatherings::double_barrier(task).await,
        "join" => gatherings::join(task).await,
        "members" => gatherings::members(task).await,
        "partition" => gatherings::partition(task).await,
        "put" => queues::put(task).await,
        "put_together" => queues::put_together(task).await,
        "consume" => queues::consume(task).await,
        "add" => values::add(task).await,
        "value" => values::value(task).await,
        "register" => discovery::register(task).await,
        "services" => discovery::services(task).await,
        "instances" => discovery::instances(task).await,
        other => Err(format!("we have no {other}").into()),
    }
}
