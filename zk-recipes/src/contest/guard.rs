//! What the guards of locks, read-write locks and semaphores have in common.

/// The surface of a guard with a field `held`: [`Held`](super::Held).
macro_rules! guard {
    ($name:ident) => {
        impl $name {
            /// The path of the holder's node.
            pub fn path(&self) -> &str {
                self.held.term().path()
            }

            /// Writes to ZooKeeper that take effect only while this is held, whatever the process
            /// believes: `guard.writes().set(path, data)`. When it is not, they fail with
            /// [`GuardFailed`](zk_client::Error::GuardFailed), or with
            /// [`SessionExpired`](zk_client::Error::SessionExpired), and change nothing. Paths are
            /// those of the client that acquired.
            pub fn writes(&self) -> zk_client::ops::Guarded<'_> {
                self.held.term().writes()
            }

            /// The session this hangs on.
            pub fn session_id(&self) -> zk_client::SessionId {
                self.held.term().session_id()
            }

            /// Whether this is held as far as the process can know: not known to be lost, and the
            /// session was answered recently enough to be alive. Never true again once false.
            pub fn is_held(&self) -> bool {
                self.held.term().is_held()
            }

            /// Held, unsure while disconnected, or lost.
            pub fn state(&self) -> $crate::HoldState {
                self.held.term().state()
            }

            /// Resolves when this may be gone, or was given back or up for another guard. The
            /// future borrows nothing, so it can be passed to the task that does the work.
            pub fn lost(&self) -> impl Future<Output = $crate::LostReason> + Send + use<> {
                self.held.term().lost()
            }

            /// A token that is cancelled when [`lost`](Self::lost) resolves.
            pub fn cancellation(&self) -> tokio_util::sync::CancellationToken {
                self.held.term().cancellation()
            }

            /// Resolves to true when somebody asks to let go (see
            /// [`Lock::revoke`](crate::Lock::revoke)), and to false when this is gone without.
            /// Letting go is up to the holder. The future borrows nothing.
            pub fn revoke_requested(&self) -> impl Future<Output = bool> + Send + use<> {
                self.held.term().revoke_requested()
            }
        }
    };
}

pub(crate) use guard;
