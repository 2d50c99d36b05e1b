//! The watches of a session: who waits for what, and how to set them again on a new connection.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use bytes::BytesMut;
use zk_proto::codec::{Encode, encode_frame};
use zk_proto::{
    ErrorCode, EventType, OpCode, RequestHeader, SetWatches, SetWatches2, WatcherType, Zxid, xid,
};

/// How many bytes of paths go into one request that sets watches again: far below what any server
/// accepts, so that no number of watches makes a request too long. Only a single path may exceed it.
pub(crate) const CHUNK_LEN_MAX: usize = 128 * 1024;
/// Bytes in front of each path.
const PATH_PREFIX_LEN: usize = 4;
/// The rest of such a request: header, zxid, and the lengths of five lists.
const CHUNK_OVERHEAD: usize = 8 + 8 + 5 * 4;

/// How long a request has to be to set a watch on this path again.
pub(crate) fn rearming_len(path: &str) -> usize {
    CHUNK_OVERHEAD + PATH_PREFIX_LEN + path.len()
}

/// The caller's number for a watcher. Never used twice within a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WatcherId(pub(crate) u64);

/// What a watch waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WatchKind {
    /// Once, for a change or the deletion of a node that is there.
    Data,
    /// Once, for the creation of a node. Asked for by `exists`; if the node is there, the watch is
    /// filed under [`Data`](Self::Data).
    Exist,
    /// Once, for a change of the list of children, or the deletion of the node.
    Child,
    /// For all of these, until it is removed. Since 3.6.0.
    Persistent,
    /// For changes of the node and of all below, until it is removed. Since 3.6.0.
    Recursive,
}

impl WatchKind {
    const ALL: [Self; 5] =
        [Self::Data, Self::Exist, Self::Child, Self::Persistent, Self::Recursive];

    /// Whether the watch stays when it fires.
    pub(crate) fn is_persistent(self) -> bool {
        matches!(self, Self::Persistent | Self::Recursive)
    }

    /// Where the watch is filed, given the answer to the request that asked for it; `None` if that
    /// answer sets no watch.
    pub(crate) fn filed(self, answer: ErrorCode) -> Option<Self> {
        match (self, answer) {
            (Self::Exist, ErrorCode::Ok) => Some(Self::Data),
            (_, ErrorCode::Ok) => Some(self),
            (Self::Exist | Self::Persistent | Self::Recursive, ErrorCode::NoNode) => Some(self),
            _ => None,
        }
    }

    /// What has to be asked of a server that holds this lasting watch on the same path, so that
    /// there is no need for more than one kind on a path; `None` if nothing has to be.
    ///
    /// A server before 3.9 keeps one list of watches for the node and one for its children, and in
    /// each of the two one kind for a path and connection: what is asked for last. A lasting watch
    /// is in both, and so is lost to a one-shot watch; but a recursive one sees nothing by the list
    /// for children.
    pub(crate) fn asked_beside(self, carrier: Option<Self>) -> Option<Self> {
        match (self, carrier) {
            (Self::Child, Some(Self::Recursive)) => Some(self),
            (Self::Data | Self::Exist | Self::Child, Some(_)) => None,
            (Self::Persistent, Some(Self::Recursive)) => Some(Self::Recursive),
            _ => Some(self),
        }
    }

    /// What removes exactly this kind from a server. Persistent kinds are known since 3.9.0; an
    /// older server calls them undecodable, and only [`WatcherType::Any`] removes them there.
    pub(crate) fn watcher_type(self) -> WatcherType {
        match self {
            Self::Data | Self::Exist => WatcherType::Data,
            Self::Child => WatcherType::Children,
            Self::Persistent => WatcherType::Persistent,
            Self::Recursive => WatcherType::PersistentRecursive,
        }
    }
}

/// A watch to be set.
pub(crate) struct Watch<W> {
    /// The caller's number for it.
    pub(crate) id: WatcherId,
    /// What it waits for.
    pub(crate) kind: WatchKind,
    /// The node, as the server calls it.
    pub(crate) path: Arc<str>,
    /// The caller's, handed back with each event.
    pub(crate) sink: W,
}

