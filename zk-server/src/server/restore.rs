//! Other data in the place of those there were.

use zk_proto::{ErrorCode, SessionId, Zxid};

use super::{Action, CloseReason, Now, Server};
use crate::request::Proposer;
use crate::tree::DataTree;

impl Server {
    /// The nodes, for snapshots.
    pub(crate) fn tree_mut(&mut self) -> &mut DataTree {
        &mut self.tree
    }

    /// The zxid that data of `restored` are to stand at: behind everything there was here, so that
    /// no transaction ever comes again under a number that a client or a log knows. No log has it.
    /// So whoever starts from an older snapshot, and goes on with what was written behind this one,
    /// finds the gap.
    pub(crate) fn zxid_for(&self, restored: Zxid) -> Zxid {
        Zxid(self.last_proposed.max(restored).0.saturating_add(1))
    }

    /// Puts a tree in the place of the one there was, which it gives back. The snapshot of it is
    /// durable, and the transactions that are on their way to the log will never get there: nobody
    /// was answered.
    ///
    /// Every session ends, with every connection, and so do those that the restored data know: what
    /// a session has seen, watches and believes to hold is no longer so, and its end is the one way
    /// to say that.
    pub(crate) fn restore(&mut self, now: Now, tree: DataTree, sessions: &[SessionId]) -> DataTree {
        self.last_event = now;
        let connections: Vec<_> = self.connections.after(None).map(|(conn, _)| conn).collect();
        for conn in connections {
            self.close(conn, CloseReason::Restored);
        }
        self.actions.retain(|action| !matches!(action, Action::Append(_)));
        for proposed in std::mem::take(&mut self.proposed) {
            self.in_flight -= 1;
            self.large_in_flight -= proposed.large();
        }
        self.barriers.clear();
        self.proposer = Proposer::new(self.proposer.settings());
        for session in self.sessions.ids() {
            self.sessions.remove(session);
        }
        let owners: Vec<_> = tree.sessions_with_ephemerals().collect();
        for session in sessions.iter().chain(&owners) {
            self.sessions.remember_id(*session);
        }
        self.last_proposed = tree.last_zxid();
        let former = std::mem::replace(&mut self.tree, tree);
        // The log has a transaction behind the gap from now on, whether clients write or not.
        let slot = self.next_slot(now);
        let mark = self.proposer.refuse(SessionId::NONE, 0, ErrorCode::RuntimeInconsistency, slot);
        self.append(mark, None);
        self.close_orphaned_sessions(now);
        former
    }
}
