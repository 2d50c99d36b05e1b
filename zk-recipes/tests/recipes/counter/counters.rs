//! Counters.

use futures_util::StreamExt;
use zk_client::CreateMode;
use zk_recipes::{Counter, Error};

use crate::support::{client, server, soon, until_children};

const PATH: &str = "/counters/a";

#[tokio::test]
async fn counters_add_set_and_compare() {
    let server = server().await;
    let client = client(&server).await;
    let layouts = [
        (Counter::new(&client, "/long"), "/long", &b"\0\0\0\0\0\0\0\x05"[..]),
        (Counter::shared_count(&client, "/int"), "/int", b"\0\0\0\x05"),
        (Counter::kazoo(&client, "/text"), "/text", b"5"),
    ];
    for (counter, path, data) in layouts {
        assert_eq!(soon(counter.get()).await.unwrap(), 0);
        assert_eq!(soon(counter.add(7)).await.unwrap(), 7);
        assert_eq!(soon(counter.add(-2)).await.unwrap(), 5);
        assert_eq!(client.get(path).await.unwrap().0, data);
        assert!(!soon(counter.compare_and_set(7, 1)).await.unwrap());
        assert!(soon(counter.compare_and_set(5, 1)).await.unwrap());
        soon(counter.set(-3)).await.unwrap();
        assert_eq!(soon(counter.get()).await.unwrap(), -3);
    }
}

#[tokio::test]
async fn a_counter_never_wraps_around() {
    let server = server().await;
    let client = client(&server).await;
    let counter = Counter::shared_count(&client, PATH);
    soon(counter.set(i64::from(i32::MAX))).await.unwrap();
    let path = PATH.to_owned();
    let full = Error::CounterOverflow { path, value: i64::from(i32::MAX), number: 1 };
    assert_eq!(soon(counter.add(1)).await, Err(full));
    assert!(soon(counter.set(i64::MAX)).await.is_err());
    let long = Counter::new(&client, "/long");
    soon(long.set(i64::MIN)).await.unwrap();
    assert!(soon(long.add(-1)).await.is_err());
    assert_eq!(soon(long.get()).await.unwrap(), i64::MIN);
}

#[tokio::test]
async fn what_is_no_number_is_told_and_mended_by_set() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/a", b"three", CreateMode::Persistent).await.unwrap();
    let counter = Counter::new(&client, "/a");
    assert!(matches!(soon(counter.add(1)).await, Err(Error::Malformed { .. })));
    let mut changes = counter.changes();
    assert!(matches!(soon(changes.next()).await.unwrap(), Err(Error::Malformed { .. })));
    soon(counter.set(3)).await.unwrap();
    assert_eq!(soon(changes.next()).await.unwrap(), Ok(3));
    soon(counter.add(1)).await.unwrap();
    assert_eq!(soon(changes.next()).await.unwrap(), Ok(4));
}

#[tokio::test]
async fn no_addition_is_lost_among_many() {
    const PROCESSES: i64 = 6;
    const EACH: i64 = 25;
    let server = server().await;
    let observer = client(&server).await;
    let mut tasks = Vec::new();
    for _ in 0..PROCESSES {
        let counter = Counter::new(&client(&server).await, PATH);
        tasks.push(tokio::spawn(async move {
            for _ in 0..EACH {
                counter.add(1).await.unwrap();
            }
        }));
    }
    for task in tasks {
        soon(task).await.unwrap();
    }
    let counter = Counter::new(&observer, PATH);
    assert_eq!(soon(counter.get()).await.unwrap(), PROCESSES * EACH);
    until_children(&observer, &format!("{PATH}-updates"), 0).await;
}
