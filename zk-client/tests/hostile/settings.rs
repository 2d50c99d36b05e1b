//! Settings at the ends of their ranges.

use std::time::Duration;

use zk_client::{Client, CreateMode, Error};
use zk_server::testing::TestServer;

use super::within;

const PERSISTENT: CreateMode = CreateMode::Persistent;

#[tokio::test]
async fn the_longest_times_mean_without_limit() {
    let server = TestServer::start().await.unwrap();
    let builder = Client::builder(&server.connect_string())
        .session_timeout(Duration::from_millis(i32::MAX as u64))
        .connect_timeout(Duration::MAX)
        .close_timeout(Duration::MAX)
        .request_timeout(Duration::MAX);
    let client = within("the connect", builder.connect()).await.unwrap();
    client.get("/").await.unwrap();
    client.get("/").timeout(Duration::from_secs(u64::MAX / 4)).await.unwrap();
    within("the close", client.close()).await.unwrap();
}

#[tokio::test]
async fn a_request_without_time_fails_and_harms_nobody() {
    let server = TestServer::start().await.unwrap();
    let client = Client::connect(&server.connect_string()).await.unwrap();
    for round in 0..500_u32 {
        let short = Duration::from_nanos(u64::from(round % 50) * 4000);
        match client.get("/").timeout(short).await {
            Ok(_) | Err(Error::Timeout { in_flight: false, .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(client.get("/").timeout(Duration::ZERO).await.is_err());
    client.get("/").await.unwrap();
    assert_eq!(client.session_epoch(), 1);
}

#[tokio::test]
async fn a_request_behind_more_than_the_session_holds_keeps_its_time() {
    // A session that does not end, nor its connection, before the test does.
    let hour = Duration::from_secs(3600);
    let server = TestServer::builder().session_timeout_bounds(hour, hour).start().await.unwrap();
    let builder = Client::builder(&server.connect_string()).session_timeout(hour);
    let client = builder.connect().await.unwrap();
    server.pause();
    let data = vec![7; 1_000_000];
    let big: Vec<_> = (0..80).map(|_| client.set("/", &data).send()).collect();
    let late = client.get("/").timeout(Duration::from_millis(100));
    let late = within("the timeout", late).await.unwrap_err();
    assert!(matches!(late, Error::Timeout { .. }), "{late}");
    drop(big);
    server.resume();
}

#[tokio::test]
async fn one_outstanding_request_is_enough() {
    let server = TestServer::start().await.unwrap();
    let builder = Client::builder(&server.connect_string()).max_outstanding(1);
    let builder = builder.close_timeout(Duration::MAX);
    let client = builder.connect().await.unwrap();
    client.create("/n", b"", PERSISTENT).await.unwrap();
    let pending: Vec<_> = (0..200).map(|n| client.set("/n", b"").version(n).send()).collect();
    let mut dropped = 0;
    for (n, pending) in pending.into_iter().enumerate() {
        if n >= 150 {
            dropped += 1;
            drop(pending);
        } else {
            within("a set", pending).await.unwrap();
        }
    }
    let (_, stat) = within("a get", client.get("/n")).await.unwrap();
    assert!(stat.version <= 151 && dropped == 50, "those dropped in line are not sent");
    let at_once = (0..10).map(|_| client.exists("/n").send()).collect::<Vec<_>>();
    within("the close", client.close()).await.unwrap();
    for pending in at_once {
        within("what was sent before the close", pending).await.unwrap();
    }
}

#[tokio::test]
async fn the_frame_limit_is_exact_and_a_longer_request_fails_alone() {
    let server = TestServer::start().await.unwrap();
    let client = Client::connect(&server.connect_string()).await.unwrap();
    client.create("/n", b"", PERSISTENT).await.unwrap();
    let data = vec![1; 1 << 20];
    let mut refused = 0;
    for len in (1 << 20) - 60..=(1 << 20) {
        let before = client.get("/").send();
        let set = client.set("/n", &data[..len]).send();
        let after = client.get("/").send();
        before.await.unwrap();
        match within("the set", set).await {
            Ok(stat) => {
                assert_eq!((usize::try_from(stat.data_length), refused), (Ok(len), 0));
            }
            Err(Error::RequestTooLarge { .. }) => refused += 1,
            Err(error) => panic!("{len}: {error}"),
        }
        after.await.unwrap();
    }
    assert!((1..=60).contains(&refused), "{refused}");
    assert_eq!(within("the read", client.get("/n")).await.unwrap().0.len(), (1 << 20) - refused);
}

#[tokio::test]
async fn a_chroot_may_be_missing_and_paths_may_be_in_any_script() {
    let server = TestServer::start().await.unwrap();
    let servers = server.connect_string();
    let client = Client::connect(&format!("{servers}/not/there")).await.unwrap();
    let missing = Err(Error::NoNode { path: "/a".to_owned() });
    assert_eq!(client.create("/a", b"", PERSISTENT).await, missing);
    assert_eq!(client.exists("/a").await, Ok(None));
    let (_, created) = client.exists("/日本/ł").watch().await.unwrap();
    let other = Client::connect(&servers).await.unwrap();
    for path in ["/not", "/not/there", "/not/there/日本", "/not/there/日本/ł"] {
        other.create(path, "données".as_bytes(), PERSISTENT).await.unwrap();
    }
    assert_eq!(within("the event", created).await.unwrap().path, "/日本/ł");
    assert_eq!(client.children("/日本").await.unwrap().0, ["ł"]);
    assert_eq!(&client.get("/日本/ł").await.unwrap().0[..], "données".as_bytes());
    for path in ["", "a", "/a/", "/a//b", "/a/../b", "/a\0", "/\u{f8ff}", "/\u{1}"] {
        let error = client.get(path).await.unwrap_err();
        assert!(matches!(error, Error::InvalidPath { .. }), "{path:?}: {error}");
    }
    client.get("/").await.unwrap();
}

#[tokio::test]
async fn credentials_wait_no_longer_for_a_server_than_requests_do() {
    let mut server = TestServer::start().await.unwrap();
    let builder = Client::builder(&server.connect_string());
    let builder = builder.session_timeout(Duration::from_millis(300));
    let builder = builder.connect_timeout(Duration::from_millis(500));
    // Half a second may be too short for a busy machine.
    let client = within("the connect", async {
        loop {
            if let Ok(client) = builder.clone().connect().await {
                return client;
            }
        }
    })
    .await;
    server.stop().await;
    let error = within("the verdict", client.add_auth("digest", b"a:b")).await.unwrap_err();
    assert!(matches!(error, Error::NoServerReachable { .. }), "{error}");
    assert_ne!(client.session_epoch(), 1, "it waited on when the session ended");
    let error = within("the verdict", client.add_auth("digest", b"c:d")).await.unwrap_err();
    assert!(matches!(error, Error::NoServerReachable { .. }), "{error}");
    server.restart().await.unwrap();
    // They are remembered all the same.
    let ids = async {
        loop {
            if let Ok(ids) = client.who_am_i().await {
                return ids;
            }
        }
    };
    let users: Vec<_> = within("the answer", ids).await.into_iter().map(|id| id.user).collect();
    assert!(users.contains(&"a".to_owned()) && users.contains(&"c".to_owned()), "{users:?}");
}
