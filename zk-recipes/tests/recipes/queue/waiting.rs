//! What waiting costs, and who wakes.

use zk_client::Client;
use zk_recipes::Queue;

use crate::support::{Proxy, client, connect, server, soon, until, until_children};

const PATH: &str = "/queues/a";

fn taking(client: &Client) -> tokio::task::JoinHandle<zk_recipes::Result<bytes::Bytes>> {
    let queue = Queue::new(client, PATH);
    tokio::spawn(async move { queue.take().await })
}

#[tokio::test]
async fn a_put_wakes_one_of_those_who_wait() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let (near, far) = (client(&server).await, connect(&proxy.connect_string()).await);
    let first = taking(&near);
    until_children(&observer, "/queues/a-consumers", 1).await;
    let second = taking(&far);
    until_children(&observer, "/queues/a-consumers", 2).await;
    // A list; the place in line, with a list; the one ahead.
    until(|| async { proxy.requests() == 4 }).await;

    let queue = Queue::new(&observer, PATH);
    soon(queue.put("one")).await.unwrap();
    assert_eq!(soon(first).await.unwrap().unwrap(), "one");
    soon(queue.put("two")).await.unwrap();
    assert_eq!(soon(second).await.unwrap().unwrap(), "two");
}

#[tokio::test]
async fn all_who_wait_get_an_item_when_there_are_enough() {
    const WAITING: usize = 8;
    let server = server().await;
    let observer = client(&server).await;
    let client = client(&server).await;
    let tasks: Vec<_> = (0..WAITING).map(|_| taking(&client)).collect();
    until_children(&observer, "/queues/a-consumers", WAITING).await;
    let items: Vec<String> = (0..WAITING).map(|number| number.to_string()).collect();
    soon(Queue::new(&observer, PATH).put_all(items)).await.unwrap();
    for task in tasks {
        soon(task).await.unwrap().unwrap();
    }
    until_children(&observer, PATH, 0).await;
}

#[tokio::test]
async fn a_backlog_is_listed_once_and_each_item_read_and_taken() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    soon(Queue::new(&observer, PATH).put_all(["zero", "one", "two", "three"])).await.unwrap();
    let queue = Queue::new(&client, PATH);
    soon(queue.take()).await.unwrap();
    let before = proxy.requests();
    for item in ["one", "two", "three"] {
        assert_eq!(soon(queue.take()).await.unwrap(), item);
    }
    assert_eq!(proxy.requests() - before, 6, "a read and a multi each");
    let before = proxy.requests();
    soon(queue.put("four")).await.unwrap();
    assert_eq!(proxy.requests() - before, 1, "a multi");
}
