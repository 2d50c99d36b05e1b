//! A scripted ensemble: as much of ZooKeeper as one client can tell apart, on one connection at a
//! time, misbehaving on request.

use std::collections::BTreeMap;

use super::greeting::Host;
use super::watch_list::{Kind, WatchList};
use super::writes::is_write;
use bytes::{Bytes, BytesMut};
use zk_proto::codec::{Decode, Encode, FrameDecoder, Reader, encode_frame};
use zk_proto::{
    ConnectRequest, ErrorCode, EventType, ExistsResponse, GetChildren2Response, GetDataResponse,
    KeeperState, OpCode, Password, ReplyHeader, Request, RequestHeader, SaslResponse, SetWatches2,
    Stat, SyncResponse, WatcherEvent, WatcherType, Zxid, xid,
};

#[derive(Clone, Debug)]
pub(super) struct SessionRecord {
    pub(super) password: Password,
    pub(super) closed: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) data: Bytes,
    pub(super) mzxid: i64,
    pub(super) pzxid: i64,
}

/// The client's connection.
#[derive(Debug, Default)]
pub(super) struct Conn {
    pub(super) host: Option<Host>,
    pub(super) greeted: bool,
    pub(super) session: i64,
    pub(super) inbox: BytesMut,
    /// The watches on nodes, and those on their children. Lasting ones are in both.
    data: WatchList,
    child: WatchList,
}

/// A request as the ensemble saw it: the number of the connection, the xid, the op, the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) connection: usize,
    pub(super) xid: i32,
    pub(super) op: OpCode,
    pub(super) path: String,
}

#[derive(Debug)]
pub(super) struct Ensemble {
    pub(super) hosts: BTreeMap<u16, Host>,
    pub(super) zxid: i64,
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) sessions: BTreeMap<i64, SessionRecord>,
    /// The longest session timeout granted, in ms.
    pub(super) timeout_max_ms: i32,
    /// No `setWatches2`, no `addWatch`.
    pub(super) before_3_6: bool,
    /// Has room for one kind of watch on each path of a connection, and removes persistent ones only
    /// with all others.
    pub(super) before_3_9: bool,
    /// Says of events not which transaction they are of, as all servers before 3.9.
    pub(super) says_no_zxid: bool,
    /// Every event that any watch could see.
    pub(super) happened: Vec<(EventType, String, i64)>,
    /// Grants a new session to who wants to resume one.
    pub(super) replaces_sessions: bool,
    /// Has a login section; otherwise it ends each SASL exchange at once.
    pub(super) does_sasl: bool,
    /// The version in the answer to the connect request.
    pub(super) protocol_version: i32,
    /// Leaves the read-only byte out of the answer to the connect request.
    pub(super) omits_read_only: bool,
    /// The id of the next session.
    pub(super) next_session: Option<i64>,
    /// Longer frames are the client's fault.
    pub(super) frame_len_max: usize,
    /// Closes on requests of this kind, without an answer.
    pub(super) closes_on: Option<OpCode>,
    pub(super) greetings: Vec<ConnectRequest>,
    pub(super) seen: Vec<Seen>,
    /// The data that the client has set, in the order in which it took effect.
    pub(super) applied: Vec<Bytes>,
    pub(super) connections: usize,
    pub(super) conn: Option<Conn>,
    /// What the ensemble has to say, and whether it then closes.
    pub(super) out: BytesMut,
    pub(super) closing: bool,
}

impl Ensemble {
    pub(super) fn new(ports: &[u16]) -> Self {
        Self {
            hosts: ports.iter().map(|port| (*port, Host::Up)).collect(),
            zxid: 100,
            nodes: BTreeMap::new(),
            sessions: BTreeMap::new(),
            timeout_max_ms: i32::MAX,
            before_3_6: false,
            before_3_9: false,
            says_no_zxid: false,
            happened: Vec::new(),
            replaces_sessions: false,
            does_sasl: true,
            protocol_version: 0,
            omits_read_only: false,
            next_session: None,
            frame_len_max: 1 << 20,
            closes_on: None,
            greetings: Vec::new(),
            seen: Vec::new(),
            applied: Vec::new(),
            connections: 0,
            conn: None,
            out: BytesMut::new(),
            closing: false,
        }
    }

