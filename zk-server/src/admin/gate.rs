//! Who gets all data, or may replace them, and how often.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use zk_proto::Permissions;

use crate::auth::{AccessControl, Identities};
use crate::config::AdminConfig;
use crate::tree::{DataTree, special};

/// Bytes of the longest snapshot that is taken from an operator: all of it comes to be in memory.
pub(crate) const RESTORE_LEN_MAX: u64 = 64 << 30;

/// What a restore or a snapshot needs: each of them, of the root.
const NEEDED: [Permissions; 5] = [
    Permissions::READ,
    Permissions::WRITE,
    Permissions::CREATE,
    Permissions::DELETE,
    Permissions::ADMIN,
];

/// Why an operator does not get what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("Auth info is missing for the command")]
    NoCredentials,
    #[error("Not authenticated")]
    NotAuthenticated,
    #[error("Not authorized")]
    NotAuthorized,
    #[error("it is disabled: set {0}=true")]
    Disabled(&'static str),
    #[error("it was done a moment ago, see admin.rateLimiterIntervalInMS")]
    TooSoon,
    #[error("another one is under way")]
    Busy,
    #[error("nothing was changed: the body stood still while somebody else had one to restore")]
    GaveWay,
    #[error("the body is longer than {RESTORE_LEN_MAX} bytes")]
    TooLong,
    #[error("nothing was changed, since the body cannot be restored: {0}")]
    Invalid(String),
    #[error("this server keeps its data in memory only")]
    InMemory,
    #[error("the server stops")]
    Stops,
    #[error("{0}")]
    Failed(String),
}

impl Refusal {
    /// HTTP's number for it, which is Apache's.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::NoCredentials | Self::NotAuthenticated => 401,
            Self::NotAuthorized => 403,
            Self::Disabled(_) | Self::Stops => 503,
            Self::GaveWay => 408,
            Self::TooSoon | Self::Busy => 429,
            Self::TooLong => 413,
            Self::Invalid(_) => 400,
            Self::InMemory | Self::Failed(_) => 500,
        }
    }
}

/// Whether somebody at an address who sends this header `Authorization`, `<scheme> <credentials>`,
/// has every permission of the root.
///
/// # Errors
///
/// Why not.
pub(crate) fn authorize(
    access: &AccessControl,
    tree: &DataTree,
    peer: IpAddr,
    header: Option<&[u8]>,
) -> Result<(), Refusal> {
    let header = header.ok_or(Refusal::NoCredentials)?;
    let identities =
        authenticate(access, peer, header.trim_ascii_end()).ok_or(Refusal::NotAuthenticated)?;
    let root = tree.node(special::ROOT).ok_or(Refusal::NotAuthorized)?;
    let may = |permission| access.allows(&identities, root.acl(), permission);
    if NEEDED.into_iter().all(may) { Ok(()) } else { Err(Refusal::NotAuthorized) }
}

/// Who that is: of the scheme that was named, and nobody else.
fn authenticate(access: &AccessControl, peer: IpAddr, header: &[u8]) -> Option<Identities> {
    let mut parts = header.split(|byte| *byte == b' ');
    let (scheme, credentials, rest) = (parts.next()?, parts.next(), parts.next());
    if rest.is_some() {
        return None;
    }
    if scheme == b"ip" {
        return Some(Identities::of_peer(peer));
    }
    let mut identities = Identities::none();
    let scheme = std::str::from_utf8(scheme).ok()?;
    access.authenticate(scheme, credentials?, &mut identities).ok()?;
    identities.iter().next()?;
    Some(identities)
}

/// Lets one at a time through, and after one that was done none for a while.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The key that opens it.
    key: &'static str,
    enabled: bool,
    interval: Duration,
    done: Option<Instant>,
    busy: bool,
}

impl Gate {
    /// For `snapshot`. Apache takes the milliseconds of `admin.rateLimiterIntervalInMS` for
    /// microseconds there, and scripts rely on getting one after the other.
    pub(crate) fn for_snapshots(config: &AdminConfig) -> Self {
        let (enabled, interval) = (config.snapshot_enabled, config.rate_limit_interval / 1000);
        Self { key: "admin.snapshot.enabled", enabled, interval, done: None, busy: false }
    }

    /// For `restore`.
    pub(crate) fn for_restores(config: &AdminConfig) -> Self {
        let (enabled, interval) = (config.restore_enabled, config.rate_limit_interval);
        Self { key: "admin.restore.enabled", enabled, interval, done: None, busy: false }
    }

    /// Begins one; [`end`](Self::end) it.
    ///
    /// # Errors
    ///
    /// When there is none now.
    pub(crate) fn begin(&mut self, now: Instant) -> Result<(), Refusal> {
        let since = |done| now.saturating_duration_since(done);
        match self.done {
            _ if !self.enabled => Err(Refusal::Disabled(self.key)),
            _ if self.busy => Err(Refusal::Busy),
            Some(done) if since(done) < self.interval => Err(Refusal::TooSoon),
            _ => {
                self.busy = true;
                Ok(())
            }
        }
    }

