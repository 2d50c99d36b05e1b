//! What is to be read of which node, and the requests that do it.

use std::collections::BTreeMap;

use bytes::Bytes;
use zk_client::{Client, Error, OneshotWatch, Pending, Stat};

/// What is to be read, by path.
pub(super) type Visits = BTreeMap<String, Visit>;

/// What is to be read of a node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Visit {
    pub(super) data: bool,
    pub(super) children: bool,
    /// Only what the metadata shows to be outdated, here and below.
    pub(super) if_outdated: bool,
}

impl Visit {
    pub(super) const ALL: Self = Self { data: true, children: true, if_outdated: false };
}

/// The requests for one node, sent and not answered yet.
pub(super) struct Reads {
    pub(super) path: String,
    pub(super) data: Option<Data>,
    pub(super) children: Option<Children>,
}

pub(super) enum Data {
    Plain(Pending<(Bytes, Stat)>),
    Watched(Pending<(Bytes, Stat, OneshotWatch)>),
}

pub(super) enum Children {
    Plain(Pending<(Vec<String>, Stat)>),
    Watched(Pending<(Vec<String>, Stat, OneshotWatch)>),
}

impl Reads {
    /// Sends what `visit` asks for, `watched` by one-shot watches or not.
    pub(super) fn send(client: &Client, path: String, visit: Visit, watched: bool) -> Self {
        let data = visit.data.then(|| match watched {
            true => Data::Watched(client.get(&path).watch().send()),
            false => Data::Plain(client.get(&path).send()),
        });
        let children = visit.children.then(|| match watched {
            true => Children::Watched(client.children(&path).watch().send()),
            false => Children::Plain(client.children(&path).send()),
        });
        Self { path, data, children }
    }
}

impl Data {
    pub(super) async fn answer(self) -> Result<(Bytes, Stat, Option<OneshotWatch>), Error> {
        match self {
            Self::Plain(read) => read.await.map(|(data, stat)| (data, stat, None)),
            Self::Watched(read) => read.await.map(|(data, stat, watch)| (data, stat, Some(watch))),
        }
    }
}

impl Children {
    pub(super) async fn answer(self) -> Result<(Vec<String>, Stat, Option<OneshotWatch>), Error> {
        match self {
            Self::Plain(list) => list.await.map(|(names, stat)| (names, stat, None)),
            Self::Watched(list) => {
                list.await.map(|(names, stat, watch)| (names, stat, Some(watch)))
            }
        }
    }
}
