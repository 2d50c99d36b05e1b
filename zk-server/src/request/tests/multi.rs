use bytes::BytesMut;
use zk_proto::codec::Encode as _;
use zk_proto::txn::Txn;
use zk_proto::{
    Acl, CheckVersionRequest, CreateMode, CreateRequest, CreateTtlRequest, DeleteRequest,
    ErrorCode, GetDataRequest, MultiOp, MultiRequest, MultiResponse, MultiResult, Permissions,
    Request, SetDataRequest,
};

use super::{World, create_request, decoded, delete, persistent, set_data};
use crate::config::Limits;
use crate::storage::format::encode_entry;
use crate::storage::log::TxnRecord;

fn multi(ops: Vec<MultiOp<'_>>) -> Request<'_> {
    Request::Multi(MultiRequest { ops })
}

fn create_op(path: &str) -> MultiOp<'_> {
    MultiOp::Create(create_request(path, CreateMode::Persistent))
}

fn delete_op(path: &str) -> MultiOp<'_> {
    MultiOp::Delete(DeleteRequest { path, version: -1 })
}

fn set_op(path: &str, version: i32) -> MultiOp<'_> {
    MultiOp::SetData(SetDataRequest { path, data: Some(b"set"), version })
}

fn check_op(path: &str, version: i32) -> MultiOp<'_> {
    MultiOp::Check(CheckVersionRequest { path, version })
}

fn results(world: &mut World, ops: Vec<MultiOp<'_>>) -> Vec<MultiResult> {
    let (code, body) = world.reply(&multi(ops));
    assert_eq!(code, ErrorCode::Ok);
    decoded::<MultiResponse>(&body).results
}

#[test]
fn operations_see_those_before_them_and_share_one_zxid() {
    let mut world = World::new();
    let ops = vec![
        create_op("/a"),
        create_op("/a/b"),
        check_op("/a", 0),
        set_op("/a", 0),
        check_op("/a", 1),
        delete_op("/a/b"),
        create_op("/a/b"),
    ];
    let results = results(&mut world, ops);
    assert!(
        matches!(&results[..], [
        MultiResult::Create { path: a },
        MultiResult::Create { path: b },
        MultiResult::Check,
        MultiResult::SetData { stat },
        MultiResult::Check,
        MultiResult::Delete,
        MultiResult::Create { .. },
    ] if a == "/a" && b == "/a/b" && stat.version == 1 && stat.num_children == 1),
        "{results:?}"
    );
    let stat = world.tree.node("/a").expect("/a").stat();
    assert_eq!((stat.czxid, stat.mzxid, stat.pzxid), (world.zxid, world.zxid, world.zxid));
    assert_eq!((stat.cversion, stat.num_children), (3, 1));
}

#[test]
fn one_failure_fails_all_and_says_which() {
    let mut world = World::new();
    world.must(&persistent("/a"));
    let ops = vec![create_op("/b"), set_op("/a", -1), delete_op("/none"), create_op("/c")];
    let codes = [ErrorCode::Ok, ErrorCode::Ok, ErrorCode::NoNode, ErrorCode::RuntimeInconsistency];
    assert_eq!(results(&mut world, ops), codes.map(MultiResult::Error));
    assert!(!world.exists("/b") && !world.exists("/c"));
    assert_eq!(world.tree.node("/a").expect("/a").stat().version, 0);
}

/// What is pending behind a failed multi must not have seen any of it.
#[test]
fn a_failed_multi_is_rolled_back_before_the_next_request_is_judged() {
    let mut world = World::new();
    world.must(&persistent("/a"));
    let before = world.propose(&set_data("/a", 0));
    let failed =
        world.propose(&multi(vec![set_op("/a", 1), create_op("/a/x"), delete_op("/none")]));
    let after = [
        (set_data("/a", 1), None),
        (set_data("/a", 1), Some(ErrorCode::BadVersion)),
        (delete("/a/x", -1), Some(ErrorCode::NoNode)),
        (delete("/a", -1), None),
        (set_data("/a", -1), Some(ErrorCode::NoNode)),
    ];
    let after = after.map(|(request, expected)| {
        let proposal = world.propose(&request);
        assert_eq!(super::refusal(&proposal), expected, "{request:?}");
        proposal
    });
    for proposal in [&before, &failed].into_iter().chain(&after) {
        world.apply(proposal);
    }
    assert!(!world.exists("/a"));
    assert!(world.proposer.is_idle());
}

#[test]
fn an_empty_multi_is_a_transaction() {
    let mut world = World::new();
    assert_eq!(results(&mut world, vec![]), []);
    assert_eq!(world.tree.last_zxid(), world.zxid);
}

