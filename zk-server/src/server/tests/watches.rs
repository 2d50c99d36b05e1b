//! Events and their place among the replies.

use zk_proto::{
    AddWatchMode, AddWatchRequest, EventType, MultiOp, MultiRequest, Permissions, SetWatches,
};

use super::*;

#[test]
fn an_event_comes_before_the_reply_of_the_write_that_caused_it() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    world.call(conn, &create("/a", CreateMode::Persistent));
    world.call(conn, &get("/a", true));
    world.send(conn, 9, &set("/a", b"x"));
    let replies = world.replies(conn);
    let event = replies[0].event();
    assert_eq!((event.kind, event.path.as_str()), (EventType::NodeDataChanged, "/a"));
    assert_eq!(replies[1].header.xid, 9);
    assert_eq!(replies[0].header.zxid, replies[1].header.zxid, "the change's zxid");
}

#[test]
fn an_event_comes_before_a_read_that_shows_the_change() {
    let mut world = World::new();
    let (writer, _) = world.session(10_000);
    let (reader, _) = world.session(10_000);
    world.call(reader, &exists("/a", true));
    world.call(writer, &create("/a", CreateMode::Persistent));
    world.send(reader, 5, &exists("/a", false));
    let xids = world.xids(reader);
    assert_eq!(xids, [zk_proto::xid::NOTIFICATION, 5]);
}

#[test]
fn watches_die_with_their_connection_not_their_session() {
    let mut world = World::new();
    let (first, session) = world.session(10_000);
    world.call(first, &exists("/a", true));
    let second = world.accept();
    world.connect(second, session.session_id, session.password, 10_000).unwrap();
    world.call(second, &create("/a", CreateMode::Persistent));
    assert!(world.frames(first).is_empty());
    assert_eq!(world.server.watches.watch_count(), 0);
}

#[test]
fn watches_set_again_tell_what_was_missed_before_the_reply() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    world.call(conn, &create("/new", CreateMode::Persistent));
    let lists = SetWatches {
        relative_zxid: Zxid(1),
        data: vec!["/gone"],
        exist: vec!["/new", "/later"],
        child: vec![],
    };
    world.send(conn, -8, &Request::SetWatches(lists));
    let replies = world.replies(conn);
    let seen: Vec<_> =
        replies[..2].iter().map(|r| (r.header.zxid, r.event().kind, r.event().path)).collect();
    assert_eq!(
        seen,
        [
            (Zxid::UNKNOWN, EventType::NodeDeleted, "/gone".to_owned()),
            (Zxid::UNKNOWN, EventType::NodeCreated, "/new".to_owned()),
        ]
    );
    assert_eq!((replies[2].header.xid, replies[2].body.len()), (-8, 0));
    assert_eq!(world.server.watches.watch_count(), 1, "/later waits");
}

#[test]
fn everybody_who_waits_gets_the_same_event() {
    let mut world = World::new();
    let (writer, _) = world.session(10_000);
    let watchers: Vec<_> = (0..3).map(|_| world.session(10_000).0).collect();
    let mode = AddWatchMode::PersistentRecursive.code();
    for conn in &watchers {
        world.call(*conn, &Request::AddWatch(AddWatchRequest { path: "/", mode }));
    }
    world.call(writer, &create("/a", CreateMode::Persistent));
    for conn in watchers {
        let event = world.reply(conn).event();
        assert_eq!((event.kind, event.path.as_str()), (EventType::NodeCreated, "/a"));
    }
}

/// As since 3.8.4 and 3.9.2.
#[test]
fn an_event_goes_only_to_those_who_may_read_its_node() {
    let mut world = World::new();
    let [owner, friend, stranger] = [0; 3].map(|_| world.session(10_000).0);
    for conn in [owner, friend] {
        let auth = zk_proto::AuthPacket { kind: 0, scheme: "digest", auth: b"owner:pw" };
        world.send(conn, zk_proto::xid::AUTH, &Request::Auth(auth));
        let _ = world.replies(conn);
    }
    let recursive = AddWatchMode::PersistentRecursive.code();
    for conn in [friend, stranger] {
        world.call(conn, &exists("/a", true));
        world.call(conn, &Request::AddWatch(AddWatchRequest { path: "/a", mode: recursive }));
    }
    let (path, acl) = ("/a", Acl::creator_all());
    let flags = CreateMode::Persistent.flags();
    let secret = CreateRequest { path, data: None, acl, flags };
    world.call(owner, &Request::Create(secret));
    world.call(owner, &set("/a", b"x"));
    let kinds: Vec<_> = world.replies(friend).iter().map(|event| event.event().kind).collect();
    assert_eq!(kinds, [EventType::NodeCreated, EventType::NodeDataChanged]);
    assert!(world.frames(stranger).is_empty(), "who may not read it is not told");
    assert_eq!(world.call(stranger, &exists("/a", false)).err(), ErrorCode::NoAuth);
}

/// As long as a request may make it, and asked for as often: each entry for each event would be minutes.
#[test]
fn a_long_acl_is_gone_through_once_for_all_watches_of_a_request() {
    const ENTRIES: usize = 20_000;
    const TIMES: usize = 20_000;
    let mut world = World::new();
    let [owner, stranger] = [0; 2].map(|_| world.session(10_000).0);
    let auth = zk_proto::AuthPacket { kind: 0, scheme: "digest", auth: b"owner:pw" };
    world.call(owner, &Request::Auth(auth));
    let others = (0..ENTRIES).map(|i| Acl::new(Permissions::ALL, "digest", format!("no:{i}")));
    let acl = others.chain(Acl::creator_all()).collect();
    let flags = CreateMode::Persistent.flags();
    world.call(owner, &Request::Create(CreateRequest { path: "/a", data: None, acl, flags }));
    let mode = AddWatchMode::PersistentRecursive.code();
    for (conn, events) in [(owner, TIMES), (stranger, 0)] {
        let (data, exist, child) = (vec!["/a"; TIMES], vec![], vec![]);
        let lists = SetWatches { relative_zxid: Zxid::ZERO, data, exist, child };
        world.send(conn, -8, &Request::SetWatches(lists));
        assert_eq!(world.replies(conn).len(), events + 1);
        world.call(conn, &Request::AddWatch(AddWatchRequest { path: "/a", mode }));
    }
    let set = SetDataRequest { path: "/a", data: None, version: -1 };
    let ops = vec![MultiOp::SetData(set); TIMES];
    world.send(owner, 7, &Request::Multi(MultiRequest { ops }));
    assert_eq!(world.replies(owner).len(), TIMES + 1);
    assert!(world.frames(stranger).is_empty(), "who may not read it is not told");
}

#[test]
fn the_watches_of_who_is_gone_do_not_keep_a_ping_waiting() {
    let mut world = World::new();
    let (watcher, _) = world.session(10_000);
    let (alive, _) = world.session(10_000);
    for i in 0..2 * crate::watch::DROP_BATCH + 1 {
        world.call(watcher, &exists(&format!("/{i}"), true));
    }
    world.call(alive, &exists("/last", true));
    world.disconnect(watcher);
    assert!(world.server.watches.has_departed(), "one batch is over");
    assert_eq!(world.server.watches.watch_count(), 1);
    world.ping(alive);
    assert_eq!(world.server.next_deadline(), Some(world.now.instant), "the rest is due at once");
    world.handle(Event::Tick);
    assert!(world.server.watches.has_departed());
    world.handle(Event::Tick);
    assert!(!world.server.watches.has_departed());
    assert!(world.server.next_deadline() > Some(world.now.instant));
    world.call(alive, &create("/1", CreateMode::Persistent));
}
