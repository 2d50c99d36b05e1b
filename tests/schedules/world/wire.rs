//! Frames, for people to read.

use bytes::Buf;
use zk_proto::{ErrorCode, OpCode};

/// What these bytes say, as far as whole frames can be made out in them.
pub(crate) fn describe(mut bytes: &[u8], to_server: bool) -> String {
    let mut frames = Vec::new();
    while bytes.len() >= 4 {
        let len = usize::try_from(bytes.get_u32()).unwrap_or(usize::MAX);
        if bytes.len() < len {
            frames.push("..".to_owned());
            break;
        }
        let (frame, rest) = bytes.split_at(len);
        bytes = rest;
        frames.push(if to_server { request(frame) } else { reply(frame) });
    }
    frames.join(", ")
}

fn request(mut frame: &[u8]) -> String {
    if frame.len() < 8 {
        return "?".to_owned();
    }
    let (xid, code) = (frame.get_i32(), frame.get_i32());
    match OpCode::try_from(code) {
        Ok(op) if xid != 0 => format!("{}#{xid} {}", op.name(), words(frame)),
        _ => "connect".to_owned(),
    }
}

fn reply(mut frame: &[u8]) -> String {
    if frame.len() < 16 {
        return "?".to_owned();
    }
    let (xid, zxid, error) = (frame.get_i32(), frame.get_i64(), frame.get_i32());
    match xid {
        0 => "session".to_owned(),
        -1 => format!("event {}", words(frame)),
        _ if error == 0 => format!("#{xid} at {zxid:#x} {}", words(frame)),
        _ => format!("#{xid} at {zxid:#x} {:?}", ErrorCode::from_code(error)),
    }
}

/// The longer runs of letters: paths and names.
fn words(frame: &[u8]) -> String {
    let text = String::from_utf8_lossy(frame);
    let is_letter = |c: char| c.is_ascii_graphic();
    let words = text.split(|c| !is_letter(c)).filter(|word| word.len() > 2);
    words.take(4).collect::<Vec<_>>().join(" ")
}
