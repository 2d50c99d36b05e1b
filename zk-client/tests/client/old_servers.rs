//! Servers that lack what newer ones have.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zk_client::{Client, CreateMode, Error, SessionId, Stat, WatchMode, Zxid};
use zk_proto::codec::{DEFAULT_FRAME_LIMIT, Decode, Encode, FrameDecoder, Reader, encode_frame};
use zk_proto::{
    ConnectResponse, CreateRequest, CreateResponse, ErrorCode, ExistsRequest, ExistsResponse,
    OpCode, Password, ReplyHeader, RequestHeader,
};

use crate::fixture::within;

type Nodes = Arc<Mutex<BTreeSet<String>>>;

/// A server of the kind of 3.4: it knows `create`, `exists` and little else, answers what it does
/// not know with "unimplemented" under no zxid, and closes the connection.
async fn old_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let nodes = Nodes::default();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&nodes)));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, nodes: Nodes) {
    let mut buffer = BytesMut::new();
    let Some(_connect) = frame(&mut stream, &mut buffer).await else { return };
    let mut out = BytesMut::new();
    let session = SessionId(0x34);
    let response = ConnectResponse {
        protocol_version: 0,
        timeout_ms: 20_000,
        session_id: session,
        password: Password::for_session(session),
        read_only: None,
    };
    encode_frame(&mut out, |out| response.encode(out));
    while stream.write_all(&out).await.is_ok() {
        let Some(request) = frame(&mut stream, &mut buffer).await else { return };
        out.clear();
        if !answer(&request, &nodes, &mut out) {
            // It goes out before the connection is closed, as far as the client reads.
            let _ = stream.write_all(&out).await;
            return;
        }
    }
}

async fn frame(stream: &mut TcpStream, buffer: &mut BytesMut) -> Option<Bytes> {
    let decoder = FrameDecoder::new(DEFAULT_FRAME_LIMIT);
    loop {
        if let Some(frame) = decoder.next(buffer).ok()? {
            return Some(frame);
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// Whether the connection goes on after the answer.
fn answer(request: &Bytes, nodes: &Nodes, out: &mut BytesMut) -> bool {
    let mut reader = Reader::of(request);
    let Ok(RequestHeader { xid, op }) = RequestHeader::decode(&mut reader) else { return false };
    let zxid = Zxid(7);
    let mut reply = |zxid, err, body: &dyn Fn(&mut BytesMut)| {
        encode_frame(out, |out| {
            ReplyHeader { xid, zxid, err }.encode(out);
            body(out);
        });
    };
    match OpCode::try_from(op) {
        Ok(OpCode::Create) => {
            let path = CreateRequest::decode(&mut reader).unwrap().path.to_owned();
            let mut nodes = nodes.lock().unwrap();
            match zk_proto::path::parent(&path) {
                Some(parent) if parent != "/" && !nodes.contains(parent) => {
                    reply(zxid, ErrorCode::NoNode, &|_| {});
                }
                _ => {
                    nodes.insert(path.clone());
                    let response = CreateResponse { path };
                    reply(zxid, ErrorCode::Ok, &|out| response.encode(out));
                }
            }
        }
        Ok(OpCode::Exists) => {
            let ExistsRequest { path, .. } = ExistsRequest::decode(&mut reader).unwrap();
            let stat = Stat { czxid: zxid, ..Stat::default() };
            if path == "/" || nodes.lock().unwrap().contains(path) {
                reply(zxid, ErrorCode::Ok, &|out| ExistsResponse { stat }.encode(out));
            } else {
                reply(zxid, ErrorCode::NoNode, &|_| {});
            }
        }
        Ok(OpCode::Ping | OpCode::SetWatches) => reply(zxid, ErrorCode::Ok, &|_| {}),
        _ => {
            reply(Zxid::UNKNOWN, ErrorCode::Unimplemented, &|_| {});
            return false;
        }
    }
    true
}

async fn connected() -> Client {
    let servers = old_server().await.to_string();
    let builder = Client::builder(&servers).session_timeout(Duration::from_secs(20));
    within("connecting", builder.connect()).await.unwrap()
}

#[tokio::test]
async fn a_create_falls_back_to_what_old_servers_know() {
    let client = connected().await;
    for path in ["/a", "/b"] {
        let created = client.create(path, b"", CreateMode::Persistent);
        let created = within("the create", created).await.unwrap();
        assert_eq!((created.path.as_str(), created.stat.czxid), (path, Zxid(7)));
    }
    assert_eq!(client.session_epoch(), 1, "the attempt costs a connection, not the session");
}

#[tokio::test]
async fn only_a_servers_word_tells_what_it_knows() {
    let client = connected().await;
    let refused = client.create("/a", b"", CreateMode::Persistent).in_session(99).await;
    assert_eq!(refused, Err(Error::SessionExpired), "by the client, that is");
    let created = client.create("/a", b"", CreateMode::Persistent);
    assert_eq!(within("the create", created).await.unwrap().path, "/a");
}

#[tokio::test]
async fn what_has_no_substitute_fails_as_unimplemented() {
    let client = connected().await;
    let error = within("the answer", client.watch("/a", WatchMode::Persistent)).await.unwrap_err();
    assert_eq!(error, Error::Unimplemented { op: "addWatch" });
    let error = within("the answer", client.who_am_i()).await.unwrap_err();
    assert_eq!(error, Error::Unimplemented { op: "whoAmI" });
    assert!(within("the answer", client.exists("/")).await.unwrap().is_some());
}

#[tokio::test]
async fn parents_are_persistent_where_there_are_no_containers() {
    let client = connected().await;
    let create = client.create("/a/b/c", b"", CreateMode::Persistent).with_container_parents();
    assert_eq!(within("the create", create).await.unwrap().path, "/a/b/c");
    let client = connected().await;
    within("the path", client.ensure_path("/a/b/c").containers()).await.unwrap();
    assert!(within("the answer", client.exists("/a/b/c")).await.unwrap().is_some());
    let create = client.create("/x/y/n", b"", CreateMode::Persistent).with_container_parents();
    let create = create.protected();
    assert!(within("the create", create).await.unwrap().path.starts_with("/x/y/_c_"));
    assert_eq!(client.session_epoch(), 1, "the attempts cost connections, not the session");
}
