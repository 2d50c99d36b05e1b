//! What the process around a running server can make it do.

use std::sync::Arc;

use zk_proto::SessionId;

use super::shared::Shared;

/// Handle to a running server, for tests and tools in the same process. Everything here is a
/// no-op on a server that has stopped.
#[derive(Clone)]
pub struct Controls {
    pub(super) shared: Arc<Shared>,
}

impl Controls {
    /// Ends a session as if its timeout had passed: its ephemerals are deleted, watches fire, its
    /// connection is closed. False if there is no such live session.
    pub fn expire_session(&self, session: SessionId) -> bool {
        self.shared.act(|server, now| server.expire_session(now, session)).unwrap_or(false)
    }

    /// Cuts every TCP connection. Sessions live on until their timeout. Returns how many there
    /// were.
    pub fn drop_connections(&self) -> usize {
        self.shared.cut_all().unwrap_or(0)
    }

    /// Plays dead: connections can be made, but nothing is read, answered or expired.
    pub fn pause(&self) {
        self.shared.halt.set_paused(true);
        self.shared.wake_all();
    }

    /// Comes back to life. Every session has its full timeout from now on.
    pub fn resume(&self) {
        if self.shared.act(|server, now| server.renew_sessions(now)).is_ok() {
            self.shared.halt.set_paused(false);
        }
    }

    /// How many client connections are open.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.shared.act(|server, _| server.connection_count()).unwrap_or(0)
    }

    /// The sessions that exist, in ascending order.
    #[must_use]
    pub fn session_ids(&self) -> Vec<SessionId> {
        self.shared.act(|server, _| server.session_ids()).unwrap_or_default()
    }
}

impl std::fmt::Debug for Controls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Controls").finish_non_exhaustive()
    }
}
