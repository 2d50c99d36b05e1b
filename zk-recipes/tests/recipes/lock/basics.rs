//! Taking and giving back.

use std::sync::Arc;
use std::time::Duration;

use zk_client::{CreateMode, Error as ClientError, SessionId};
use zk_recipes::{Error, Lock, Parents, Released};

use zk_server::testing::TestServer;

use crate::support::{Resource, children, client, server, soon, until, until_children};

#[tokio::test]
async fn a_free_lock_is_taken_and_given_back() {
    let server = server().await;
    let client = client(&server).await;
    let guard = soon(Lock::acquire(&client, "/locks/deep/down")).await.unwrap();
    assert!(guard.is_held());
    assert_eq!(Some(guard.session_id()), client.session_id());
    let (_, stat) = client.get(guard.path()).await.unwrap();
    assert_eq!(guard.fencing_token().0, stat.czxid.0);
    assert_eq!(Some(stat.ephemeral_owner), client.session_id());
    assert_eq!(soon(guard.release()).await.unwrap(), Released::Released);
    assert!(children(&client, "/locks/deep/down").await.is_empty());
}

#[tokio::test]
async fn names_are_curators() {
    let server = server().await;
    let client = client(&server).await;
    let guard = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
    let name = guard.path().strip_prefix("/locks/x/_c_").unwrap();
    let (uuid, suffix) = name.split_at(36);
    assert!(uuid.bytes().all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    assert_eq!(suffix, "-lock-0000000000");
}

#[tokio::test]
async fn missing_parents_become_containers_by_default() {
    let sweep = Duration::from_millis(10);
    let server = TestServer::builder().container_check_interval(sweep).start().await.unwrap();
    let client = client(&server).await;
    let guard = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
    assert!(client.exists("/locks/x").await.unwrap().is_some());
    // The server removes them when they are empty, and only containers.
    soon(guard.release()).await.unwrap();
    until(|| async { client.exists("/locks").await.unwrap().is_none() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_of_the_directory_never_gets_in_the_way() {
    let sweep = Duration::from_millis(1);
    let server = TestServer::builder().container_check_interval(sweep).start().await.unwrap();
    let client = client(&server).await;
    let resource = Arc::new(Resource::default());
    let mut tasks = Vec::new();
    for _ in 0..2 {
        let (client, resource) = (client.clone(), resource.clone());
        tasks.push(tokio::spawn(async move {
            for _ in 0..30 {
                let guard = Lock::acquire(&client, "/locks/x").await.unwrap();
                resource.enter(guard.fencing_token());
                resource.leave(guard.fencing_token());
                guard.release().await.unwrap();
            }
        }));
    }
    for task in tasks {
        soon(task).await.unwrap();
    }
    assert_eq!(resource.visits(), 60);
}

#[tokio::test]
async fn parents_are_made_as_asked() {
    let server = server().await;
    let client = client(&server).await;
    let strict = Lock::builder("/a/b").parents(Parents::MustExist);
    let error = soon(strict.acquire(&client)).await.unwrap_err();
    assert!(matches!(error, Error::Client(ClientError::NoNode { .. })), "{error}");
    let persistent = Lock::builder("/a/b").parents(Parents::Persistent);
    let _guard = soon(persistent.acquire(&client)).await.unwrap();
    let stat = client.exists("/a/b").await.unwrap().unwrap();
    assert_eq!(stat.ephemeral_owner, SessionId(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contenders_never_hold_at_once_and_tokens_grow() {
    const TASKS: usize = 6;
    const ROUNDS: usize = 5;
    let server = server().await;
    let resource = Arc::new(Resource::default());
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let client = client(&server).await;
        for _ in 0..TASKS / 3 {
            let (client, resource) = (client.clone(), resource.clone());
            tasks.push(tokio::spawn(async move {
                for round in 0..ROUNDS {
                    let guard = Lock::acquire(&client, "/locks/x").await.unwrap();
                    resource.enter(guard.fencing_token());
                    tokio::task::yield_now().await;
                    assert!(guard.is_held());
                    resource.leave(guard.fencing_token());
                    // Both ways of giving back.
                    if round % 2 == 0 {
                        guard.release().await.unwrap();
                    }
                }
            }));
        }
    }
    for task in tasks {
        soon(task).await.unwrap();
    }
    assert_eq!(resource.visits(), TASKS * ROUNDS);
    until_children(&client(&server).await, "/locks/x", 0).await;
}

#[tokio::test]
async fn contenders_are_served_in_the_order_they_came() {
    let server = server().await;
    let client = client(&server).await;
    let first = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
    let (order, mut served) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..5 {
        let (contender, order) = (client.clone(), order.clone());
        tokio::spawn(async move {
            let guard = Lock::acquire(&contender, "/locks/x").await.unwrap();
            order.send(number).unwrap();
            guard.release().await.unwrap();
        });
        until_children(&client, "/locks/x", number + 2).await;
    }
    soon(first.release()).await.unwrap();
    for number in 0..5 {
        assert_eq!(soon(served.recv()).await, Some(number));
    }
}

#[tokio::test]
async fn trying_takes_a_free_lock_and_leaves_a_taken_one_alone() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let guard = soon(Lock::try_acquire(&one, "/locks/x")).await.unwrap().expect("it is free");
    assert!(soon(Lock::try_acquire(&two, "/locks/x")).await.unwrap().is_none());
    assert_eq!(children(&one, "/locks/x").await.len(), 1, "who did not get it left the line");
    soon(guard.release()).await.unwrap();
    assert!(soon(Lock::try_acquire(&two, "/locks/x")).await.unwrap().is_some());
}

#[tokio::test]
async fn waiting_ends_with_the_time_allowed_and_leaves_the_line() {
    let server = server().await;
    let client = client(&server).await;
    let _guard = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
    let limit = Duration::from_millis(50);
    let error = soon(Lock::acquire_timeout(&client, "/locks/x", limit)).await.unwrap_err();
    assert_eq!(error, Error::TimedOut { path: "/locks/x".to_owned(), after: limit });
    assert!(error.is_retryable() && !error.is_outcome_unknown());
    until_children(&client, "/locks/x", 1).await;
}

#[tokio::test]
async fn strangers_under_the_path_block_nobody() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/x", b"", CreateMode::Persistent).await.unwrap();
    for name in ["!", "0", "note", "lock-", "lock-abc", "aa__lock__0000000000"] {
        client.create(&format!("/x/{name}"), b"", CreateMode::Persistent).await.unwrap();
    }
    let guard = soon(Lock::try_acquire(&client, "/x")).await.unwrap().expect("nobody holds it");
    assert!(guard.is_held());
}

#[tokio::test]
async fn contenders_of_go_and_unprotected_ones_are_in_the_line() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/x", b"", CreateMode::Persistent).await.unwrap();
    for name in ["_c_5aa0d8f84d4b4a5c9d5e0123456789ab-lock-", "lock-"] {
        let path = format!("/x/{name}");
        let other = client.create(&path, b"", CreateMode::EphemeralSequential).await.unwrap();
        assert!(soon(Lock::try_acquire(&client, "/x")).await.unwrap().is_none());
        client.delete(&other.path).await.unwrap();
    }
}

#[tokio::test]
async fn a_lock_works_at_the_top_of_the_tree_and_below_a_chroot() {
    let server = server().await;
    let top = client(&server).await;
    top.create("/app", b"", CreateMode::Persistent).await.unwrap();
    let chrooted = crate::support::connect(&format!("{}/app", server.connect_string())).await;
    let guard = soon(Lock::acquire(&chrooted, "/x")).await.unwrap();
    assert!(soon(Lock::try_acquire(&top, "/app/x")).await.unwrap().is_none());
    soon(guard.release()).await.unwrap();
    let at_the_root = soon(Lock::acquire(&chrooted, "/")).await.unwrap();
    assert_eq!(at_the_root.path().matches('/').count(), 1);
}

#[tokio::test]
async fn data_and_acl_are_the_callers() {
    let server = server().await;
    let client = client(&server).await;
    let guard = soon(
        Lock::builder("/locks/x")
            .data(&b"node-1"[..])
            .acl(zk_client::Acl::read_only())
            .acquire(&client),
    )
    .await
    .unwrap();
    assert_eq!(client.get(guard.path()).await.unwrap().0, "node-1");
    assert_eq!(client.get_acl(guard.path()).await.unwrap().0, zk_client::Acl::read_only());
    soon(guard.release()).await.unwrap();
}

#[tokio::test]
async fn a_multi_that_checks_the_guards_node_is_refused_after_the_lock_is_gone() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/data", b"", CreateMode::Persistent).await.unwrap();
    let guard = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
    let node = guard.path().to_owned();
    client.multi().check(&node, -1).set("/data", b"1").commit().await.unwrap();
    soon(guard.release()).await.unwrap();
    assert!(client.multi().check(&node, -1).set("/data", b"2").commit().await.is_err());
    assert_eq!(client.get("/data").await.unwrap().0, "1");
}
