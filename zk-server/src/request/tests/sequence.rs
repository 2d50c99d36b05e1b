//! Sequence numbers, above all while creates are pending.

use zk_proto::{CreateMode, ErrorCode, MultiOp, MultiRequest, Request};

use super::{World, create, create_request, created_path, delete, persistent, refusal, set_acl};

const SEQUENTIAL: CreateMode = CreateMode::PersistentSequential;

#[test]
fn pipelined_creates_get_distinct_numbers() {
    let mut world = World::new();
    world.must(&persistent("/q"));
    let pending: Vec<_> = (0..3).map(|_| world.propose(&create("/q/n-", SEQUENTIAL))).collect();
    let paths: Vec<_> = pending.iter().map(created_path).collect();
    assert_eq!(paths, ["/q/n-0000000000", "/q/n-0000000001", "/q/n-0000000002"]);
    for proposal in &pending {
        world.apply(proposal);
    }
    assert!(world.proposer.is_idle());
    let next = world.propose(&create("/q/n-", SEQUENTIAL));
    assert_eq!(created_path(&next), "/q/n-0000000003");
}

/// Numbers count successful creates of any kind; nothing else moves them and nothing takes them back.
#[test]
fn numbers_count_creates_only() {
    let mut world = World::new();
    world.must(&persistent("/q"));
    world.must(&persistent("/q/plain"));
    assert_eq!(world.write(&persistent("/q/plain")), ErrorCode::NodeExists);
    world.must(&delete("/q/plain", -1));
    world.must(&super::set_data("/q", -1));
    world.must(&set_acl("/q", zk_proto::Acl::open(), -1));
    let next = world.propose(&create("/q/n-", SEQUENTIAL));
    assert_eq!(created_path(&next), "/q/n-0000000001");
}

#[test]
fn a_failed_multi_gives_its_numbers_back() {
    let mut world = World::new();
    world.must(&persistent("/q"));
    let pending = world.propose(&create("/q/n-", SEQUENTIAL));
    let ops = vec![
        MultiOp::Create(create_request("/q/n-", SEQUENTIAL)),
        MultiOp::Create(create_request("/q/n-", SEQUENTIAL)),
        MultiOp::Create(create_request("/missing/x", SEQUENTIAL)),
    ];
    let failed = world.propose(&Request::Multi(MultiRequest { ops }));
    let after = world.propose(&create("/q/n-", SEQUENTIAL));
    assert_eq!(created_path(&after), "/q/n-0000000001");
    for proposal in [&pending, &failed, &after] {
        world.apply(proposal);
    }
    assert_eq!(world.tree.node("/q").expect("/q").create_count(), 2);
    assert!(world.proposer.is_idle());
}

#[test]
fn a_name_that_is_taken_already_fails_and_the_number_stays() {
    let mut world = World::new();
    world.must(&persistent("/q"));
    world.must(&persistent("/q/n-0000000001"));
    let taken = world.propose(&create("/q/n-", SEQUENTIAL));
    assert_eq!(refusal(&taken), Some(ErrorCode::NodeExists));
    world.apply(&taken);
    world.must(&persistent("/q/other"));
    let next = world.propose(&create("/q/n-", SEQUENTIAL));
    assert_eq!(created_path(&next), "/q/n-0000000002");
}

/// After the last number come negative ones while they are pending; applied, the count sticks.
#[test]
fn the_count_overflows_as_since_3_6() {
    let mut world = World::new();
    world.must(&persistent("/q"));
    let txn = zk_proto::txn::Txn::Create {
        with_stat: false,
        path: "/q/x".into(),
        data: None,
        acl: zk_proto::Acl::open().into(),
        ephemeral: false,
        parent_cversion: i32::MAX,
    };
    let zxid = world.slot().zxid;
    let header = super::TxnHeader { session: super::SESSION, cxid: 0, zxid, time_ms: 0, op: 1 };
    world.tree.apply(&header, &txn);
    let last = world.propose(&create("/q/n-", SEQUENTIAL));
    assert_eq!(created_path(&last), "/q/n-2147483647");
    let wrapped = world.propose(&create("/q/n-", SEQUENTIAL));
    assert_eq!(created_path(&wrapped), "/q/n--2147483648");
    world.apply(&last);
    world.apply(&wrapped);
    assert_eq!(world.write(&create("/q/n-", SEQUENTIAL)), ErrorCode::NodeExists, "stuck");
    assert_eq!(world.tree.node("/q").expect("/q").create_count(), i32::MAX);
}
