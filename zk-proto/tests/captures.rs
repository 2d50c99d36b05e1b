//! Frames that Apache's client and server exchanged, decoded and encoded again: every byte must
//! come back. `tests/captures/README.md` says how they were recorded.
// Fixtures are files, though the crate itself opens none; a failed unwrap is a failed test.
#![allow(clippy::disallowed_types, clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use zk_proto::codec::{
    DEFAULT_FRAME_LIMIT, Decode, DecodeError, Encode, FrameDecoder, Reader, encode_frame,
};
use zk_proto::*;

/// Requests that a decoder must refuse; a real server did.
const REFUSED: [&str; 4] =
    ["delete_container_by_client", "multi_mixed", "undecodable_body", "unknown_operation"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    ConnectingClient,
    AcceptingServer,
    Client,
    Server,
}

struct Exchange {
    name: String,
    frames: Vec<(Sender, Bytes)>,
}

fn exchanges() -> Vec<Exchange> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let mut exchanges: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hex"))
        .map(|path| Exchange {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            frames: std::fs::read_to_string(&path).unwrap().lines().map(frame).collect(),
        })
        .collect();
    exchanges.sort_by(|a, b| a.name.cmp(&b.name));
    exchanges
}

fn exchange(name: &str) -> Exchange {
    exchanges().into_iter().find(|exchange| exchange.name == name).unwrap()
}

/// The payload of a line's frame, cut out of it by the frame decoder.
fn frame(line: &str) -> (Sender, Bytes) {
    let (direction, hex) = line.split_once(' ').unwrap();
    let sender = match direction {
        "connect>" => Sender::ConnectingClient,
        "connect<" => Sender::AcceptingServer,
        ">" => Sender::Client,
        "<" => Sender::Server,
        other => panic!("no such direction: {other}"),
    };
    let bytes = (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap());
    let mut buffer: BytesMut = bytes.collect();
    let whole = buffer.clone();
    let payload = FrameDecoder::new(DEFAULT_FRAME_LIMIT).next(&mut buffer).unwrap().unwrap();
    assert!(buffer.is_empty());
    let mut framed = BytesMut::new();
    encode_frame(&mut framed, |out| out.extend_from_slice(&payload));
    assert_eq!(framed, whole);
    (sender, payload)
}

fn again<'a, T: Decode<'a> + Encode>(reader: &mut Reader<'a>) -> Result<BytesMut, DecodeError> {
    let mut out = BytesMut::new();
    T::decode(reader)?.encode(&mut out);
    reader.expect_empty()?;
    Ok(out)
}

fn request_again(payload: &Bytes) -> Result<BytesMut, DecodeError> {
    let mut reader = Reader::of(payload);
    let header = RequestHeader::decode(&mut reader)?;
    let request = Request::decode(OpCode::try_from(header.op)?, &mut reader)?;
    reader.expect_empty()?;
    let mut out = BytesMut::new();
    header.encode(&mut out);
    request.encode(&mut out);
    Ok(out)
}

/// A reply or an event; `asked` says which operation each xid was.
fn reply_again(payload: &Bytes, asked: &HashMap<i32, OpCode>) -> Result<BytesMut, DecodeError> {
    let mut reader = Reader::of(payload);
    let header = ReplyHeader::decode(&mut reader)?;
    let mut out = BytesMut::new();
    header.encode(&mut out);
    let body = if header.xid == xid::NOTIFICATION {
        again::<WatcherEvent>(&mut reader)?
    } else if header.err == ErrorCode::Ok {
        body_again(asked[&header.xid], &mut reader)?
    } else {
        BytesMut::new()
    };
    reader.expect_empty()?;
    out.extend_from_slice(&body);
    Ok(out)
}

fn body_again(op: OpCode, reader: &mut Reader<'_>) -> Result<BytesMut, DecodeError> {
    match op {
        OpCode::Create => again::<CreateResponse>(reader),
        OpCode::Create2 | OpCode::CreateContainer | OpCode::CreateTtl => {
            again::<Create2Response>(reader)
        }
        OpCode::Exists => again::<ExistsResponse>(reader),
        OpCode::GetData => again::<GetDataResponse>(reader),
        OpCode::SetData => again::<SetDataResponse>(reader),
        OpCode::GetAcl => again::<GetAclResponse>(reader),
        OpCode::SetAcl => again::<SetAclResponse>(reader),
        OpCode::GetChildren => again::<GetChildrenResponse>(reader),
        OpCode::GetChildren2 => again::<GetChildren2Response>(reader),
        OpCode::Sync => again::<SyncResponse>(reader),
        OpCode::Multi | OpCode::MultiRead => again::<MultiResponse>(reader),
        OpCode::GetEphemerals => again::<GetEphemeralsResponse>(reader),
        OpCode::GetAllChildrenNumber => again::<GetAllChildrenNumberResponse>(reader),
        OpCode::AddWatch => again::<ErrorResponse>(reader),
        OpCode::WhoAmI => again::<WhoAmIResponse>(reader),
        OpCode::Sasl => again::<SaslResponse>(reader),
        OpCode::Delete
        | OpCode::Ping
        | OpCode::Auth
        | OpCode::SetWatches
        | OpCode::SetWatches2
        | OpCode::CheckWatches
        | OpCode::RemoveWatches
        | OpCode::CloseSession => Ok(BytesMut::new()),
        op => panic!("no reply to {op:?} was expected"),
    }
}

