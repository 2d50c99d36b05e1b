//! Restarts apply again what the snapshot already has: that must change nothing.

use std::collections::HashSet;

use bytes::BytesMut;
use proptest::prelude::*;
use zk_proto::txn::{Txn, TxnHeader};
use zk_proto::{
    Acl, CreateMode, CreateRequest, DeleteRequest, MultiOp, MultiRequest, Permissions, Request,
    SessionId, SetAclRequest, SetDataRequest, Zxid,
};

use super::{create, delete, header};
use crate::auth::{AccessControl, AuthConfig, Identities};
use crate::request::{Proposer, ProposerSettings, Requester, ServerRequest, SessionStanding, Slot};
use crate::storage::format::{Packing, SnapshotReader};
use crate::tree::{DataTree, Outcome, SnapshotCursor, TreeRestore};

const PATHS: [&str; 8] = ["/a", "/b", "/a/a", "/a/b", "/b/a", "/a/a/a", "/a/a/b", "/c"];

#[derive(Clone, Debug)]
pub(super) enum Step {
    Create { path: usize, flags: i32, session: i64, closed: bool },
    Delete { path: usize },
    SetData { path: usize, data: Vec<u8> },
    SetAcl { path: usize, closed: bool },
    Multi { paths: Vec<usize> },
    Close { session: i64 },
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let path = 0..PATHS.len();
    prop_oneof![
        5 => (path.clone(), 0..5, 1..3_i64, any::<bool>())
            .prop_map(|(path, flags, session, closed)| Step::Create { path, flags, session, closed }),
        3 => path.clone().prop_map(|path| Step::Delete { path }),
        2 => (path.clone(), proptest::collection::vec(any::<u8>(), 0..4))
            .prop_map(|(path, data)| Step::SetData { path, data }),
        1 => (path.clone(), any::<bool>()).prop_map(|(path, closed)| Step::SetAcl { path, closed }),
        1 => proptest::collection::vec(path, 0..4).prop_map(|paths| Step::Multi { paths }),
        1 => (1..3_i64).prop_map(|session| Step::Close { session }),
    ]
}

fn acl(closed: bool) -> Vec<Acl> {
    // Not the read-only one, which the configuration's node always keeps in use.
    if closed { vec![Acl::new(Permissions::ADMIN, "world", "anyone")] } else { Acl::open() }
}

fn request(step: &Step) -> Option<Request<'_>> {
    let create = |path: usize, flags: i32, closed: bool| CreateRequest {
        path: PATHS[path],
        data: Some(b"new"),
        acl: acl(closed),
        flags,
    };
    Some(match step {
        Step::Create { path, flags, closed, .. } if *flags == CreateMode::Container.flags() => {
            Request::CreateContainer(create(*path, *flags, *closed))
        }
        Step::Create { path, flags, closed, .. } => Request::Create(create(*path, *flags, *closed)),
        Step::Delete { path } => Request::Delete(DeleteRequest { path: PATHS[*path], version: -1 }),
        Step::SetData { path, data } => {
            Request::SetData(SetDataRequest { path: PATHS[*path], data: Some(data), version: -1 })
        }
        Step::SetAcl { path, closed } => {
            Request::SetAcl(SetAclRequest { path: PATHS[*path], acl: acl(*closed), version: -1 })
        }
        Step::Multi { paths } => Request::Multi(MultiRequest {
            ops: paths.iter().map(|path| MultiOp::Create(create(*path, 0, false))).collect(),
        }),
        Step::Close { .. } => return None,
    })
}

fn session_of(step: &Step) -> SessionId {
    match step {
        Step::Create { session, .. } | Step::Close { session } => SessionId(*session),
        _ => SessionId(1),
    }
}

/// The log that a server writes of these steps, applying each with a lag so that some are pending
/// when the next is judged.
pub(super) fn log_of(steps: &[Step], lag: usize) -> (Vec<(TxnHeader, Txn)>, DataTree) {
    let access = AccessControl::new(AuthConfig { skip_acl: true, ..AuthConfig::default() });
    let identities = Identities::none();
    let mut proposer = Proposer::new(ProposerSettings::default());
    let mut tree = DataTree::new(false);
    let mut log: Vec<(TxnHeader, Txn)> = Vec::new();
    let mut applied = 0;
    for (i, step) in steps.iter().enumerate() {
        let zxid = Zxid(i64::try_from(i).unwrap() + 1);
        let slot = Slot { zxid, wall_ms: zxid.0 * 1000 };
        let session = session_of(step);
        let proposal = match request(step) {
            Some(request) => {
                let standing = SessionStanding::Live;
                let requester = Requester { session, cxid: 0, standing, identities: &identities };
                proposer.propose(&tree, &access, &requester, &request, slot)
            }
            None => {
                let close = ServerRequest::CloseSession { session, cxid: 0 };
                proposer.propose_server(&tree, close, slot)
            }
        };
        log.push((proposal.header, proposal.txn));
        while log.len() - applied > lag {
            tree.apply(&log[applied].0, &log[applied].1);
            proposer.applied(log[applied].0.zxid);
            applied += 1;
        }
    }
    for (header, txn) in &log[applied..] {
        tree.apply(header, txn);
        proposer.applied(header.zxid);
    }
    (log, tree)
}

/// The tree of a snapshot.
pub(super) fn restored(mut bytes: &[u8], zxid: Zxid) -> DataTree {
    let mut reader = SnapshotReader::new(&mut bytes, Packing::Plain).unwrap();
    let mut restore = TreeRestore::new(false, zxid, std::mem::take(&mut reader.acls));
    while let Some(node) = reader.next_node().unwrap() {
        restore.add(&node).unwrap();
    }
    reader.finish().unwrap();
    restore.finish()
}

