//! The order in which a create fails.

use zk_proto::txn::Txn;
use zk_proto::{Acl, CreateMode, CreateRequest, EphemeralOwner, ErrorCode, Permissions, Request};

use super::{
    World, all_but, create, create_request, create_ttl, create_with_acl, persistent, refusal,
};
use crate::request::{ProposerSettings, SessionStanding};

fn with_flags(path: &str, flags: i32) -> CreateRequest<'_> {
    CreateRequest { flags, ..create_request(path, CreateMode::Persistent) }
}

/// `/e` is ephemeral, `/locked` lets nobody create, `/c` is a container, `/t` a TTL node.
fn world() -> World {
    let mut world = World::new();
    world.must(&persistent("/a"));
    world.must(&create("/e", CreateMode::Ephemeral));
    world.must(&create("/c", CreateMode::Container));
    world.must(&create("/t", CreateMode::PersistentWithTtl));
    world.must(&create_with_acl("/locked", all_but(Permissions::CREATE)));
    world.must(&create_with_acl("/locked-too", all_but(Permissions::CREATE)));
    world
}

/// Each row breaks the rule it is named after and others that come later.
#[test]
fn the_first_broken_rule_names_the_error() {
    use ErrorCode::{
        BadArguments, InvalidAcl, NoAuth, NoChildrenForEphemerals, NoNode, NodeExists,
    };
    let no_acl = |path| create_with_acl(path, vec![]);
    let rows = [
        ("flags before the path", Request::Create(with_flags("bad", 7)), BadArguments),
        ("flags before the parent", Request::Create(with_flags("/no/x", -1)), BadArguments),
        ("ttl before the parent", create_ttl("/no/x", 5, 0), BadArguments),
        ("no slash before the ACL", no_acl("relative"), BadArguments),
        ("NUL before the ACL", no_acl("/a\0"), BadArguments),
        ("empty path before the ACL", no_acl(""), BadArguments),
        ("ACL before the parent", no_acl("/no/x"), InvalidAcl),
        ("parent before the path", persistent("/no//x"), NoNode),
        ("parent before the path", persistent("/no/"), NoNode),
        ("parent is what stands before the last slash", persistent("/a//x"), NoNode),
        ("permission before the path", persistent("/locked/.."), NoAuth),
        ("permission before existence", persistent("/locked/x"), NoAuth),
        ("path before existence", persistent("/a/"), BadArguments),
        ("path before the ephemeral parent", persistent("/e/."), BadArguments),
        ("a second slash at the root", persistent("//a"), BadArguments),
        ("existence", persistent("/a"), NodeExists),
        ("the root exists", persistent("/"), NodeExists),
        ("ephemeral parent", persistent("/e/x"), NoChildrenForEphemerals),
        ("a container can be a parent", persistent("/c/x"), ErrorCode::Ok),
        ("a TTL node can be a parent", persistent("/t/x"), ErrorCode::Ok),
    ];
    for (rule, request, expected) in rows {
        assert_eq!(world().write(&request), expected, "{rule}: {request:?}");
    }
}

#[test]
fn sequential_names_may_be_empty_before_their_number() {
    let mut world = world();
    world.must(&create("/a/", CreateMode::PersistentSequential));
    assert!(world.exists("/a/0000000000"));
    let dots = world.write(&create("/a/..", CreateMode::PersistentSequential));
    assert_eq!(dots, ErrorCode::Ok);
    assert!(world.exists("/a/..0000000001"));
}

#[test]
fn operations_and_modes_must_agree() {
    let rows = [
        (Request::Create(with_flags("/x", 4)), ErrorCode::BadArguments),
        (Request::Create2(with_flags("/x", 4)), ErrorCode::BadArguments),
        (Request::Create(with_flags("/x", 5)), ErrorCode::BadArguments),
        (Request::CreateContainer(with_flags("/x", 0)), ErrorCode::BadArguments),
        (Request::CreateContainer(with_flags("/x", 4)), ErrorCode::Ok),
        (create_ttl("/x", 0, -1), ErrorCode::BadArguments),
        (create_ttl("/x", 0, 5), ErrorCode::BadArguments),
        (create_ttl("/x", 5, 5), ErrorCode::Ok),
        (create_ttl("/x-", 6, 5), ErrorCode::Ok),
    ];
    for (request, expected) in rows {
        assert_eq!(world().write(&request), expected, "{request:?}");
    }
}

