//! Frames in words, without what no two servers agree on: times, session ids, the order of
//! children, and the addresses they see us at.

use bytes::Bytes;
use zk_proto::codec::{Decode, Reader};
use zk_proto::*;

use crate::requests::Wanted;

/// The sessions of one server, by the number of their client.
pub(crate) struct Names {
    sessions: Vec<SessionId>,
}

impl Names {
    pub(crate) fn new(sessions: Vec<SessionId>) -> Self {
        Self { sessions }
    }

    /// A frame that client `who` received after `wanted` was asked.
    pub(crate) fn frame(&self, who: usize, wanted: &Wanted, frame: &Bytes) -> String {
        let mut reader = Reader::of(frame);
        let header = ReplyHeader::decode(&mut reader).unwrap();
        if header.xid == xid::NOTIFICATION {
            // Servers before 3.9 send no zxid with an event.
            let event = WatcherEvent::decode(&mut reader).unwrap();
            return format!("client {who} event {event:?}");
        }
        let body = if header.err == ErrorCode::Ok {
            self.body(wanted.op, &mut reader)
        } else {
            String::new()
        };
        let rest = reader.remaining();
        format!("client {who} zxid {} {:?} {body} rest {rest:?}", header.zxid, header.err)
    }

    fn body(&self, op: i32, reader: &mut Reader<'_>) -> String {
        match OpCode::try_from(op).unwrap() {
            OpCode::Create => format!("{:?}", CreateResponse::decode(reader).unwrap()),
            OpCode::Create2 | OpCode::CreateContainer | OpCode::CreateTtl => {
                let Create2Response { path, stat } = Decode::decode(reader).unwrap();
                format!("{path} {}", self.stat(stat))
            }
            OpCode::Exists | OpCode::SetData | OpCode::SetAcl => {
                self.stat(Decode::decode(reader).unwrap())
            }
            OpCode::GetData => {
                let GetDataResponse { data, stat } = Decode::decode(reader).unwrap();
                format!("{data:?} {}", self.stat(stat))
            }
            OpCode::GetAcl => {
                let GetAclResponse { acl, stat } = Decode::decode(reader).unwrap();
                format!("{acl:?} {}", self.stat(stat))
            }
            OpCode::GetChildren => names(Decode::decode(reader).unwrap()),
            OpCode::GetChildren2 => {
                let GetChildren2Response { children, stat } = Decode::decode(reader).unwrap();
                format!("{} {}", names(children), self.stat(stat))
            }
            OpCode::GetEphemerals => names(Decode::decode(reader).unwrap()),
            OpCode::GetAllChildrenNumber => {
                format!("{:?}", GetAllChildrenNumberResponse::decode(reader).unwrap())
            }
            OpCode::Sync => format!("{:?}", SyncResponse::decode(reader).unwrap()),
            OpCode::AddWatch => format!("{:?}", ErrorResponse::decode(reader).unwrap()),
            OpCode::WhoAmI => {
                let WhoAmIResponse { clients } = Decode::decode(reader).unwrap();
                let shown = clients.iter().map(|client| match &*client.scheme {
                    "ip" => "ip".to_owned(),
                    scheme => format!("{scheme}:{}", client.user),
                });
                shown.collect::<Vec<_>>().join(",")
            }
            OpCode::Multi | OpCode::MultiRead => {
                let MultiResponse { results } = Decode::decode(reader).unwrap();
                results.into_iter().map(|result| self.result(result)).collect::<Vec<_>>().join("; ")
            }
            _ => String::new(),
        }
    }

    fn result(&self, result: MultiResult) -> String {
        match result {
            MultiResult::Create2(Create2Response { path, stat }) => {
                format!("create2 {path} {}", self.stat(stat))
            }
            MultiResult::SetData { stat } => format!("set {}", self.stat(stat)),
            MultiResult::GetData { data, stat } => format!("{data:?} {}", self.stat(stat)),
            MultiResult::GetChildren { children } => names(children),
            other => format!("{other:?}"),
        }
    }

    fn stat(&self, mut stat: Stat) -> String {
        let owner = self.sessions.iter().position(|session| *session == stat.ephemeral_owner);
        if let Some(number) = owner {
            stat.ephemeral_owner = SessionId(number as i64 + 1);
        }
        let is_unchanged = stat.mtime == stat.ctime;
        // Two requests may fall into the same millisecond on one server and not on the other.
        let times = if stat.mzxid == stat.czxid { is_unchanged } else { stat.mtime >= stat.ctime };
        let was_ever = stat.ctime > 0;
        (stat.ctime, stat.mtime) = (0, 0);
        format!("{stat:?} times {times} {was_ever}")
    }
}

fn names(mut names: Vec<String>) -> String {
    names.sort();
    names.join(",")
}
