//! A session on its way from one client to another.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zk_proto::{Password, SessionId, Zxid};

use crate::client::Client;
use crate::driver;
use crate::error::Result;

/// How many bytes [`SessionHandover::to_bytes`] gives.
const LEN: usize = 36;

/// What it takes to go on with a session: its id and password, and what its client has seen.
///
/// Made by [`Client::detach`](crate::Client::detach) or
/// [`Client::handover`](crate::Client::handover), and taken by
/// [`ClientBuilder::resume`](crate::ClientBuilder::resume). With it a program restarts, or hands
/// over to its successor, and its ephemeral nodes stay: the locks it holds and the services it
/// has registered. Watches do not travel; the successor sets its own.
///
/// **Whoever has the password has the session**, so `Debug` does not show it.
///
/// ```no_run
/// # use zk_client::{Client, Error, SessionHandover};
/// # async fn example(old: Client) -> Result<(), Box<dyn std::error::Error>> {
/// let bytes = old.detach().await?.to_bytes();
/// // In the successor, before the session timeout is over:
/// let handover = SessionHandover::from_bytes(&bytes).ok_or("not a handover")?;
/// let client = Client::builder("zk1,zk2,zk3").resume(handover).connect().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SessionHandover {
    session_id: SessionId,
    password: Password,
    session_timeout: Duration,
    last_zxid: Zxid,
}

impl SessionHandover {
    /// A session that any ZooKeeper client has opened, by what that client tells of it.
    ///
    /// `last_zxid` keeps the session from going back in time: servers that are behind it are left
    /// for others. [`Zxid::ZERO`] if unknown.
    #[must_use]
    pub fn new(
        session_id: SessionId,
        password: [u8; 16],
        session_timeout: Duration,
        last_zxid: Zxid,
    ) -> Self {
        Self { session_id, password: Password(password), session_timeout, last_zxid }
    }

    /// The session.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.session_id
    }

    pub(crate) fn seen(self, last_zxid: Zxid) -> Self {
        Self { last_zxid: self.last_zxid.max(last_zxid), ..self }
    }

    /// What proves to a server that the session may be resumed. Keep it as you keep a password.
    #[must_use]
    pub fn password(&self) -> [u8; 16] {
        self.password.0
    }

    /// How long the session lives after its last client was heard.
    #[must_use]
    pub fn session_timeout(&self) -> Duration {
        self.session_timeout
    }

    /// The last change that the session's client has seen in a reply.
    #[must_use]
    pub fn last_zxid(&self) -> Zxid {
        self.last_zxid
    }

    /// The whole of it, password included, to be passed to another process.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; LEN] {
        let timeout_ms = i32::try_from(self.session_timeout.as_millis()).unwrap_or(i32::MAX);
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(&self.session_id.0.to_be_bytes());
        bytes[8..24].copy_from_slice(&self.password.0);
        bytes[24..28].copy_from_slice(&timeout_ms.to_be_bytes());
        bytes[28..].copy_from_slice(&self.last_zxid.0.to_be_bytes());
        bytes
    }

    /// What [`to_bytes`](Self::to_bytes) gave; `None` if it cannot have been that.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk()?;
        let (password, rest) = rest.split_first_chunk()?;
        let (timeout_ms, rest) = rest.split_first_chunk()?;
        let last_zxid = Zxid(i64::from_be_bytes(*rest.first_chunk().filter(|_| rest.len() == 8)?));
        let session_id = SessionId(i64::from_be_bytes(*id));
        let timeout_ms = u64::try_from(i32::from_be_bytes(*timeout_ms)).ok()?;
        if session_id == SessionId::NONE || timeout_ms == 0 || last_zxid < Zxid::ZERO {
            return None;
        }
        Some(Self::new(session_id, *password, Duration::from_millis(timeout_ms), last_zxid))
    }
}

impl Client {
    /// What a successor needs to go on with the session if this process ends without notice;
    /// `None` while there is no session. Two clients cannot share a session: the servers cut the
    /// former off when another comes with it.
    #[must_use]
    pub fn handover(&self) -> Option<SessionHandover> {
        self.shared().handover()
    }

    /// Closes the client and leaves its session alive on the servers, with its ephemeral nodes, for
    /// a successor that takes it over within the session timeout. As
    /// [`close`](Self::close), it waits for background tidying and for the requests that were sent,
    /// and takes no new ones.
    ///
    /// Detaching again gives the same again.
    ///
    /// # Errors
    ///
    /// When there is no session to leave: [`Error::SessionExpired`](crate::Error::SessionExpired)
    /// if it is over or has not begun, [`Error::Closed`](crate::Error::Closed) if the client was
    /// closed. The client is closed all the same.
    pub async fn detach(&self) -> Result<SessionHandover> {
        driver::detach(Arc::clone(self.shared())).await
    }
}

/// The password resumes the session, whoever has it.
impl fmt::Debug for SessionHandover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionHandover")
            .field("session_id", &self.session_id)
            .field("session_timeout", &self.session_timeout)
            .field("last_zxid", &self.last_zxid)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handover() -> SessionHandover {
        let timeout = Duration::from_millis(12_345);
        SessionHandover::new(SessionId(0x0102), [0xab; 16], timeout, Zxid(77))
    }

    #[test]
    fn a_handover_survives_the_way_through_bytes() {
        let bytes = handover().to_bytes();
        assert_eq!(SessionHandover::from_bytes(&bytes), Some(handover()));
        for len in 0..bytes.len() {
            assert_eq!(SessionHandover::from_bytes(&bytes[..len]), None);
        }
        assert_eq!(SessionHandover::from_bytes(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(SessionHandover::from_bytes(&[0; LEN]), None, "no session");
    }

    #[test]
    fn the_password_never_shows() {
        let shown = format!("{:?}", handover());
        assert!(shown.contains("258") || shown.contains("0x102"), "{shown}");
        assert!(!shown.contains("171") && !shown.contains("ab"), "{shown}");
    }
}
