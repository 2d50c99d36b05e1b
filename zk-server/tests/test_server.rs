//! `TestServer` over real sockets.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests touch the world")]

mod support;

use std::time::Duration;

use support::{RawClient, four_letter};
use zk_proto::{
    CreateMode, CreateRequest, CreateResponse, ErrorCode, EventType, ExistsRequest, ExistsResponse,
    GetDataRequest, GetDataResponse, Request, SetDataRequest, WatcherEvent, xid,
};
use zk_server::testing::TestServer;

#[tokio::test]
async fn a_session_creates_reads_and_watches() {
    let server = TestServer::start().await.unwrap();
    let mut client = RawClient::connect(server.addr());
    let created = client.create("/a", b"one", CreateMode::Persistent);
    assert_eq!(created.record::<CreateResponse>().path, "/a");
    let read = client.call(&Request::GetData(GetDataRequest { path: "/a", watch: true }));
    let read: GetDataResponse = read.record();
    assert_eq!(read.data.as_deref(), Some(&b"one"[..]));

    let mut other = RawClient::connect(server.addr());
    let set = Request::SetData(SetDataRequest { path: "/a", data: Some(b"two"), version: 0 });
    let written = other.call(&set);
    let event = client.receive();
    assert_eq!((event.header.xid, event.header.zxid), (xid::NOTIFICATION, written.header.zxid));
    let event: WatcherEvent = event.record();
    assert_eq!((event.kind, event.path.as_str()), (EventType::NodeDataChanged, "/a"));
    assert_eq!(four_letter(server.addr(), "ruok"), "imok");
}

#[tokio::test]
async fn data_and_sessions_survive_a_restart_on_the_same_port() {
    let mut server = TestServer::start().await.unwrap();
    let addr = server.addr();
    let mut client = RawClient::connect(addr);
    client.create("/e", b"", CreateMode::Ephemeral);
    server.restart().await.unwrap();
    assert!(client.is_closed());

    let (session, password) = (client.granted.session_id, client.granted.password);
    let mut client = RawClient::connect_as(addr, session, password);
    assert_eq!(client.granted.session_id, session);
    let exists = client.call(&Request::Exists(ExistsRequest { path: "/e", watch: false }));
    assert_eq!(exists.record::<ExistsResponse>().stat.ephemeral_owner, session);
    let fresh = RawClient::connect(addr);
    assert!(fresh.granted.session_id > session, "ids are not given out again");
}

#[tokio::test]
async fn an_expired_session_loses_its_connection_and_its_ephemerals() {
    let server = TestServer::start().await.unwrap();
    let mut watcher = RawClient::connect(server.addr());
    let mut client = RawClient::connect(server.addr());
    client.create("/e", b"", CreateMode::Ephemeral);
    watcher.call(&Request::Exists(ExistsRequest { path: "/e", watch: true }));
    let (session, password) = (client.granted.session_id, client.granted.password);
    assert!(server.expire_session(session));
    assert!(!server.expire_session(session), "only once");
    let event: WatcherEvent = watcher.receive().record();
    assert_eq!((event.kind, event.path.as_str()), (EventType::NodeDeleted, "/e"));
    assert!(client.is_closed());
    let refused = RawClient::connect_as(server.addr(), session, password);
    assert_eq!(refused.granted.timeout_ms, 0);
}

#[tokio::test]
async fn cut_connections_leave_their_sessions_alive() {
    let server = TestServer::start().await.unwrap();
    let mut client = RawClient::connect(server.addr());
    assert_eq!(server.drop_connections(), 1);
    assert_eq!(server.connection_count(), 0);
    assert!(client.is_closed());
    let (session, password) = (client.granted.session_id, client.granted.password);
    assert_eq!(server.session_ids(), [session]);
    let resumed = RawClient::connect_as(server.addr(), session, password);
    assert_eq!(resumed.granted.session_id, session);
}

#[tokio::test]
async fn a_paused_server_answers_when_it_is_resumed() {
    let server = TestServer::start().await.unwrap();
    let mut client = RawClient::connect(server.addr());
    server.pause();
    client.send(&Request::Exists(ExistsRequest { path: "/nope", watch: false }));
    let other = std::thread::spawn({
        let addr = server.addr();
        move || RawClient::connect(addr).granted.timeout_ms
    });
    server.resume();
    assert_eq!(client.receive().header.err, ErrorCode::NoNode);
    assert_eq!(other.join().unwrap(), 30_000);
}

/// Each time by chance: what comes at the same time as the pause may be read before it.
#[tokio::test]
async fn what_comes_to_a_paused_server_is_not_carried_out_when_it_stops() {
    let mut server = TestServer::start().await.unwrap();
    for turn in 0..60 {
        let mut client = RawClient::connect(server.addr());
        server.pause();
        let path = format!("/{turn}");
        client.send(&Request::Create(CreateRequest {
            path: &path,
            data: None,
            acl: zk_proto::Acl::open(),
            flags: CreateMode::Persistent.flags(),
        }));
        server.stop().await;
        server.restart().await.unwrap();
        let mut client = RawClient::connect(server.addr());
        let exists = Request::Exists(ExistsRequest { path: &path, watch: false });
        assert_eq!(client.call(&exists).header.err, ErrorCode::NoNode, "in turn {turn}");
    }
}

#[tokio::test]
async fn a_stopped_server_refuses_connections_and_its_port_stays_reserved() {
    let mut server = TestServer::start().await.unwrap();
    let addr = server.addr();
    server.stop().await;
    let refused = tokio::net::TcpStream::connect(addr).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    server.restart().await.unwrap();
    RawClient::connect(addr);
}

#[test]
fn it_needs_no_runtime_around_it() {
    use std::future::Future as _;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake};

    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    fn is_shared<T: Send + Sync>(_: &T) {}

    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut start = pin!(TestServer::start());
    let server = loop {
        match start.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(server) => break server.unwrap(),
            Poll::Pending => std::thread::park(),
        }
    };
    is_shared(&server);
    let mut client = RawClient::connect(server.addr());
    let dir = server.data_dir().to_owned();
    drop(server);
    assert!(client.is_closed());
    assert!(!dir.exists());
}

#[tokio::test]
async fn the_builder_reaches_the_server() {
    let server = TestServer::builder()
        .session_timeout_bounds(Duration::from_millis(500), Duration::from_millis(600))
        .tick_time(Duration::from_millis(50))
        .max_client_cnxns(1)
        .start()
        .await
        .unwrap();
    let client = RawClient::connect(server.addr());
    assert_eq!(client.granted.timeout_ms, 600);
    let mut second = support::dial(server.addr());
    assert!(!matches!(std::io::Read::read(&mut second, &mut [0]), Ok(1..)), "closed at once");
    let mut client = client;
    assert!(client.is_closed(), "a silent session ends, and its connection with it");
}
