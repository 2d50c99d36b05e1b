//! Many requests under way at once.

use tests::{Target, within};
use zk_client::CreateMode;

#[tokio::test]
async fn requests_take_effect_in_the_order_they_were_sent() {
    let target = Target::start().await;
    let client = target.client().await;
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    let pending: Vec<_> = (0..500_u32)
        .map(|i| (client.set("/a", &i.to_be_bytes()).send(), client.get("/a").send()))
        .collect();
    for (i, (set, get)) in (0_u32..).zip(pending) {
        let version = i32::try_from(i).unwrap() + 1;
        assert_eq!(within("the set", set).await.unwrap().version, version);
        let (data, stat) = within("the get", get).await.unwrap();
        assert_eq!((&data[..], stat.version), (&i.to_be_bytes()[..], version));
    }
}

#[tokio::test]
async fn a_dropped_request_does_not_disturb_the_others() {
    let target = Target::start().await;
    let client = target.client().await;
    let mut kept = Vec::new();
    for i in 0..100 {
        let pending = client.create("/n-", b"", CreateMode::PersistentSequential).send();
        if i % 2 == 0 {
            kept.push(pending);
        }
    }
    for pending in kept {
        within("a create", pending).await.unwrap();
    }
    assert!(client.children("/").await.unwrap().0.len() >= 50);
}

#[tokio::test]
async fn clones_of_a_client_share_its_session() {
    let target = Target::start().await;
    let client = target.client().await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..20 {
                    client.create("/n-", b"", CreateMode::EphemeralSequential).await.unwrap();
                }
                client.session_id()
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(within("the task", task).await.unwrap(), client.session_id());
    }
    assert_eq!(client.ephemerals("/").await.unwrap().len(), 160);
}
