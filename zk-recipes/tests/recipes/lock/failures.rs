//! Sessions, servers and operators that get in the way.

use std::time::Instant;

use zk_recipes::{Error, HoldState, Lock, LostReason, Released};

use crate::support::{
    Proxy, children, client, connect_for, expire, server, soon, until, until_children,
    with_short_session,
};

#[tokio::test]
async fn a_holder_whose_session_expires_has_lost_and_the_next_has_a_larger_token() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let old = soon(Lock::acquire(&one, "/locks/x")).await.unwrap();
    let next = tokio::spawn(async move { Lock::acquire(&two, "/locks/x").await });
    until_children(&one, "/locks/x", 2).await;
    let (lost, cancelled) = (old.lost(), old.cancellation());

    expire(&server, &one);
    assert_eq!(soon(lost).await, LostReason::SessionExpired);
    soon(cancelled.cancelled()).await;
    assert!(!old.is_held());
    assert_eq!(old.state(), HoldState::Lost(LostReason::SessionExpired));
    let new = soon(next).await.unwrap().unwrap();
    assert!(new.is_held());
    assert!(new.fencing_token() > old.fencing_token());

    // The old guard stays lost in the next session, and its release harms nobody.
    until(|| async { one.is_connected() }).await;
    assert!(!old.is_held());
    assert_eq!(soon(old.release()).await.unwrap(), Released::SessionEnded);
    assert!(new.is_held());
}

#[tokio::test]
async fn a_waiter_whose_session_expires_waits_on_at_the_tail() {
    let server = server().await;
    let (holder, waiter) = (client(&server).await, client(&server).await);
    let guard = soon(Lock::acquire(&holder, "/locks/x")).await.unwrap();
    let waiting = waiter.clone();
    let acquiring = tokio::spawn(async move { Lock::acquire(&waiting, "/locks/x").await });
    until_children(&holder, "/locks/x", 2).await;
    let before = children(&holder, "/locks/x").await;

    expire(&server, &waiter);
    until(|| async {
        let line = children(&holder, "/locks/x").await;
        line.len() == 2 && line[1] != before[1]
    })
    .await;
    soon(guard.release()).await.unwrap();
    let guard = soon(acquiring).await.unwrap().unwrap();
    assert!(guard.is_held());
    assert_eq!(Some(guard.session_id()), waiter.session_id());
}

#[tokio::test]
async fn a_waiter_bound_to_its_session_is_told_when_that_ends() {
    let server = server().await;
    let (holder, waiter) = (client(&server).await, client(&server).await);
    let _guard = soon(Lock::acquire(&holder, "/locks/x")).await.unwrap();
    let waiting = waiter.clone();
    let acquiring = tokio::spawn(async move {
        Lock::builder("/locks/x").across_sessions(false).acquire(&waiting).await
    });
    until_children(&holder, "/locks/x", 2).await;
    expire(&server, &waiter);
    let error = soon(acquiring).await.unwrap().unwrap_err();
    assert_eq!(error, Error::SessionLost { path: "/locks/x".to_owned() });
}

#[tokio::test]
async fn a_cut_costs_neither_the_lock_nor_the_place_in_line() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let guard = soon(Lock::acquire(&one, "/locks/x")).await.unwrap();
    let waiting = two.clone();
    let acquiring = tokio::spawn(async move { Lock::acquire(&waiting, "/locks/x").await });
    until_children(&one, "/locks/x", 2).await;
    let line = children(&one, "/locks/x").await;

    for _ in 0..3 {
        assert_eq!(server.drop_connections(), 2);
        until(|| async { server.connection_count() == 2 && one.exists("/locks").await.is_ok() })
            .await;
        assert_eq!(children(&one, "/locks/x").await, line);
        assert!(guard.is_held());
    }
    soon(guard.release()).await.unwrap();
    assert!(soon(acquiring).await.unwrap().unwrap().path().ends_with(&line[1]));
}

#[tokio::test]
async fn a_restarted_server_finds_holder_and_waiter_where_they_were() {
    let mut server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let guard = soon(Lock::acquire(&one, "/locks/x")).await.unwrap();
    let waiting = two.clone();
    let acquiring = tokio::spawn(async move { Lock::acquire(&waiting, "/locks/x").await });
    until_children(&one, "/locks/x", 2).await;

    server.stop().await;
    until(|| async { guard.state() == HoldState::Unsure }).await;
    assert!(guard.is_held(), "the session still lives as far as anybody knows");
    server.restart().await.unwrap();
    until(|| async { guard.state() == HoldState::Held }).await;
    assert_eq!(soon(guard.release()).await.unwrap(), Released::Released);
    assert!(soon(acquiring).await.unwrap().unwrap().is_held());
}

