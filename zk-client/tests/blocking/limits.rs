//! Waits that end before there is something.

use std::time::{Duration, Instant};

use zk_client::blocking::{Client, Wait, WaitNext};
use zk_client::{CreateMode, Error, EventType, SessionState, WatchMode};

use crate::fixture::{Server, bounded};

const SHORT: Duration = Duration::from_millis(30);

#[test]
fn a_watch_is_waited_for_again_after_a_limit() {
    bounded(|| {
        let server = Server::start();
        let client = server.client();
        let (_, mut watch) = client.exists("/a").watch().wait().unwrap();
        let start = Instant::now();
        let waited = (&mut watch).wait_timeout(SHORT);
        assert_eq!(waited.unwrap_err().after, SHORT);
        assert!(start.elapsed() >= SHORT);
        client.create("/a", b"", CreateMode::Persistent).wait().unwrap();
        let event = watch.wait_timeout(Duration::from_secs(30)).unwrap().unwrap();
        assert_eq!(event.kind, EventType::NodeCreated);
    });
}

#[test]
fn a_stream_loses_nothing_to_a_limit() {
    bounded(|| {
        let server = Server::start();
        let client = server.client();
        let mut events = client.watch("/", WatchMode::PersistentRecursive).wait().unwrap();
        assert!(events.wait_next_timeout(SHORT).is_err());
        client.create("/a", b"", CreateMode::Persistent).wait().unwrap();
        let event = events.wait_next_timeout(Duration::ZERO).unwrap();
        assert_eq!(event.unwrap().path, "/a", "an event is there before the reply");
        client.close().unwrap();
        let at_the_end = events.wait_next_timeout(Duration::from_secs(30));
        assert_eq!(at_the_end, Ok(None));
    });
}

#[test]
fn a_limit_of_nothing_takes_what_is_there() {
    bounded(|| {
        let server = Server::start();
        let client = server.client();
        let state = client.states().wait_next_timeout(Duration::ZERO);
        assert_eq!(state, Ok(Some(SessionState::Connected)));
        assert_eq!(std::future::ready(1).wait_timeout(Duration::ZERO), Ok(1));
    });
}

#[test]
fn a_limit_beyond_the_clock_is_none() {
    bounded(|| {
        let server = Server::start();
        server.client().get("/").wait_timeout(Duration::MAX).unwrap().unwrap();
    });
}

#[test]
fn a_request_s_own_limit_says_what_became_of_it() {
    bounded(|| {
        let server = Server::start();
        let client = server.client();
        server.pause();
        let error = client.set("/", b"x").timeout(SHORT).wait().unwrap_err();
        assert!(error.is_outcome_unknown(), "{error}");
        let error = client.get("/").timeout(SHORT).wait().unwrap_err();
        assert!(matches!(error, Error::Timeout { in_flight: false, .. }), "{error}");
        server.resume();
        client.get("/").wait().unwrap();
    });
}

#[test]
fn connecting_ends_within_its_bound() {
    bounded(|| {
        let mut server = Server::start();
        server.stop();
        let error = server.builder().connect_timeout(SHORT).connect_blocking().unwrap_err();
        assert!(matches!(error, Error::NoServerReachable { .. }), "{error}");
        let connecting = server.builder().connect();
        assert!(connecting.wait_timeout(SHORT).is_err());
        assert!(Client::connect("no:port:here").is_err());
    });
}

#[test]
fn connecting_lazily_waits_for_nobody() {
    bounded(|| {
        let mut server = Server::start();
        server.stop();
        let client = server.builder().connect_lazily_blocking().unwrap();
        assert!(client.get("/").timeout(SHORT).wait().is_err());
        server.restart();
        client.get("/").wait().unwrap();
    });
}
