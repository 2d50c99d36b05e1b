use zk_proto::txn::Txn;
use zk_proto::{Acl, ErrorCode, Stat, Zxid};

use super::{Grower, changed, create, delete, set_data};
use crate::tree::{ChangeKind, Outcome};

#[test]
fn each_change_moves_its_own_fields() {
    let mut grower = Grower::new();
    grower.apply(&create("/a", 1));
    let born = Stat {
        czxid: Zxid(1),
        mzxid: Zxid(1),
        pzxid: Zxid(1),
        ctime: 1000,
        mtime: 1000,
        data_length: 4,
        ..Stat::default()
    };
    assert_eq!(grower.stat("/a"), born);

    grower.apply(&create("/a/b", 1));
    let parent = Stat { cversion: 1, num_children: 1, pzxid: Zxid(2), ..born };
    assert_eq!(grower.stat("/a"), parent);

    grower.apply(&set_data("/a/b", b"", 1));
    assert_eq!(grower.stat("/a"), parent, "a child's data is the child's own affair");
    assert_eq!(grower.stat("/a/b").data_length, 0);

    grower.apply(&set_data("/a", b"longer", 1));
    let set = Stat { version: 1, mzxid: Zxid(4), mtime: 4000, data_length: 6, ..parent };
    assert_eq!(grower.stat("/a"), set);

    grower.apply(&Txn::SetAcl { path: "/a".into(), acl: Acl::read_only().into(), version: 1 });
    assert_eq!(grower.stat("/a"), Stat { aversion: 1, ..set });

    grower.apply(&delete("/a/b"));
    let left = Stat { aversion: 1, cversion: 2, num_children: 0, pzxid: Zxid(6), ..set };
    assert_eq!(grower.stat("/a"), left);
}

/// The wire's cversion counts creates and deletes: twice the creates, less what is still there.
#[test]
fn cversion_counts_creates_and_deletes() {
    let mut grower = Grower::new();
    grower.create("/a");
    for i in 1..=5 {
        grower.apply(&create(&format!("/a/{i}"), i));
    }
    grower.apply(&delete("/a/2"));
    grower.apply(&delete("/a/3"));
    assert_eq!((grower.stat("/a").cversion, grower.stat("/a").num_children), (7, 3));
    assert_eq!(grower.tree.node("/a").expect("/a").create_count(), 5);
}

/// Since 3.6: at the end of the numbers the counter stays where it is.
#[test]
fn the_create_count_only_moves_forward() {
    let mut grower = Grower::new();
    grower.create("/a");
    grower.apply(&create("/a/last", i32::MAX));
    grower.apply(&create("/a/wrapped", i32::MIN));
    let parent = grower.tree.node("/a").expect("/a");
    assert_eq!(parent.create_count(), i32::MAX);
    assert_eq!(parent.stat().pzxid, Zxid(2), "stuck together with the count");
    assert_eq!(parent.child_count(), 2);
}

#[test]
fn old_creates_without_a_count_count_one_more() {
    let mut grower = Grower::new();
    grower.create("/a");
    grower.apply(&create("/a/x", -1));
    grower.apply(&create("/a/y", -1));
    assert_eq!(grower.tree.node("/a").expect("/a").create_count(), 2);
}

#[test]
fn null_data_is_not_empty_data() {
    let mut grower = Grower::new();
    grower.create("/a");
    grower.apply(&Txn::SetData { path: "/a".into(), data: None, version: 1 });
    assert_eq!(grower.tree.node("/a").expect("/a").data(), None);
    grower.apply(&set_data("/a", b"", 2));
    assert_eq!(grower.tree.node("/a").expect("/a").data(), Some(&b""[..]));
}

#[test]
fn sizes_follow_the_nodes() {
    let mut grower = Grower::new();
    let (count, size) = (grower.tree.node_count(), grower.tree.approximate_data_size());
    grower.create("/abc");
    assert_eq!(grower.tree.node_count(), count + 1);
    assert_eq!(grower.tree.approximate_data_size(), size + 4 + 4);
    grower.apply(&set_data("/abc", b"0123456789", 1));
    assert_eq!(grower.tree.approximate_data_size(), size + 4 + 10);
    grower.apply(&delete("/abc"));
    assert_eq!((grower.tree.node_count(), grower.tree.approximate_data_size()), (count, size));
}

#[test]
fn changes_carry_the_acl_of_the_moment() {
    let mut grower = Grower::new();
    grower.create("/a");
    let multi = Txn::Multi(vec![
        create("/a/b", 1),
        Txn::SetAcl { path: "/a".into(), acl: Acl::read_only().into(), version: 1 },
        delete("/a/b"),
    ]);
    let applied = grower.apply(&multi);
    assert_eq!(changed(&applied.changes), ["/a/b", "/a/b"], "a new ACL is no change to watch");
    let [created, deleted] = &applied.changes[..] else { panic!("two changes") };
    assert_eq!((created.kind, deleted.kind), (ChangeKind::Created, ChangeKind::Deleted));
    assert_eq!(created.parent_acl[..], Acl::open());
    assert_eq!(deleted.parent_acl[..], Acl::read_only());
    assert_eq!(deleted.acl[..], Acl::open(), "the ACL that the node had");
    assert_eq!((applied.zxid, grower.tree.last_zxid()), (Zxid(2), Zxid(2)));
}

#[test]
fn a_multi_with_an_error_in_it_changes_nothing() {
    let mut grower = Grower::new();
    let multi = Txn::Multi(vec![
        create("/a", 1),
        Txn::Error(ErrorCode::NoNode),
        Txn::Error(ErrorCode::RuntimeInconsistency),
    ]);
    let applied = grower.apply(&multi);
    let failed = [ErrorCode::Ok, ErrorCode::NoNode, ErrorCode::RuntimeInconsistency];
    assert_eq!(applied.outcome, Outcome::Multi(failed.map(Outcome::Failed).to_vec()));
    assert!(applied.changes.is_empty());
    assert!(grower.tree.node("/a").is_none());
    assert_eq!(grower.tree.last_zxid(), Zxid(1), "it still has its place in the order");
}