    pub(super) fn accept(&mut self, port: u16) {
        self.connections += 1;
        self.conn = Some(Conn { host: self.hosts.get(&port).copied(), ..Conn::default() });
        self.out.clear();
        self.closing = false;
    }

    pub(super) fn disconnected(&mut self) {
        self.conn = None;
        self.out.clear();
        self.closing = false;
    }

    /// Everything that was asked for, but for pings: ops and paths of one connection.
    pub(super) fn asked(&self, connection: usize) -> Vec<(OpCode, &str)> {
        let seen = self.seen.iter().filter(|seen| seen.connection == connection);
        seen.filter(|seen| seen.op != OpCode::Ping)
            .map(|seen| (seen.op, seen.path.as_str()))
            .collect()
    }

    pub(super) fn expire_sessions(&mut self) {
        self.sessions.values_mut().for_each(|session| session.closed = true);
    }

    /// The watches that the client's connection holds: data, child, persistent, recursive.
    pub(super) fn watches(&self) -> [usize; 4] {
        self.conn.as_ref().map_or([0; 4], |conn| {
            let [persistent, recursive] = [Kind::Persistent, Kind::Recursive];
            [
                conn.data.count(Kind::Oneshot),
                conn.child.count(Kind::Oneshot),
                conn.data.count(persistent),
                conn.data.count(recursive),
            ]
        })
    }

    pub(super) fn received(&mut self, bytes: &[u8]) {
        let Some(conn) = &mut self.conn else {
            return;
        };
        conn.inbox.extend_from_slice(bytes);
        while !self.closing
            && let Some(conn) = &mut self.conn
            && conn.host != Some(Host::Mute)
            && let Some(frame) =
                FrameDecoder::new(self.frame_len_max).next(&mut conn.inbox).expect("a frame")
        {
            if conn.greeted { self.request(&frame) } else { self.greeting(&frame) }
        }
    }

    fn request(&mut self, frame: &[u8]) {
        let mut reader = Reader::new(frame);
        let header = RequestHeader::decode(&mut reader).expect("a request header");
        let op = OpCode::try_from(header.op).expect("a known op");
        let request = Request::decode(op, &mut reader).expect("a request");
        let path = request.path().unwrap_or_default().to_owned();
        self.seen.push(Seen { connection: self.connections, xid: header.xid, op, path });
        if self.closes_on == Some(op) {
            self.closing = true;
            return;
        }
        if self.before_3_6 && matches!(op, OpCode::AddWatch | OpCode::SetWatches2) {
            self.closing = true;
            return self.reply_with(header.xid, Zxid(-1), ErrorCode::Unimplemented, &[]);
        }
        match request {
            Request::Auth(auth) => {
                self.closing = auth.auth == b"wrong";
                let code = if self.closing { ErrorCode::AuthFailed } else { ErrorCode::Ok };
                self.reply_with(header.xid, Zxid::ZERO, code, &[]);
            }
            Request::Sasl(sasl) => self.sasl(header.xid, sasl.token.unwrap_or_default()),
            request if self.refuses_writes() && is_write(&request) => {
                self.reply_with(header.xid, Zxid(self.zxid), ErrorCode::NotReadOnly, &[]);
            }
            request => {
                let mut body = BytesMut::new();
                let code = self.carry_out(&request, &mut body).err().unwrap_or(ErrorCode::Ok);
                self.reply_with(header.xid, Zxid(self.zxid), code, &body);
            }
        }
    }

    fn sasl(&mut self, xid: i32, token: &[u8]) {
        let mut body = BytesMut::new();
        let answer = match token {
            _ if !self.does_sasl => None,
            b"" => Some("challenge"),
            b"right" => Some("proof"),
            b"nothing" => None,
            _ => {
                self.closing = true;
                return self.reply_with(xid, Zxid::ZERO, ErrorCode::AuthFailed, &[]);
            }
        };
        SaslResponse { token: answer.map(Into::into) }.encode(&mut body);
        self.reply_with(xid, Zxid::ZERO, ErrorCode::Ok, &body);
    }

