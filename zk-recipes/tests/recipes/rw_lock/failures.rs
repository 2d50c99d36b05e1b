//! Sessions, servers and operators that get in the way.

use std::time::{Duration, Instant};

use zk_recipes::{Error, HoldState, LostReason, Released};

use super::{PATH, lock, reader, writer};
use crate::support::{
    Proxy, children, client, connect_for, expire, server, soon, until, with_short_session,
};

#[tokio::test]
async fn holders_whose_session_expires_have_lost() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let old = soon(lock(&one).write()).await.unwrap();
    let reading = reader(&lock(&two), &two, 2).await;
    let (lost, cancelled) = (old.lost(), old.cancellation());
    expire(&server, &one);
    assert_eq!(soon(lost).await, LostReason::SessionExpired);
    soon(cancelled.cancelled()).await;
    assert_eq!(old.state(), HoldState::Lost(LostReason::SessionExpired));
    let read = soon(reading).await.unwrap().unwrap();
    assert!(read.fencing_token() > old.fencing_token());
    // The old guard stays lost in the next session, and its release harms nobody.
    until(|| async { one.is_connected() }).await;
    assert!(!old.is_held());
    assert_eq!(soon(old.release()).await.unwrap(), Released::SessionEnded);
    assert!(read.is_held());

    let writing = writer(&lock(&one), &one, 2).await;
    expire(&server, &two);
    assert_eq!(soon(read.lost()).await, LostReason::SessionExpired);
    assert!(soon(writing).await.unwrap().unwrap().is_held());
}

#[tokio::test]
async fn waiters_whose_session_expires_wait_on_at_the_tail() {
    let server = server().await;
    let (holder, waiter) = (client(&server).await, client(&server).await);
    let guard = soon(lock(&holder).write()).await.unwrap();
    let reading = reader(&lock(&waiter), &holder, 2).await;
    let writing = writer(&lock(&waiter), &holder, 3).await;
    let before = children(&holder, PATH).await;
    expire(&server, &waiter);
    until(|| async {
        let line = children(&holder, PATH).await;
        line.len() == 3 && !line.contains(&before[1]) && !line.contains(&before[2])
    })
    .await;
    soon(guard.release()).await.unwrap();
    // They may have changed places.
    let release_both = async {
        let read = async { reading.await.unwrap().unwrap().release().await.unwrap() };
        let write = async { writing.await.unwrap().unwrap().release().await.unwrap() };
        tokio::join!(read, write)
    };
    assert_eq!(soon(release_both).await, (Released::Released, Released::Released));
}

#[tokio::test]
async fn a_waiter_bound_to_its_session_is_told_when_that_ends() {
    let server = server().await;
    let (holder, waiter) = (client(&server).await, client(&server).await);
    let _guard = soon(lock(&holder).write()).await.unwrap();
    let bound = lock(&waiter).across_sessions(false);
    let reading = reader(&bound, &holder, 2).await;
    expire(&server, &waiter);
    let error = soon(reading).await.unwrap().unwrap_err();
    assert_eq!(error, Error::SessionLost { path: PATH.to_owned() });
}

#[tokio::test]
async fn a_cut_costs_neither_the_lock_nor_the_place_in_line() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let guard = soon(lock(&one).read()).await.unwrap();
    let writing = writer(&lock(&two), &one, 2).await;
    let reading = reader(&lock(&two), &one, 3).await;
    let line = children(&one, PATH).await;
    for _ in 0..3 {
        assert_eq!(server.drop_connections(), 2);
        until(|| async { server.connection_count() == 2 && one.exists("/locks").await.is_ok() })
            .await;
        assert_eq!(children(&one, PATH).await, line);
        assert!(guard.is_held() && !writing.is_finished() && !reading.is_finished());
    }
    soon(guard.release()).await.unwrap();
    let written = soon(writing).await.unwrap().unwrap();
    assert!(written.path().ends_with(&line[1]));
    soon(written.release()).await.unwrap();
    assert!(soon(reading).await.unwrap().unwrap().path().ends_with(&line[2]));
}

#[tokio::test]
async fn a_restarted_server_finds_holders_and_waiters_where_they_were() {
    let mut server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let guard = soon(lock(&one).read()).await.unwrap();
    let writing = writer(&lock(&two), &one, 2).await;
    server.stop().await;
    until(|| async { guard.state() == HoldState::Unsure }).await;
    assert!(guard.is_held(), "the session still lives as far as anybody knows");
    server.restart().await.unwrap();
    until(|| async { guard.state() == HoldState::Held }).await;
    assert_eq!(soon(guard.release()).await.unwrap(), Released::Released);
    assert!(soon(writing).await.unwrap().unwrap().is_held());
}

