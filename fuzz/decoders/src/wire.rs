//! Records and frames.

use bytes::{Bytes, BytesMut};
use zk_proto::codec::{Decode, Encode, FrameDecoder, Reader, encode_frame};
use zk_proto::digest_md5::{self, Directives};
use zk_proto::txn::{Txn, TxnHeader};
use zk_proto::*;

/// Small enough for a fuzzer to reach it.
const FRAME_LIMIT: usize = 64;

/// Decodes, and holds the value to what comes back after a round trip.
fn round_trip<T>(bytes: &Bytes)
where
    T: for<'a> Decode<'a> + Encode + PartialEq + std::fmt::Debug,
{
    let Ok(value) = T::decode(&mut Reader::of(bytes)) else { return };
    // `Debug` is called too: it is what a log line does with peer input.
    let _ = format!("{value:?}");
    let mut out = BytesMut::new();
    value.encode(&mut out);
    let again = T::decode(&mut Reader::new(&out)).expect("what was encoded decodes");
    assert_eq!(value, again);
}

/// The first byte cuts the input into chunks, as a network would; the frames must not care.
pub(crate) fn frame(data: &[u8]) {
    let Some((&chunk, stream)) = data.split_first() else { return };
    let whole = frames(stream, stream.len().max(1));
    let chunked = frames(stream, usize::from(chunk).max(1));
    assert_eq!(whole, chunked);
    let mut framed = BytesMut::new();
    for payload in &whole.0 {
        assert!(payload.len() <= FRAME_LIMIT);
        encode_frame(&mut framed, |out| out.extend_from_slice(payload));
    }
    assert!(stream.starts_with(&framed));
}

fn frames(stream: &[u8], chunk: usize) -> (Vec<Bytes>, bool) {
    let decoder = FrameDecoder::new(FRAME_LIMIT);
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for part in stream.chunks(chunk) {
        buffer.extend_from_slice(part);
        loop {
            match decoder.next(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return (frames, false),
            }
        }
    }
    (frames, true)
}

pub(crate) fn connect_request(data: &[u8]) {
    round_trip::<ConnectRequest>(&Bytes::copy_from_slice(data));
}

pub(crate) fn connect_response(data: &[u8]) {
    round_trip::<ConnectResponse>(&Bytes::copy_from_slice(data));
}

/// A request frame, its header included.
pub(crate) fn request(data: &[u8]) {
    let mut reader = Reader::new(data);
    let Ok(header) = RequestHeader::decode(&mut reader) else { return };
    let Ok(op) = OpCode::try_from(header.op) else { return };
    let Ok(request) = Request::decode(op, &mut reader) else { return };
    assert_eq!(request.op(), op);
    let _ = (format!("{request:?}"), request.path());
    let mut out = BytesMut::new();
    request.encode(&mut out);
    let again = Request::decode(op, &mut Reader::new(&out)).expect("what was encoded decodes");
    assert_eq!(request, again);
}

/// The first byte chooses what was asked; the rest is the reply frame.
pub(crate) fn reply(data: &[u8]) {
    let Some((&op, frame)) = data.split_first() else { return };
    round_trip::<ReplyHeader>(&Bytes::copy_from_slice(frame));
    let body = Bytes::copy_from_slice(frame.get(ReplyHeader::LEN..).unwrap_or_default());
    match OpCode::try_from(i32::from(op)) {
        Ok(OpCode::Create) => round_trip::<CreateResponse>(&body),
        Ok(OpCode::Create2 | OpCode::CreateContainer | OpCode::CreateTtl) => {
            round_trip::<Create2Response>(&body);
        }
        Ok(OpCode::Exists) => round_trip::<ExistsResponse>(&body),
        Ok(OpCode::GetData | OpCode::Reconfig) => round_trip::<GetDataResponse>(&body),
        Ok(OpCode::SetData) => round_trip::<SetDataResponse>(&body),
        Ok(OpCode::GetAcl) => round_trip::<GetAclResponse>(&body),
        Ok(OpCode::SetAcl) => round_trip::<SetAclResponse>(&body),
        Ok(OpCode::GetChildren) => round_trip::<GetChildrenResponse>(&body),
        Ok(OpCode::GetChildren2) => names(&body),
        Ok(OpCode::Sync) => round_trip::<SyncResponse>(&body),
        Ok(OpCode::GetEphemerals) => round_trip::<GetEphemeralsResponse>(&body),
        Ok(OpCode::GetAllChildrenNumber) => round_trip::<GetAllChildrenNumberResponse>(&body),
        Ok(OpCode::AddWatch) => round_trip::<ErrorResponse>(&body),
        Ok(OpCode::WhoAmI) => round_trip::<WhoAmIResponse>(&body),
        Ok(OpCode::Sasl) => round_trip::<SaslResponse>(&body),
        _ => {}
    }
}

