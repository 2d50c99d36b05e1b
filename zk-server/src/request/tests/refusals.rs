//! The order in which the other writes fail.

use zk_proto::{
    Acl, CheckVersionRequest, CreateMode, ErrorCode, MultiOp, MultiRequest, MultiResponse,
    MultiResult, Permissions, ReconfigRequest, Request,
};

use super::{
    World, all_but, create, create_with_acl, decoded, delete, others_only, persistent, set_acl,
    set_data,
};
use crate::request::{ProposerSettings, ServerRequest, SessionStanding};

/// `/a` has a child and version 0; nobody may do anything with `/locked`, which has one, too.
fn world() -> World {
    let mut world = World::new();
    world.must(&persistent("/a"));
    world.must(&persistent("/a/child"));
    world.must(&persistent("/leaf"));
    world.must(&persistent("/locked"));
    world.must(&persistent("/locked/child"));
    world.must(&create("/c", CreateMode::Container));
    world.must(&create("/t", CreateMode::PersistentWithTtl));
    world.must(&create("/e", CreateMode::Ephemeral));
    world.must(&set_acl("/locked", others_only(Permissions::ALL), -1));
    world
}

#[test]
fn delete_fails_in_order() {
    let rows = [
        ("no slash", delete("a", 9), ErrorCode::BadArguments),
        ("NUL", delete("/no/x\0", 9), ErrorCode::BadArguments),
        ("the root", delete("/", 9), ErrorCode::BadArguments),
        ("a special node", delete("/zookeeper", 9), ErrorCode::BadArguments),
        ("a special node", delete("/zookeeper/quota", -1), ErrorCode::BadArguments),
        ("a special node", delete("/zookeeper/config", -1), ErrorCode::BadArguments),
        ("parent", delete("/no/x", 9), ErrorCode::NoNode),
        ("permission on the parent before the node", delete("/locked/no", 9), ErrorCode::NoAuth),
        ("node", delete("/a/no", 9), ErrorCode::NoNode),
        ("an invalid path is just not there", delete("/a/", 9), ErrorCode::NoNode),
        ("an invalid path is just not there", delete("//a", -1), ErrorCode::NoNode),
        ("version before children", delete("/a", 9), ErrorCode::BadVersion),
        ("-2 is no wildcard", delete("/leaf", -2), ErrorCode::BadVersion),
        ("children", delete("/a", 0), ErrorCode::NotEmpty),
        ("the node's own ACL does not matter", delete("/locked", -1), ErrorCode::NotEmpty),
        ("nothing wrong", delete("/leaf", 0), ErrorCode::Ok),
    ];
    for (rule, request, expected) in rows {
        assert_eq!(world().write(&request), expected, "{rule}: {request:?}");
    }
}

#[test]
fn set_data_fails_in_order() {
    let rows = [
        ("path", set_data("/no/", 9), ErrorCode::BadArguments),
        ("path", set_data("relative", 9), ErrorCode::BadArguments),
        ("node", set_data("/no", 9), ErrorCode::NoNode),
        ("permission before version", set_data("/locked", 9), ErrorCode::NoAuth),
        ("version", set_data("/leaf", 9), ErrorCode::BadVersion),
        ("-2 is no wildcard", set_data("/leaf", -2), ErrorCode::BadVersion),
        ("nothing wrong", set_data("/leaf", 0), ErrorCode::Ok),
        ("super only", set_data("/zookeeper/config", -1), ErrorCode::NoAuth),
    ];
    for (rule, request, expected) in rows {
        assert_eq!(world().write(&request), expected, "{rule}: {request:?}");
    }
}

#[test]
fn set_acl_fails_in_order() {
    let rows = [
        ("path before ACL", set_acl("/no/", vec![], 9), ErrorCode::BadArguments),
        ("ACL before node", set_acl("/no", vec![], 9), ErrorCode::InvalidAcl),
        ("node", set_acl("/no", Acl::open(), 9), ErrorCode::NoNode),
        ("permission before version", set_acl("/locked", Acl::open(), 9), ErrorCode::NoAuth),
        ("ACL version", set_acl("/leaf", Acl::open(), 9), ErrorCode::BadVersion),
        ("nothing wrong", set_acl("/leaf", Acl::open(), 0), ErrorCode::Ok),
    ];
    for (rule, request, expected) in rows {
        assert_eq!(world().write(&request), expected, "{rule}: {request:?}");
    }
}