#[test]
fn times_to_live_have_40_bits() {
    let max = zk_proto::EphemeralOwner::Ttl(-1).bits() & 0xff_ffff_ffff;
    for (ttl_ms, expected) in [
        (i64::MIN, ErrorCode::BadArguments),
        (-1, ErrorCode::BadArguments),
        (0, ErrorCode::BadArguments),
        (1, ErrorCode::Ok),
        (max, ErrorCode::Ok),
        (max + 1, ErrorCode::BadArguments),
    ] {
        assert_eq!(World::new().write(&create_ttl("/x", 5, ttl_ms)), expected, "{ttl_ms}");
    }
}

#[test]
fn without_extended_types_ttl_is_not_implemented() {
    let mut world = World::with(ProposerSettings::default());
    for request in [create_ttl("/x", 5, 1), create_ttl("bad", 6, -1)] {
        assert_eq!(world.write(&request), ErrorCode::Unimplemented);
    }
    assert_eq!(world.write(&create_ttl("/x", 7, 1)), ErrorCode::BadArguments, "flags come first");
}

#[test]
fn the_session_is_looked_at_after_the_mode_and_before_the_path() {
    for (standing, expected) in [
        (SessionStanding::Gone, ErrorCode::SessionExpired),
        (SessionStanding::Moved, ErrorCode::SessionMoved),
    ] {
        let mut world = World { standing, ..World::new() };
        let bad_flags = Request::Create(with_flags("/x", 9));
        assert_eq!(world.write(&bad_flags), ErrorCode::BadArguments);
        assert_eq!(world.write(&create_ttl("/x", 5, 0)), ErrorCode::BadArguments);
        assert_eq!(world.write(&persistent("relative")), expected);
    }
    let mut world = World { standing: SessionStanding::LocalOnly, ..World::new() };
    assert_eq!(world.write(&persistent("/x")), ErrorCode::Ok);
    let ephemeral = world.write(&create("relative", CreateMode::EphemeralSequential));
    assert_eq!(ephemeral, ErrorCode::EphemeralOnLocalSession);
}

#[test]
fn modes_make_the_nodes_they_name() {
    let mut world = world();
    let owner = |world: &World, path: &str| world.tree.node(path).expect(path).owner();
    assert_eq!(owner(&world, "/a"), EphemeralOwner::Persistent);
    assert_eq!(owner(&world, "/e"), EphemeralOwner::Session(super::SESSION));
    assert_eq!(owner(&world, "/c"), EphemeralOwner::Container);
    assert_eq!(owner(&world, "/t"), EphemeralOwner::Ttl(60_000));
    world.must(&create("/s-", CreateMode::EphemeralSequential));
    assert_eq!(owner(&world, "/s-0000000006"), EphemeralOwner::Session(super::SESSION));
}

#[test]
fn auth_in_an_acl_becomes_the_creator() {
    let mut world = World::new();
    assert_eq!(world.write(&create_with_acl("/x", Acl::creator_all())), ErrorCode::InvalidAcl);
    world.authenticate("me:pw");
    world.must(&create_with_acl("/x", Acl::creator_all()));
    let acl = world.tree.node("/x").expect("/x").acl().to_vec();
    assert_eq!(acl, [Acl::new(Permissions::ALL, "digest", crate::auth::digest_id("me:pw"))]);
}

#[test]
fn a_refused_create_takes_a_zxid_and_nothing_else() {
    let mut world = world();
    let before = world.tree.node("/a").expect("/a").stat();
    let proposal = world.propose(&persistent("/a"));
    assert_eq!(refusal(&proposal), Some(ErrorCode::NodeExists));
    assert_eq!((proposal.header.op, proposal.header.cxid), (-1, 7));
    assert!(matches!(proposal.txn, Txn::Error(_)));
    let zxid = world.apply(&proposal).zxid;
    assert_eq!(world.tree.last_zxid(), zxid);
    assert_eq!(world.tree.node("/a").expect("/a").stat(), before);
    assert!(world.proposer.is_idle());
}
