//! What a server says, without what may differ between any two servers: session ids, times, addresses, the order of children.

use std::collections::HashMap;

use bytes::Bytes;
use zk_proto::codec::{Decode, DecodeError, Reader};
use zk_proto::{Acl, ClientInfo, MultiHeader, OpCode, ReplyHeader, SessionId, Stat, xid};

use crate::request::PEER;

/// Something that a connection showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Observed {
    Reply { xid: i32, zxid: i64, err: i32, body: Vec<Part> },
    Event { zxid: i64, kind: i32, state: i32, path: String },
    Closed,
}

/// A piece of a reply's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Data(Option<Bytes>),
    Stat(NormalStat),
    /// Sorted.
    Names(Vec<String>),
    Acl(Vec<String>),
    /// Sorted: Apache has them in a hash set.
    Identities(Vec<String>),
    Number(i32),
    /// In front of each result of a multi.
    Result {
        op: i32,
        err: i32,
    },
    Undecodable(DecodeError),
    /// Bytes behind what the body should be.
    Rest(usize),
}

/// A `Stat`. Both servers start empty and number the same transactions, so zxids must be equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NormalStat {
    czxid: i64,
    mzxid: i64,
    pzxid: i64,
    version: i32,
    cversion: i32,
    aversion: i32,
    data_length: i32,
    num_children: i32,
    owner: String,
    times: &'static str,
}

/// How to translate what one server says.
#[derive(Debug)]
pub(crate) struct Normal {
    sessions: HashMap<i64, usize>,
    /// When each transaction happened, by all that was heard of it.
    times: HashMap<i64, i64>,
    /// The address under which the server sees this program.
    pub(crate) peer: String,
    /// The last zxid of a reply.
    pub(crate) last_zxid: i64,
}

impl Normal {
    pub(crate) fn new() -> Self {
        Self { sessions: HashMap::new(), times: HashMap::new(), peer: String::new(), last_zxid: 0 }
    }

    pub(crate) fn learn_session(&mut self, id: SessionId, number: usize) {
        self.sessions.insert(id.0, number);
    }

    fn stat(&mut self, stat: Stat) -> NormalStat {
        let at = |this: &mut Self, zxid: i64, time: i64| match zxid {
            0 => time == 0,
            _ => *this.times.entry(zxid).or_insert(time) == time,
        };
        let consistent = at(self, stat.czxid.0, stat.ctime) & at(self, stat.mzxid.0, stat.mtime);
        let owner = stat.ephemeral_owner.0;
        NormalStat {
            czxid: stat.czxid.0,
            mzxid: stat.mzxid.0,
            pzxid: stat.pzxid.0,
            version: stat.version,
            cversion: stat.cversion,
            aversion: stat.aversion,
            data_length: stat.data_length,
            num_children: stat.num_children,
            owner: match (owner, self.sessions.get(&owner)) {
                (0, _) => String::new(),
                (_, Some(number)) => format!("session {number}"),
                (raw, None) => format!("{raw:#x}"),
            },
            times: if consistent { "of the transactions" } else { "not of the transactions" },
        }
    }

    /// A frame, as the answer to requests of the op codes by xid.
    pub(crate) fn observe(&mut self, frame: &Bytes, op: impl FnOnce(i32) -> i32) -> Observed {
        let mut reader = Reader::of(frame);
        let header = ReplyHeader::decode(&mut reader).expect("a reply has a header");
        let zxid = header.zxid.0;
        if header.xid == xid::NOTIFICATION {
            let mut number = || i32::decode(&mut reader).expect("an event is whole");
            let (kind, state) = (number(), number());
            let path = String::decode(&mut reader).expect("an event is whole");
            return Observed::Event { zxid, kind, state, path };
        }
        self.last_zxid = self.last_zxid.max(header.zxid.0);
        let mut body = Vec::new();
        if !reader.is_empty()
            && let Err(error) = self.body(op(header.xid), &mut reader, &mut body)
        {
            body.push(Part::Undecodable(error));
        } else if !reader.is_empty() {
            body.push(Part::Rest(reader.remaining().len()));
        }
        Observed::Reply { xid: header.xid, zxid, err: header.err.code(), body }
    }

