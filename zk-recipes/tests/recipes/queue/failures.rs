//! Connections, sessions and directories that go away.

use zk_recipes::Queue;

use crate::support::{Op, Proxy, children, client, connect, expire, server, soon, until_children};

const PATH: &str = "/queues/a";

#[tokio::test]
async fn whatever_is_lost_on_the_way_an_item_is_put_and_taken_once() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let mut lost = 0;
    for lose in [Proxy::lose_request, Proxy::lose_reply] {
        for op in [Op::Multi, Op::Create] {
            let queue = Queue::new(&client, PATH);
            lose(&proxy, op);
            soon(queue.put("one")).await.unwrap();
            assert_eq!(children(&observer, PATH).await.len(), 1, "put once, without {op:?}");
            lost += 1;
            proxy.triggered(lost).await;
            assert_eq!(soon(queue.take()).await.unwrap(), "one");
        }
        for op in [Op::Multi, Op::GetData, Op::GetChildren] {
            let queue = Queue::new(&client, PATH);
            soon(queue.put_all(["one", "two"])).await.unwrap();
            lose(&proxy, op);
            assert_eq!(soon(queue.take()).await.unwrap(), "one");
            lost += 1;
            proxy.triggered(lost).await;
            assert_eq!(soon(queue.take()).await.unwrap(), "two", "not taken twice without {op:?}");
            assert_eq!(soon(queue.try_take()).await.unwrap(), None);
        }
    }
    drop(client);
}

#[tokio::test]
async fn whatever_is_lost_on_the_way_a_claim_is_made_and_completed() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let queue = Queue::new(&client, PATH);
    let mut lost = 0;
    for lose in [Proxy::lose_request, Proxy::lose_reply] {
        for op in [Op::Multi, Op::GetData, Op::GetChildren] {
            soon(queue.put("one")).await.unwrap();
            lose(&proxy, op);
            let claim = soon(queue.claim()).await.unwrap();
            lost += 1;
            proxy.triggered(lost).await;
            assert_eq!(children(&observer, "/queues/a-claims").await.len(), 1);
            lose(&proxy, Op::Multi);
            soon(claim.requeue()).await.unwrap();
            assert_eq!(children(&observer, PATH).await.len(), 1, "requeued once");
            let claim = soon(queue.claim()).await.unwrap();
            lose(&proxy, Op::Multi);
            soon(claim.complete()).await.unwrap();
            let claims = children(&observer, "/queues/a-claims").await;
            assert!(children(&observer, PATH).await.is_empty() && claims.is_empty());
            lost += 2;
            proxy.triggered(lost).await;
        }
    }
}

#[tokio::test]
async fn an_item_that_somebody_else_took_meanwhile_is_not_taken_for_ours() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let (here, there) = (Queue::new(&client, PATH), Queue::new(&observer, PATH));
    soon(here.put_all(["one", "two", "three"])).await.unwrap();
    assert_eq!(soon(here.take()).await.unwrap(), "one");
    proxy.hold_reply(Op::GetData);
    let taking = tokio::spawn(async move { here.take().await });
    proxy.triggered(1).await;
    assert_eq!(soon(there.take()).await.unwrap(), "two");
    proxy.lose_request(Op::Multi);
    proxy.release();
    assert_eq!(soon(taking).await.unwrap().unwrap(), "three");
}

#[tokio::test]
async fn handles_outlive_their_sessions() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::new(&client, PATH);
    for round in 0..3 {
        soon(queue.put(format!("{round}"))).await.unwrap();
        expire(&server, &client);
        assert_eq!(soon(queue.take()).await.unwrap(), format!("{round}"));
    }
    drop(queue);
    until_children(&client, "/queues/a-consumers", 0).await;
}

#[tokio::test]
async fn a_try_that_loses_its_session_finds_the_item_in_the_next() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let queue = Queue::new(&client, PATH);
    soon(queue.put("one")).await.unwrap();
    soon(soon(queue.claim()).await.unwrap().release()).await.unwrap();
    proxy.hold_reply(Op::Multi);
    let trying = tokio::spawn(async move { queue.try_claim().await });
    proxy.triggered(1).await;
    expire(&server, &client);
    proxy.cut();
    let claim = soon(trying).await.unwrap().unwrap().expect("nobody else wants the item");
    assert_eq!(claim.data(), b"one");
    soon(claim.complete()).await.unwrap();
}

#[tokio::test]
async fn one_who_waits_outlives_his_session() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let waiting = Queue::new(&one, PATH);
    let taking = tokio::spawn(async move { waiting.take().await });
    until_children(&two, "/queues/a-consumers", 1).await;
    expire(&server, &one);
    soon(Queue::new(&two, PATH).put("one")).await.unwrap();
    assert_eq!(soon(taking).await.unwrap().unwrap(), "one");
}

#[tokio::test]
async fn directories_that_are_swept_are_made_again() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let queue = Queue::new(&one, PATH);
    for round in 0..3 {
        soon(queue.put(format!("{round}"))).await.unwrap();
        assert_eq!(soon(queue.take()).await.unwrap(), format!("{round}"));
        two.delete(PATH).await.unwrap();
        // The ledger, too.
        for name in children(&two, "/queues/a-consumers").await {
            two.delete(&format!("/queues/a-consumers/{name}")).await.unwrap();
        }
        two.delete("/queues/a-consumers").await.unwrap();
        two.delete("/queues").await.unwrap();
    }
    let waiting = queue.clone();
    let taking = tokio::spawn(async move { waiting.take().await });
    until_children(&two, "/queues/a-consumers", 1).await;
    soon(Queue::new(&two, PATH).put("one")).await.unwrap();
    assert_eq!(soon(taking).await.unwrap().unwrap(), "one");
}
