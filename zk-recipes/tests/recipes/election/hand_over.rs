//! The leader goes, and how.

use futures_util::FutureExt;
use zk_client::Client;
use zk_recipes::election::LatchState;
use zk_recipes::{LeaderLatch, Leadership, LostReason};
use zk_server::testing::TestServer;

use crate::support::{
    Op, Proxy, children, client, connect, expire, server, soon, until, until_children,
};

/// A leader and a backup, each with its own client.
struct Pair {
    server: TestServer,
    clients: [Client; 2],
    latches: [LeaderLatch; 2],
    term: Leadership,
}

async fn pair() -> Pair {
    let server = server().await;
    let clients = [client(&server).await, client(&server).await];
    let latches = [
        soon(LeaderLatch::start(&clients[0], "/masters", "node-1")).await.unwrap(),
        soon(LeaderLatch::start(&clients[1], "/masters", "node-2")).await.unwrap(),
    ];
    let term = soon(latches[0].lead()).await.unwrap();
    Pair { server, clients, latches, term }
}

#[tokio::test]
async fn the_backup_leads_when_the_leader_is_closed() {
    let Pair { server: _server, clients: _clients, latches: [leader, backup], term } = pair().await;
    soon(leader.close()).await.unwrap();
    assert!(!term.is_held());
    let next = soon(backup.lead()).await.unwrap();
    assert!(next.fencing_token() > term.fencing_token());
}

#[tokio::test]
async fn the_backup_leads_when_the_leaders_session_expires_and_the_old_one_lines_up() {
    let Pair { server, clients, latches: [leader, backup], term } = pair().await;
    expire(&server, &clients[0]);
    assert_eq!(soon(term.lost()).await, LostReason::SessionExpired);
    let next = soon(backup.lead()).await.unwrap();
    assert!(next.fencing_token() > term.fencing_token());
    until_children(&clients[1], "/masters", 2).await;
    assert!(leader.lead().now_or_never().is_none());
    soon(next.resign()).await.unwrap();
    assert!(soon(leader.lead()).await.unwrap().is_held());
}

#[tokio::test]
async fn a_cut_changes_no_leader() {
    let Pair { server, clients, latches: [leader, backup], term } = pair().await;
    let line = children(&clients[0], "/masters").await;
    for _ in 0..3 {
        server.drop_connections();
        until(|| async {
            clients[0].exists("/masters").await.is_ok() && server.connection_count() == 2
        })
        .await;
    }
    let token = term.fencing_token();
    until(|| async { leader.state() == LatchState::Leading { token } }).await;
    assert!(term.is_held());
    assert!(backup.lead().now_or_never().is_none());
    assert_eq!(children(&clients[0], "/masters").await, line);
}

#[tokio::test]
async fn a_leader_whose_server_is_gone_is_unsure() {
    let Pair { mut server, clients: _clients, latches: [leader, _backup], term } = pair().await;
    let token = term.fencing_token();
    server.stop().await;
    until(|| async { leader.state() == LatchState::Unsure { token } }).await;
    assert!(term.is_held());
    server.restart().await.unwrap();
    until(|| async { leader.state() == LatchState::Leading { token } }).await;
}

#[tokio::test]
async fn a_leader_whose_node_is_deleted_steps_down() {
    let Pair { server: _server, clients, latches: [leader, backup], term } = pair().await;
    clients[1].delete(term.path()).await.unwrap();
    assert_eq!(soon(term.lost()).await, LostReason::NodeDeleted);
    let next = soon(backup.lead()).await.unwrap();
    assert!(next.is_held() && !leader.is_leading());
    until_children(&clients[1], "/masters", 2).await;
}

#[tokio::test]
async fn a_follower_whose_node_is_deleted_joins_again() {
    let Pair { server: _server, clients, latches: [leader, backup], term: _term } = pair().await;
    let line = children(&clients[0], "/masters").await;
    clients[0].delete(&format!("/masters/{}", line[1])).await.unwrap();
    soon(leader.close()).await.unwrap();
    assert!(soon(backup.lead()).await.unwrap().is_held());
}

#[tokio::test]
async fn a_cautious_leader_steps_down_when_its_connection_breaks() {
    let server = server().await;
    let client = client(&server).await;
    let latch =
        soon(LeaderLatch::builder("/masters", "node-1").let_go_when_suspended(true).start(&client))
            .await
            .unwrap();
    let term = soon(latch.lead()).await.unwrap();
    server.drop_connections();
    assert_eq!(soon(term.lost()).await, LostReason::Suspended);
    let next = soon(latch.lead()).await.unwrap();
    assert!(next.fencing_token() > term.fencing_token());
}

#[tokio::test]
async fn a_join_whose_reply_is_lost_makes_one_participant() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    soon(soon(LeaderLatch::start(&client, "/masters", "x")).await.unwrap().close()).await.unwrap();
    proxy.lose_reply(Op::Create);
    let latch = soon(LeaderLatch::start(&client, "/masters", "node-1")).await.unwrap();
    proxy.triggered(1).await;
    assert!(soon(latch.lead()).await.unwrap().is_held());
    assert_eq!(children(&observer, "/masters").await.len(), 1);
}

#[tokio::test]
async fn a_start_that_is_dropped_leaves_nobody_behind() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    soon(soon(LeaderLatch::start(&client, "/masters", "x")).await.unwrap().close()).await.unwrap();
    proxy.hold_reply(Op::Create);
    let starting =
        tokio::spawn(async move { LeaderLatch::start(&client, "/masters", "node-1").await });
    proxy.triggered(1).await;
    starting.abort();
    proxy.release();
    until_children(&observer, "/masters", 0).await;
}