#[tokio::test]
async fn holders_whose_node_is_deleted_have_lost() {
    let server = server().await;
    let (holder, operator) = (client(&server).await, client(&server).await);
    let guard = soon(lock(&holder).read()).await.unwrap();
    let writing = writer(&lock(&holder), &operator, 2).await;
    operator.delete(guard.path()).await.unwrap();
    assert_eq!(soon(guard.lost()).await, LostReason::NodeDeleted);
    assert_eq!(soon(guard.release()).await.unwrap(), Released::AlreadyGone);
    let guard = soon(writing).await.unwrap().unwrap();
    operator.set(guard.path(), b"hello").await.unwrap();
    operator.delete(guard.path()).await.unwrap();
    assert_eq!(soon(guard.lost()).await, LostReason::NodeDeleted);
    assert!(!guard.is_held());
}

#[tokio::test]
async fn waiters_whose_node_is_deleted_get_in_line_again() {
    let server = server().await;
    let (holder, waiter) = (client(&server).await, client(&server).await);
    let guard = soon(lock(&holder).write()).await.unwrap();
    let reading = reader(&lock(&waiter), &holder, 2).await;
    let line = children(&holder, PATH).await;
    holder.delete(&format!("{PATH}/{}", line[1])).await.unwrap();
    soon(guard.release()).await.unwrap();
    assert!(soon(reading).await.unwrap().unwrap().is_held());
}

#[tokio::test]
async fn a_directory_that_is_deleted_with_everybody_in_it_is_made_again() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let guard = soon(lock(&one).write()).await.unwrap();
    let reading = reader(&lock(&two), &one, 2).await;
    one.delete_recursive("/locks").await.unwrap();
    assert_eq!(soon(guard.lost()).await, LostReason::NodeDeleted);
    let read = soon(reading).await.unwrap().unwrap();
    assert!(read.is_held());
    assert_eq!(soon(guard.release()).await.unwrap(), Released::AlreadyGone);
    soon(read.release()).await.unwrap();
    one.delete("/locks/x").await.unwrap();
    soon(soon(lock(&one).read()).await.unwrap().release()).await.unwrap();
}

#[tokio::test]
async fn a_holder_that_hears_nothing_for_the_session_timeout_has_lost() {
    with_short_session(async |session| {
        let server = server().await;
        let observer = client(&server).await;
        let proxy = Proxy::start(server.addr()).await;
        let client = connect_for(&proxy.connect_string(), session).await;
        let guard = soon(lock(&client).read()).await.ok()?;
        proxy.swallow();
        // Nobody could tell, if not before.
        (soon(guard.lost()).await == LostReason::DeadlinePassed).then_some(())?;
        assert!(!guard.is_held());
        // The next one comes in no earlier than that.
        let next = soon(lock(&observer).write()).await.unwrap();
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
        let guard = soon(lock(&client).write()).await.ok()?;
        guard.is_held().then_some(())?;
        // The one thread of this runtime is kept busy, so no task of the client or the recipe runs.
        while client.session_deadline().is_some_and(|deadline| Instant::now() < deadline) {
            std::hint::spin_loop();
        }
        assert!(!guard.is_held());
        let error = soon(guard.downgrade()).await.unwrap_err();
        let reason = LostReason::DeadlinePassed;
        assert_eq!(error, Error::NotHeld { path: PATH.to_owned(), reason });
        Some(())
    })
    .await;
}

#[tokio::test]
async fn a_cautious_holder_lets_go_when_the_connection_breaks() {
    let server = server().await;
    let (cautious, other) = (client(&server).await, client(&server).await);
    let lock_of_cautious = lock(&cautious).let_go_when_suspended(true);
    let guard = soon(soon(lock_of_cautious.write()).await.unwrap().downgrade()).await.unwrap();
    server.drop_connections();
    assert_eq!(soon(guard.lost()).await, LostReason::Suspended);
    let _next = soon(lock(&other).write()).await.unwrap();
    assert!(!guard.is_held());
}

#[tokio::test]
async fn a_runtime_that_is_shut_down_leaves_the_rest_to_the_session_timeout() {
    let server = server().await;
    let observer = client(&server).await;
    let connect_string = server.connect_string();
    let elsewhere = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let guard = runtime.block_on(async {
            let client = connect_for(&connect_string, Duration::from_millis(600)).await;
            soon(lock(&client).write()).await.unwrap()
        });
        drop(runtime);
        // Nothing can be done any more, and nothing panics.
        drop(guard);
    });
    tokio::task::spawn_blocking(move || elsewhere.join().unwrap()).await.unwrap();
    soon(soon(lock(&observer).write()).await.unwrap().release()).await.unwrap();
}
