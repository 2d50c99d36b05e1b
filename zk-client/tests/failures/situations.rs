//! One function for each row of the table.

use std::time::Duration;

use futures_util::StreamExt;
use zk_client::{ClientBuilder, Error, ErrorCode};

use crate::asked::{Asked, NOTHING, PATIENCE, World, within};
use crate::refusing;

/// Long enough to write something to a socket, short enough to wait for.
const SHORT: Duration = Duration::from_millis(300);

fn plain(builder: ClientBuilder) -> ClientBuilder {
    // No stall of a busy machine ends the session, or the wait for its close.
    builder.session_timeout(Duration::from_secs(20)).close_timeout(PATIENCE)
}

fn short_lived(builder: ClientBuilder) -> ClientBuilder {
    builder.session_timeout(SHORT)
}

fn requests_only(fates: [String; 4]) -> [String; 6] {
    let [read, write, create, multi] = fates;
    [read, write, create, multi, NOTHING.to_owned(), NOTHING.to_owned()]
}

pub(crate) async fn not_sent() -> [String; 6] {
    let mut world = World::new(plain).await;
    world.server.stop().await;
    world.until_disconnected().await;
    let asked = Asked::of(&world.client);
    world.server.restart().await.unwrap();
    world.fates(asked).await
}

pub(crate) async fn in_flight() -> [String; 6] {
    let mut world = World::new(plain).await;
    world.server.pause();
    let asked = Asked::of(&world.client);
    world.flush().await;
    world.server.stop().await;
    world.server.restart().await.unwrap();
    world.fates(asked).await
}

pub(crate) async fn expired_unsent() -> [String; 6] {
    let mut world = World::new(short_lived).await;
    world.server.stop().await;
    world.until_disconnected().await;
    let asked = Asked::of(&world.client);
    within("expiry", world.client.session_ended(1)).await;
    world.server.restart().await.unwrap();
    world.fates(asked).await
}

pub(crate) async fn expired_in_flight() -> [String; 6] {
    let mut world = World::new(short_lived).await;
    world.server.pause();
    let asked = Asked::of(&world.client);
    within("expiry", world.client.session_ended(1)).await;
    world.server.stop().await;
    world.server.restart().await.unwrap();
    world.fates(asked).await
}

pub(crate) async fn of_a_former_session() -> [String; 6] {
    let world = World::new(plain).await;
    world.server.expire_session(world.client.session_id().unwrap());
    within("expiry", world.client.session_ended(1)).await;
    requests_only(Asked::in_session(&world.client, 1).fates().await)
}

pub(crate) async fn late_unsent() -> [String; 6] {
    let mut world = World::new(plain).await;
    world.server.stop().await;
    world.until_disconnected().await;
    requests_only(Asked::within(&world.client, SHORT).fates().await)
}

pub(crate) async fn late_in_flight() -> [String; 6] {
    let world = World::new(plain).await;
    world.server.pause();
    requests_only(Asked::within(&world.client, SHORT).fates().await)
}

pub(crate) async fn unreachable() -> [String; 6] {
    let mut world = World::new(|builder| short_lived(builder).connect_timeout(SHORT)).await;
    world.server.stop().await;
    within("expiry", world.client.session_ended(1)).await;
    requests_only(Asked::of(&world.client).fates().await)
}

pub(crate) async fn overloaded() -> [String; 6] {
    requests_only(refusing::fates(ErrorCode::ThrottledOp, true).await)
}

pub(crate) async fn read_only() -> [String; 6] {
    requests_only(refusing::fates(ErrorCode::NotReadOnly, false).await)
}

pub(crate) async fn refused() -> [String; 6] {
    let world = World::new(plain).await;
    let refusal = world.client.add_auth("no-such-scheme", b"").await;
    assert!(matches!(refusal, Err(Error::AuthFailed { .. })), "{refusal:?}");
    let asked = Asked::of(&world.client);
    world.fates(asked).await
}

pub(crate) async fn closed_after() -> [String; 6] {
    let world = World::new(plain).await;
    let asked = Asked::of(&world.client);
    within("the close", world.client.close()).await.unwrap();
    world.fates(asked).await
}

pub(crate) async fn closed_on_a_mute() -> [String; 6] {
    let mut world = World::new(|builder| plain(builder).close_timeout(SHORT)).await;
    world.server.pause();
    let asked = Asked::of(&world.client);
    world.flush().await;
    within("the close", world.client.close()).await.unwrap_err();
    world.server.stop().await;
    world.server.restart().await.unwrap();
    world.fates(asked).await
}

pub(crate) async fn closed_before() -> [String; 6] {
    let world = World::new(plain).await;
    let states = world.client.states();
    world.client.close().await.unwrap();
    within("the last state", states.count()).await;
    let asked = Asked::of(&world.client);
    world.fates(asked).await
}
