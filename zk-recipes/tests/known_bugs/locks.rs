//! Locks that were left behind, and watches.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zk_client::{Acl, CreateMode, Error as ClientError, Permissions};
use zk_recipes::{Error, Lock, Released};
use zk_server::testing::TestServer;

use crate::support::{Op, Proxy, children, client, connect, server, soon, until, until_children};

/// CURATOR-264: the clean-up put the namespace in front of a path that had it already.
#[tokio::test]
async fn what_is_cleaned_up_below_a_chroot_is_the_own_node() {
    let server = server().await;
    let observer = client(&server).await;
    observer.ensure_path("/app/deep").await.unwrap();
    let proxy = Proxy::start(server.addr()).await;
    let app = connect(&format!("{}/app", proxy.connect_string())).await;
    let deep = app.in_chroot("/deep").unwrap();
    let views = [(app, "/app/locks/x"), (deep, "/app/deep/locks/x")];
    for (round, (client, directory)) in views.into_iter().enumerate() {
        // The directory is there from the first time.
        let guard = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
        soon(guard.release()).await.unwrap();
        proxy.lose_reply(Op::Create);
        let waiting = client.clone();
        let acquiring = tokio::spawn(async move { Lock::acquire(&waiting, "/locks/x").await });
        proxy.triggered(round + 1).await;
        acquiring.abort();
        until_children(&observer, directory, 0).await;

        let guard = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
        assert_eq!(children(&observer, directory).await.len(), 1);
        drop(guard);
        until_children(&observer, directory, 0).await;
    }
}

/// CURATOR-678: a release whose connection broke left the node, while the process believed that it
/// held no longer: its next acquire waited for itself.
#[tokio::test]
async fn a_release_that_is_cut_off_does_not_stand_in_the_way_of_the_next_acquire() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let guard = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
    let first = guard.fencing_token();

    proxy.lose_request(Op::Delete);
    let releasing = tokio::spawn(guard.release());
    let next = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
    proxy.triggered(1).await;
    assert_eq!(soon(releasing).await.unwrap().unwrap(), Released::Released);
    assert!(next.is_held() && next.fencing_token() > first);
    assert_eq!(children(&observer, "/locks/x").await.len(), 1);
}

/// kazoo #732: an attempt that did not wait left its node if the connection broke while it cleaned
/// up, and that node then blocked everybody.
#[tokio::test]
async fn a_try_whose_clean_up_is_cut_off_leaves_no_contender() {
    let server = server().await;
    let near = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let far = connect(&proxy.connect_string()).await;
    let holder = soon(Lock::acquire(&near, "/locks/x")).await.unwrap();
    let lose: [fn(&Proxy); 3] = [
        |proxy| proxy.lose_request(Op::Delete),
        |proxy| proxy.lose_reply(Op::Delete),
        |proxy| proxy.lose_reply(Op::GetChildren),
    ];
    for (round, lose) in lose.into_iter().enumerate() {
        lose(&proxy);
        assert!(soon(Lock::try_acquire(&far, "/locks/x")).await.unwrap().is_none());
        proxy.triggered(round + 1).await;
        until_children(&near, "/locks/x", 1).await;
    }
    soon(holder.release()).await.unwrap();
    assert!(soon(Lock::try_acquire(&far, "/locks/x")).await.unwrap().is_some());
}

/// zk-ruby #49, aiozk #34 and #48, vitess #15756: an attempt whose time was up left its node, or
/// cleaned up in a context that was over, too.
#[tokio::test]
async fn an_attempt_whose_time_is_up_while_it_is_cut_off_leaves_no_node() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    soon(soon(Lock::acquire(&client, "/locks/x")).await.unwrap().release()).await.unwrap();

    // The server makes the node, and nobody hears of it in time.
    proxy.hold_reply(Op::Create);
    let limit = Duration::from_millis(500);
    let late = soon(Lock::acquire_timeout(&client, "/locks/x", limit)).await;
    assert!(matches!(late, Err(Error::TimedOut { .. })), "{late:?}");
    proxy.cut();
    until_children(&observer, "/locks/x", 0).await;
    drop(soon(Lock::acquire(&client, "/locks/x")).await.unwrap());
}

/// Go PR #67: each error on the way left the node that was made before it.
#[tokio::test]
async fn an_acquire_that_is_refused_half_way_leaves_no_node() {
    let server = server().await;
    let client = client(&server).await;
    let no_read = Permissions::CREATE | Permissions::DELETE | Permissions::ADMIN;
    let acl = [Acl::new(no_read, "world", "anyone")];
    client.create("/x", b"", CreateMode::Persistent).acl(acl).await.unwrap();

    let refused = soon(Lock::acquire(&client, "/x")).await;
    assert!(matches!(refused, Err(Error::Client(ClientError::NoAuth { .. }))), "{refused:?}");
    client.set_acl("/x", Acl::open()).await.unwrap();
    until_children(&client, "/x", 0).await;
    assert!(soon(Lock::try_acquire(&client, "/x")).await.unwrap().is_some());
}

/// kazoo 9b0a793: whoever asked by `exists` for a predecessor that was gone by then left a watch for
/// a node that nobody makes again.
#[tokio::test]
async fn a_predecessor_that_vanishes_at_the_wrong_moment_leaves_no_watch() {
    let server = server().await;
    let near = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let far = connect(&proxy.connect_string()).await;
    let first = soon(Lock::acquire(&near, "/locks/x")).await.unwrap();

    // The second in line is shown a line whose first is gone when it comes to watch it.
    proxy.hold_reply(Op::GetChildren);
    let waiting = far.clone();
    let acquiring = tokio::spawn(async move { Lock::acquire(&waiting, "/locks/x").await });
    proxy.triggered(1).await;
    soon(first.release()).await.unwrap();
    proxy.release();
    let second = soon(acquiring).await.unwrap().unwrap();
    soon(second.release()).await.unwrap();
    until(|| async { watch_count(&server).await == 0 }).await;
    assert!(far.is_connected(), "no watch went with its session");
}

/// The server's count of watches.
async fn watch_count(server: &TestServer) -> usize {
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(b"mntr").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let line = text.lines().find(|line| line.starts_with("zk_watch_count")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
