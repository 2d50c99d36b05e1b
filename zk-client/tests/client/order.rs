//! The order of requests, and what does not disturb it.

use futures_util::FutureExt;
use futures_util::future::join_all;
use zk_client::{CreateMode, Error};

use crate::fixture::{builder, client, server, within};

#[tokio::test]
async fn requests_take_effect_in_the_order_they_were_sent() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/q", b"", CreateMode::Persistent).await.unwrap();
    let mode = CreateMode::PersistentSequential;
    let mut pending = (0..1000).map(|_| client.create("/q/", b"", mode).send()).collect::<Vec<_>>();
    // Awaited the other way round: the order was fixed by sending.
    pending.reverse();
    let created = within("all replies", join_all(pending)).await;
    for (number, created) in (0..1000).rev().zip(created) {
        assert_eq!(created.unwrap().path, format!("/q/{number:010}"));
    }
}

#[tokio::test]
async fn the_order_holds_beyond_the_limit_of_outstanding_requests() {
    let server = server().await;
    let client = builder(&server).max_outstanding(3).connect().await.unwrap();
    client.create("/q", b"", CreateMode::Persistent).await.unwrap();
    let mode = CreateMode::PersistentSequential;
    let mut pending = (0..100).map(|_| client.create("/q/", b"", mode).send()).collect::<Vec<_>>();
    let last = pending.pop().unwrap();
    assert_eq!(within("the last reply", last).await.unwrap().path, "/q/0000000099");
    for (number, created) in within("all replies", join_all(pending)).await.into_iter().enumerate()
    {
        assert_eq!(created.unwrap().path, format!("/q/{number:010}"));
    }
}

#[tokio::test]
async fn clones_share_one_order() {
    let server = server().await;
    let client = client(&server).await;
    let clone = client.clone();
    client.create("/a", b"0", CreateMode::Persistent).await.unwrap();
    let set = client.set("/a", b"1").send();
    let (data, _) = clone.get("/a").await.unwrap();
    assert_eq!(&data[..], b"1");
    set.await.unwrap();
}

#[tokio::test]
async fn dropping_requests_at_any_stage_leaves_the_others_their_replies() {
    let server = server().await;
    let client = builder(&server).max_outstanding(7).connect().await.unwrap();
    for name in 0..10 {
        let path = format!("/{name}");
        client.create(&path, path.as_bytes(), CreateMode::Persistent).await.unwrap();
    }
    for round in 0..300_usize {
        let path = format!("/{}", round % 10);
        let kept = client.get(&path).send();
        let mut polled = client.children("/").watch().send();
        let _ = (&mut polled).now_or_never();
        let unpolled = client.get("/missing").send();
        drop((polled, unpolled));
        assert_eq!(&within("the reply", kept).await.unwrap().0[..], path.as_bytes());
    }
}

#[tokio::test]
async fn tasks_share_a_client() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/n", b"", CreateMode::Persistent).await.unwrap();
    let tasks = (0..8).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            for _ in 0..50 {
                client.set("/n", b"").await?;
            }
            Ok::<_, Error>(())
        })
    });
    for task in within("all tasks", join_all(tasks)).await {
        task.unwrap().unwrap();
    }
    assert_eq!(client.get("/n").await.unwrap().1.version, 400);
}