impl<W> fmt::Debug for Watch<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The watches that are set.
///
/// Invariant: `places` holds exactly the watchers in `tables`, each once, and no list in `tables`
/// is empty.
pub(crate) struct Registry<W> {
    /// By kind and path; the watchers of a path in the order of their ids. Ordered maps, so that
    /// the same history always gives the same bytes.
    tables: [Table<W>; WatchKind::ALL.len()],
    places: HashMap<WatcherId, (WatchKind, Arc<str>)>,
}

/// The watchers of each path.
type Table<W> = BTreeMap<Arc<str>, Vec<(WatcherId, W)>>;

impl<W: Clone> Registry<W> {
    pub(crate) fn new() -> Self {
        Self { tables: Default::default(), places: HashMap::new() }
    }

    /// How many watchers there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Sets a watch. A watcher that is set already stays where it is.
    pub(crate) fn set(&mut self, watch: Watch<W>) {
        let Entry::Vacant(place) = self.places.entry(watch.id) else {
            return;
        };
        let path = watch.path;
        place.insert((watch.kind, path.clone()));
        let list = self.tables[watch.kind as usize].entry(path).or_default();
        let at = list.partition_point(|(id, _)| *id < watch.id);
        list.insert(at, (watch.id, watch.sink));
    }

    /// Forgets a watcher; its place, if it was set.
    pub(crate) fn remove(&mut self, id: WatcherId) -> Option<(WatchKind, Arc<str>)> {
        let (kind, path) = self.places.remove(&id)?;
        let table = &mut self.tables[kind as usize];
        if let Some(list) = table.get_mut(&path) {
            if let Ok(at) = list.binary_search_by_key(&id, |(id, _)| *id) {
                list.remove(at);
            }
            if list.is_empty() {
                table.remove(&path);
            }
        }
        Some((kind, path))
    }

    /// Whether anybody waits for this.
    pub(crate) fn contains(&self, kind: WatchKind, path: &str) -> bool {
        self.tables[kind as usize].contains_key(path)
    }

    /// Whether anybody waits for anything at exactly this path.
    pub(crate) fn contains_path(&self, path: &str) -> bool {
        WatchKind::ALL.into_iter().any(|kind| self.contains(kind, path))
    }

    /// Hands an event to each watcher it is for. One frame stands for all of them: the server sends
    /// one per change however many watches match.
    pub(crate) fn fire(&mut self, event: EventType, path: &str, mut tell: impl FnMut(W)) {
        let one_shot: &[WatchKind] = match event {
            EventType::NodeCreated | EventType::NodeDataChanged => {
                &[WatchKind::Data, WatchKind::Exist]
            }
            EventType::NodeDeleted => &[WatchKind::Data, WatchKind::Exist, WatchKind::Child],
            EventType::NodeChildrenChanged => &[WatchKind::Child],
            _ => return,
        };
        for kind in one_shot {
            self.take(*kind, path).into_iter().for_each(&mut tell);
        }
        self.sinks(WatchKind::Persistent, path).for_each(&mut tell);
        // Changes of a list of children are for one-shot and persistent watches of that very node;
        // a recursive watch sees the child itself come and go.
        if event != EventType::NodeChildrenChanged {
            for path in self_and_ancestors(path) {
                self.sinks(WatchKind::Recursive, path).for_each(&mut tell);
            }
        }
    }

    /// The watchers of a path.
    pub(crate) fn sinks(&self, kind: WatchKind, path: &str) -> impl Iterator<Item = W> {
        self.tables[kind as usize].get(path).into_iter().flatten().map(|(_, sink)| sink.clone())
    }

    /// Forgets the watchers of a path and hands them out.
    pub(crate) fn take(&mut self, kind: WatchKind, path: &str) -> Vec<W> {
        let list = self.tables[kind as usize].remove(path).unwrap_or_default();
        for (id, _) in &list {
            self.places.remove(id);
        }
        list.into_iter().map(|(_, sink)| sink).collect()
    }