/// Names in one piece are those that are read one by one.
fn names(body: &Bytes) {
    round_trip::<GetChildren2Response>(body);
    round_trip::<GetChildren2Names>(body);
    let one_by_one = GetChildren2Response::decode(&mut Reader::of(body));
    match (GetChildren2Names::decode(&mut Reader::of(body)), one_by_one) {
        (Ok(packed), Ok(one_by_one)) => {
            assert!(packed.children.iter().eq(&one_by_one.children));
            assert_eq!(packed.children.len(), one_by_one.children.len());
            assert_eq!(packed.stat, one_by_one.stat);
        }
        (packed, one_by_one) => assert_eq!(packed.err(), one_by_one.err()),
    }
}

pub(crate) fn multi_request(data: &[u8]) {
    let Ok(request) = MultiRequest::decode(&mut Reader::new(data)) else { return };
    for op in &request.ops {
        let _ = (op.op(), op.is_read(), op.path());
    }
    let mut out = BytesMut::new();
    request.encode(&mut out);
    let again = MultiRequest::decode(&mut Reader::new(&out)).expect("what was encoded decodes");
    assert_eq!(request, again);
}

pub(crate) fn multi_response(data: &[u8]) {
    round_trip::<MultiResponse>(&Bytes::copy_from_slice(data));
}

pub(crate) fn watcher_event(data: &[u8]) {
    round_trip::<WatcherEvent>(&Bytes::copy_from_slice(data));
}

/// The first byte chooses the form with or without persistent watches.
pub(crate) fn set_watches(data: &[u8]) {
    let Some((&form, body)) = data.split_first() else { return };
    let mut out = BytesMut::new();
    if form % 2 == 0 {
        let Ok(lists) = SetWatches::decode(&mut Reader::new(body)) else { return };
        lists.encode(&mut out);
        assert_eq!(SetWatches::decode(&mut Reader::new(&out)), Ok(lists));
    } else {
        let Ok(lists) = SetWatches2::decode(&mut Reader::new(body)) else { return };
        lists.encode(&mut out);
        assert_eq!(SetWatches2::decode(&mut Reader::new(&out)), Ok(lists));
    }
}

pub(crate) fn acl(data: &[u8]) {
    round_trip::<Vec<Acl>>(&Bytes::copy_from_slice(data));
}

/// A transaction as it is logged: header and body.
pub(crate) fn txn(data: &[u8]) {
    let mut reader = Reader::new(data);
    let Ok(header) = TxnHeader::decode(&mut reader) else { return };
    let Ok(txn) = Txn::decode(header.op, &mut reader) else { return };
    round_trip::<TxnHeader>(&Bytes::copy_from_slice(data));
    let mut out = BytesMut::new();
    txn.encode(&mut out);
    let again =
        Txn::decode(txn.op().code(), &mut Reader::new(&out)).expect("what was encoded decodes");
    assert_eq!(txn, again);
}

/// What was read of a token reads the same when it is written in quotes.
pub(crate) fn digest_md5(data: &[u8]) {
    let Ok(directives) = Directives::parse(data) else { return };
    for name in ["username", "realm", "nonce", "charset"] {
        let Some(text) = directives.text(name) else { continue };
        let again = format!("charset=utf-8,x={}", digest_md5::quoted(&text));
        match Directives::parse(again.as_bytes()) {
            Ok(again) => assert_eq!(again.text("x"), Some(text)),
            Err(error) => assert!(again.len() > digest_md5::TOKEN_LEN_MAX, "{error}"),
        }
    }
}
