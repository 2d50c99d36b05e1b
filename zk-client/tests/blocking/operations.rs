//! Every kind of call, waited for.

use std::time::Duration;

use zk_client::blocking::{Client, Wait, WaitNext};
use zk_client::{
    Acl, CreateMode, Error, EventType, FourLetterWord, MultiResult, Retry, SessionState, WatchMode,
    four_letter,
};

use crate::fixture::{Server, bounded};

#[test]
fn every_operation_can_be_waited_for() {
    bounded(|| {
        let server = Server::start();
        let client = Client::connect(&server.connect_string()).unwrap();
        let created = client.create("/a", b"1", CreateMode::Persistent).wait().unwrap();
        assert_eq!(created.path, "/a");
        let stat = client.set("/a", b"2").version(0).wait().unwrap();
        let (data, read) = client.get("/a").wait().unwrap();
        assert_eq!((&*data, read), (&b"2"[..], stat));
        assert_eq!(client.exists("/a").wait().unwrap(), Some(stat));
        assert_eq!(client.children("/").wait().unwrap().0.len(), 2);
        client.set_acl("/a", Acl::open()).wait().unwrap();
        assert_eq!(client.get_acl("/a").wait().unwrap().0, Acl::open());
        client.sync("/").wait().unwrap();
        client.add_auth("digest", b"u:p").wait().unwrap();
        assert!(client.who_am_i().wait().unwrap().iter().any(|id| id.user == "u"));
        let results = client.multi().check("/a", 1).delete("/a").commit().wait().unwrap();
        assert_eq!(results, [MultiResult::Checked, MultiResult::Deleted]);
        assert_eq!(client.multi_read().get("/").children("/").wait().unwrap().len(), 2);
        client.create("/e", b"", CreateMode::Ephemeral).wait().unwrap();
        assert_eq!(client.ephemerals("/").wait().unwrap(), ["/e"]);
        client.delete("/e").wait().unwrap();
        assert_eq!(client.delete("/e").wait(), Err(Error::NoNode { path: "/e".to_owned() }));
        client.close().unwrap();
        assert!(client.is_closed());
        assert_eq!(client.get("/").wait(), Err(Error::Closed));
    });
}

#[test]
fn requests_travel_together_when_they_are_sent_before_they_are_waited_for() {
    bounded(|| {
        let server = Server::start();
        let client = server.client();
        let written = (0..100).map(|n| client.set("/", &format!("{n}")).send());
        let written = written.collect::<Vec<_>>();
        let (data, _) = client.get("/").wait().unwrap();
        assert_eq!(data, "99");
        let versions = written.into_iter().map(|set| set.wait().unwrap().version);
        assert!(versions.eq(1..=100));
    });
}

#[test]
fn a_one_shot_watch_is_waited_for() {
    bounded(|| {
        let server = Server::start();
        let (client, other) = (server.client(), server.client());
        let (_, watch) = client.exists("/a").watch().wait().unwrap();
        let writer = std::thread::spawn(move || {
            other.create("/a", b"", CreateMode::Persistent).wait().unwrap();
        });
        assert_eq!(watch.wait().unwrap().kind, EventType::NodeCreated);
        writer.join().unwrap();
    });
}

#[test]
fn streams_are_iterators() {
    bounded(|| {
        let server = Server::start();
        let client = server.client();
        let mut events = client.watch("/", WatchMode::PersistentRecursive).wait().unwrap();
        let mut nodes = client.observe("/a");
        assert_eq!(nodes.wait_next(), Some(Ok(None)));
        for n in 0..3 {
            client.create(&format!("/{n}"), b"", CreateMode::Persistent).wait().unwrap();
        }
        let seen = events.iter().take(3).map(|event| event.path).collect::<Vec<_>>();
        assert_eq!(seen, ["/0", "/1", "/2"]);
        client.create("/a", b"x", CreateMode::Persistent).wait().unwrap();
        let (data, _) = nodes.iter().next().unwrap().unwrap().unwrap();
        assert_eq!(data, "x");
        let mut states = client.states();
        client.close().unwrap();
        let states = states.iter().collect::<Vec<_>>();
        assert_eq!(states, [SessionState::Connected, SessionState::Closed]);
        assert_eq!(nodes.wait_next(), None);
    });
}

#[test]
fn waits_outlast_a_restart_of_the_server() {
    bounded(|| {
        let mut server = Server::start();
        let client = server.client();
        client.create("/a", b"", CreateMode::Persistent).wait().unwrap();
        let (_, _, watch) = client.get("/a").watch().wait().unwrap();
        let mut states = client.states();
        server.stop();
        assert!(states.iter().any(|state| state == SessionState::Suspended));
        let reader = std::thread::spawn({
            let client = client.clone();
            move || client.get("/a").wait()
        });
        server.restart();
        reader.join().unwrap().unwrap();
        client.set("/a", b"x").wait().unwrap();
        assert_eq!(watch.wait().unwrap().kind, EventType::NodeDataChanged);
        assert_eq!(client.session_epoch(), 1);
    });
}

#[test]
fn a_session_that_expires_wakes_those_who_wait() {
    bounded(|| {
        let server = Server::start();
        let client = server.client();
        let (_, watch) = client.exists("/a").watch().wait().unwrap();
        server.expire_session(client.session_id().unwrap());
        assert_eq!(watch.wait(), Err(Error::SessionExpired));
        client.session_ended(1).wait();
        client.exists("/a").wait().unwrap();
        assert_eq!(client.session_epoch(), 2);
    });
}

#[test]
fn a_root_of_its_own_is_seen_by_a_blocking_client() {
    bounded(|| {
        let server = Server::start();
        let client = server.client();
        client.create("/app", b"", CreateMode::Persistent).wait().unwrap();
        let app = client.in_chroot("/app").unwrap();
        app.create("/a", b"", CreateMode::Persistent).wait().unwrap();
        assert!(client.exists("/app/a").wait().unwrap().is_some());
    });
}

#[test]
fn what_needs_sockets_and_timers_of_its_own_has_them() {
    bounded(|| {
        let server = Server::start();
        let servers = server.connect_string();
        let answer = four_letter(&servers, FourLetterWord::Srvr, Duration::from_secs(20)).wait();
        assert!(answer.unwrap().contains("Mode: standalone"));
        let refused = || async { Err::<(), _>(Error::Throttled { path: "/".to_owned() }) };
        assert!(Retry::times(3).run(refused).wait().is_err());
    });
}
