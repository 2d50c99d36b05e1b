//! Queues whose items changed while nobody touched them.

use zk_recipes::Queue;

use crate::support::{children, client, server, soon};

/// CURATOR-56 and -224: an item that was put back again and again got a longer name each time, until
/// the list of items did not fit into a frame any more.
#[tokio::test]
async fn an_item_that_is_put_back_again_and_again_keeps_the_length_of_its_name() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::new(&client, "/queues/mail");
    queue.put_with_id("alice", "hello").await.unwrap();
    let before = children(&client, "/queues/mail").await;
    for _ in 0..20 {
        soon(soon(queue.claim()).await.unwrap().requeue()).await.unwrap();
        soon(soon(queue.claim()).await.unwrap().release()).await.unwrap();
    }
    let after = children(&client, "/queues/mail").await;
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].len(), before[0].len(), "{} was {}", after[0], before[0]);
    let claim = soon(queue.claim()).await.unwrap();
    assert_eq!((claim.id(), claim.data()), (Some("alice"), &b"hello"[..]));
}