    fn reply_with(&mut self, xid: i32, zxid: Zxid, err: ErrorCode, body: &[u8]) {
        encode_frame(&mut self.out, |out| {
            ReplyHeader { xid, zxid, err }.encode(out);
            if err == ErrorCode::Ok {
                out.extend_from_slice(body);
            }
        });
    }

    fn carry_out(&mut self, request: &Request<'_>, body: &mut BytesMut) -> Result<(), ErrorCode> {
        match request {
            Request::GetData(get) => {
                let data = Some(self.node(get.path)?.data.clone());
                self.watch_node(get.watch, get.path);
                GetDataResponse { data, stat: Stat::default() }.encode(body);
            }
            Request::Exists(exists) => {
                self.watch_node(exists.watch, exists.path);
                self.node(exists.path)?;
                ExistsResponse { stat: Stat::default() }.encode(body);
            }
            Request::GetChildren2(get) => {
                self.node(get.path)?;
                self.watch_children(get.watch, get.path);
                GetChildren2Response { children: Vec::new(), stat: Stat::default() }.encode(body);
            }
            Request::AddWatch(add) if add.mode == 0 => self.watch_both(Kind::Persistent, add.path),
            Request::AddWatch(add) => self.watch_both(Kind::Recursive, add.path),
            Request::RemoveWatches(remove) => self.unwatch(remove.path, remove.kind)?,
            Request::SetWatches(set) => self.rewatch(&SetWatches2 {
                relative_zxid: set.relative_zxid,
                data: set.data.clone(),
                exist: set.exist.clone(),
                child: set.child.clone(),
                persistent: Vec::new(),
                persistent_recursive: Vec::new(),
            }),
            Request::SetWatches2(set) => self.rewatch(set),
            Request::Sync(sync) => SyncResponse { path: sync.path.to_owned() }.encode(body),
            Request::Ping => {}
            Request::CloseSession => {
                let session = self.conn.as_ref().map_or(0, |conn| conn.session);
                let known = self.sessions.get_mut(&session);
                known.into_iter().for_each(|session| session.closed = true);
                self.closing = true;
            }
            request => self.write(request, body)?,
        }
        Ok(())
    }

    pub(super) fn node(&self, path: &str) -> Result<&Node, ErrorCode> {
        self.nodes.get(path).ok_or(ErrorCode::NoNode)
    }

    /// Sets a one-shot watch on a node.
    fn watch_node(&mut self, wanted: bool, path: &str) {
        let alone = self.before_3_9;
        if let Some(conn) = self.conn.as_mut().filter(|_| wanted) {
            conn.data.add(path, Kind::Oneshot, alone);
        }
    }

    /// Sets a one-shot watch on a list of children.
    fn watch_children(&mut self, wanted: bool, path: &str) {
        let alone = self.before_3_9;
        if let Some(conn) = self.conn.as_mut().filter(|_| wanted) {
            conn.child.add(path, Kind::Oneshot, alone);
        }
    }

    /// Sets a lasting watch.
    fn watch_both(&mut self, kind: Kind, path: &str) {
        let alone = self.before_3_9;
        if let Some(conn) = &mut self.conn {
            conn.data.add(path, kind, alone);
            conn.child.add(path, kind, alone);
        }
    }

    fn unwatch(&mut self, path: &str, kind: i32) -> Result<(), ErrorCode> {
        let Conn { data, child, .. } = self.conn.as_mut().expect("a connection");
        let removed = match WatcherType::try_from(kind).expect("a watcher type") {
            WatcherType::Persistent | WatcherType::PersistentRecursive if self.before_3_9 => {
                return Err(ErrorCode::MarshallingError);
            }
            WatcherType::Persistent => {
                data.remove(path, Kind::Persistent) | child.remove(path, Kind::Persistent)
            }
            WatcherType::PersistentRecursive => {
                data.remove(path, Kind::Recursive) | child.remove(path, Kind::Recursive)
            }
            _ => data.remove_all(path) | child.remove_all(path),
        };
        if removed { Ok(()) } else { Err(ErrorCode::NoWatcher) }
    }

