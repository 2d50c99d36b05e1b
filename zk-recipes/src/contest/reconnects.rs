//! Tells when a connection came back.

use futures_util::StreamExt;
use zk_client::{Client, SessionState, SessionStates};

/// Resolves each time the client is connected again after it was not.
///
/// One-shot watches survive a reconnect and fire for what was missed, so nobody depends on this to
/// make progress. It is the belt to those braces: one list after a reconnect is cheap, a waiter
/// that sleeps for ever is not.
#[derive(Debug)]
pub(crate) struct Reconnects {
    states: SessionStates,
    connected: bool,
}

impl Reconnects {
    pub(crate) fn new(client: &Client) -> Self {
        Self { states: client.states(), connected: true }
    }

    /// Waits for the connection to come back; for ever when the client is closed.
    pub(crate) async fn next(&mut self) {
        while let Some(state) = self.states.next().await {
            let was_connected = std::mem::replace(&mut self.connected, state.is_connected());
            if !was_connected && self.connected {
                return;
            }
        }
        std::future::pending().await
    }

    /// Waits for the connection to break; for ever when the client is closed.
    pub(crate) async fn broken(&mut self) {
        while let Some(state) = self.states.next().await {
            self.connected = state.is_connected();
            if state == SessionState::Suspended {
                return;
            }
        }
        std::future::pending().await
    }
}