/// The indices of a tree, found by looking at all nodes.
fn assert_consistent(tree: &DataTree) {
    let mut ephemerals = 0;
    let mut acls = HashSet::from([Acl::open()]);
    let mut size = 0;
    let mut open = vec![String::from("/")];
    while let Some(path) = open.pop() {
        let node = tree.node(&path).expect("a child is a node");
        if let zk_proto::EphemeralOwner::Session(session) = node.owner() {
            ephemerals += 1;
            assert!(tree.ephemerals_of(session).any(|owned| owned == path), "{path}");
        }
        acls.insert(node.acl().to_vec());
        size += path.len() + node.data().map_or(0, <[u8]>::len);
        open.extend(node.children().map(|name| zk_proto::path::join(&path, name)));
    }
    assert_eq!(tree.ephemeral_count(), ephemerals);
    assert_eq!(tree.approximate_data_size(), size);
    assert_eq!(tree.acls.len(), acls.len(), "ACLs that nobody uses are gone");
}

proptest! {
    /// From wherever a replay starts, at the end the tree is the same.
    #[test]
    fn a_replay_from_any_point_changes_nothing(
        steps in proptest::collection::vec(step(), 0..60),
        lag in 0..5_usize,
        start in 0..60_usize,
    ) {
        let (log, mut tree) = log_of(&steps, lag);
        assert_consistent(&tree);
        let before = tree.dump();
        for (header, txn) in log.iter().skip(start) {
            tree.apply(header, txn);
        }
        assert_consistent(&tree);
        prop_assert_eq!(tree.dump(), before);
    }

    /// A snapshot that is taken while the tree changes leads to the same tree, with the log behind
    /// the place where it began, and so does one that is taken of that.
    #[test]
    fn a_snapshot_taken_meanwhile_and_the_log_behind_it_are_the_tree(
        steps in proptest::collection::vec(step(), 0..60),
        lag in 0..5_usize,
        start in 0..60_usize,
        piece in 1..4_usize,
    ) {
        let (log, whole) = log_of(&steps, lag);
        let start = start.min(log.len());
        let (before, after) = log.split_at(start);
        let mut tree = DataTree::new(false);
        before.iter().for_each(|(header, txn)| drop(tree.apply(header, txn)));
        let mut bytes = BytesMut::new();
        let mut cursor = SnapshotCursor::begin(&tree, &[], &mut bytes);
        let mut meanwhile = after.iter();
        while cursor.advance(&tree, piece, usize::MAX, &mut bytes) {
            meanwhile.next().into_iter().for_each(|(header, txn)| drop(tree.apply(header, txn)));
        }
        let mut restored = restored(&bytes, cursor.zxid());
        assert_consistent(&restored);
        after.iter().for_each(|(header, txn)| drop(restored.apply(header, txn)));
        assert_consistent(&restored);
        prop_assert_eq!(restored.dump(), whole.dump());
    }

    /// What was proposed while others were pending is what a server finds that applies one by one:
    /// nothing proposed fails when it is applied.
    #[test]
    fn what_was_judged_fine_applies(
        steps in proptest::collection::vec(step(), 0..60),
        lag in 0..5_usize,
    ) {
        let (log, tree) = log_of(&steps, lag);
        let mut other = DataTree::new(false);
        for (header, txn) in &log {
            let applied = other.apply(header, txn);
            prop_assert_eq!(has_failed(&applied.outcome), is_refusal(txn), "{:?}", txn);
        }
        prop_assert_eq!(other.dump(), tree.dump());
    }
}

fn has_failed(outcome: &Outcome<'_>) -> bool {
    match outcome {
        Outcome::Failed(_) => true,
        Outcome::Multi(parts) => parts.iter().any(has_failed),
        _ => false,
    }
}

fn is_refusal(txn: &Txn) -> bool {
    match txn {
        Txn::Error(_) => true,
        Txn::Multi(parts) => parts.iter().any(is_refusal),
        _ => false,
    }
}

/// A replay meets a deletion whose path has become a node with children since.
#[test]
fn a_replayed_deletion_takes_later_children_along_and_they_come_again() {
    let log =
        [create("/a", 1), delete("/a"), create("/a", 2), create("/a/b", 1), create("/a/b/c", 1)];
    let mut tree = DataTree::new(false);
    for round in 0..2 {
        for (i, txn) in log.iter().enumerate() {
            tree.apply(&header(i64::try_from(i).unwrap() + 1, txn), txn);
            assert_consistent(&tree);
        }
        assert_eq!(tree.descendant_count("/a"), Some(2), "round {round}");
        assert_eq!(tree.node("/a").expect("/a").stat().czxid, Zxid(3));
    }
}

/// A snapshot that was written while the node was created may have lost its ACL.
#[test]
fn a_replayed_create_gives_an_existing_node_its_acl_and_nothing_else() {
    let mut tree = DataTree::new(false);
    let first = create("/a", 1);
    tree.apply(&header(1, &first), &first);
    let stat = tree.node("/a").expect("/a").stat();
    let again = Txn::Create {
        with_stat: false,
        path: "/a".into(),
        data: None,
        acl: Acl::read_only().into(),
        ephemeral: true,
        parent_cversion: 1,
    };
    let applied = tree.apply(&header(2, &again), &again);
    assert!(has_failed(&applied.outcome) && applied.changes.is_empty());
    let node = tree.node("/a").expect("/a");
    assert_eq!((node.stat(), &node.acl()[..]), (stat, &Acl::read_only()[..]));
    assert_consistent(&tree);
}
