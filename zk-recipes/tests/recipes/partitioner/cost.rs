//! What sharing out costs, counted at the network.

use super::crew::{Board, join};
use crate::support::{Op, Proxy, client, connect, server};

/// Creates, deletes and multis.
fn writes(proxy: &Proxy) -> [usize; 3] {
    [Op::Create, Op::Delete, Op::Multi].map(|op| proxy.requests_of(op))
}

fn since(before: [usize; 3], after: [usize; 3]) -> [usize; 3] {
    [after[0] - before[0], after[1] - before[1], after[2] - before[2]]
}

#[tokio::test]
async fn an_item_that_stays_costs_no_write_and_one_that_moves_a_create_and_a_delete() {
    const ITEMS: usize = 60;
    let server = server().await;
    let near = client(&server).await;
    let proxies = [
        Proxy::start(server.addr()).await,
        Proxy::start(server.addr()).await,
        Proxy::start(server.addr()).await,
    ];
    let [planner, other, newcomer] = &proxies;
    let board = Board::default();
    let client = connect(&planner.connect_string()).await;
    let _first = join(&client, "one", ITEMS, &board).await;
    board.settled(&near, &["one"], ITEMS).await;
    let client = connect(&other.connect_string()).await;
    let _second = join(&client, "two", ITEMS, &board).await;
    board.settled(&near, &["one", "two"], ITEMS).await;

    let before = [writes(planner), writes(other)];
    let client = connect(&newcomer.connect_string()).await;
    let _third = join(&client, "three", ITEMS, &board).await;
    board.settled(&near, &["one", "two", "three"], ITEMS).await;
    assert_eq!(since(before[0], writes(planner)), [0, 10, 1], "ten items, and the plan");
    assert_eq!(since(before[1], writes(other)), [0, 10, 0], "ten items");
    // One for itself, and one for each item.
    assert_eq!(writes(newcomer), [1 + 20, 0, 0]);
}
