//! What a client has outstanding is bounded, also in bytes, and more waits in order.

use std::collections::VecDeque;

use bytes::BytesMut;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use zk_client::{Client, SessionId, Stat, Zxid};
use zk_proto::codec::{Decode, Encode, FrameDecoder, Reader, encode_frame};
use zk_proto::{ConnectResponse, ErrorCode, OpCode, Password, ReplyHeader, RequestHeader};

use crate::fixture::within;

const DATA_LEN: usize = 100 * 1024;
const BYTES_MAX: usize = 1024 * 1024;

/// What a server saw that answers only when it is told to.
#[derive(Clone, Copy, Default)]
struct Seen {
    unanswered: usize,
    unanswered_bytes: usize,
    most_bytes: usize,
}

/// Reads whatever the client sends, and answers a set for each permit.
async fn serve(listener: TcpListener, mut permits: mpsc::Receiver<()>, seen: watch::Sender<Seen>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let (mut incoming, mut waiting) = (BytesMut::new(), VecDeque::new());
    let mut greeted = false;
    loop {
        tokio::select! {
            read = stream.read_buf(&mut incoming) => if read.unwrap_or(0) == 0 { return },
            Some(()) = permits.recv(), if !waiting.is_empty() => {
                let (xid, len) = waiting.pop_front().unwrap();
                seen.send_modify(|seen| {
                    seen.unanswered -= 1;
                    seen.unanswered_bytes -= len;
                });
                answer(&mut stream, xid).await;
            }
        }
        while let Some(frame) = FrameDecoder::new(4 * BYTES_MAX).next(&mut incoming).unwrap() {
            if !std::mem::replace(&mut greeted, true) {
                greet(&mut stream).await;
                continue;
            }
            let request = RequestHeader::decode(&mut Reader::of(&frame)).unwrap();
            if request.op == OpCode::SetData.code() {
                waiting.push_back((request.xid, frame.len()));
                seen.send_modify(|seen| {
                    seen.unanswered += 1;
                    seen.unanswered_bytes += frame.len();
                    seen.most_bytes = seen.most_bytes.max(seen.unanswered_bytes);
                });
            }
        }
    }
}

async fn greet(stream: &mut TcpStream) {
    let session_id = SessionId(7);
    let response = ConnectResponse {
        protocol_version: 0,
        timeout_ms: 60_000,
        session_id,
        password: Password::for_session(session_id),
        read_only: Some(false),
    };
    let mut out = BytesMut::new();
    encode_frame(&mut out, |out| response.encode(out));
    stream.write_all(&out).await.unwrap();
}

async fn answer(stream: &mut TcpStream, xid: i32) {
    let mut out = BytesMut::new();
    encode_frame(&mut out, |out| {
        ReplyHeader { xid, zxid: Zxid(1), err: ErrorCode::Ok }.encode(out);
        Stat::default().encode(out);
    });
    stream.write_all(&out).await.unwrap();
}

#[tokio::test]
async fn requests_beyond_the_limit_of_bytes_wait_in_order() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let servers = listener.local_addr().unwrap().to_string();
    let (permit, permits) = mpsc::channel(1);
    let (seen, mut look) = watch::channel(Seen::default());
    tokio::spawn(serve(listener, permits, seen));
    let builder = Client::builder(&servers).session_timeout(std::time::Duration::from_secs(60));
    let client = builder
        .max_outstanding_bytes(BYTES_MAX)
        .max_frame_len(4 * BYTES_MAX)
        .connect()
        .await
        .unwrap();

    let sets = (0..40).map(|_| client.set("/n", &[7; DATA_LEN]).send()).collect::<Vec<_>>();
    let fit = BYTES_MAX / (DATA_LEN + 30);
    within("as many as fit", look.wait_for(|seen| seen.unanswered == fit)).await.unwrap();
    for set in sets {
        permit.send(()).await.unwrap();
        within("the oldest is answered first", set).await.unwrap();
    }
    let most = look.borrow().most_bytes;
    assert!(most <= BYTES_MAX, "{most} bytes were on their way at once");

    // One request is let in, however long.
    let long = client.set("/n", &vec![7; BYTES_MAX + 1]).send();
    let more = join_all((0..3).map(|_| client.set("/n", b"").send()));
    within("the long one alone", look.wait_for(|seen| seen.unanswered == 1)).await.unwrap();
    for _ in 0..4 {
        permit.send(()).await.unwrap();
    }
    within("the long one", long).await.unwrap();
    assert!(within("the others", more).await.iter().all(Result::is_ok));
}
