//! Who stands in line, and asking the one who holds to let go.

use zk_client::{Acl, CreateMode, Error as ClientError};
use zk_recipes::{Error, Lock};

use crate::support::{Op, Proxy, client, connect, expire, server, soon, until, until_children};

#[tokio::test]
async fn contenders_are_listed_in_the_order_of_the_line() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    assert!(soon(Lock::contenders(&one, "/locks/x")).await.unwrap().is_empty());
    let first = Lock::builder("/locks/x").data(&b"node-1"[..]);
    let guard = soon(first.acquire(&one)).await.unwrap();
    let waiting = two.clone();
    let waiter = tokio::spawn(async move {
        Lock::builder("/locks/x").data(&b"node-2"[..]).acquire(&waiting).await
    });
    until_children(&one, "/locks/x", 2).await;
    // No contender.
    one.create("/locks/x/note", b"", CreateMode::Persistent).await.unwrap();

    let line = soon(Lock::contenders(&two, "/locks/x")).await.unwrap();
    assert_eq!(line.iter().map(|one| one.id()).collect::<Vec<_>>(), ["node-1", "node-2"]);
    assert_eq!(line[0].path(), guard.path());
    assert_eq!(line[0].fencing_token(), guard.fencing_token());
    assert_eq!(line[0].data(), "node-1");
    assert_eq!(Some(line[1].session_id()), two.session_id());
    soon(guard.release()).await.unwrap();
    let guard = soon(waiter).await.unwrap().unwrap();
    assert_eq!(line[1].fencing_token(), guard.fencing_token());
}

#[tokio::test]
async fn a_contender_that_vanishes_while_it_is_read_is_left_out() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (holder, observer) = (client(&server).await, connect(&proxy.connect_string()).await);
    let first = soon(Lock::acquire(&holder, "/locks/x")).await.unwrap();
    let waiting = holder.clone();
    let second = tokio::spawn(async move { Lock::acquire(&waiting, "/locks/x").await });
    until_children(&holder, "/locks/x", 2).await;
    // Between the list and the reads.
    proxy.hold_reply(Op::GetChildren);
    let listing = tokio::spawn(async move { Lock::contenders(&observer, "/locks/x").await });
    proxy.triggered(1).await;
    soon(first.release()).await.unwrap();
    let second = soon(second).await.unwrap().unwrap();
    proxy.release();
    let line = soon(listing).await.unwrap().unwrap();
    assert_eq!(line.len(), 1);
    assert_eq!(line[0].path(), second.path());
}

#[tokio::test]
async fn a_holder_is_told_that_it_is_asked_to_let_go_and_need_not() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    for word in ["__REVOKE__", "unlock"] {
        let guard = soon(Lock::acquire(&one, "/locks/x")).await.unwrap();
        let asked = tokio::spawn(guard.revoke_requested());
        let holder = soon(Lock::contenders(&two, "/locks/x")).await.unwrap().remove(0);
        // Anything else is no request.
        two.set(holder.path(), b"hello").await.unwrap();
        if word == "unlock" {
            two.set(holder.path(), b"unlock").await.unwrap();
        } else {
            assert!(soon(holder.revoke(&two)).await.unwrap());
            assert_eq!(two.get(holder.path()).await.unwrap().0, word);
        }
        assert!(soon(asked).await.unwrap());
        assert!(soon(guard.revoke_requested()).await, "it stays asked for");
        assert!(guard.is_held(), "that is the holder's to decide");
        soon(guard.release()).await.unwrap();
        assert!(!soon(holder.revoke(&two)).await.unwrap(), "it is gone");
        assert!(!soon(Lock::revoke(&two, holder.path())).await.unwrap());
    }
}

#[tokio::test]
async fn a_waiter_that_was_asked_knows_as_soon_as_it_holds() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let first = soon(Lock::acquire(&one, "/locks/x")).await.unwrap();
    let waiter = tokio::spawn(async move { Lock::acquire(&two, "/locks/x").await });
    until_children(&one, "/locks/x", 2).await;
    let line = soon(Lock::contenders(&one, "/locks/x")).await.unwrap();
    assert!(soon(Lock::revoke(&one, line[1].path())).await.unwrap());
    assert!(!waiter.is_finished());
    soon(first.release()).await.unwrap();
    let second = soon(waiter).await.unwrap().unwrap();
    assert!(soon(second.revoke_requested()).await);
}

#[tokio::test]
async fn whoever_loses_the_lock_is_not_asked_any_more() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    soon(soon(Lock::acquire(&client, "/locks/x")).await.unwrap().release()).await.unwrap();
    // The own data is no request, whatever it says.
    let builder = Lock::builder("/locks/x").data(&b"unlock"[..]);
    let before = proxy.requests();
    let guard = soon(builder.acquire(&client)).await.unwrap();
    let asked = tokio::spawn(guard.revoke_requested());
    // In line, a list, and the read of the own node, which an answer behind it shows to be over.
    until(|| async { proxy.requests() - before >= 3 }).await;
    client.exists("/").await.unwrap();
    expire(&server, &client);
    assert!(!soon(asked).await.unwrap());
    let guard = soon(builder.acquire(&client)).await.unwrap();
    let asked = guard.revoke_requested();
    soon(guard.release()).await.unwrap();
    assert!(!soon(asked).await);
}

#[tokio::test]
async fn asking_takes_the_right_to_write_and_survives_a_lost_reply() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (holder, asking) = (client(&server).await, connect(&proxy.connect_string()).await);
    let builder = Lock::builder("/locks/x").acl(Acl::read_only());
    let guard = soon(builder.acquire(&holder)).await.unwrap();
    let error = soon(Lock::revoke(&asking, guard.path())).await.unwrap_err();
    assert!(matches!(error, Error::Client(ClientError::NoAuth { .. })), "{error}");
    soon(guard.release()).await.unwrap();

    let guard = soon(Lock::acquire(&holder, "/locks/x")).await.unwrap();
    proxy.lose_nth_reply(0);
    assert!(soon(Lock::revoke(&asking, guard.path())).await.unwrap());
    assert!(proxy.has_triggered());
    assert!(soon(guard.revoke_requested()).await);
}
