//! Connections and sessions that go away.

use zk_recipes::Counter;

use crate::support::{Op, Proxy, client, connect, expire, server, soon, until_children};

const PATH: &str = "/counters/a";

#[tokio::test]
async fn whatever_is_lost_on_the_way_each_addition_counts_once() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let theirs = Counter::new(&observer, PATH);
    let (mut lost, mut expected) = (0, 0);
    for lose in [Proxy::lose_request, Proxy::lose_reply] {
        for op in [Op::Create, Op::Multi, Op::GetData] {
            let counter = Counter::new(&client, PATH);
            lose(&proxy, op);
            soon(counter.add(1)).await.unwrap();
            lost += 1;
            proxy.triggered(lost).await;
            expected += 1;
            assert_eq!(soon(theirs.get()).await.unwrap(), expected, "without {op:?}");

            // Both add the same, so the data does not tell whose addition it was.
            lose(&proxy, Op::Multi);
            let (ours, other) = tokio::join!(counter.add(1), theirs.add(1));
            ours.unwrap();
            other.unwrap();
            lost += 1;
            proxy.triggered(lost).await;
            expected += 2;
            assert_eq!(soon(theirs.get()).await.unwrap(), expected, "without {op:?}");
        }
    }
    drop(theirs);
    until_children(&observer, &format!("{PATH}-updates"), 0).await;
}

#[tokio::test]
async fn a_counter_outlives_its_session_and_its_nodes() {
    let server = server().await;
    let client = client(&server).await;
    let counter = Counter::new(&client, PATH);
    assert_eq!(soon(counter.add(1)).await.unwrap(), 1);
    expire(&server, &client);
    assert_eq!(soon(counter.add(1)).await.unwrap(), 2);
    client.delete(PATH).await.unwrap();
    assert_eq!(soon(counter.add(1)).await.unwrap(), 1);
}

#[tokio::test]
async fn an_addition_that_is_dropped_counts_once_or_not_at_all() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let counter = Counter::new(&client, PATH);
    soon(counter.add(1)).await.unwrap();
    for op in [Op::GetData, Op::Multi] {
        let before = soon(counter.get()).await.unwrap();
        proxy.hold_reply(op);
        let adding = tokio::spawn({
            let counter = counter.clone();
            async move { counter.add(1).await }
        });
        proxy.triggered(usize::from(op == Op::Multi) + 1).await;
        adding.abort();
        proxy.release();
        let after = soon(counter.get()).await.unwrap();
        assert_eq!(after - before, i64::from(op == Op::Multi));
    }
    drop(counter);
    until_children(&observer, &format!("{PATH}-updates"), 0).await;
}
