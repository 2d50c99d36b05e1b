//! Numbers that nobody else gets.

use std::collections::BTreeSet;

use zk_recipes::{Counter, IdGenerator};

use crate::support::{Proxy, client, connect, server, soon};

const PATH: &str = "/ids/a";

#[tokio::test]
async fn no_number_is_given_out_twice_and_those_of_a_handle_grow() {
    let server = server().await;
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let ids = IdGenerator::new(&client(&server).await, PATH).block(7);
        tasks.push(tokio::spawn(async move {
            let mut given = Vec::new();
            for _ in 0..30 {
                given.push(ids.next().await.unwrap());
            }
            assert!(given.is_sorted());
            given
        }));
    }
    let mut given = BTreeSet::new();
    for task in tasks {
        given.extend(soon(task).await.unwrap());
    }
    assert_eq!(given.len(), 4 * 30);
    assert!(given.first() == Some(&0));
    let next = Counter::new(&client(&server).await, PATH);
    assert_eq!(soon(next.get()).await.unwrap(), 4 * 35, "five blocks each");
}

#[tokio::test]
async fn numbers_cost_nothing_within_a_block() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let ids = IdGenerator::new(&client, PATH);
    soon(ids.next()).await.unwrap();
    let before = proxy.requests();
    for expected in 1..100 {
        assert_eq!(soon(ids.next()).await.unwrap(), expected);
    }
    assert_eq!(proxy.requests(), before);
    assert_eq!(soon(ids.next()).await.unwrap(), 100);
    assert_eq!(proxy.requests() - before, 2, "a read and a write");
}
