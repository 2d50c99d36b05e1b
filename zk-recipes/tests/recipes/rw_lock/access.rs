//! ACLs that refuse.

use zk_client::{Acl, CreateMode, Error as ClientError, Permissions};
use zk_recipes::{Error, RwLock};

use super::all_but;
use crate::support::{client, expire, server, soon, until_children};

/// A directory in which everybody may do everything but `refused`.
async fn directory(operator: &zk_client::Client, refused: Permissions) {
    let acl = all_but(refused);
    operator.create("/x", b"", CreateMode::Persistent).acl([acl]).await.unwrap();
}

fn is_refused(error: &Error) -> bool {
    matches!(error, Error::Client(ClientError::NoAuth { .. }))
}

#[tokio::test]
async fn one_who_may_not_create_is_told_so() {
    let server = server().await;
    let client = client(&server).await;
    directory(&client, Permissions::CREATE).await;
    let lock = RwLock::new(&client, "/x");
    assert!(is_refused(&soon(lock.read()).await.unwrap_err()));
    assert!(is_refused(&soon(lock.try_write()).await.unwrap_err()));
}

#[tokio::test]
async fn one_who_may_not_list_is_told_so_and_leaves_nothing() {
    let server = server().await;
    let client = client(&server).await;
    directory(&client, Permissions::READ).await;
    let lock = RwLock::new(&client, "/x");
    assert!(is_refused(&soon(lock.read()).await.unwrap_err()));
    client.set_acl("/x", Acl::open()).await.unwrap();
    until_children(&client, "/x", 0).await;
}

#[tokio::test]
async fn one_who_may_not_delete_holds_until_the_session_ends() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    directory(&one, Permissions::DELETE).await;
    let guard = soon(RwLock::new(&one, "/x").read()).await.unwrap();
    assert!(is_refused(&soon(guard.release()).await.unwrap_err()));
    until_children(&two, "/x", 1).await;
    let waiting = RwLock::new(&two, "/x");
    let writing = tokio::spawn(async move { waiting.write().await });
    until_children(&two, "/x", 2).await;
    expire(&server, &one);
    assert!(soon(writing).await.unwrap().unwrap().is_held());
}

#[tokio::test]
async fn one_who_may_not_read_the_node_before_is_told_so() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let secret = all_but(Permissions::READ);
    let options = zk_recipes::NodeOptions::new().acl([secret]);
    let guard = soon(RwLock::new(&one, "/x").options(options).write()).await.unwrap();
    assert!(is_refused(&soon(RwLock::new(&two, "/x").read()).await.unwrap_err()));
    until_children(&two, "/x", 1).await;
    // The holder cannot watch its own node either, and holds all the same.
    assert!(guard.is_held());
    soon(guard.release()).await.unwrap();
}