#[tokio::test]
async fn a_holder_whose_node_is_deleted_has_lost() {
    let server = server().await;
    let (holder, operator) = (client(&server).await, client(&server).await);
    let guard = soon(Lock::acquire(&holder, "/locks/x")).await.unwrap();
    operator.delete(guard.path()).await.unwrap();
    assert_eq!(soon(guard.lost()).await, LostReason::NodeDeleted);
    assert!(!guard.is_held());
    assert_eq!(soon(guard.release()).await.unwrap(), Released::AlreadyGone);
}

#[tokio::test]
async fn a_holder_whose_data_is_changed_still_holds() {
    let server = server().await;
    let (holder, operator) = (client(&server).await, client(&server).await);
    let guard = soon(Lock::acquire(&holder, "/locks/x")).await.unwrap();
    for version in 0..3 {
        operator.set(guard.path(), b"hello").version(version).await.unwrap();
    }
    assert!(guard.is_held());
    operator.delete(guard.path()).await.unwrap();
    assert_eq!(soon(guard.lost()).await, LostReason::NodeDeleted);
}

#[tokio::test]
async fn a_waiter_whose_node_is_deleted_gets_in_line_again() {
    let server = server().await;
    let (holder, waiter) = (client(&server).await, client(&server).await);
    let guard = soon(Lock::acquire(&holder, "/locks/x")).await.unwrap();
    let acquiring = tokio::spawn(async move { Lock::acquire(&waiter, "/locks/x").await });
    until_children(&holder, "/locks/x", 2).await;
    let line = children(&holder, "/locks/x").await;
    holder.delete(&format!("/locks/x/{}", line[1])).await.unwrap();
    soon(guard.release()).await.unwrap();
    assert!(soon(acquiring).await.unwrap().unwrap().is_held());
}

#[tokio::test]
async fn a_directory_that_was_swept_is_made_again() {
    let server = server().await;
    let client = client(&server).await;
    for _ in 0..3 {
        let guard = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
        soon(guard.release()).await.unwrap();
        client.delete("/locks/x").await.unwrap();
        client.delete("/locks").await.unwrap();
    }
}

#[tokio::test]
async fn a_holder_that_hears_nothing_for_the_session_timeout_has_lost() {
    with_short_session(async |session| {
        let server = server().await;
        let observer = client(&server).await;
        let proxy = Proxy::start(server.addr()).await;
        let client = connect_for(&proxy.connect_string(), session).await;
        let guard = soon(Lock::acquire(&client, "/locks/x")).await.ok()?;
        proxy.swallow();
        // Nobody could tell, if not before.
        (soon(guard.lost()).await == LostReason::DeadlinePassed).then_some(())?;
        assert!(!guard.is_held());
        // The next one comes in no earlier than that.
        let next = soon(Lock::acquire(&observer, "/locks/x")).await.unwrap();
        assert!(next.fencing_token() > guard.fencing_token());
        Some(())
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_process_that_was_paused_knows_as_soon_as_it_looks() {
    with_short_session(async |session| {
        let server = server().await;
        let client = connect_for(&server.connect_string(), session).await;
        let guard = soon(Lock::acquire(&client, "/locks/x")).await.ok()?;
        guard.is_held().then_some(())?;
        // The one thread of this runtime is kept busy, so no task of the client or the recipe runs.
        while client.session_deadline().is_some_and(|deadline| Instant::now() < deadline) {
            std::hint::spin_loop();
        }
        assert!(!guard.is_held());
        assert_eq!(guard.state(), HoldState::Lost(LostReason::DeadlinePassed));
        assert!(guard.cancellation().is_cancelled());
        Some(())
    })
    .await;
}

#[tokio::test]
async fn a_cautious_holder_lets_go_when_the_connection_breaks() {
    let server = server().await;
    let (cautious, other) = (client(&server).await, client(&server).await);
    let builder = Lock::builder("/locks/x").let_go_when_suspended(true);
    let guard = soon(builder.acquire(&cautious)).await.unwrap();
    server.drop_connections();
    assert_eq!(soon(guard.lost()).await, LostReason::Suspended);
    let _next = soon(Lock::acquire(&other, "/locks/x")).await.unwrap();
    assert!(!guard.is_held());
}
