use zk_proto::{
    Acl, CheckVersionRequest, CreateMode, CreateRequest, ErrorCode, ExistsRequest, ExistsResponse,
    GetAclRequest, GetAclResponse, GetAllChildrenNumberRequest, GetAllChildrenNumberResponse,
    GetChildren2Request, GetChildren2Response, GetChildrenRequest, GetChildrenResponse,
    GetDataRequest, GetDataResponse, GetEphemeralsRequest, GetEphemeralsResponse, MultiOp,
    MultiRequest, MultiResponse, MultiResult, Permissions, Request, SetDataRequest, WhoAmIResponse,
};

use super::{
    OTHER, World, all_but, create, create_request, create_with_acl, decoded, others_only,
    persistent,
};
use crate::auth::digest_id;

fn exists(path: &str) -> Request<'_> {
    Request::Exists(ExistsRequest { path, watch: false })
}

fn get_data(path: &str) -> Request<'_> {
    Request::GetData(GetDataRequest { path, watch: false })
}

fn get_acl(path: &str) -> Request<'_> {
    Request::GetAcl(GetAclRequest { path })
}

fn get_children(path: &str) -> Request<'_> {
    Request::GetChildren(GetChildrenRequest { path, watch: false })
}

fn get_children2(path: &str) -> Request<'_> {
    Request::GetChildren2(GetChildren2Request { path, watch: false })
}

fn count(path: &str) -> Request<'_> {
    Request::GetAllChildrenNumber(GetAllChildrenNumberRequest { path })
}

#[test]
fn reads_answer_with_data_names_and_stat() {
    let mut world = World::new();
    world.must(&persistent("/a"));
    world.must(&persistent("/a/y"));
    world.must(&persistent("/a/x"));
    let stat = world.tree.node("/a").expect("/a").stat();
    let names = vec![String::from("x"), String::from("y")];

    let body = world.read(&exists("/a")).unwrap();
    assert_eq!(decoded::<ExistsResponse>(&body), ExistsResponse { stat });
    let body = world.read(&get_data("/a")).unwrap();
    let GetDataResponse { data, stat: told } = decoded(&body);
    assert_eq!((data.as_deref(), told), (Some(&b"data"[..]), stat));
    let body = world.read(&get_children("/a")).unwrap();
    assert_eq!(decoded::<GetChildrenResponse>(&body).children, names);
    let body = world.read(&get_children2("/a")).unwrap();
    let children = names;
    assert_eq!(decoded::<GetChildren2Response>(&body), GetChildren2Response { children, stat });
    let body = world.read(&count("/")).unwrap();
    assert_eq!(decoded::<GetAllChildrenNumberResponse>(&body).total, 6);
}

#[test]
fn null_data_reads_as_null() {
    let mut world = World::new();
    let request = CreateRequest { data: None, ..create_request("/a", CreateMode::Persistent) };
    world.must(&Request::Create(request));
    let body = world.read(&get_data("/a")).unwrap();
    assert_eq!(decoded::<GetDataResponse>(&body).data, None);
}

#[test]
fn reads_fail_for_what_is_missing_or_forbidden() {
    let mut world = World::new();
    world.must(&create_with_acl("/secret", all_but(Permissions::READ)));
    for read in [exists, get_data, get_children, get_children2, count] {
        assert_eq!(world.read(&read("/none")), Err(ErrorCode::NoNode));
        assert_eq!(world.read(&read("/secret")), Err(ErrorCode::NoAuth));
    }
    // Paths are not validated: what is no path is not there.
    for path in ["/none/", "relative", "/zookeeper//quota"] {
        assert_eq!(world.read(&get_data(path)), Err(ErrorCode::NoNode), "{path}");
    }
    assert_eq!(world.read(&exists("/a\0")), Err(ErrorCode::BadArguments));
}

#[test]
fn acls_are_shown_in_full_to_administrators_only() {
    let person = digest_id("somebody:else");
    let whole = vec![
        Acl::new(Permissions::READ, "world", "anyone"),
        Acl::new(Permissions::ALL, "digest", person),
    ];
    let mut world = World::new();
    world.must(&create_with_acl("/a", whole.clone()));
    let told =
        |world: &mut World, path| decoded::<GetAclResponse>(&world.read(&get_acl(path)).unwrap());
    let masked = Acl::new(Permissions::ALL, "digest", "somebody:x");
    assert_eq!(told(&mut world, "/a").acl, [whole[0].clone(), masked]);
    world.authenticate("somebody:else");
    assert_eq!(told(&mut world, "/a").acl, whole);
    assert_eq!(told(&mut world, "/a").stat, world.tree.node("/a").expect("/a").stat());

    let mut world = World::new();
    world.must(&create_with_acl("/closed", others_only(Permissions::ALL)));
    world.must(&create_with_acl("/admin", vec![Acl::new(Permissions::ADMIN, "world", "anyone")]));
    assert_eq!(world.read(&get_acl("/closed")), Err(ErrorCode::NoAuth));
    assert_eq!(world.read(&get_acl("/none")), Err(ErrorCode::NoNode));
    assert_eq!(told(&mut world, "/admin").acl.len(), 1, "ADMIN alone is enough");
}