    fn rewatch(&mut self, set: &SetWatches2<'_>) {
        let since = set.relative_zxid.0;
        for path in &set.data {
            match self.nodes.get(*path) {
                None => self.notify(EventType::NodeDeleted, path, -1),
                Some(node) if node.mzxid > since => {
                    self.notify(EventType::NodeDataChanged, path, -1);
                }
                Some(_) => self.watch_node(true, path),
            }
        }
        for path in &set.exist {
            match self.nodes.get(*path) {
                Some(_) => self.notify(EventType::NodeCreated, path, -1),
                None => self.watch_node(true, path),
            }
        }
        for path in &set.child {
            match self.nodes.get(*path) {
                None => self.notify(EventType::NodeDeleted, path, -1),
                Some(node) if node.pzxid > since => {
                    self.notify(EventType::NodeChildrenChanged, path, -1);
                }
                Some(_) => self.watch_children(true, path),
            }
        }
        for path in &set.persistent {
            self.watch_both(Kind::Persistent, path);
        }
        for path in &set.persistent_recursive {
            self.watch_both(Kind::Recursive, path);
        }
    }

    /// Somebody creates or changes a node.
    pub(super) fn set(&mut self, path: &str, data: &[u8]) {
        self.zxid += 1;
        let zxid = self.zxid;
        let data = Bytes::copy_from_slice(data);
        if let Some(node) = self.nodes.get_mut(path) {
            (node.data, node.mzxid) = (data, zxid);
            return self.fire(EventType::NodeDataChanged, path);
        }
        self.nodes.insert(path.to_owned(), Node { data, mzxid: zxid, pzxid: zxid });
        self.fire(EventType::NodeCreated, path);
        self.child_changed(path);
    }

    /// Somebody creates a node that the client may not read.
    pub(super) fn set_unseen(&mut self, path: &str) {
        self.zxid += 1;
        let zxid = self.zxid;
        self.nodes.insert(path.to_owned(), Node { data: Bytes::new(), mzxid: zxid, pzxid: zxid });
        self.child_changed(path);
    }

    /// Somebody deletes a node.
    pub(super) fn delete(&mut self, path: &str) {
        self.zxid += 1;
        self.nodes.remove(path);
        self.fire(EventType::NodeDeleted, path);
        self.child_changed(path);
    }

    fn child_changed(&mut self, path: &str) {
        let parent = zk_proto::path::parent(path).unwrap_or("/").to_owned();
        let zxid = self.zxid;
        if let Some(node) = self.nodes.get_mut(&parent) {
            node.pzxid = zxid;
        }
        self.fire(EventType::NodeChildrenChanged, &parent);
    }

    fn fire(&mut self, event: EventType, path: &str) {
        self.happened.push((event, path.to_owned(), self.zxid));
        let Some(conn) = &mut self.conn else {
            return;
        };
        let hit = match event {
            EventType::NodeChildrenChanged => conn.child.fire(path, true),
            // One frame, whichever list it is for.
            EventType::NodeDeleted => conn.data.fire(path, false) | conn.child.fire(path, false),
            _ => conn.data.fire(path, false),
        };
        if hit {
            self.notify(event, path, if self.says_no_zxid { -1 } else { self.zxid });
        }
    }

    fn notify(&mut self, kind: EventType, path: &str, zxid: i64) {
        let header = ReplyHeader { xid: xid::NOTIFICATION, zxid: Zxid(zxid), err: ErrorCode::Ok };
        let state = KeeperState::SyncConnected;
        encode_frame(&mut self.out, |out| {
            header.encode(out);
            WatcherEvent { kind, state, path: path.to_owned() }.encode(out);
        });
    }
}
