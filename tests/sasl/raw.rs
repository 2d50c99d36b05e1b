//! A connection that says what no client would.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use tests::within;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zk_proto::codec::{Decode, Encode, FrameDecoder, Reader, encode_frame};
use zk_proto::{
    ConnectRequest, ErrorCode, OpCode, Password, ReplyHeader, RequestHeader, SaslRequest,
    SaslResponse, SessionId, Zxid,
};

/// What a server says to a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A token or null, with this code.
    Token(ErrorCode, Option<Bytes>),
    /// It closes the connection.
    Closed,
}

impl Answer {
    /// The token of an answer that is no refusal.
    pub(crate) fn token(&self) -> Bytes {
        match self {
            Self::Token(ErrorCode::Ok, Some(token)) => token.clone(),
            other => panic!("{other:?}"),
        }
    }
}

/// A refusal.
pub(crate) const REFUSED: Answer = Answer::Token(ErrorCode::AuthFailed, None);

/// A connection with a session.
pub(crate) struct RawConnection {
    stream: TcpStream,
    incoming: BytesMut,
}

impl RawConnection {
    pub(crate) async fn open(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).await.expect("the server takes connections");
        let mut connection = Self { stream, incoming: BytesMut::new() };
        let request = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: Zxid::ZERO,
            timeout_ms: 10_000,
            session_id: SessionId::NONE,
            password: Password::NONE,
            read_only: Some(false),
        };
        connection.send(|out| request.encode(out)).await;
        connection.receive().await.expect("a session");
        connection
    }

    async fn send(&mut self, body: impl FnOnce(&mut BytesMut)) {
        let mut frame = BytesMut::new();
        encode_frame(&mut frame, body);
        // A server that has closed does not take it.
        let _ = self.stream.write_all(&frame).await;
    }

    async fn receive(&mut self) -> Option<Bytes> {
        loop {
            let frame = FrameDecoder::new(1 << 20).next(&mut self.incoming).expect("a frame");
            if frame.is_some() {
                return frame;
            }
            let read = within("an answer", self.stream.read_buf(&mut self.incoming)).await;
            if !matches!(read, Ok(1..)) {
                return None;
            }
        }
    }

    /// The answer to a request for SASL with this body.
    pub(crate) async fn body(&mut self, body: &[u8]) -> Answer {
        let header = RequestHeader { xid: 7, op: OpCode::Sasl.code() };
        self.send(|out| {
            header.encode(out);
            out.extend_from_slice(body);
        })
        .await;
        let Some(frame) = self.receive().await else { return Answer::Closed };
        let mut reader = Reader::of(&frame);
        let header = ReplyHeader::decode(&mut reader).expect("a header");
        assert_eq!((header.xid, header.zxid), (7, Zxid::ZERO));
        Answer::Token(header.err, SaslResponse::decode(&mut reader).expect("a token").token)
    }

    /// The answer to a token.
    pub(crate) async fn token(&mut self, token: &[u8]) -> Answer {
        let mut body = BytesMut::new();
        SaslRequest { token: Some(token) }.encode(&mut body);
        self.body(&body).await
    }

    /// Whether the server closes without another word.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.receive().await.is_none()
    }
}