#[test]
fn what_is_not_well_formed_fails_as_a_whole() {
    let mut world = World::new();
    let ttl_flags = CreateRequest { flags: 5, ..create_request("/x", CreateMode::Persistent) };
    let bad_flags = || CreateRequest { flags: 9, ..create_request("/x", CreateMode::Persistent) };
    let (create, create2) = (MultiOp::Create(bad_flags()), MultiOp::Create2(bad_flags()));
    let container = MultiOp::CreateContainer(bad_flags());
    let read = MultiOp::GetData(GetDataRequest { path: "/", watch: false });
    for op in [MultiOp::Create(ttl_flags), create, create2, container, read] {
        let (code, body) = world.reply(&multi(vec![create_op("/a"), op]));
        assert_eq!((code, body.len()), (ErrorCode::MarshallingError, 0));
    }
    assert!(!world.exists("/a"));
}

#[test]
fn unknown_flags_beside_a_time_to_live_are_one_operations_failure() {
    let mut world = World::new();
    let bad_flags =
        CreateTtlRequest { path: "/x", data: None, acl: Acl::open(), flags: 9, ttl_ms: 5 };
    let codes = [ErrorCode::Ok, ErrorCode::BadArguments];
    let ops = vec![create_op("/a"), MultiOp::CreateTtl(bad_flags)];
    assert_eq!(results(&mut world, ops), codes.map(MultiResult::Error));
}

/// The types of the results, as since 3.5: containers answer as create2, whoever asked how.
#[test]
fn results_have_apaches_types() {
    let mut world = World::new();
    let container = create_request("/c", CreateMode::Container);
    let by_flags = create_request("/by-flags", CreateMode::Container);
    let ttl = CreateTtlRequest {
        path: "/t",
        data: None,
        acl: zk_proto::Acl::open(),
        flags: CreateMode::PersistentWithTtl.flags(),
        ttl_ms: 5,
    };
    let results = results(
        &mut world,
        vec![
            create_op("/a"),
            MultiOp::Create2(create_request("/b", CreateMode::Persistent)),
            MultiOp::CreateContainer(container),
            MultiOp::Create(by_flags),
            MultiOp::CreateTtl(ttl),
        ],
    );
    assert!(
        matches!(
            &results[..],
            [
                MultiResult::Create { .. },
                MultiResult::Create2(_),
                MultiResult::Create2(_),
                MultiResult::Create2(_),
                MultiResult::Create2(_),
            ]
        ),
        "{results:?}"
    );
    let owner = world.tree.node("/by-flags").expect("/by-flags").owner();
    assert_eq!(owner, zk_proto::EphemeralOwner::Container);
}

/// Servers before 3.8.2 stop in the middle of a multi that has a create2 in it.
#[test]
fn the_log_has_no_create2_inside_a_multi() {
    let mut world = World::new();
    let op = MultiOp::Create2(create_request("/b", CreateMode::Persistent));
    let proposal = world.propose(&multi(vec![op]));
    let Txn::Multi(parts) = &proposal.txn else { panic!("{:?}", proposal.txn) };
    assert!(matches!(parts[..], [Txn::Create { with_stat: false, .. }]));
}

/// A server that wrote what it does not read would not start again.
#[test]
fn the_largest_requests_make_transactions_that_can_be_read_again() {
    let (mut world, limits) = (World::new(), Limits::default());
    for person in 0..90 {
        world.authenticate(&format!("{person}:secret"));
    }
    let authenticated = |path, data, mode| {
        let acl = vec![Acl::new(Permissions::ALL, "auth", "")];
        MultiOp::Create(CreateRequest { data, acl, ..create_request(path, mode) })
    };
    let anybody = || MultiOp::Create(create_request("/", CreateMode::PersistentSequential));
    let large = vec![7; limits.frame_len / 2];
    let mut grown: Vec<Vec<MultiOp<'_>>> = vec![
        (0..limits.frame_len / 61).map(|_| anybody()).collect(),
        (0..limits.frame_len / 29).map(|_| delete_op("/none")).collect(),
        vec![authenticated("/large", Some(&large), CreateMode::Persistent)],
    ];
    // Almost as many as there is room for, and too many.
    for count in [230, 260] {
        let some = (0..count).map(|_| authenticated("/", None, CreateMode::PersistentSequential));
        grown.push(std::iter::once(set_op("/", -1)).chain(some).collect());
    }
    let mut most = 0;
    for ops in grown {
        let request = multi(ops);
        let mut frame = BytesMut::new();
        request.encode(&mut frame);
        assert!(frame.len() <= limits.frame_len, "{}", frame.len());
        let proposal = world.propose(&request);
        world.apply(&proposal);
        let (header, txn) = (proposal.header, proposal.txn);
        let record = TxnRecord { header, txn, digest: proposal.digest };
        let mut entry = BytesMut::new();
        encode_entry(&record, Some(1), &mut entry);
        let Txn::Multi(parts) = &record.txn else { panic!() };
        let growth = entry.len().saturating_sub(frame.len());
        assert!(entry.len() <= limits.record_len(), "{} parts grew by {growth}", parts.len());
        let allowed = limits.record_len() - limits.frame_len;
        assert!(growth <= allowed, "{} parts grew by {growth}", parts.len());
        most = most.max(growth);
    }
    assert!(most > 900_000, "no more than {most}");
}
