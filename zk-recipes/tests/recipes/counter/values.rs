//! Atomic values.

use bytes::Bytes;
use zk_client::CreateMode;
use zk_recipes::{AtomicValue, NodeOptions, Parents};

use crate::support::{Proxy, client, connect, server, soon, until_children};

const PATH: &str = "/values/a";

#[tokio::test]
async fn a_value_is_set_compared_and_updated() {
    let server = server().await;
    let client = client(&server).await;
    let value = AtomicValue::new(&client, PATH);
    assert_eq!(soon(value.get()).await.unwrap(), None);
    assert!(!soon(value.compare_and_set(Some(b""), "x")).await.unwrap());
    assert!(soon(value.compare_and_set(None, "a")).await.unwrap());
    assert!(!soon(value.compare_and_set(None, "b")).await.unwrap());
    assert!(soon(value.compare_and_set(Some(b"a"), "b")).await.unwrap());
    let update = soon(value.update(|value| Some([value.unwrap(), &b"c"[..]].concat().into())));
    let update = update.await.unwrap();
    assert_eq!((update.before, update.after), (Some("b".into()), Some("bc".into())));
    let left = soon(value.update(|_| None)).await.unwrap();
    assert_eq!(left.before, left.after);
    soon(value.set("d")).await.unwrap();
    assert_eq!(soon(value.get()).await.unwrap().unwrap(), "d");
    client.delete(PATH).await.unwrap();
    soon(value.set("e")).await.unwrap();
    assert_eq!(client.get(PATH).await.unwrap().0, "e");
}

#[tokio::test]
async fn an_update_is_a_read_and_a_write() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let value = AtomicValue::new(&client, PATH);
    soon(value.set("a")).await.unwrap();
    let before = proxy.requests();
    soon(value.update(|_| Some("b".into()))).await.unwrap();
    assert_eq!(proxy.requests() - before, 2);
}

#[tokio::test]
async fn an_update_that_others_keep_overtaking_gets_in_line_and_through() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let value = AtomicValue::new(&one, PATH);
    soon(value.set("0")).await.unwrap();
    let mut attempts = 0;
    // Of the same client, so that its writes come before the next ones of ours.
    let (ours, theirs) = (value.clone(), one.clone());
    let reads = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = reads.clone();
    let updating = tokio::spawn(async move {
        ours.update(move |value| {
            attempts += 1;
            seen.lock().unwrap().push(value.cloned());
            if attempts <= 12 {
                // Somebody writes between our read and our write.
                drop(theirs.set(PATH, attempts.to_string().as_bytes()).send());
            }
            Some(Bytes::from(format!("ours {attempts}")))
        })
        .await
    });
    soon(updating).await.unwrap().unwrap();
    let last = soon(value.get()).await.unwrap().unwrap();
    let tries = reads.lock().unwrap().len();
    assert_eq!((tries, last.as_ref()), (13, &b"ours 13"[..]));
    drop(value);
    until_children(&two, &format!("{PATH}-updates"), 0).await;
}

#[tokio::test]
async fn options_are_heeded() {
    let server = server().await;
    let client = client(&server).await;
    let homeless = AtomicValue::new(&client, PATH);
    let homeless = homeless.options(NodeOptions::new().parents(Parents::MustExist));
    assert!(soon(homeless.set("a")).await.is_err());
    client.create("/values", b"", CreateMode::Persistent).await.unwrap();
    client.create(&format!("{PATH}-updates"), b"", CreateMode::Persistent).await.unwrap();
    soon(homeless.set("a")).await.unwrap();
}
