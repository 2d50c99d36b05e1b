//! What a worker was told to do.

use std::collections::HashMap;
use std::error::Error;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::oneshot;
use zk_client::Client;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;
pub(crate) type Outcome = Result<Value, Failure>;

/// Something to do, and a way to talk with the driver while doing it.
#[derive(Clone)]
pub(crate) struct Task {
    pub(crate) client: Client,
    pub(crate) arguments: Arc<Value>,
    answers: Answers,
}

/// The answers that a task waits for, by the numbers of its notices.
#[derive(Clone, Default)]
pub(crate) struct Answers(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    last_notice: u64,
    by_notice: HashMap<u64, oneshot::Sender<Value>>,
}

impl Answers {
    pub(crate) fn answered(&self, line: &Value) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = line["n"].as_u64().and_then(|number| waiting.by_notice.remove(&number));
        if let Some(answer) = answer {
            // A task that was dropped meanwhile waits no more.
            let _ = answer.send(line["go"].clone());
        }
    }
}

impl Task {
    pub(crate) fn new(client: &Client, id: u64, mut arguments: Value) -> (Self, Answers) {
        arguments["id"] = id.into();
        let answers = Answers::default();
        let (client, arguments) = (client.clone(), Arc::new(arguments));
        (Self { client, arguments, answers: answers.clone() }, answers)
    }

    pub(crate) fn id(&self) -> u64 {
        self.arguments["id"].as_u64().unwrap_or_default()
    }

    /// A text among the arguments; empty if it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.arguments[name].as_str().unwrap_or_default()
    }

    pub(crate) fn path(&self) -> &str {
        self.text("path")
    }

    /// A number among the arguments; 1 if it is not there.
    pub(crate) fn number(&self, name: &str) -> i64 {
        self.arguments[name].as_i64().unwrap_or(1)
    }

    /// Says something and stands still until the driver lets it go on: what it was told.
    pub(crate) async fn say(&self, what: &str, mut fields: Value) -> Result<Value, Failure> {
        let (sender, answer) = oneshot::channel();
        {
            let mut waiting = self.answers.0.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.last_notice += 1;
            let number = waiting.last_notice;
            waiting.by_notice.insert(number, sender);
            fields["id"] = self.id().into();
            fields["n"] = number.into();
            fields["say"] = what.into();
            print(&fields);
        }
        Ok(answer.await?)
    }

    /// The part in which the witness counts; whether to go on.
    pub(crate) async fn inside(&self, how: Value) -> Result<bool, Failure> {
        let first = self.say("enter", how).await?;
        let second = self.say("leave", json!({})).await?;
        Ok(first != "stop" && second != "stop")
    }
}

/// One line on standard output, in one piece.
pub(crate) fn print(line: &Value) {
    let text = format!("{line}\n");
    let mut out = std::io::stdout().lock();
    // A driver that is gone reads nothing more; the end of standard input ends this process.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
