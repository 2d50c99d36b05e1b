//! What a full quota refuses.

use super::*;

const LIMITS: &str = "/zookeeper/quota/a/zookeeper_limits";

fn set<'a>(path: &'a str, data: &'a [u8]) -> Request<'a> {
    Request::SetData(SetDataRequest { path, data: Some(data), version: -1 })
}

/// A world in which `/a`, of four bytes, has a quota.
fn with_quota(enforce_quota: bool, limits: &[u8]) -> World {
    let settings =
        ProposerSettings { extended_types_enabled: true, enforce_quota, ..Default::default() };
    let mut world = World::with(settings);
    for path in ["/a", "/zookeeper/quota/a", LIMITS, "/zookeeper/quota/a/zookeeper_stats"] {
        world.must(&persistent(path));
    }
    world.must(&set(LIMITS, limits));
    world
}

#[test]
fn a_hard_limit_of_nodes_refuses_every_kind_of_create() {
    let mut world = with_quota(true, b"count=-1,bytes=-1=;countHardLimit=2");
    world.must(&persistent("/a/1"));
    let modes = [CreateMode::EphemeralSequential, CreateMode::Container, CreateMode::Ephemeral];
    for mode in modes {
        assert_eq!(world.write(&create("/a/2", mode)), ErrorCode::QuotaExceeded, "{mode:?}");
    }
    assert_eq!(world.write(&persistent("/a/1")), ErrorCode::NodeExists, "which comes first");
    world.must(&set("/a/1", &[7; 1000]));
    world.must(&persistent("/b"));
    world.must(&delete("/a/1", -1));
    world.must(&persistent("/a/2"));
}

#[test]
fn a_hard_limit_of_bytes_refuses_what_makes_too_many() {
    let mut world = with_quota(true, b"count=-1,bytes=-1=;byteHardLimit=10");
    assert_eq!(world.write(&set("/a", &[0; 11])), ErrorCode::QuotaExceeded);
    let stale = SetDataRequest { path: "/a", data: Some(&[0; 11]), version: 9 };
    assert_eq!(world.write(&Request::SetData(stale)), ErrorCode::QuotaExceeded, "asked first");
    world.must(&set("/a", &[0; 10]));
    assert_eq!(world.write(&persistent("/a/1")), ErrorCode::QuotaExceeded);
    world.must(&set(LIMITS, b"byteHardLimit=5"));
    world.must(&set("/a", &[1; 10]));
    assert_eq!(world.write(&set("/a", &[0; 9])), ErrorCode::QuotaExceeded, "less, and too much");
    world.must(&set("/a", &[0; 5]));
}

#[test]
fn soft_limits_refuse_nothing_nor_do_hard_ones_that_are_not_enforced() {
    let hard = b"count=-1,bytes=-1=;byteHardLimit=5;countHardLimit=1";
    for mut world in [with_quota(true, b"count=1,bytes=5"), with_quota(false, hard)] {
        world.must(&persistent("/a/1"));
        world.must(&set("/a", &[0; 100]));
    }
}

#[test]
fn one_operation_too_many_fails_a_multi() {
    let mut world = with_quota(true, b"countHardLimit=1");
    let ops = ["/b", "/a/1"]
        .map(|path| zk_proto::MultiOp::Create(create_request(path, CreateMode::Persistent)));
    let multi = Request::Multi(zk_proto::MultiRequest { ops: ops.into() });
    let proposal = world.propose(&multi);
    let Txn::Multi(parts) = &proposal.txn else { panic!("{proposal:?}") };
    assert_eq!(parts[1], Txn::Error(ErrorCode::QuotaExceeded));
    world.apply(&proposal);
    assert!(!world.exists("/b"));
}
