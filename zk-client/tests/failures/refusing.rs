//! A server that refuses, with a code of our choice.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zk_client::{Client, ErrorCode, SessionId, Stat, Zxid};
use zk_proto::codec::{DEFAULT_FRAME_LIMIT, Decode, Encode, FrameDecoder, Reader, encode_frame};
use zk_proto::{ConnectResponse, GetDataResponse, OpCode, Password, ReplyHeader, RequestHeader};

use crate::asked::{Asked, within};

/// What became of requests to a server that refuses writes, or everything.
pub(crate) async fn fates(code: ErrorCode, reads_too: bool) -> [String; 4] {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let servers = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, code, reads_too));
        }
    });
    let client = within("connecting", Client::connect(&servers)).await.unwrap();
    Asked::of(&client).fates().await
}

async fn serve(mut stream: TcpStream, code: ErrorCode, reads_too: bool) -> Option<()> {
    let mut buffer = BytesMut::new();
    let _connect = frame(&mut stream, &mut buffer).await?;
    let session_id = SessionId(7);
    let response = ConnectResponse {
        protocol_version: 0,
        timeout_ms: 20_000,
        session_id,
        password: Password::for_session(session_id),
        read_only: Some(false),
    };
    let mut out = BytesMut::new();
    encode_frame(&mut out, |out| response.encode(out));
    loop {
        stream.write_all(&out).await.ok()?;
        let request = frame(&mut stream, &mut buffer).await?;
        let RequestHeader { xid, op } = RequestHeader::decode(&mut Reader::of(&request)).ok()?;
        let op = OpCode::try_from(op).ok()?;
        let is_refused = op != OpCode::Ping && (op.is_write() || reads_too);
        let err = if is_refused { code } else { ErrorCode::Ok };
        out.clear();
        encode_frame(&mut out, |out| {
            ReplyHeader { xid, zxid: Zxid(1), err }.encode(out);
            if op == OpCode::GetData && !is_refused {
                GetDataResponse { data: None, stat: Stat::default() }.encode(out);
            }
        });
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
