//! Several locks at once.

use std::sync::Arc;
use std::time::Duration;

use zk_client::{Acl, Client, CreateMode, Error as ClientError, Permissions};
use zk_recipes::{Error, HoldState, Lock, LostReason, MultiLock, Parents};

use crate::support::{
    Proxy, Resource, children, client, connect, expire, server, soon, until, until_children,
};

const PATHS: [&str; 3] = ["/locks/a", "/locks/b", "/locks/c"];

/// Waits until so many stand in each line.
async fn lines(observer: &Client, lengths: [usize; 3]) {
    for (path, length) in PATHS.iter().zip(lengths) {
        until_children(observer, path, length).await;
    }
}

#[tokio::test]
async fn all_are_taken_in_the_order_of_their_paths_and_given_back() {
    let server = server().await;
    let client = client(&server).await;
    let locks = MultiLock::new(&client, ["/locks/c", "/locks/a", "/locks/b", "/locks/a"]);
    let guard = soon(locks.acquire()).await.unwrap();
    assert!(guard.is_held());
    assert_eq!(guard.state(), HoldState::Held);
    lines(&client, [1, 1, 1]).await;
    let tokens: Vec<_> =
        PATHS.iter().map(|path| guard.get(path).unwrap().fencing_token()).collect();
    assert!(tokens.is_sorted() && tokens.len() == guard.guards().len());
    assert!(guard.get("/locks/d").is_none());

    client.create("/data", b"", CreateMode::Persistent).await.unwrap();
    let [a, b, c] = guard.guards() else { panic!("there are three") };
    let write = || {
        let multi = a.writes().multi().check_exists(b.path()).check_exists(c.path());
        multi.set("/data", b"1").commit()
    };
    soon(write()).await.unwrap();
    let lost = guard.lost();
    let (a, b, c) = (a.path().to_owned(), b.path().to_owned(), c.path().to_owned());
    soon(guard.release()).await.unwrap();
    assert_eq!(soon(lost).await, LostReason::Released);
    lines(&client, [0, 0, 0]).await;
    let multi = client.multi().check_exists(&a).check_exists(&b).check_exists(&c);
    assert!(soon(multi.commit()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_order_they_are_given_in_nobody_waits_in_a_circle() {
    let server = server().await;
    let resource = Arc::new(Resource::default());
    let mut tasks = Vec::new();
    for task in 0..3 {
        let client = client(&server).await;
        let resource = Arc::clone(&resource);
        tasks.push(tokio::spawn(async move {
            let mut paths = PATHS;
            paths.rotate_left(task);
            for _ in 0..6 {
                let guard = MultiLock::new(&client, paths).acquire().await.unwrap();
                let token = guard.get(PATHS[0]).unwrap().fencing_token();
                resource.enter(token);
                tokio::task::yield_now().await;
                resource.leave(token);
                guard.release().await.unwrap();
            }
        }));
    }
    for task in tasks {
        soon(task).await.unwrap();
    }
    assert_eq!(resource.visits(), 18);
}

#[tokio::test]
async fn a_lock_that_cannot_be_had_in_time_gives_the_others_back() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let _held = soon(Lock::acquire(&one, "/locks/b")).await.unwrap();
    let limit = Duration::from_millis(50);
    let locks = MultiLock::new(&two, PATHS).timeout(limit);
    let error = soon(locks.acquire()).await.unwrap_err();
    assert_eq!(error, Error::TimedOut { path: PATHS.join(", "), after: limit });
    lines(&one, [0, 1, 0]).await;
    assert!(soon(locks.try_acquire()).await.unwrap().is_none());
    lines(&one, [0, 1, 0]).await;
}

#[tokio::test]
async fn trying_takes_all_or_none() {
    let server = server().await;
    let client = client(&server).await;
    let held = soon(MultiLock::new(&client, PATHS).try_acquire()).await.unwrap().unwrap();
    assert!(
        soon(MultiLock::new(&client, ["/locks/0", "/locks/c"]).try_acquire())
            .await
            .unwrap()
            .is_none()
    );
    assert!(children(&client, "/locks/0").await.is_empty());
    drop(held);
    lines(&client, [0, 0, 0]).await;
    let builders = PATHS.map(|path| Lock::builder(path).data(&b"me"[..]));
    let held = soon(MultiLock::of(&client, builders).try_acquire()).await.unwrap().unwrap();
    assert_eq!(client.get(held.guards()[1].path()).await.unwrap().0, "me");
}

#[tokio::test]
async fn what_is_refused_gives_the_others_back() {
    let server = server().await;
    let client = client(&server).await;
    soon(soon(MultiLock::new(&client, PATHS).acquire()).await.unwrap().release()).await.unwrap();
    let read = [Acl::new(Permissions::READ, "world", "anyone")];
    client.set_acl("/locks/b", read).await.unwrap();
    let error = soon(MultiLock::new(&client, PATHS).acquire()).await.unwrap_err();
    assert!(matches!(error, Error::Client(ClientError::NoAuth { .. })), "{error}");
    lines(&client, [0, 0, 0]).await;
    let strict = [Lock::builder("/locks/a"), Lock::builder("/no/b").parents(Parents::MustExist)];
    let error = soon(MultiLock::of(&client, strict).acquire()).await.unwrap_err();
    assert!(matches!(error, Error::Client(ClientError::NoNode { .. })), "{error}");
    lines(&client, [0, 0, 0]).await;
}

#[tokio::test]
async fn losing_one_is_losing_all() {
    let server = server().await;
    let client = client(&server).await;
    let guard = soon(MultiLock::new(&client, PATHS).acquire()).await.unwrap();
    let asked = tokio::spawn(guard.revoke_requested());
    client.delete(guard.guards()[1].path()).await.unwrap();
    assert_eq!(soon(guard.lost()).await, LostReason::NodeDeleted);
    assert!(!guard.is_held());
    assert_eq!(guard.state(), HoldState::Lost(LostReason::NodeDeleted));
    assert!(!soon(asked).await.unwrap());
    soon(guard.release()).await.unwrap();
    lines(&client, [0, 0, 0]).await;
    let guard = soon(MultiLock::new(&client, PATHS).acquire()).await.unwrap();
    soon(Lock::revoke(&client, guard.guards()[2].path())).await.unwrap();
    assert!(soon(guard.revoke_requested()).await);
}

#[tokio::test]
async fn a_lock_that_is_lost_while_another_is_waited_for_is_taken_again() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let held = soon(Lock::acquire(&one, "/locks/c")).await.unwrap();
    let waiting = two.clone();
    let waiter = tokio::spawn(async move { MultiLock::new(&waiting, PATHS).acquire().await });
    lines(&one, [1, 1, 2]).await;
    // An operator deletes one of those taken.
    let first = children(&one, "/locks/a").await.remove(0);
    one.delete(&format!("/locks/a/{first}")).await.unwrap();
    until(|| async { children(&one, "/locks/a").await.iter().any(|name| *name != first) }).await;
    lines(&one, [1, 1, 2]).await;
    // The session ends, and with it all that was taken.
    let before = children(&one, "/locks/b").await;
    expire(&server, &two);
    until(|| async {
        let now = children(&one, "/locks/b").await;
        now.len() == 1 && now != before
    })
    .await;
    lines(&one, [1, 1, 2]).await;
    soon(held.release()).await.unwrap();
    let guard = soon(waiter).await.unwrap().unwrap();
    assert!(guard.is_held());
    assert!(guard.guards().iter().all(|guard| Some(guard.session_id()) == two.session_id()));
    lines(&one, [1, 1, 1]).await;
}

#[tokio::test]
async fn who_is_bound_to_a_session_is_told_when_it_ends() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let _held = soon(Lock::acquire(&one, "/locks/c")).await.unwrap();
    let waiting = two.clone();
    let waiter = tokio::spawn(async move {
        let locks = PATHS.map(|path| Lock::builder(path).across_sessions(false));
        MultiLock::of(&waiting, locks).acquire().await
    });
    lines(&one, [1, 1, 2]).await;
    expire(&server, &two);
    let error = soon(waiter).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::SessionLost { .. }), "{error}");
    lines(&one, [0, 0, 1]).await;
}