#[test]
fn every_captured_frame_comes_back_byte_for_byte() {
    let mut frames = 0;
    for exchange in exchanges().iter().filter(|exchange| !REFUSED.contains(&&*exchange.name)) {
        let mut asked = HashMap::new();
        for (sender, payload) in &exchange.frames {
            let encoded = match sender {
                Sender::ConnectingClient => again::<ConnectRequest>(&mut Reader::of(payload)),
                Sender::AcceptingServer => again::<ConnectResponse>(&mut Reader::of(payload)),
                Sender::Client => {
                    let header = RequestHeader::decode(&mut Reader::of(payload)).unwrap();
                    asked.insert(header.xid, OpCode::try_from(header.op).unwrap());
                    request_again(payload)
                }
                Sender::Server => reply_again(payload, &asked),
            };
            let encoded = encoded.unwrap_or_else(|e| panic!("{}: {sender:?}: {e}", exchange.name));
            assert_eq!(encoded, payload, "{}: {sender:?}", exchange.name);
            frames += 1;
        }
    }
    assert!(frames > 150, "only {frames} frames: are the captures whole?");
}

#[test]
fn no_cut_frame_decodes_into_what_was_sent() {
    for exchange in exchanges() {
        for (sender, payload) in &exchange.frames {
            // The last byte of the connect records may be missing: peers before 3.4 and 3.5.
            if matches!(sender, Sender::ConnectingClient | Sender::AcceptingServer) {
                continue;
            }
            for len in 0..payload.len() {
                let cut = payload.slice(..len);
                match sender {
                    Sender::Client => assert!(request_again(&cut).is_err(), "{}", exchange.name),
                    _ => assert_ne!(ReplyHeader::decode(&mut Reader::of(&cut)).is_ok(), len < 16),
                }
            }
        }
    }
}

#[test]
fn what_a_real_server_refuses_does_not_decode() {
    for name in REFUSED {
        let exchange = exchange(name);
        let requests = exchange.frames.iter().filter(|(sender, _)| *sender == Sender::Client);
        for (_, payload) in requests {
            assert!(request_again(payload).is_err(), "{name}");
        }
    }
}

#[test]
fn a_real_servers_passwords_follow_from_the_session_ids() {
    let mut seen = 0;
    for exchange in exchanges() {
        for (sender, payload) in exchange.frames {
            if sender != Sender::AcceptingServer {
                continue;
            }
            let response = ConnectResponse::decode(&mut Reader::of(&payload)).unwrap();
            if response.timeout_ms > 0 {
                assert_eq!(response.password, Password::for_session(response.session_id));
                seen += 1;
            } else {
                assert_eq!(response, ConnectResponse::expired(response.read_only));
            }
        }
    }
    assert!(seen > 10);
}

#[test]
fn the_read_only_byte_is_there_when_it_was_asked_for() {
    for (name, sent) in [
        ("connect_before_read_only", None),
        ("connect_read_write", Some(false)),
        ("connect_read_only", Some(true)),
    ] {
        let frames = exchange(name).frames;
        let request = ConnectRequest::decode(&mut Reader::of(&frames[0].1)).unwrap();
        let response = ConnectResponse::decode(&mut Reader::of(&frames[1].1)).unwrap();
        assert_eq!(request.read_only, sent);
        assert_eq!(response.read_only, sent.map(|_| false), "{name}");
    }
}

#[test]
fn a_failed_multi_names_the_operation_that_failed() {
    let frames = exchange("multi_failed").frames;
    let mut reader = Reader::of(&frames[1].1);
    assert_eq!(ReplyHeader::decode(&mut reader).unwrap().err, ErrorCode::Ok);
    assert_eq!(
        MultiResponse::decode(&mut reader).unwrap().results,
        [ErrorCode::Ok, ErrorCode::NoNode, ErrorCode::RuntimeInconsistency].map(MultiResult::Error)
    );
}

#[test]
fn error_replies_carry_the_codes_a_real_server_sent() {
    for (name, code) in [
        ("create_no_node", ErrorCode::NoNode),
        ("create_node_exists", ErrorCode::NodeExists),
        ("create_under_ephemeral", ErrorCode::NoChildrenForEphemerals),
        ("create_invalid_acl", ErrorCode::InvalidAcl),
        ("create_bad_flags", ErrorCode::BadArguments),
        ("set_data_bad_version", ErrorCode::BadVersion),
        ("set_data_no_auth", ErrorCode::NoAuth),
        ("delete_not_empty", ErrorCode::NotEmpty),
        ("auth_unknown_scheme", ErrorCode::AuthFailed),
        ("check_watches_none", ErrorCode::NoWatcher),
        ("unknown_operation", ErrorCode::Unimplemented),
        ("undecodable_body", ErrorCode::MarshallingError),
        ("reconfig_disabled", ErrorCode::ReconfigDisabled),
        ("reconfig_standalone", ErrorCode::Unimplemented),
    ] {
        let frames = exchange(name).frames;
        let (_, reply) = frames.iter().find(|(sender, _)| *sender == Sender::Server).unwrap();
        assert_eq!(ReplyHeader::decode(&mut Reader::of(reply)).unwrap().err, code, "{name}");
    }
}
