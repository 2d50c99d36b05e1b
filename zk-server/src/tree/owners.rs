//! Which nodes end by themselves, found without looking at all nodes.

use std::collections::{BTreeMap, BTreeSet};

use zk_proto::{EphemeralOwner, SessionId};

pub(super) type Paths = BTreeSet<Box<str>>;

/// Index of the nodes that end with a session, with their last child, or by their age.
#[derive(Debug, Default)]
pub(super) struct Owners {
    sessions: BTreeMap<SessionId, Paths>,
    ephemeral_count: usize,
    containers: Paths,
    ttls: Paths,
}

impl Owners {
    pub(super) fn add(&mut self, owner: EphemeralOwner, path: &str) {
        match owner {
            EphemeralOwner::Persistent => {}
            EphemeralOwner::Session(session) => {
                let added = self.sessions.entry(session).or_default().insert(path.into());
                self.ephemeral_count += usize::from(added);
            }
            EphemeralOwner::Container => {
                self.containers.insert(path.into());
            }
            EphemeralOwner::Ttl(_) => {
                self.ttls.insert(path.into());
            }
        }
    }

    pub(super) fn remove(&mut self, owner: EphemeralOwner, path: &str) {
        match owner {
            EphemeralOwner::Persistent => {}
            EphemeralOwner::Session(session) => self.remove_ephemeral(session, path),
            EphemeralOwner::Container => {
                self.containers.remove(path);
            }
            EphemeralOwner::Ttl(_) => {
                self.ttls.remove(path);
            }
        }
    }

    fn remove_ephemeral(&mut self, session: SessionId, path: &str) {
        if let Some(paths) = self.sessions.get_mut(&session) {
            self.ephemeral_count -= usize::from(paths.remove(path));
            if paths.is_empty() {
                self.sessions.remove(&session);
            }
        }
    }

    /// Forgets all nodes of a session, and says which they were.
    pub(super) fn take_session(&mut self, session: SessionId) -> Paths {
        let paths = self.sessions.remove(&session).unwrap_or_default();
        self.ephemeral_count -= paths.len();
        paths
    }

    pub(super) fn of_session(&self, session: SessionId) -> impl Iterator<Item = &str> {
        self.sessions.get(&session).into_iter().flatten().map(|path| &**path)
    }

    pub(super) fn count_of(&self, session: SessionId) -> usize {
        self.sessions.get(&session).map_or(0, Paths::len)
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.sessions.keys().copied()
    }

    pub(super) fn session_count(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn ephemeral_count(&self) -> usize {
        self.ephemeral_count
    }

    pub(super) fn containers(&self) -> impl Iterator<Item = &str> {
        self.containers.iter().map(|path| &**path)
    }

    pub(super) fn ttls(&self) -> impl Iterator<Item = &str> {
        self.ttls.iter().map(|path| &**path)
    }
}
