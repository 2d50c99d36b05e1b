use zk_proto::txn::Txn;
use zk_proto::{EphemeralOwner, SessionId};

use super::{
    Grower, SESSION, changed, container, create, delete, ephemeral, header, set_data, with_ttl,
};
use crate::tree::{DataTree, Outcome};

#[test]
fn closing_a_session_deletes_what_is_listed_and_what_is_left() {
    let mut grower = Grower::new();
    for (i, path) in ["/e1", "/e2", "/e3"].into_iter().enumerate() {
        grower.apply(&ephemeral(path, i32::try_from(i).unwrap() + 1));
    }
    assert_eq!((grower.tree.ephemeral_count(), grower.tree.ephemeral_session_count()), (3, 1));
    assert_eq!(grower.tree.ephemerals_of(SESSION).collect::<Vec<_>>(), ["/e1", "/e2", "/e3"]);

    let paths = Some(vec!["/e3".into(), "/gone".into(), "/e1".into()]);
    let close = Txn::CloseSession { paths };
    let applied = grower.apply(&close);
    assert_eq!(applied.outcome, Outcome::SessionClosed { session: SESSION });
    assert_eq!(changed(&applied.changes), ["/e3", "/e1", "/e2"]);
    assert_eq!((grower.tree.ephemeral_count(), grower.tree.ephemeral_session_count()), (0, 0));
    assert_eq!(grower.stat("/").pzxid.0, 4);
}

#[test]
fn logs_before_3_6_close_sessions_without_a_list() {
    let mut grower = Grower::new();
    grower.apply(&ephemeral("/e", 1));
    let close = Txn::CloseSession { paths: None };
    assert_eq!(changed(&grower.apply(&close).changes), ["/e"]);
}

#[test]
fn clients_see_sessions_as_owners_and_nothing_else() {
    let mut grower = Grower::new();
    grower.apply(&ephemeral("/e", 1));
    grower.apply(&container("/c"));
    grower.apply(&with_ttl("/t", 5000));
    assert_eq!(grower.stat("/e").ephemeral_owner, SESSION);
    assert_eq!(grower.stat("/c").ephemeral_owner, SessionId::NONE);
    assert_eq!(grower.stat("/t").ephemeral_owner, SessionId::NONE);
    assert_eq!(grower.tree.node("/t").expect("/t").owner(), EphemeralOwner::Ttl(5000));
}

/// What a server makes of TTL nodes whose `extendedTypesEnabled` was switched off again.
#[test]
fn without_extended_types_a_ttl_node_looks_ephemeral() {
    let mut tree = DataTree::new(false);
    let txn = with_ttl("/t", 5000);
    tree.apply(&header(1, &txn), &txn);
    let owner = SessionId(EphemeralOwner::Ttl(5000).bits());
    assert_eq!(tree.node("/t").expect("/t").stat().ephemeral_owner, owner);
    assert_eq!(tree.sessions_with_ephemerals().collect::<Vec<_>>(), [owner]);
    let gone = delete("/t");
    tree.apply(&header(2, &gone), &gone);
    assert_eq!(tree.ephemeral_count(), 0);
}

#[test]
fn a_used_container_is_swept_when_it_is_empty() {
    let mut grower = Grower::new();
    grower.apply(&container("/c"));
    assert!(grower.tree.sweep_candidates(1_000_000, 0, 10).is_empty(), "never used");
    assert_eq!(grower.tree.sweep_candidates(1_000_000, 60_000, 10), ["/c"], "unused for long");
    assert!(grower.tree.sweep_candidates(61_000, 60_000, 10).is_empty(), "not for long enough");
    grower.apply(&create("/c/x", 1));
    assert!(grower.tree.sweep_candidates(1_000_000, 60_000, 10).is_empty(), "in use");
    grower.apply(&delete("/c/x"));
    assert_eq!(grower.tree.sweep_candidates(2000, 0, 10), ["/c"]);
    grower.apply(&Txn::DeleteContainer { path: "/c".into() });
    assert!(grower.tree.sweep_candidates(i64::MAX, 1, 10).is_empty());
}

#[test]
fn a_ttl_node_is_swept_when_its_data_is_old_and_it_is_empty() {
    let mut grower = Grower::new();
    grower.apply(&with_ttl("/t", 5000));
    assert!(grower.tree.sweep_candidates(6000, 0, 10).is_empty());
    assert_eq!(grower.tree.sweep_candidates(6001, 0, 10), ["/t"]);
    grower.apply(&set_data("/t", b"renewed", 1));
    assert!(grower.tree.sweep_candidates(7000, 0, 10).is_empty());
    grower.apply(&create("/t/x", 1));
    assert!(grower.tree.sweep_candidates(1_000_000, 0, 10).is_empty());
    assert!(grower.tree.sweep_candidates(i64::MIN, 0, 10).is_empty(), "the clock was set back");
}

#[test]
fn a_sweep_is_bounded() {
    let mut grower = Grower::new();
    for i in 0..5 {
        grower.apply(&with_ttl(&format!("/t{i}"), 1));
    }
    assert_eq!(grower.tree.sweep_candidates(1_000_000, 0, 3).len(), 3);
}
