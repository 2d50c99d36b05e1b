//! How members are written into a directory.

use bytes::Bytes;

use super::Member;
use crate::cache::CachedNode;
use crate::options::NodeOptions;
use crate::runtime::fresh_guid;

/// Whose layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// The id is the name, the payload the data.
    Curator,
    /// The id is the data.
    Party,
    /// The id is the name behind a tag.
    ShallowParty,
}

/// What ends the names in kazoo's `Party`.
const PARTY: &str = "__party__";

/// The length of kazoo's tags.
const TAG_LEN: usize = 32;

impl Layout {
    /// The name and the data of a member's node.
    pub(super) fn node(self, id: &str, payload: Bytes) -> (String, Bytes) {
        let tag = || fresh_guid().replace('-', "");
        match self {
            Self::Curator => (id.to_owned(), payload),
            Self::Party => (format!("{}{PARTY}", tag()), Bytes::copy_from_slice(id.as_bytes())),
            // kazoo writes the id here, too, and reads it from the name.
            Self::ShallowParty => {
                (format!("{}-{id}", tag()), Bytes::copy_from_slice(id.as_bytes()))
            }
        }
    }

    /// The options for the directory and what is in it.
    pub(super) fn options(self, options: &NodeOptions) -> NodeOptions {
        match self {
            Self::Curator => options.clone(),
            Self::Party | Self::ShallowParty => options.lasting(),
        }
    }

    /// The member that a node stands for; `None` if it stands for none.
    pub(super) fn member(self, node: &CachedNode) -> Option<Member> {
        let name = node.path.rsplit('/').next().unwrap_or_default();
        let (id, payload) = match self {
            Self::Curator => (name.to_owned(), node.data.clone()),
            Self::Party if name.ends_with(PARTY) => {
                (String::from_utf8_lossy(&node.data).into_owned(), Bytes::new())
            }
            Self::Party => return None,
            Self::ShallowParty => {
                let (tag, id) = name.split_once('-')?;
                if tag.len() != TAG_LEN {
                    return None;
                }
                (id.to_owned(), Bytes::new())
            }
        };
        Some(Member { id, payload, session: node.stat.ephemeral_owner, joined: node.stat.czxid })
    }
}
