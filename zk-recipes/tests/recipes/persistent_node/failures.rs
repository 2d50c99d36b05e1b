//! Lost requests and replies, and futures that are dropped.

use zk_recipes::PersistentNode;

use crate::support::{Op, Proxy, client, connect, server, soon, until};

const PATH: &str = "/health/one";

#[tokio::test]
async fn lost_requests_and_replies_are_no_matter() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let mut lost = 0;
    for lose in [Proxy::lose_request, Proxy::lose_reply] {
        for op in [Op::Create, Op::GetData] {
            lose(&proxy, op);
            let node = soon(PersistentNode::start(&client, PATH, "a")).await.unwrap();
            lost += 1;
            proxy.triggered(lost).await;
            let stat = observer.exists(PATH).await.unwrap().unwrap();
            assert_eq!(Some(stat.ephemeral_owner), client.session_id());
            lose(&proxy, Op::Delete);
            soon(node.close()).await.unwrap();
            lost += 1;
            proxy.triggered(lost).await;
            assert!(observer.exists(PATH).await.unwrap().is_none());
        }
    }
    assert_eq!(client.session_epoch(), 1);
}

#[tokio::test]
async fn what_is_dropped_leaves_nothing_behind() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    drop(soon(PersistentNode::start(&client, PATH, "a")).await.unwrap());
    until(|| async { observer.exists(PATH).await.unwrap().is_none() }).await;
    for (times, op) in [Op::Create, Op::GetData].into_iter().enumerate() {
        proxy.hold_reply(op);
        let starting = tokio::spawn({
            let client = client.clone();
            async move { PersistentNode::start(&client, PATH, "a").await.map(drop) }
        });
        proxy.triggered(times + 1).await;
        assert!(observer.exists(PATH).await.unwrap().is_some());
        starting.abort();
        assert!(soon(starting).await.unwrap_err().is_cancelled());
        proxy.release();
        until(|| async { observer.exists(PATH).await.unwrap().is_none() }).await;
    }
    assert_eq!(client.session_epoch(), 1, "not by the end of the session");
}

#[tokio::test]
async fn a_closed_client_takes_it_along() {
    let server = server().await;
    let (closing, observer) = (client(&server).await, client(&server).await);
    let node = soon(PersistentNode::start(&closing, PATH, "a")).await.unwrap();
    soon(closing.close()).await.unwrap();
    assert!(observer.exists(PATH).await.unwrap().is_none());
    soon(node.close()).await.unwrap();
    assert!(soon(PersistentNode::start(&closing, PATH, "a")).await.is_err());
}
