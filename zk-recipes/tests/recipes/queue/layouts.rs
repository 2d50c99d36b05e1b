//! The znodes that other libraries expect.

use zk_client::CreateMode;
use zk_recipes::{PriorityQueue, Queue};

use crate::support::{children, client, server, soon};

#[tokio::test]
async fn curator_queues_hold_framed_items() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::new(&client, "/q");
    soon(queue.put("ab")).await.unwrap();
    soon(queue.put_with_id("x", "c")).await.unwrap();
    soon(queue.put_together(["d", "e"])).await.unwrap();
    let names = children(&client, "/q").await;
    assert_eq!(names, ["queue-0000000000", "queue-|x|0000000001", "queue-0000000002"]);
    let (data, _) = client.get("/q/queue-0000000000").await.unwrap();
    assert_eq!(data, &b"\0\x01\0\x01\x01\0\0\0\x02ab\x02"[..]);
    let (data, _) = client.get("/q/queue-0000000002").await.unwrap();
    assert_eq!(data, &b"\0\x01\0\x01\x01\0\0\0\x01d\x01\0\0\0\x01e\x02"[..]);
}

#[tokio::test]
async fn a_lock_path_is_where_curator_looks_for_claims() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::new(&client, "/q").claims_in("/locks");
    soon(queue.put("one")).await.unwrap();
    client.create("/locks", b"", CreateMode::Persistent).await.unwrap();
    client.create("/locks/queue-0000000000", b"", CreateMode::Ephemeral).await.unwrap();
    assert!(soon(queue.try_claim()).await.unwrap().is_none(), "claimed by somebody else");
    client.delete("/locks/queue-0000000000").await.unwrap();
    let _claim = soon(queue.try_claim()).await.unwrap().unwrap();
    assert_eq!(children(&client, "/locks").await, ["queue-0000000000"]);
}

#[tokio::test]
async fn simple_queues_hold_bare_items() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::simple(&client, "/q");
    soon(queue.put("ab")).await.unwrap();
    soon(queue.put_together(["c", "d"])).await.unwrap();
    let names = children(&client, "/q").await;
    assert_eq!(names, ["qn-0000000000", "qn-0000000001", "qn-0000000002"]);
    assert_eq!(client.get("/q/qn-0000000000").await.unwrap().0, "ab");
    for item in ["ab", "c", "d"] {
        assert_eq!(soon(queue.take()).await.unwrap(), item);
    }
}

#[tokio::test]
async fn kazoo_queues_hold_bare_items_with_priorities() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::kazoo(&client, "/q");
    soon(queue.put("ab")).await.unwrap();
    soon(PriorityQueue::kazoo(&client, "/q").put("cd", 5)).await.unwrap();
    assert_eq!(children(&client, "/q").await, ["entry-100-0000000000", "entry-005-0000000001"]);
    assert_eq!(soon(queue.take()).await.unwrap(), "cd");
    assert_eq!(soon(queue.take()).await.unwrap(), "ab");
}

#[tokio::test]
async fn kazoo_locking_queues_keep_items_and_claims_apart() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::kazoo_locking(&client, "/q");
    soon(queue.put("ab")).await.unwrap();
    let claim = soon(queue.claim()).await.unwrap();
    assert_eq!(claim.path(), "/q/entries/entry-100-0000000000");
    assert_eq!(children(&client, "/q/taken").await, ["entry-100-0000000000"]);
    let (tag, stat) = client.get("/q/taken/entry-100-0000000000").await.unwrap();
    assert_eq!((tag.len(), Some(stat.ephemeral_owner)), (32, client.session_id()));
    soon(claim.complete()).await.unwrap();
    assert!(children(&client, "/q/entries").await.is_empty());
    assert!(children(&client, "/q/taken").await.is_empty());
}

#[tokio::test]
async fn items_past_the_end_of_the_numbers_are_taken_last() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/q", b"", CreateMode::Persistent).await.unwrap();
    for name in ["qn-2147483647", "qn--2147483648", "qn--2147483647"] {
        client
            .create(&format!("/q/{name}"), name.as_bytes(), CreateMode::Persistent)
            .await
            .unwrap();
    }
    let queue = Queue::simple(&client, "/q");
    for name in ["qn-2147483647", "qn--2147483648", "qn--2147483647"] {
        assert_eq!(soon(queue.take()).await.unwrap(), name);
    }
}