    fn body(
        &mut self,
        op: i32,
        reader: &mut Reader<'_>,
        out: &mut Vec<Part>,
    ) -> Result<(), DecodeError> {
        let Ok(op) = OpCode::try_from(op) else { return Ok(()) };
        match op {
            OpCode::Create | OpCode::Sync => out.push(text(reader)?),
            OpCode::Create2 | OpCode::CreateContainer | OpCode::CreateTtl => {
                out.push(text(reader)?);
                out.push(self.read_stat(reader)?);
            }
            OpCode::Exists | OpCode::SetData | OpCode::SetAcl | OpCode::Check => {
                out.push(self.read_stat(reader)?);
            }
            OpCode::GetData => {
                out.push(Part::Data(Decode::decode(reader)?));
                out.push(self.read_stat(reader)?);
            }
            OpCode::GetAcl => {
                let acl: Vec<Acl> = Decode::decode(reader)?;
                out.push(Part::Acl(acl.iter().map(|entry| self.acl_entry(entry)).collect()));
                out.push(self.read_stat(reader)?);
            }
            OpCode::GetChildren | OpCode::GetEphemerals => out.push(names(reader)?),
            OpCode::GetChildren2 => {
                out.push(names(reader)?);
                out.push(self.read_stat(reader)?);
            }
            OpCode::GetAllChildrenNumber | OpCode::AddWatch | OpCode::Error => {
                out.push(Part::Number(Decode::decode(reader)?));
            }
            OpCode::Multi | OpCode::MultiRead => self.results(reader, out)?,
            OpCode::WhoAmI => out.push(self.identities(reader)?),
            OpCode::Sasl => out.push(Part::Data(Decode::decode(reader)?)),
            _ => {}
        }
        Ok(())
    }

    fn results(&mut self, reader: &mut Reader<'_>, out: &mut Vec<Part>) -> Result<(), DecodeError> {
        loop {
            let header = MultiHeader::decode(reader)?;
            out.push(Part::Result { op: header.op, err: header.err });
            if header.done {
                return Ok(());
            }
            // Nothing follows a check here, unlike at top level.
            if header.op != OpCode::Check.code() {
                self.body(header.op, reader, out)?;
            }
        }
    }

    fn read_stat(&mut self, reader: &mut Reader<'_>) -> Result<Part, DecodeError> {
        let stat = Stat::decode(reader)?;
        Ok(Part::Stat(self.stat(stat)))
    }

    fn acl_entry(&self, entry: &Acl) -> String {
        format!("{}:{}:{}", entry.perms.0, entry.scheme, self.without_peer(&entry.id))
    }

    fn identities(&self, reader: &mut Reader<'_>) -> Result<Part, DecodeError> {
        let clients: Vec<ClientInfo> = Decode::decode(reader)?;
        let name =
            |client: &ClientInfo| format!("{}:{}", client.scheme, self.without_peer(&client.user));
        let mut identities: Vec<String> = clients.iter().map(name).collect();
        identities.sort_unstable();
        Ok(Part::Identities(identities))
    }

    fn without_peer(&self, id: &str) -> String {
        match id.strip_prefix(&*self.peer) {
            Some(rest) if !self.peer.is_empty() => format!("{PEER}{rest}"),
            _ => id.to_owned(),
        }
    }
}

fn text(reader: &mut Reader<'_>) -> Result<Part, DecodeError> {
    let text: Option<&str> = Decode::decode(reader)?;
    Ok(Part::Text(text.unwrap_or("(null)").to_owned()))
}

fn names(reader: &mut Reader<'_>) -> Result<Part, DecodeError> {
    let mut names: Vec<String> = Decode::decode(reader)?;
    names.sort_unstable();
    Ok(Part::Names(names))
}