#[test]
fn ephemerals_are_the_callers_own_by_a_prefix_of_text() {
    let mut world = World::new();
    for path in ["/a", "/ab", "/b"] {
        world.must(&create(path, CreateMode::Ephemeral));
    }
    world.session = OTHER;
    world.must(&create("/a-others", CreateMode::Ephemeral));
    world.session = super::SESSION;
    let rows: [(&str, &[&str]); 5] = [
        ("", &["/a", "/ab", "/b"]),
        ("  ", &["/a", "/ab", "/b"]),
        ("/", &["/a", "/ab", "/b"]),
        ("/a", &["/a", "/ab"]),
        ("/c", &[]),
    ];
    for (prefix, expected) in rows {
        let request = Request::GetEphemerals(GetEphemeralsRequest { prefix });
        let body = world.read(&request).unwrap();
        assert_eq!(decoded::<GetEphemeralsResponse>(&body).paths, expected, "{prefix:?}");
    }
}

#[test]
fn who_am_i_lists_the_connections_identities() {
    let mut world = World::new();
    world.authenticate("bob:pw");
    let body = world.read(&Request::WhoAmI).unwrap();
    let clients = decoded::<WhoAmIResponse>(&body).clients;
    let clients: Vec<_> = clients.iter().map(|c| (c.scheme.as_str(), c.user.as_str())).collect();
    assert_eq!(clients, [("ip", "10.0.0.1"), ("digest", "bob")]);
}

#[test]
fn reads_of_a_multi_read_fail_one_by_one_and_set_no_watch() {
    let mut world = World::new();
    world.must(&persistent("/a"));
    world.must(&create_with_acl("/secret", all_but(Permissions::READ)));
    let data = |path| MultiOp::GetData(GetDataRequest { path, watch: true });
    let children = |path| MultiOp::GetChildren(GetChildrenRequest { path, watch: true });
    let ops = vec![data("/a"), data("/none"), children("/"), data("/secret")];
    let body = world.read(&Request::MultiRead(MultiRequest { ops })).unwrap();
    let results = decoded::<MultiResponse>(&body).results;
    assert!(
        matches!(&results[..], [
        MultiResult::GetData { data: Some(data), stat },
        MultiResult::Error(ErrorCode::NoNode),
        MultiResult::GetChildren { children },
        MultiResult::Error(ErrorCode::NoAuth),
    ] if data == "data" && stat.data_length == 4 && children.len() == 3),
        "{results:?}"
    );
    assert_eq!(world.watches.watch_count(), 0);
}

/// As long as a request may make it, and asked for as often: each entry for each read would be minutes.
#[test]
fn a_long_acl_is_gone_through_once_for_all_operations_of_a_multi() {
    const ENTRIES: usize = 20_000;
    const READS: usize = 20_000;
    let mut world = World::new();
    world.authenticate("me:pw");
    let long = |last: &str| {
        let others = (0..ENTRIES).map(|i| Acl::new(Permissions::ALL, "digest", format!("no:{i}")));
        others.chain([Acl::new(Permissions::READ, "digest", digest_id(last))]).collect::<Vec<_>>()
    };
    world.must(&create_with_acl("/mine", long("me:pw")));
    world.must(&create_with_acl("/theirs", long("you:pw")));
    let data = |path| MultiOp::GetData(GetDataRequest { path, watch: false });
    let ops = (0..READS).map(|i| data(["/mine", "/theirs"][i % 2])).collect();
    let body = world.read(&Request::MultiRead(MultiRequest { ops })).unwrap();
    let results = decoded::<MultiResponse>(&body).results;
    for pair in results.chunks(2) {
        let [MultiResult::GetData { .. }, MultiResult::Error(ErrorCode::NoAuth)] = pair else {
            panic!("{pair:?}");
        };
    }

    let check = |path| MultiOp::Check(CheckVersionRequest { path, version: 0 });
    let set = MultiOp::SetData(SetDataRequest { path: "/mine", data: None, version: 0 });
    let write = |mut ops: Vec<_>, last| {
        ops.push(last);
        Request::Multi(MultiRequest { ops })
    };
    let checks = || vec![check("/mine"); READS];
    world.must(&write(checks(), check("/mine")));
    for refused in [set, check("/theirs")] {
        let (code, body) = world.reply(&write(checks(), refused));
        let results = decoded::<MultiResponse>(&body).results;
        let last = results.last().cloned();
        assert_eq!((code, last), (ErrorCode::Ok, Some(MultiResult::Error(ErrorCode::NoAuth))));
    }
}

#[test]
fn a_multi_read_takes_no_writes_and_has_an_end() {
    let mut world = World::new();
    let create = MultiOp::Create(create_request("/a", CreateMode::Persistent));
    let request = Request::MultiRead(MultiRequest { ops: vec![create] });
    assert_eq!(world.read(&request), Err(ErrorCode::MarshallingError));

    let big = vec![0; 1 << 20];
    let request =
        CreateRequest { data: Some(&big), ..create_request("/big", CreateMode::Persistent) };
    world.must(&Request::Create(request));
    let read = MultiOp::GetData(GetDataRequest { path: "/big", watch: false });
    let ops = vec![read; super::super::read::MULTI_READ_LEN_MAX / big.len() + 1];
    let request = Request::MultiRead(MultiRequest { ops });
    assert_eq!(world.read(&request), Err(ErrorCode::MarshallingError));
}
