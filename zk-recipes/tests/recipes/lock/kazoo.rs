//! Locks in kazoo's layout, and in line with others' marks.

use zk_client::{Client, CreateMode};
use zk_recipes::{Lock, LockGuard};

use crate::support::{Op, Proxy, children, client, connect, server, soon, until, until_children};

const PATH: &str = "/locks/x";

async fn acquire(client: &Client) -> LockGuard {
    soon(Lock::kazoo(PATH).acquire(client)).await.unwrap()
}

/// A contender as some other library would make it.
async fn contender(client: &Client, start: &str) -> String {
    let path = format!("{PATH}/{start}");
    client.create(&path, b"host", CreateMode::EphemeralSequential).await.unwrap().path
}

#[tokio::test]
async fn names_are_kazoos() {
    let server = server().await;
    let client = client(&server).await;
    let guard = soon(Lock::kazoo(PATH).data("node-1").acquire(&client)).await.unwrap();
    let name = guard.path().strip_prefix("/locks/x/").unwrap();
    let (tag, rest) = name.split_at(32);
    assert!(tag.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{name}");
    assert_eq!(rest, "__lock__0000000000");
    assert_eq!(client.get(guard.path()).await.unwrap().0, "node-1");
    soon(guard.release()).await.unwrap();
    assert!(children(&client, PATH).await.is_empty());
}

#[tokio::test]
async fn contenders_of_kazoo_stand_in_one_line_with_these() {
    let server = server().await;
    let client = client(&server).await;
    drop(acquire(&client).await);
    let before = contender(&client, "5aa0d8f84d4b4a5c9d5e0123456789ab__lock__").await;
    let waiting = client.clone();
    let acquiring = tokio::spawn(async move { acquire(&waiting).await });
    until_children(&client, PATH, 2).await;
    assert!(soon(Lock::kazoo(PATH).try_acquire(&client)).await.unwrap().is_none());
    client.delete(&before).await.unwrap();
    let guard = soon(acquiring).await.unwrap();
    // Its readers do not hold up a plain lock, and Curator's contenders do not either.
    contender(&client, "6aa0d8f84d4b4a5c9d5e0123456789ab__rlock__").await;
    contender(&client, "_c_5aa0d8f8-4d4b-4a5c-9d5e-0123456789ab-lock-").await;
    soon(guard.release()).await.unwrap();
    assert!(soon(Lock::kazoo(PATH).try_acquire(&client)).await.unwrap().is_some());
}

#[tokio::test]
async fn extra_marks_put_both_layouts_in_one_line() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let curators = Lock::builder(PATH).extra_marks(["__lock__"]);
    let kazoos = Lock::kazoo(PATH).extra_marks(["-lock-"]);
    let guard = soon(curators.acquire(&one)).await.unwrap();
    assert!(soon(kazoos.try_acquire(&two)).await.unwrap().is_none());
    let (second, waiting) = (kazoos.clone(), two.clone());
    let second = tokio::spawn(async move { second.acquire(&waiting).await });
    until_children(&one, PATH, 2).await;
    let (third, waiting) = (curators.clone(), one.clone());
    let third = tokio::spawn(async move { third.acquire(&waiting).await });
    until_children(&one, PATH, 3).await;
    soon(guard.release()).await.unwrap();
    let guard = soon(second).await.unwrap().unwrap();
    assert!(!third.is_finished());
    soon(guard.release()).await.unwrap();
    assert!(soon(third).await.unwrap().unwrap().is_held());
}

#[tokio::test]
async fn a_create_whose_reply_is_lost_is_found_again_by_its_tag() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    soon(acquire(&client).await.release()).await.unwrap();

    proxy.lose_reply(Op::Create);
    let guard = acquire(&client).await;
    proxy.triggered(1).await;
    let line = children(&observer, PATH).await;
    assert_eq!(line.len(), 1, "there is no second node: {line:?}");
    assert!(guard.path().ends_with(&line[0]));
    soon(guard.release()).await.unwrap();

    proxy.lose_reply(Op::Create);
    let waiting = client.clone();
    let acquiring = tokio::spawn(async move { acquire(&waiting).await });
    proxy.triggered(2).await;
    acquiring.abort();
    let _ = soon(acquiring).await;
    until_children(&observer, PATH, 0).await;
}

#[tokio::test]
async fn it_costs_what_the_other_layout_costs() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    soon(acquire(&client).await.release()).await.unwrap();
    let before = proxy.requests();
    let guard = acquire(&client).await;
    until(|| async { proxy.requests() - before == 3 }).await;
    soon(guard.release()).await.unwrap();
    assert_eq!(proxy.requests() - before, 4, "create, list, read of the own node, delete");
}
