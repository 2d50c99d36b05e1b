//! Requests as they are sent to both servers, valid or not.

use bytes::{BufMut, Bytes, BytesMut};
use zk_proto::codec::{Encode, encode_frame};
use zk_proto::{Acl, MultiHeader, OpCode, RequestHeader, Zxid};

use crate::normal::Normal;

/// Stands in ACLs for the address under which a server sees this program.
pub(crate) const PEER: &str = "{peer}";

/// One request, or one part of a multi.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) op: i32,
    pub(crate) body: Body,
    pub(crate) damage: Damage,
}

/// The body's layout; some op codes share one.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Empty,
    Path(String),
    PathFlag(String, bool),
    PathNumber(String, i32),
    Create { path: String, data: Option<Bytes>, acl: Vec<Acl>, flags: i32 },
    CreateTtl { path: String, data: Option<Bytes>, acl: Vec<Acl>, flags: i32, ttl_ms: i64 },
    SetData { path: String, data: Option<Bytes>, version: i32 },
    SetAcl { path: String, acl: Vec<Acl>, version: i32 },
    Multi(Vec<Request>),
    SetWatches { since: i64, lists: Vec<Vec<String>> },
    Auth { scheme: String, auth: String },
    Raw(Vec<u8>),
}

/// What is done to the encoded body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    None,
    /// Only so many bytes of it are sent.
    Cut(usize),
    /// Bytes follow it.
    Tail,
    /// The string it starts with is null.
    NullPath,
}

impl Request {
    pub(crate) fn new(op: OpCode, body: Body) -> Self {
        Self { op: op.code(), body, damage: Damage::None }
    }

    pub(crate) fn is(&self, op: OpCode) -> bool {
        self.op == op.code()
    }

    /// The frame for one of the servers.
    pub(crate) fn encode(&self, xid: i32, server: &Normal, out: &mut BytesMut) {
        encode_frame(out, |out| {
            RequestHeader { xid, op: self.op }.encode(out);
            let mut body = BytesMut::new();
            self.encode_body(server, &mut body);
            match self.damage {
                Damage::None => {}
                Damage::Cut(len) => body.truncate(len),
                Damage::Tail => body.put_slice(&[0xff; 7]),
                Damage::NullPath => {
                    let path = body.first_chunk().map_or(0, |len| u32::from_be_bytes(*len));
                    out.put_i32(-1);
                    let _ = body.split_to((path as usize + 4).min(body.len()));
                }
            }
            out.put_slice(&body);
        });
    }

    fn encode_body(&self, server: &Normal, out: &mut BytesMut) {
        match &self.body {
            Body::Empty => {}
            Body::Path(path) => put(path, out),
            Body::PathFlag(path, flag) => {
                put(path, out);
                flag.encode(out);
            }
            Body::PathNumber(path, number) => {
                put(path, out);
                number.encode(out);
            }
            Body::Create { path, data, acl, flags } => {
                put(path, out);
                data.encode(out);
                placed(acl, server).encode(out);
                flags.encode(out);
            }
            Body::CreateTtl { path, data, acl, flags, ttl_ms } => {
                put(path, out);
                data.encode(out);
                placed(acl, server).encode(out);
                flags.encode(out);
                ttl_ms.encode(out);
            }
            Body::SetData { path, data, version } => {
                put(path, out);
                data.encode(out);
                version.encode(out);
            }
            Body::SetAcl { path, acl, version } => {
                put(path, out);
                placed(acl, server).encode(out);
                version.encode(out);
            }
            Body::Multi(parts) => {
                for part in parts {
                    MultiHeader { op: part.op, done: false, err: -1 }.encode(out);
                    part.encode_body(server, out);
                }
                MultiHeader::END.encode(out);
            }
            Body::SetWatches { since, lists } => {
                Zxid(*since).encode(out);
                for list in lists {
                    let paths: Vec<&str> = list.iter().map(String::as_str).collect();
                    paths.encode(out);
                }
            }
            Body::Auth { scheme, auth } => {
                0_i32.encode(out);
                put(scheme, out);
                Some(auth.as_bytes()).encode(out);
            }
            Body::Raw(bytes) => out.put_slice(bytes),
        }
    }
}

fn put(text: &str, out: &mut BytesMut) {
    text.encode(out);
}

/// The ACL with the address that this server sees.
fn placed(acl: &[Acl], server: &Normal) -> Vec<Acl> {
    let place = |entry: &Acl| Acl { id: entry.id.replace(PEER, &server.peer), ..entry.clone() };
    acl.iter().map(place).collect()
}
