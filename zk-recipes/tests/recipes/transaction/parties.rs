//! Participants as tasks.

use std::time::Duration;

use tokio::task::JoinHandle;
use zk_client::Client;
use zk_recipes::Transaction;
use zk_recipes::transaction::{Coordinator, Decision, Vote};

use crate::support::{children, soon, until_children};

pub(crate) const DIRECTORY: &str = "/transactions";

/// Longer than any test: what waits for this to pass waits for ever.
pub(crate) const LONG: Duration = Duration::from_secs(600);

pub(crate) async fn begin(client: &Client, parts: &[&str]) -> Coordinator {
    let parts = parts.iter().copied();
    soon(Transaction::begin(client, DIRECTORY, parts, "order 17")).await.unwrap()
}

/// A participant that votes, and is done when it is decided.
pub(crate) fn vote(client: &Client, path: &str, name: &str, vote: Vote) -> JoinHandle<Decision> {
    let (client, path, name) = (client.clone(), path.to_owned(), name.to_owned());
    tokio::spawn(async move {
        let mut part = Transaction::join(&client, &path, &name).await.unwrap();
        let decision = part.vote(vote).await.unwrap();
        part.done().await.unwrap();
        decision
    })
}

/// Waits until there is a node in the transaction whose name ends so.
pub(crate) async fn until_there(client: &Client, path: &str, name: &str) {
    crate::support::until(|| async {
        children(client, path).await.iter().any(|child| child == name)
    })
    .await;
}

/// Waits until the last of them has removed the transaction.
pub(crate) async fn nothing_is_left(client: &Client) {
    until_children(client, DIRECTORY, 0).await;
}
