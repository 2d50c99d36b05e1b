//! Read-write locks.

mod access;
mod basics;
mod cancel;
mod contenders;
mod cost;
mod downgrade;
mod failures;
mod lost_replies;
mod numbers;

use tokio::task::JoinHandle;
use zk_client::{Acl, Client, Permissions};
use zk_recipes::{ReadGuard, Result, RwLock, WriteGuard};

use crate::support::until_children;

const PATH: &str = "/locks/x";

fn lock(client: &Client) -> RwLock {
    RwLock::new(client, PATH)
}

/// Both layouts, on one client each.
fn layouts(client: &Client) -> [RwLock; 2] {
    [RwLock::new(client, "/locks/curator"), RwLock::kazoo(client, "/locks/kazoo")]
}

/// Gets in line for reading, and returns when there are `count` in it.
async fn reader(lock: &RwLock, observer: &Client, count: usize) -> JoinHandle<Result<ReadGuard>> {
    let waiting = lock.clone();
    let reading = tokio::spawn(async move { waiting.read().await });
    until_children(observer, lock.path(), count).await;
    reading
}

/// Gets in line for writing, and returns when there are `count` in it.
async fn writer(lock: &RwLock, observer: &Client, count: usize) -> JoinHandle<Result<WriteGuard>> {
    let waiting = lock.clone();
    let writing = tokio::spawn(async move { waiting.write().await });
    until_children(observer, lock.path(), count).await;
    writing
}

/// An ACL that lets everybody do everything but `refused`.
fn all_but(refused: Permissions) -> Acl {
    Acl::new(Permissions(Permissions::ALL.0 & !refused.0), "world", "anyone")
}
