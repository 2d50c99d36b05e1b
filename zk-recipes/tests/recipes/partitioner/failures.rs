//! Sessions, operators and clocks that get in the way.

use std::time::{Duration, Instant};

use zk_client::Client;
use zk_recipes::partitioner::Revoked;
use zk_recipes::{LostReason, Partitioner};
use zk_server::testing::TestServer;

use super::crew::{Board, Member, PATH, items, join, nothing_is_left};
use crate::support::{
    Proxy, children, client, connect_for, expire, server, soon, until, until_children,
    with_short_session,
};

const ITEMS: usize = 7;

/// Three members with a client each; the first one plans.
struct Crew {
    server: TestServer,
    clients: [Client; 3],
    members: [Member; 3],
    board: Board,
}

const IDS: [&str; 3] = ["one", "two", "three"];

async fn crew() -> Crew {
    let server = server().await;
    let clients = [client(&server).await, client(&server).await, client(&server).await];
    let board = Board::lossy();
    let members = [
        join(&clients[0], IDS[0], ITEMS, &board).await,
        join(&clients[1], IDS[1], ITEMS, &board).await,
        join(&clients[2], IDS[2], ITEMS, &board).await,
    ];
    board.settled(&clients[0], &IDS, ITEMS).await;
    Crew { server, clients, members, board }
}

impl Crew {
    async fn settled(&self) {
        self.board.settled(&self.clients[2], &IDS, ITEMS).await;
    }

    /// Waits until there is a plan beyond `generation`, and it is carried out.
    async fn replanned(&self, generation: u64) {
        for member in &self.members {
            let newer = |plan: &zk_recipes::partitioner::Plan| {
                plan.generation > generation && plan.members.len() == 3
            };
            soon(member.partitioner.wait_for_plan(newer)).await.unwrap();
        }
        self.settled().await;
    }

    fn generation(&self) -> u64 {
        self.members.iter().map(|m| m.partitioner.plan().unwrap().generation).max().unwrap()
    }

    async fn leave(self) {
        for member in self.members {
            member.leave().await;
        }
        nothing_is_left(&self.clients[2]).await;
    }
}

#[tokio::test]
async fn a_member_whose_session_expires_loses_its_items_and_gets_some_again() {
    let crew = crew().await;
    let generation = crew.generation();
    expire(&crew.server, &crew.clients[1]);
    crew.replanned(generation).await;
    crew.leave().await;
}

#[tokio::test]
async fn the_planner_dies_and_another_plans() {
    let crew = crew().await;
    for _ in 0..2 {
        for client in &crew.clients {
            let generation = crew.generation();
            expire(&crew.server, client);
            crew.replanned(generation).await;
        }
    }
    crew.leave().await;
}

#[tokio::test]
async fn a_cut_moves_nothing() {
    let crew = crew().await;
    let starts = crew.board.starts();
    for _ in 0..3 {
        crew.server.drop_connections();
        until(|| async {
            crew.clients[0].exists("/").await.is_ok() && crew.server.connection_count() == 3
        })
        .await;
    }
    crew.settled().await;
    assert_eq!(crew.board.starts(), starts);
    crew.leave().await;
}

#[tokio::test]
async fn an_operator_who_deletes_the_lock_of_an_item_makes_it_change_hands() {
    let crew = crew().await;
    let starts = crew.board.starts();
    let line = children(&crew.clients[0], &format!("{PATH}/locks/item-03")).await;
    crew.clients[0].delete(&format!("{PATH}/locks/item-03/{}", line[0])).await.unwrap();
    until(|| async {
        crew.clients[0].exists("/").await.is_ok() && crew.board.starts() == starts + 1
    })
    .await;
    crew.settled().await;
    crew.leave().await;
}

#[tokio::test]
async fn an_operator_who_deletes_members_or_plan_changes_nothing_for_long() {
    let crew = crew().await;
    for at in [0, 2] {
        let generation = crew.generation();
        let line = children(&crew.clients[0], &format!("{PATH}/members")).await;
        crew.clients[0].delete(&format!("{PATH}/members/{}", line[at])).await.unwrap();
        crew.replanned(generation).await;
        until_children(&crew.clients[0], &format!("{PATH}/members"), 3).await;
    }
    let (plan, starts) = (format!("{PATH}/plan"), crew.board.starts());
    crew.clients[0].delete(&plan).await.unwrap();
    until(|| async { crew.clients[0].exists(&plan).await.unwrap().is_some() }).await;
    crew.clients[0].set(&plan, b"nonsense").await.unwrap();
    until(|| async { crew.clients[0].get(&plan).await.unwrap().0 != "nonsense" }).await;
    crew.settled().await;
    assert_eq!(crew.board.starts(), starts, "nothing moved");
    crew.leave().await;
}

#[tokio::test]
async fn everything_deleted_is_made_again() {
    let crew = crew().await;
    crew.clients[0].delete_recursive(PATH).await.unwrap();
    until_children(&crew.clients[0], &format!("{PATH}/members"), 3).await;
    crew.settled().await;
    crew.leave().await;
}

#[tokio::test]
async fn nobody_answers_and_items_are_lost_in_time() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let far = connect_for(&proxy.connect_string(), Duration::from_millis(900)).await;
    let board = Board::lossy();
    let near = join(&observer, "near", 4, &board).await;
    let member = soon(Partitioner::join(&far, PATH, "far", items(4))).await.unwrap();
    let share = soon(member.next()).await.unwrap();
    proxy.swallow();
    assert!(matches!(soon(share.revoked()).await, Revoked::Lost(_)));
    assert!(!share.is_held());
    // The server expires the session, too.
    board.settled(&observer, &["near"], 4).await;
    proxy.deliver();
    proxy.cut();
    drop(soon(member.next()).await.unwrap());
    near.leave().await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_process_that_was_paused_knows_as_soon_as_it_looks() {
    with_short_session(async |session| {
        let server = server().await;
        let client = connect_for(&server.connect_string(), session).await;
        let member = soon(Partitioner::join(&client, PATH, "one", ["a"])).await.ok()?;
        let share = soon(async {
            loop {
                let share = member.next().await.unwrap();
                if share.is_held() {
                    return share;
                }
            }
        })
        .await;
        // The one thread of this runtime is kept busy, so no task of the client or the recipe runs.
        while client.session_deadline().is_some_and(|deadline| Instant::now() < deadline) {
            std::hint::spin_loop();
        }
        assert!(!share.is_held());
        assert_eq!(soon(share.revoked()).await, Revoked::Lost(LostReason::DeadlinePassed));
        Some(())
    })
    .await;
}