    /// The one that was begun is over. One that was not `done` does not count: whoever sent the
    /// wrong file may send the right one.
    pub(crate) fn end(&mut self, now: Instant, done: bool) {
        self.busy = false;
        if done {
            self.done = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use zk_proto::Acl;
    use zk_proto::txn::{Txn, TxnHeader};
    use zk_proto::{SessionId, Zxid};

    use super::*;
    use crate::auth::{AuthConfig, digest_id};

    const SUPER: &str = "super:hush";

    fn tree(acl: Vec<Acl>) -> DataTree {
        let mut tree = DataTree::new(false);
        let txn = Txn::SetAcl { path: "/".to_owned(), acl: acl.into(), version: 1 };
        let op = txn.op().code();
        let (session, zxid) = (SessionId(1), Zxid(1));
        tree.apply(&TxnHeader { session, cxid: 1, zxid, time_ms: 0, op }, &txn);
        tree
    }

    fn ask(acl: Vec<Acl>, header: Option<&str>) -> Result<(), Refusal> {
        let super_digest = Some(digest_id(SUPER));
        let config = AuthConfig { super_digest, ..AuthConfig::default() };
        let access = AccessControl::new(config);
        authorize(&access, &tree(acl), [10, 0, 0, 7].into(), header.map(str::as_bytes))
    }

    fn all(scheme: &str, id: &str) -> Acl {
        Acl::new(Permissions::ALL, scheme, id)
    }

    #[test]
    fn whoever_has_every_permission_of_the_root_gets_in() {
        let boss = || vec![all("digest", &digest_id("boss:pw")), all("ip", "10.0.0.7")];
        assert_eq!(ask(boss(), Some("digest boss:pw")), Ok(()));
        assert_eq!(ask(boss(), Some("digest boss:pw ")), Ok(()));
        assert_eq!(ask(boss(), Some("ip")), Ok(()));
        assert_eq!(ask(boss(), Some("digest super:hush")), Ok(()));
        assert_eq!(ask(Acl::open(), Some("ip")), Ok(()), "as with Apache's server");
    }

    #[test]
    fn nobody_else_does() {
        let boss = || vec![all("digest", &digest_id("boss:pw")), all("ip", "10.0.0.8")];
        assert_eq!(ask(boss(), None), Err(Refusal::NoCredentials));
        for nobody in [
            "",
            " ",
            "digest",
            "digest ",
            "digest boss pw",
            "nosuch x",
            "x509",
            "x509 CN=boss",
            "sasl boss",
            "Digest boss:pw",
            "world anyone",
            "super ",
            "super x",
            "auth x",
        ] {
            assert_eq!(ask(boss(), Some(nobody)), Err(Refusal::NotAuthenticated), "{nobody:?}");
        }
        for other in ["digest boss:other", "ip", "ip 10.0.0.8", "digest x:y"] {
            assert_eq!(ask(boss(), Some(other)), Err(Refusal::NotAuthorized), "{other:?}");
        }
        // Only the scheme that was named counts, and each permission is needed.
        let place = || vec![all("ip", "10.0.0.7")];
        assert_eq!(ask(place(), Some("digest boss:pw")), Err(Refusal::NotAuthorized));
        for missing in NEEDED {
            let some = Permissions(Permissions::ALL.0 & !missing.0);
            let acl = vec![Acl::new(some, "ip", "10.0.0.7")];
            assert_eq!(ask(acl, Some("ip")), Err(Refusal::NotAuthorized), "{missing:?}");
        }
    }

    #[allow(clippy::disallowed_methods, reason = "one origin for a clock that the test moves")]
    fn origin() -> Instant {
        Instant::now()
    }

    #[test]
    fn one_at_a_time_and_after_it_none_for_a_while() {
        let (mut config, start) = (AdminConfig::default(), origin());
        config.rate_limit_interval = Duration::from_secs(300);
        let mut gate = Gate::for_restores(&config);
        assert_eq!(gate.begin(start), Ok(()));
        assert_eq!(gate.begin(start), Err(Refusal::Busy));
        gate.end(start, false);
        assert_eq!(gate.begin(start), Ok(()), "it was none");
        gate.end(start, true);
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(gate.begin(at(299_999)), Err(Refusal::TooSoon));
        assert_eq!(gate.begin(at(300_000)), Ok(()));
        let mut snapshots = Gate::for_snapshots(&config);
        assert_eq!(snapshots.begin(start), Ok(()));
        snapshots.end(start, true);
        assert_eq!(snapshots.begin(at(299)), Err(Refusal::TooSoon));
        assert_eq!(snapshots.begin(at(300)), Ok(()));
        (config.snapshot_enabled, config.restore_enabled) = (false, false);
        for mut gate in [Gate::for_restores(&config), Gate::for_snapshots(&config)] {
            let refusal = gate.begin(start).unwrap_err();
            assert_eq!(refusal.status(), 503);
        }
    }
}
