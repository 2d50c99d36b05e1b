//! The members of a group, kept up.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use zk_client::{Client, SessionId, Zxid};

use super::layout::Layout;
use crate::cache::{Cache, CacheChange, CachedNode};
use crate::error::Result;

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// The id it joined with.
    pub id: String,
    /// Its payload.
    pub payload: Bytes,
    /// The session it hangs on.
    pub session: SessionId,
    /// The transaction in which it joined: of two members, who joined later has the larger one.
    pub joined: Zxid,
}

/// A live view of a group. Dropping it ends it.
#[derive(Debug)]
pub struct Members {
    cache: Cache,
    layout: Layout,
}

/// One change of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupChange {
    /// A member came, or came again after its session ended.
    Joined(Member),
    /// A member has a new payload.
    Updated(Member),
    /// A member went; this is what was last known of it.
    Left(Member),
    /// This consumer was too slow and missed changes: read the [`list`](Members::list) again.
    Missed {
        /// How many changes were dropped.
        count: u64,
    },
}

/// The changes of a group from the moment it was asked for. Ends when the view does.
#[must_use = "streams do nothing unless polled"]
pub struct GroupChanges(BoxStream<'static, GroupChange>);

impl Members {
    pub(super) async fn start(client: &Client, path: &str, layout: Layout) -> Result<Self> {
        Ok(Self { cache: Cache::children(client, path).await?, layout })
    }

    /// The members, in the order in which they joined.
    #[must_use]
    pub fn list(&self) -> Vec<Member> {
        members(self.layout, self.cache.path(), &self.cache.nodes())
    }

    /// Whether the connection is gone or the view has ended: the members are those last seen.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.cache.is_stale()
    }

    /// The changes from now on. Ask for them before reading the [`list`](Self::list) and none falls
    /// between the two (one may show in both).
    pub fn changes(&self) -> GroupChanges {
        let (layout, directory) = (self.layout, self.cache.path().to_owned());
        let changes = self.cache.changes().filter_map(move |change| {
            let change = group_change(layout, &directory, change);
            async move { change }
        });
        GroupChanges(Box::pin(changes))
    }

    /// Waits until the members are such as `wanted` accepts; `None` when the view ends before.
    pub async fn wait_for(&self, mut wanted: impl FnMut(&[Member]) -> bool) -> Option<Vec<Member>> {
        let directory = self.cache.path();
        let found = self.cache.wait_for(|nodes| wanted(&members(self.layout, directory, nodes)));
        let nodes = found.await?;
        Some(members(self.layout, directory, &nodes))
    }
}

fn members(
    layout: Layout,
    directory: &str,
    nodes: &BTreeMap<String, Arc<CachedNode>>,
) -> Vec<Member> {
    let nodes = nodes.values().filter(|node| node.path != directory);
    let mut members: Vec<Member> = nodes.filter_map(|node| layout.member(node)).collect();
    members.sort_by_key(|member| member.joined);
    members
}

fn group_change(layout: Layout, directory: &str, change: CacheChange) -> Option<GroupChange> {
    let member = |node: &CachedNode| layout.member(node).filter(|_| node.path != directory);
    Some(match change {
        CacheChange::Added(node) | CacheChange::Replaced(node) => {
            GroupChange::Joined(member(&node)?)
        }
        CacheChange::Updated(node) => GroupChange::Updated(member(&node)?),
        CacheChange::Removed(node) => GroupChange::Left(member(&node)?),
        CacheChange::Missed { count } => GroupChange::Missed { count },
    })
}

impl Stream for GroupChanges {
    type Item = GroupChange;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<GroupChange>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for GroupChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupChanges")
    }
}