    /// Forgets everything and hands it out.
    pub(crate) fn take_all(&mut self) -> Vec<W> {
        self.places.clear();
        let lists = self.tables.iter_mut().flat_map(|table| std::mem::take(table).into_values());
        lists.flatten().map(|(_, sink)| sink).collect()
    }

    /// The requests that set everything again, none of them long, nor longer than servers take.
    pub(crate) fn chunks(&self, request_len_max: usize) -> VecDeque<Chunk> {
        let limit = CHUNK_LEN_MAX.min(request_len_max.saturating_sub(CHUNK_OVERHEAD));
        let mut chunks = VecDeque::new();
        let mut chunk = Chunk::default();
        for kind in WatchKind::ALL {
            for path in self.tables[kind as usize].keys() {
                if chunk.len > 0 && chunk.len + PATH_PREFIX_LEN + path.len() > limit {
                    chunks.push_back(std::mem::take(&mut chunk));
                }
                chunk.push(kind, path.clone());
            }
        }
        if chunk.len > 0 {
            chunks.push_back(chunk);
        }
        chunks
    }
}

/// A path, its parent, and so on up to the root.
fn self_and_ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| match path.rfind('/') {
        Some(0) if path.len() > 1 => Some("/"),
        Some(0) | None => None,
        Some(at) => Some(&path[..at]),
    })
}

/// Watches to be set again with one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chunk {
    paths: [Vec<Arc<str>>; WatchKind::ALL.len()],
    /// Bytes that the paths take on the wire.
    len: usize,
}

impl Chunk {
    fn push(&mut self, kind: WatchKind, path: Arc<str>) {
        self.len += PATH_PREFIX_LEN + path.len();
        self.paths[kind as usize].push(path);
    }

    /// The persistent watches in it.
    pub(crate) fn persistent(&self) -> impl Iterator<Item = (WatchKind, &Arc<str>)> {
        let kinds = [WatchKind::Persistent, WatchKind::Recursive].into_iter();
        kinds.flat_map(|kind| self.paths[kind as usize].iter().map(move |path| (kind, path)))
    }

    /// Whether there is a persistent watch of this path in it.
    pub(crate) fn is_lasting(&self, path: &str) -> bool {
        // The paths are in order, as they are in the tables.
        let kinds = [WatchKind::Persistent, WatchKind::Recursive];
        kinds.into_iter().any(|kind| {
            let paths = &self.paths[kind as usize];
            paths.binary_search_by(|other| (**other).cmp(path)).is_ok()
        })
    }

    /// Writes the request. Servers before 3.6 know only the form without persistent watches.
    pub(crate) fn transmit(&self, relative_zxid: Zxid, out: &mut BytesMut) {
        let paths = |kind| self.paths[kind as usize].iter().map(|path| &**path).collect();
        let (data, exist) = (paths(WatchKind::Data), paths(WatchKind::Exist));
        let child = paths(WatchKind::Child);
        let header = |op: OpCode| RequestHeader { xid: xid::SET_WATCHES, op: op.code() };
        encode_frame(out, |out| {
            if self.persistent().next().is_none() {
                header(OpCode::SetWatches).encode(out);
                SetWatches { relative_zxid, data, exist, child }.encode(out);
                return;
            }
            header(OpCode::SetWatches2).encode(out);
            let persistent = paths(WatchKind::Persistent);
            let persistent_recursive = paths(WatchKind::Recursive);
            SetWatches2 { relative_zxid, data, exist, child, persistent, persistent_recursive }
                .encode(out);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_go_up_to_the_root() {
        let ancestors = |path| self_and_ancestors(path).collect::<Vec<_>>();
        assert_eq!(ancestors("/a/bc/d"), ["/a/bc/d", "/a/bc", "/a", "/"]);
        assert_eq!(ancestors("/"), ["/"]);
    }
}
