//! Which reads set which watches.

use zk_proto::{
    AddWatchRequest, CheckWatchesRequest, ErrorCode, ErrorResponse, ExistsRequest,
    GetChildren2Request, GetChildrenRequest, GetDataRequest, Permissions, RemoveWatchesRequest,
    Request, WatcherType,
};

use super::{HERE, World, all_but, create_with_acl, decoded, persistent};

fn exists(path: &str) -> Request<'_> {
    Request::Exists(ExistsRequest { path, watch: true })
}

fn get_data(path: &str) -> Request<'_> {
    Request::GetData(GetDataRequest { path, watch: true })
}

fn get_children(path: &str) -> Request<'_> {
    Request::GetChildren(GetChildrenRequest { path, watch: true })
}

fn get_children2(path: &str) -> Request<'_> {
    Request::GetChildren2(GetChildren2Request { path, watch: true })
}

#[test]
fn reads_watch_what_they_could_read_and_exists_what_is_missing() {
    type Read = fn(&str) -> Request<'_>;
    let rows: [(Read, WatcherType, bool); 4] = [
        (exists, WatcherType::Data, true),
        (get_data, WatcherType::Data, false),
        (get_children, WatcherType::Children, false),
        (get_children2, WatcherType::Children, false),
    ];
    for (read, kind, when_missing) in rows {
        let mut world = World::new();
        world.must(&persistent("/a"));
        world.must(&create_with_acl("/secret", all_but(Permissions::READ)));
        let shown = read("/a");
        assert!(world.read(&read("/a")).is_ok());
        assert!(world.watches.has(HERE, "/a", kind), "{shown:?}");
        assert_eq!(world.watches.watch_count(), 1);
        assert_eq!(world.read(&read("/secret")), Err(ErrorCode::NoAuth));
        assert!(!world.watches.has(HERE, "/secret", kind), "{shown:?}");
        assert_eq!(world.read(&read("/missing")), Err(ErrorCode::NoNode));
        assert_eq!(world.watches.has(HERE, "/missing", kind), when_missing, "{shown:?}");
    }
}

#[test]
fn add_watch_asks_nothing() {
    for (mode, kind) in [(0, WatcherType::Persistent), (1, WatcherType::PersistentRecursive)] {
        let mut world = World::new();
        let request = Request::AddWatch(AddWatchRequest { path: "/missing/", mode });
        let body = world.read(&request).unwrap();
        assert_eq!(decoded::<ErrorResponse>(&body).err, ErrorCode::Ok);
        assert!(world.watches.has(HERE, "/missing/", kind));
    }
    let mut world = World::new();
    let request = Request::AddWatch(AddWatchRequest { path: "/a", mode: 2 });
    assert_eq!(world.read(&request), Err(ErrorCode::MarshallingError));
    assert_eq!(world.watches.watch_count(), 0);
}

/// Types 1 to 5 against a path that has each single kind of watch.
#[test]
fn each_watcher_type_means_its_own_kinds() {
    let set: [(Request<'_>, [bool; 5]); 4] = [
        (exists("/a"), [false, true, true, false, false]),
        (get_children("/"), [true, false, true, false, false]),
        (
            Request::AddWatch(AddWatchRequest { path: "/a", mode: 0 }),
            [false, false, true, true, false],
        ),
        (
            Request::AddWatch(AddWatchRequest { path: "/a", mode: 1 }),
            [false, false, true, false, true],
        ),
    ];
    for (set, expected) in set {
        let path = set.path().unwrap();
        for (kind, expected) in (1..).zip(expected) {
            let mut world = World::new();
            let _ = world.read(&set);
            let check = Request::CheckWatches(CheckWatchesRequest { path, kind });
            let remove = Request::RemoveWatches(RemoveWatchesRequest { path, kind });
            let answer = |ok: bool| if ok { None } else { Some(ErrorCode::NoWatcher) };
            let shown = format!("{set:?} and type {kind}");
            assert_eq!(world.read(&check).err(), answer(expected), "{shown}");
            assert_eq!(world.read(&check).err(), answer(expected), "{shown}: removes nothing");
            assert_eq!(world.read(&remove).err(), answer(expected), "{shown}");
            assert_eq!(world.read(&remove).err(), answer(false), "{shown}");
            assert_eq!(world.watches.watch_count() == 0, expected, "{shown}");
        }
    }
}

#[test]
fn unknown_watcher_types_are_not_understood() {
    let mut world = World::new();
    for kind in [0, 6, -1] {
        let path = "/a";
        let check = Request::CheckWatches(CheckWatchesRequest { path, kind });
        let remove = Request::RemoveWatches(RemoveWatchesRequest { path, kind });
        assert_eq!(world.read(&check), Err(ErrorCode::MarshallingError));
        assert_eq!(world.read(&remove), Err(ErrorCode::MarshallingError));
    }
}