#[tokio::test]
async fn dropped_at_any_step_it_leaves_nothing() {
    let server = server().await;
    let observer = client(&server).await;
    soon(soon(MultiLock::new(&observer, PATHS).acquire()).await.unwrap().release()).await.unwrap();
    // A place in line and a list for each of them.
    for step in 0..6 {
        let proxy = Proxy::start(server.addr()).await;
        let client = connect(&proxy.connect_string()).await;
        proxy.hold_nth_reply(step);
        let acquiring = tokio::spawn({
            let client = client.clone();
            async move { MultiLock::new(&client, PATHS).acquire().await }
        });
        proxy.triggered(1).await;
        acquiring.abort();
        drop(soon(acquiring).await);
        proxy.release();
        lines(&observer, [0, 0, 0]).await;
        assert!(client.exists("/").await.unwrap().is_some());
        assert_eq!(client.session_epoch(), 1, "nodes went by themselves");
    }
}

#[tokio::test]
async fn free_locks_cost_what_each_costs_and_are_given_back_at_once() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let locks = MultiLock::new(&client, PATHS);
    soon(soon(locks.acquire()).await.unwrap().release()).await.unwrap();
    let before = proxy.requests();
    let guard = soon(locks.acquire()).await.unwrap();
    until(|| async { proxy.requests() - before == 9 }).await;
    // No reply to the first delete comes until the others are asked for.
    proxy.hold_nth_reply(0);
    let releasing = tokio::spawn(guard.release());
    until(|| async { proxy.requests() - before == 12 }).await;
    proxy.release();
    soon(releasing).await.unwrap().unwrap();
    assert_eq!(proxy.requests() - before, 12, "create, list, own node and delete for each");
}
