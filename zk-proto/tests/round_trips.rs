//! Whatever a peer may write reads back as it was, and whatever a peer may send is survived.

mod strategies;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use strategies as any;
use zk_proto::codec::{Decode, Encode, FrameDecoder, Reader, encode_frame};
use zk_proto::txn::{Txn, TxnHeader};
use zk_proto::{
    AuthPacket, ConnectRequest, ConnectResponse, ConnectString, MultiResponse, OpCode, ReplyHeader,
    Request, RequestHeader, Stat, WatcherEvent, path,
};

fn encoded(value: &impl Encode) -> Bytes {
    let mut out = BytesMut::new();
    value.encode(&mut out);
    out.freeze()
}

/// Decodes the whole of `bytes`.
fn decoded<'a, T: Decode<'a>>(bytes: &'a Bytes) -> T {
    let mut reader = Reader::of(bytes);
    let value = T::decode(&mut reader).expect("what was encoded decodes");
    reader.expect_empty().expect("all of it is used");
    value
}

proptest! {
    #[test]
    fn requests(owned in any::request()) {
        let request = owned.borrow();
        let bytes = encoded(&request);
        let mut reader = Reader::of(&bytes);
        prop_assert_eq!(Request::decode(request.op(), &mut reader), Ok(request));
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn multi_responses(response in any::multi_response()) {
        prop_assert_eq!(decoded::<MultiResponse>(&encoded(&response)), response);
    }

    #[test]
    fn stats_take_68_bytes(stat in any::stat()) {
        let bytes = encoded(&stat);
        prop_assert_eq!(bytes.len(), 68);
        prop_assert_eq!(decoded::<Stat>(&bytes), stat);
    }

    #[test]
    fn connect_pairs(request in any::connect_request(), response in any::connect_response()) {
        prop_assert_eq!(decoded::<ConnectRequest>(&encoded(&request)), request);
        prop_assert_eq!(decoded::<ConnectResponse>(&encoded(&response)), response);
    }

    #[test]
    fn events(event in any::event()) {
        prop_assert_eq!(decoded::<WatcherEvent>(&encoded(&event)), event);
    }

    #[test]
    fn transactions(txn in any::txn()) {
        let bytes = encoded(&txn);
        let mut reader = Reader::of(&bytes);
        prop_assert_eq!(Txn::decode(txn.op().code(), &mut reader), Ok(txn));
        prop_assert!(reader.is_empty());
    }

    /// Cutting a request short is noticed, never read as something else of the same length.
    #[test]
    fn a_cut_request_is_an_error_or_shorter(owned in any::request(), cut in 0_usize..4096) {
        let request = owned.borrow();
        let bytes = encoded(&request);
        prop_assume!(!bytes.is_empty());
        let cut = bytes.slice(..cut % bytes.len());
        prop_assert!(Request::decode(request.op(), &mut Reader::of(&cut)).is_err());
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        let bytes = Bytes::from(bytes);
        for op in OpCode::ALL {
            let _ = Request::decode(*op, &mut Reader::of(&bytes));
            let _ = Txn::decode(op.code(), &mut Reader::of(&bytes));
        }
        let _ = ConnectRequest::decode(&mut Reader::of(&bytes));
        let _ = ConnectResponse::decode(&mut Reader::of(&bytes));
        let _ = RequestHeader::decode(&mut Reader::of(&bytes));
        let _ = ReplyHeader::decode(&mut Reader::of(&bytes));
        let _ = TxnHeader::decode(&mut Reader::of(&bytes));
        let _ = MultiResponse::decode(&mut Reader::of(&bytes));
        let _ = WatcherEvent::decode(&mut Reader::of(&bytes));
        let _ = AuthPacket::decode(&mut Reader::of(&bytes));
    }

    #[test]
    fn frames_come_out_as_they_went_in(
        frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..8),
        chunk in 1_usize..32,
    ) {
        let mut wire = BytesMut::new();
        for frame in &frames {
            encode_frame(&mut wire, |out| out.extend_from_slice(frame));
        }
        let (decoder, mut buffer, mut received) = (FrameDecoder::new(64), BytesMut::new(), vec![]);
        for bytes in wire.chunks(chunk) {
            buffer.extend_from_slice(bytes);
            while let Some(frame) = decoder.next(&mut buffer).expect("within the limit") {
                received.push(frame.to_vec());
            }
        }
        prop_assert_eq!(received, frames);
    }

    /// Apache's rule is that a sequential path is good if it is good with a digit behind it.
    #[test]
    fn sequential_paths_are_those_that_a_digit_completes(text in "[/.a\u{7f}b]{0,8}") {
        let completed = format!("{text}1");
        prop_assert_eq!(
            path::validate_sequential(&text).is_ok(),
            path::validate(&completed).is_ok(),
            "{}", text
        );
    }

    #[test]
    fn connect_strings_show_what_they_were_read_from(text in any::connect_string()) {
        let parsed: ConnectString = text.parse().expect("it is well-formed");
        prop_assert_eq!(parsed.to_string(), text);
    }

    #[test]
    fn no_text_makes_the_connect_string_parser_panic(text in ".{0,40}") {
        let _ = text.parse::<ConnectString>();
        let _ = path::validate(&text);
        let _ = path::validate_sequential(&text);
    }
}
