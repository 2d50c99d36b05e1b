//! Sessions that end: by a close, by silence, by someone who took them over.

use std::time::Duration;

use futures_util::StreamExt;
use tests::{Target, with_short_session, within};
use zk_client::{Client, CreateMode, Error, SessionState};

async fn short_lived(
    target: &Target,
    proxy: &tests::CuttingProxy,
    session: Duration,
    renew: bool,
) -> Client {
    let builder = target.builder_through(proxy).session_timeout(session);
    within("a session", builder.renew_expired_session(renew).connect()).await.unwrap()
}

/// Cuts the client off until the server has ended its session; `None` if it ended before.
async fn expire(target: &Target, client: &Client, proxy: &tests::CuttingProxy) -> Option<()> {
    let observer = target.client().await;
    let witness = client.create("/witness-", b"", CreateMode::EphemeralSequential).await.ok()?;
    let (stat, gone) = observer.exists(&witness.path).watch().await.unwrap();
    stat?;
    proxy.refuse();
    within("the server ends a silent session", gone).await.unwrap();
    observer.close().await.unwrap();
    Some(())
}

#[tokio::test]
async fn a_silent_session_expires_and_a_new_one_takes_its_place() {
    with_short_session(async |session| {
        let target = Target::start().await;
        let proxy = target.proxy().await;
        let client = short_lived(&target, &proxy, session, true).await;
        let (old, epoch) = (client.session_id()?, client.session_epoch());
        let ended = client.session_ended(epoch);
        let mut states = std::pin::pin!(client.states());
        (states.next().await == Some(SessionState::Connected)).then_some(())?;
        expire(&target, &client, &proxy).await?;
        proxy.heal();
        within("the old session's end is told", ended).await;
        within("expiry is a state of its own", async {
            while states.next().await.unwrap() != SessionState::Expired {}
            while states.next().await.unwrap() != SessionState::Connected {}
        })
        .await;
        assert_ne!(client.session_id()?, old);
        assert!(client.session_epoch() > epoch);
        client.create("/e", b"", CreateMode::Ephemeral).await.ok()?;
        Some(())
    })
    .await;
}

#[tokio::test]
async fn expiry_ends_watches_and_nothing_of_the_old_session_is_left() {
    with_short_session(async |session| {
        let target = Target::start().await;
        let proxy = target.proxy().await;
        let client = short_lived(&target, &proxy, session, true).await;
        client.create("/e", b"", CreateMode::Ephemeral).await.ok()?;
        let (_, watch) = client.exists("/never").watch().await.ok()?;
        expire(&target, &client, &proxy).await?;
        proxy.heal();
        let error = within("the watch is told", watch).await.unwrap_err();
        assert!(matches!(error, Error::SessionExpired), "{error}");
        assert_eq!(within("a read", client.exists("/e")).await.ok()?, None);
        Some(())
    })
    .await;
}

#[tokio::test]
async fn a_client_that_does_not_renew_is_over_when_its_session_is() {
    with_short_session(async |session| {
        let target = Target::start().await;
        let proxy = target.proxy().await;
        let client = short_lived(&target, &proxy, session, false).await;
        expire(&target, &client, &proxy).await?;
        proxy.heal();
        let mut states = std::pin::pin!(client.states());
        within("the end is told", async {
            while states.next().await.is_some_and(|state| state != SessionState::Expired) {}
        })
        .await;
        let error = within("a request", client.get("/")).await.unwrap_err();
        assert!(matches!(error, Error::SessionExpired | Error::Closed), "{error}");
        Some(())
    })
    .await;
}

#[tokio::test]
async fn an_idle_session_is_kept_alive_by_pings() {
    with_short_session(async |session| {
        let target = Target::start().await;
        let proxy = target.proxy().await;
        let idle = target.builder().session_timeout(session).connect().await.unwrap();
        let created = idle.create("/idle", b"", CreateMode::Ephemeral).await.ok()?;
        // Another session of the same timeout falls silent; when it has expired, the idle one,
        // which has been as quiet for as long, would have too.
        let silent = short_lived(&target, &proxy, session, true).await;
        for _ in 0..2 {
            // Asked for now: by its own clock the client may know before the server does.
            let over = silent.session_ended(silent.session_epoch());
            expire(&target, &silent, &proxy).await?;
            proxy.heal();
            within("the silent one learns of it", over).await;
            within("it comes back", silent.sync("/")).await.ok()?;
        }
        let observer = target.client().await;
        (observer.exists("/idle").await.unwrap() == Some(created.stat)).then_some(())?;
        Some(())
    })
    .await;
}

#[tokio::test]
async fn a_closed_client_leaves_nothing_and_says_so() {
    let target = Target::start().await;
    let (client, observer) = (target.client().await, target.client().await);
    client.create("/e", b"", CreateMode::Ephemeral).await.unwrap();
    let clone = client.clone();
    client.close().await.unwrap();
    assert_eq!(observer.exists("/e").await.unwrap(), None);
    assert_eq!(clone.state(), SessionState::Closed);
    let error = clone.get("/").await.unwrap_err();
    assert!(matches!(error, Error::Closed), "{error}");
    clone.close().await.unwrap();
}

#[tokio::test]
async fn the_last_clone_dropped_closes_the_session() {
    let target = Target::start().await;
    let (client, observer) = (target.client().await, target.client().await);
    client.create("/e", b"", CreateMode::Ephemeral).await.unwrap();
    let (_, gone) = observer.exists("/e").watch().await.unwrap();
    drop(client);
    within("the session is closed", gone).await.unwrap();
}
