//! Nodes that were set more than two thousand million times.

use futures_util::StreamExt;
use zk_recipes::Counter;

use crate::support::{Op, Proxy, client, connect, server, soon};
use crate::wrapped::WrappedVersions;

/// CURATOR-688: a shared count was read no more once its version had become negative.
#[tokio::test]
async fn a_count_goes_on_where_the_version_of_its_node_turns_negative() {
    let server = server().await;
    Counter::shared_count(&client(&server).await, "/n").set(0).await.unwrap();
    let wrapped = WrappedVersions::start(server.addr(), i32::MAX - 2).await;
    let client = connect(&wrapped.connect_string()).await;
    let count = Counter::shared_count(&client, "/n");
    let mut changes = count.changes();
    assert_eq!(soon(changes.next()).await.unwrap(), Ok(0));
    for value in 1..=5 {
        assert_eq!(soon(count.add(1)).await.unwrap(), value);
    }
    let (_, stat) = client.get("/n").await.unwrap();
    assert!(stat.version < 0, "it did turn negative: {}", stat.version);
    while soon(changes.next()).await.unwrap().unwrap() != 5 {}
}

/// The same node some two thousand million sets later: its version is -1, which a server takes for
/// "any". Who writes with that version overwrites whatever was written meanwhile.
#[tokio::test]
async fn no_addition_is_lost_where_the_version_means_any() {
    let server = server().await;
    Counter::new(&client(&server).await, "/n").set(0).await.unwrap();
    let wrapped = WrappedVersions::start(server.addr(), -1).await;
    let slow_way = Proxy::start(wrapped.address()).await;
    let (quick, slow) =
        (connect(&wrapped.connect_string()).await, connect(&slow_way.connect_string()).await);
    assert_eq!(quick.get("/n").await.unwrap().1.version, -1);

    // One reads the count, and then another one adds to it before the first can.
    slow_way.hold_reply(Op::GetData);
    let adding = tokio::spawn(async move { Counter::new(&slow, "/n").add(1).await });
    slow_way.triggered(1).await;
    soon(Counter::new(&quick, "/n").add(1)).await.unwrap();
    slow_way.release();
    assert_eq!(soon(adding).await.unwrap().unwrap(), 2);
    assert_eq!(soon(Counter::new(&quick, "/n").get()).await.unwrap(), 2);
}
