use zk_proto::txn::Txn;
use zk_proto::{CreateMode, ErrorCode, SessionId};

use super::{OTHER, SESSION, World, create, delete, persistent, refusal};
use crate::request::{Proposal, ServerRequest};
use crate::tree::Outcome;

fn close(world: &mut World, session: SessionId) -> Proposal {
    world.propose_server(ServerRequest::CloseSession { session, cxid: 9 })
}

fn taken_along(proposal: &Proposal) -> Vec<&str> {
    match &proposal.txn {
        Txn::CloseSession { paths: Some(paths) } => paths.iter().map(String::as_str).collect(),
        txn => panic!("{txn:?}"),
    }
}

/// Committed ones, without those whose deletion is pending, with those whose creation is.
#[test]
fn the_end_of_a_session_takes_its_nodes_along_pending_ones_too() {
    let mut world = World::new();
    let ephemeral = |path| create(path, CreateMode::Ephemeral);
    world.must(&ephemeral("/committed"));
    world.must(&ephemeral("/deleted"));
    world.must(&persistent("/persistent"));
    world.session = OTHER;
    world.must(&ephemeral("/others"));
    world.session = SESSION;
    let pending = [
        world.propose(&delete("/deleted", -1)),
        world.propose(&ephemeral("/pending")),
        world.propose(&ephemeral("/pending-and-deleted")),
        world.propose(&delete("/pending-and-deleted", -1)),
    ];
    let close = close(&mut world, SESSION);
    assert_eq!(taken_along(&close), ["/committed", "/pending"]);
    assert_eq!((close.header.session, close.header.cxid, close.header.op), (SESSION, 9, -11));
    for proposal in pending.iter().chain([&close]) {
        world.apply(proposal);
    }
    assert_eq!(world.tree.ephemerals_of(SESSION).count(), 0);
    assert!(world.exists("/others") && world.exists("/persistent"));
    assert!(world.proposer.is_idle());
}

#[test]
fn a_node_that_changed_hands_stays() {
    let mut world = World::new();
    world.must(&create("/e", CreateMode::Ephemeral));
    let mut pending = vec![world.propose(&delete("/e", -1))];
    world.session = OTHER;
    pending.push(world.propose(&create("/e", CreateMode::Ephemeral)));
    pending.push(close(&mut world, SESSION));
    assert_eq!(taken_along(&pending[2]), Vec::<&str>::new());
    for proposal in &pending {
        world.apply(proposal);
    }
    assert_eq!(world.tree.ephemerals_of(OTHER).collect::<Vec<_>>(), ["/e"]);
}

/// An ephemeral node created behind the end of its session would stay for ever.
#[test]
fn nothing_is_written_behind_the_end_of_a_session() {
    let mut world = World::new();
    let close = close(&mut world, SESSION);
    for request in [create("/e", CreateMode::Ephemeral), persistent("/p"), delete("/p", -1)] {
        let proposal = world.propose(&request);
        assert_eq!(refusal(&proposal), Some(ErrorCode::SessionExpired), "{request:?}");
    }
    world.session = OTHER;
    assert_eq!(refusal(&world.propose(&persistent("/p"))), None);
    let applied = world.apply(&close);
    assert_eq!(applied.outcome, Outcome::SessionClosed { session: SESSION });
}

/// Others see the end as soon as it is proposed: the parents are empty, the names free.
#[test]
fn what_a_closing_session_leaves_can_be_used_at_once() {
    let mut world = World::new();
    world.must(&persistent("/dir"));
    world.must(&create("/dir/e", CreateMode::Ephemeral));
    let close = close(&mut world, SESSION);
    world.session = OTHER;
    let again = world.propose(&create("/dir/e", CreateMode::Ephemeral));
    assert_eq!(refusal(&again), None);
    let gone = world.propose(&delete("/dir/e", -1));
    let empty = world.propose(&delete("/dir", -1));
    assert_eq!((refusal(&gone), refusal(&empty)), (None, None));
    for proposal in [&close, &again, &gone, &empty] {
        world.apply(proposal);
    }
    assert!(!world.exists("/dir"));
}

#[test]
fn a_session_begins_with_a_transaction() {
    let mut world = World::new();
    let session = SessionId(0x33);
    let request = ServerRequest::CreateSession { session, timeout_ms: 4000 };
    let proposal = world.propose_server(request);
    assert_eq!((proposal.header.session, proposal.header.op), (session, -10));
    let applied = world.apply(&proposal);
    assert_eq!(applied.outcome, Outcome::SessionCreated { session, timeout_ms: 4000 });
}

#[test]
fn what_cannot_be_decoded_still_takes_a_zxid() {
    let mut world = World::new();
    let slot = world.slot();
    let proposal = world.proposer.refuse(SESSION, 3, ErrorCode::MarshallingError, slot);
    assert_eq!(proposal.header.zxid, slot.zxid);
    assert_eq!(refusal(&proposal), Some(ErrorCode::MarshallingError));
    world.apply(&proposal);
    assert_eq!(world.tree.last_zxid(), slot.zxid);
}

/// The log could not read the list again.
#[test]
fn a_session_with_too_many_nodes_to_list_ends_without_the_list() {
    let mut world = World::new();
    world.must(&persistent("/a"));
    let long = "x".repeat(100_000);
    for n in 0..11 {
        world.must(&create(&format!("/a/{long}-{n}"), CreateMode::Ephemeral));
    }
    let session = world.session;
    let proposal = world.propose_server(ServerRequest::CloseSession { session, cxid: 0 });
    assert_eq!(proposal.txn, Txn::CloseSession { paths: Some(Vec::new()) });
    let changes = world.apply(&proposal).changes.len();
    assert_eq!((changes, world.tree.ephemeral_count()), (11, 0));
    let parent = world.tree.node("/a").unwrap();
    assert_eq!((parent.child_count(), parent.stat().pzxid), (0, world.zxid));
}