#[test]
fn check_fails_in_order() {
    let rows = [
        ("path", "/no/", 9, ErrorCode::BadArguments),
        ("node", "/no", 9, ErrorCode::NoNode),
        ("permission before version", "/locked", 9, ErrorCode::NoAuth),
        ("version", "/leaf", 9, ErrorCode::BadVersion),
    ];
    for (rule, path, version, expected) in rows {
        let ops = vec![MultiOp::Check(CheckVersionRequest { path, version })];
        let (code, body) = world().reply(&Request::Multi(MultiRequest { ops }));
        assert_eq!(code, ErrorCode::Ok, "the failure is in the results");
        let results = decoded::<MultiResponse>(&body).results;
        assert_eq!(results, [MultiResult::Error(expected)], "{rule}");
    }
}

#[test]
fn each_permission_guards_its_operation() {
    let rows = [
        (Permissions::WRITE, set_data("/x", -1)),
        (Permissions::ADMIN, set_acl("/x", Acl::open(), -1)),
        (Permissions::CREATE, persistent("/x/new")),
        (Permissions::DELETE, delete("/x/child", -1)),
    ];
    for (guard, request) in rows {
        for (missing, expected) in [(guard, ErrorCode::NoAuth), (Permissions::NONE, ErrorCode::Ok)]
        {
            let mut world = World::new();
            world.must(&persistent("/x"));
            world.must(&persistent("/x/child"));
            world.must(&set_acl("/x", all_but(missing), -1));
            assert_eq!(world.write(&request), expected, "{request:?} without {missing:?}");
        }
        let mut world = World::new();
        world.must(&create_with_acl("/x", all_but(Permissions::NONE)));
        world.must(&persistent("/x/child"));
        world.must(&set_acl("/x", vec![Acl::new(guard, "world", "anyone")], -1));
        assert_eq!(world.write(&request), ErrorCode::Ok, "{request:?} with {guard:?} alone");
    }
}

#[test]
fn no_write_gets_past_a_session_that_is_gone() {
    let requests = [
        delete("relative", -1),
        set_data("relative", -1),
        set_acl("relative", vec![], -1),
        persistent("relative"),
    ];
    for request in requests {
        let mut world = World { standing: SessionStanding::Gone, ..World::new() };
        assert_eq!(world.write(&request), ErrorCode::SessionExpired, "{request:?}");
    }
}

#[test]
fn versions_wrap() {
    let mut world = World::new();
    world.must(&persistent("/a"));
    let txn = zk_proto::txn::Txn::SetData { path: "/a".into(), data: None, version: i32::MAX };
    let slot = world.slot();
    let header = super::TxnHeader {
        session: super::SESSION,
        cxid: 0,
        zxid: slot.zxid,
        time_ms: 0,
        op: txn.op().code(),
    };
    world.tree.apply(&header, &txn);
    world.must(&set_data("/a", i32::MAX));
    assert_eq!(world.tree.node("/a").expect("/a").stat().version, i32::MIN);
}

#[test]
fn the_server_deletes_only_what_ends_by_itself() {
    let rows = [
        ("/", ErrorCode::BadArguments),
        ("/zookeeper", ErrorCode::BadArguments),
        ("/no", ErrorCode::NoNode),
        ("/a", ErrorCode::NotEmpty),
        ("/leaf", ErrorCode::BadVersion),
        ("/e", ErrorCode::BadVersion),
        ("/c", ErrorCode::Ok),
        ("/t", ErrorCode::Ok),
    ];
    for (path, expected) in rows {
        let mut world = world();
        let proposal = world.propose_server(ServerRequest::DeleteContainer { path: path.into() });
        let code = super::refusal(&proposal).unwrap_or(ErrorCode::Ok);
        assert_eq!(code, expected, "{path}");
        world.apply(&proposal);
        assert_eq!(world.exists(path), path != "/no" && expected != ErrorCode::Ok, "{path}");
    }
}

/// A sweep found it old; before its deletion is proposed somebody renews it.
#[test]
fn the_server_does_not_delete_what_somebody_is_busy_with() {
    let mut world = world();
    let renewal = world.propose(&set_data("/t", -1));
    let child = world.propose(&persistent("/c/new"));
    for (path, code) in [("/t", ErrorCode::BadVersion), ("/c", ErrorCode::NotEmpty)] {
        let sweep = world.propose_server(ServerRequest::DeleteContainer { path: path.into() });
        assert_eq!(super::refusal(&sweep), Some(code), "{path}");
    }
    world.apply(&renewal);
    world.apply(&child);
}

#[test]
fn reconfig_is_off_or_not_for_standalone_servers() {
    let request = Request::Reconfig(ReconfigRequest {
        joining_servers: None,
        leaving_servers: None,
        new_members: None,
        current_config_id: -1,
    });
    let mut world = World { standing: SessionStanding::Gone, ..World::new() };
    assert_eq!(world.write(&request), ErrorCode::ReconfigDisabled, "before the session");
    let mut world = World::with(ProposerSettings { reconfig_enabled: true, ..Default::default() });
    assert_eq!(world.write(&request), ErrorCode::Unimplemented);
}
