//! How a client is to be, before it is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use zk_proto::{Acl, ConnectString, SessionId};

use crate::acl_policy::AclPolicy;
use crate::chroot::Chroot;
use crate::client::Client;
use crate::driver::world::{Connector, Spawner};
use crate::driver::{self, Executor, OwnConnector, Transport};
use crate::error::{Error, Result};
use crate::handover::SessionHandover;
use crate::queue::QueueLimits;
use crate::sasl::Sasl;
use crate::servers;
use crate::session::{Config, Session};
use crate::shared::{Settings, Shared};

/// The session timeout asked for unless another is set.
pub const SESSION_TIMEOUT_DEFAULT: Duration = Duration::from_secs(15);
/// How long `connect` tries unless another bound is set.
pub const CONNECT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(15);
/// How long each of the two steps of a close may take unless another bound is set.
pub const CLOSE_TIMEOUT_DEFAULT: Duration = Duration::from_secs(3);
/// How many requests may be outstanding unless another bound is set.
pub const MAX_OUTSTANDING_DEFAULT: usize = 10_000;
/// How many bytes the outstanding requests may take together unless another bound is set.
pub const MAX_OUTSTANDING_BYTES_DEFAULT: usize = 64 << 20;

/// The settings of a [`Client`]; made by [`Client::builder`].
///
/// ```no_run
/// # use std::time::Duration;
/// # use zk_client::{Client, Error};
/// # async fn example() -> Result<(), Error> {
/// let client = Client::builder("zk1:2181,zk2:2181,zk3:2181/app")
///     .session_timeout(Duration::from_secs(10))
///     .auth_digest("app", "secret")
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing happens until it connects"]
pub struct ClientBuilder {
    servers: String,
    session_timeout: Option<Duration>,
    connect_timeout: Duration,
    close_timeout: Duration,
    request_timeout: Option<Duration>,
    max_outstanding: usize,
    max_outstanding_bytes: usize,
    max_frame_len: Option<usize>,
    renew: bool,
    read_only: bool,
    resume: Option<SessionHandover>,
    auth: Vec<(String, Bytes)>,
    acl_policy: AclPolicy,
    transport: Transport,
    sasl: Option<Sasl>,
    seed: Option<u64>,
    spawner: Option<Arc<dyn Spawner>>,
}

impl ClientBuilder {
    pub(crate) fn new(servers: &str) -> Self {
        Self {
            servers: servers.to_owned(),
            session_timeout: None,
            connect_timeout: CONNECT_TIMEOUT_DEFAULT,
            close_timeout: CLOSE_TIMEOUT_DEFAULT,
            request_timeout: None,
            max_outstanding: MAX_OUTSTANDING_DEFAULT,
            max_outstanding_bytes: MAX_OUTSTANDING_BYTES_DEFAULT,
            max_frame_len: None,
            renew: true,
            read_only: false,
            resume: None,
            auth: Vec::new(),
            acl_policy: AclPolicy::default(),
            transport: Transport::default(),
            sasl: None,
            seed: None,
            spawner: None,
        }
    }

    /// How long the session may go unheard by the servers before they end it, in whole
    /// milliseconds; 15 s by default. The server grants what it allows
    /// ([`Client::session_timeout`] tells), by default from 4 s to 40 s.
    ///
    /// Shorter: a crash is noticed sooner. Longer: a pause of the network or of this process is
    /// survived.
    pub fn session_timeout(mut self, timeout: Duration) -> Self {
        self.session_timeout = Some(timeout);
        self
    }

    /// How long [`connect`](Self::connect) tries all servers before it fails; 15 s by default.
    /// Requests that wait as long for a later session to be opened fail likewise.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long each of the two steps of [`Client::close`] may take; 3 s by default.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// How long a request may take that has no limit of its own. By default it waits as long as
    /// the session lives: that bounds it, too, and says for sure what became of it more often.
    pub fn request_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.request_timeout = timeout.into();
        self
    }

    /// How many requests may be outstanding; 10,000 by default. More can be sent: they wait in
    /// line, in order, as long as their [`Pending`](crate::Pending) lives.
    pub fn max_outstanding(mut self, requests: usize) -> Self {
        self.max_outstanding = requests;
        self
    }

    /// How many bytes the outstanding requests may take together; 64 MiB by default. More can be
    /// sent: it waits in line, in order, as long as its [`Pending`](crate::Pending) lives, which
    /// holds its bytes meanwhile. A single request is never too long for this bound.
    pub fn max_outstanding_bytes(mut self, bytes: usize) -> Self {
        self.max_outstanding_bytes = bytes;
        self
    }

    /// The longest request that is sent and the longest reply that is taken, in bytes. By default
    /// what Apache's servers take (1 MiB) and four times as much. Raise `jute.maxbuffer` of the
    /// servers along with it.
    pub fn max_frame_len(mut self, bytes: usize) -> Self {
        self.max_frame_len = Some(bytes);
        self
    }

    /// Whether an expired session is followed by a new one, which is the default. Otherwise expiry
    /// is the end of the client, and every later request fails with [`Error::SessionExpired`].
    pub fn renew_expired_session(mut self, renew: bool) -> Self {
        self.renew = renew;
        self
    }

    /// Whether to be content with a read-only server while there is no other; off by default.
    ///
    /// A server that has lost its ensemble may serve reads, if its operator has set
    /// `readonlymode.enabled`; since 3.7 it must have `localSessionsEnabled` too. There the state is
    /// [`SessionState::ConnectedReadOnly`](crate::SessionState::ConnectedReadOnly): what is read may
    /// be stale, and every write fails with [`Error::NotReadOnly`]. Meanwhile the client asks the
    /// other servers, more and more rarely (from 100 ms up to 60 s), and goes to the first that
    /// takes writes. It asks by the four-letter word `isro`, which servers with
    /// `readonlymode.enabled` answer.
    pub fn read_only(mut self, allowed: bool) -> Self {
        self.read_only = allowed;
        self
    }

    /// Goes on with a session that another client has left by
    /// [`Client::detach`](crate::Client::detach): its ephemeral nodes are this client's. Whoever
    /// still uses the session is cut off from it.
    ///
    /// If it has expired meanwhile, what follows is as for any session that expires: a new one, in
    /// which [`Client::session_epoch`](crate::Client::session_epoch) is 2, or
    /// [`Error::SessionExpired`] if
    /// [`renew_expired_session`](Self::renew_expired_session) is off. Unless a session timeout is
    /// set, the session keeps its own.
    pub fn resume(mut self, session: SessionHandover) -> Self {
        self.resume = Some(session);
        self
    }

    /// Authenticates with the `digest` scheme, on each connection anew, before anything else is
    /// sent. The password travels in clear text.
    pub fn auth_digest(self, user: &str, password: &str) -> Self {
        self.auth("digest", format!("{user}:{password}").as_bytes())
    }

    /// Authenticates with any scheme, on each connection anew, before anything else is sent.
    pub fn auth(mut self, scheme: &str, credentials: &[u8]) -> Self {
        self.auth.push((scheme.to_owned(), Bytes::copy_from_slice(credentials)));
        self
    }

    /// The ACL of every node that is created without one of its own, parents included.
    /// [`Acl::open`] by default: everybody may do everything.
    ///
    /// ```no_run
    /// # use zk_client::{Acl, Client, Error};
    /// # async fn example() -> Result<(), Error> {
    /// let client = Client::builder("localhost")
    ///     .auth_digest("app", "secret")
    ///     .default_acl(Acl::creator_all())
    ///     .connect()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn default_acl(self, acl: impl IntoIterator<Item = Acl>) -> Self {
        let acl: Vec<Acl> = acl.into_iter().collect();
        self.default_acl_by_path(move |_| acl.clone())
    }

    /// As [`default_acl`](Self::default_acl), chosen by the path of the node, which is seen from
    /// the root of the connect string. It is asked on the caller's task and should not block.
    pub fn default_acl_by_path(
        mut self,
        policy: impl Fn(&str) -> Vec<Acl> + Send + Sync + 'static,
    ) -> Self {
        self.acl_policy = AclPolicy::new(policy);
        self
    }

    /// Connects by TLS, and in no other way. Needs the feature `tls` or `tls-aws-lc`;
    /// [`tls`](crate::tls) is the page about it.
    #[cfg(feature = "__tls")]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "tls", feature = "tls-aws-lc"))))]
    pub fn tls(mut self, tls: crate::tls::Tls) -> Self {
        self.transport.tls = Some(tls);
        self
    }

    /// Authenticates by SASL, on each connection anew, before anything else is sent; in addition to
    /// other credentials, if there are any. See [`sasl`](crate::sasl) for the mechanisms.
    ///
    /// The client counts as connected once the server knows who it is. A refusal is final, as
    /// [`Error::AuthFailed`]; so is a server that does no SASL: nothing is done under no name.
    pub fn sasl(mut self, sasl: impl Into<Sasl>) -> Self {
        self.sasl = Some(sasl.into());
        self
    }

    /// Connects by this instead of TCP. TLS is then the connector's affair; together with
    /// `tls` it is [`Error::InvalidConfig`].
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.transport.connector = Some(OwnConnector(Arc::new(connector)));
        self
    }

    /// Runs the client's tasks, and those of recipes on it, by this instead of the runtime it is
    /// made in.
    pub fn spawner(mut self, spawner: impl Spawner) -> Self {
        self.spawner = Some(Arc::new(spawner));
        self
    }

    /// The seed of what the client does by chance: the order of the servers, the jitter of its
    /// pauses. For tests that want the same again; by default every client has its own.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Opens a session.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidConnectString`], [`Error::InvalidConfig`]: at once;
    /// - [`Error::NoServerReachable`], with what each server did: after
    ///   [`connect_timeout`](Self::connect_timeout);
    /// - [`Error::AuthFailed`]: when a server refuses the credentials.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O and time enabled.
    pub async fn connect(self) -> Result<Client> {
        let client = self.start(false)?;
        let shared = client.shared();
        let mut snapshots = shared.snapshot.subscribe();
        // By the count, not by the state: a connection may be gone again before this task looks.
        let settled = snapshots.wait_for(|now| now.connections > 0 || now.finished).await;
        let finished = settled.map_or(true, |snapshot| snapshot.finished);
        if finished { Err(shared.end_error()) } else { Ok(client) }
    }

    /// Makes a client without waiting for a server: it looks for one in the background, for as long
    /// as it takes. Requests wait, each for at most
    /// [`connect_timeout`](Self::connect_timeout), and then fail with
    /// [`Error::NoServerReachable`]; the client goes on trying.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidConnectString`], [`Error::InvalidConfig`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O and time enabled.
    pub fn connect_lazily(self) -> Result<Client> {
        self.start(true)
    }

    fn start(self, lazy: bool) -> Result<Client> {
        let ConnectString { hosts, chroot } = self.parsed()?;
        self.validate()?;
        let now = driver::now();
        let config = Config { lazy, ..self.config(hosts) };
        let mut session = Session::new(config, self.seed.unwrap_or_else(driver::entropy), now);
        for (scheme, auth) in &self.auth {
            session.add_auth(now, scheme, auth.clone(), None);
        }
        let settings = Settings {
            chroot: Chroot::new(chroot.as_deref()),
            acl_policy: self.acl_policy,
            request_timeout: self.request_timeout,
            connect_timeout: self.connect_timeout,
            close_timeout: self.close_timeout,
            limits: QueueLimits {
                requests: self.max_outstanding,
                bytes: self.max_outstanding_bytes,
            },
            started: now,
        };
        let executor = Executor::new(Handle::current(), self.spawner);
        let shared = Arc::new(Shared::new(settings, executor));
        let client = Client::new(Arc::clone(&shared));
        let authenticator = driver::Authenticator::new(self.sasl, self.seed);
        driver::spawn(session, shared, self.transport, authenticator);
        Ok(client)
    }

    /// What to ask for: what was set, or what a session to be resumed has.
    fn wanted_session_timeout(&self) -> Duration {
        let resumed = self.resume.as_ref().map(SessionHandover::session_timeout);
        self.session_timeout.or(resumed).unwrap_or(SESSION_TIMEOUT_DEFAULT)
    }

    fn parsed(&self) -> Result<ConnectString> {
        servers::parse(&self.servers)
    }

    fn validate(&self) -> Result<()> {
        let invalid = |setting, reason: &str| {
            Err(Error::InvalidConfig { setting, reason: reason.to_owned() })
        };
        let session_ms = self.wanted_session_timeout().as_millis();
        if !(1..=i32::MAX as u128).contains(&session_ms) {
            return invalid("session_timeout", "it must be from 1 ms to 2^31 - 1 ms");
        }
        if self.connect_timeout.is_zero() {
            return invalid("connect_timeout", "it must be longer than nothing");
        }
        if self.resume.as_ref().is_some_and(|session| session.session_id() == SessionId::NONE) {
            return invalid("resume", "it must have the id of a session");
        }
        if self.max_outstanding == 0 {
            return invalid("max_outstanding", "at least one request must be possible");
        }
        if self.max_frame_len.is_some_and(|len| !FRAME_LEN_RANGE.contains(&len)) {
            return invalid("max_frame_len", "it must be from 1 KiB to 2^31 - 1 bytes");
        }
        #[cfg(feature = "__tls")]
        if self.transport.tls.is_some() && self.transport.connector.is_some() {
            return invalid("connector", "it does its own TLS: leave out `tls`");
        }
        if self.auth.iter().any(|(scheme, _)| scheme.is_empty()) {
            return invalid("auth", "the scheme must not be empty");
        }
        Ok(())
    }

    fn config(&self, hosts: Vec<zk_proto::HostPort>) -> Config {
        let defaults = Config::new(hosts);
        Config {
            session_timeout: self.wanted_session_timeout(),
            connect_timeout: self.connect_timeout,
            close_timeout: self.close_timeout,
            renew: self.renew,
            read_only: self.read_only,
            resume: self.resume.clone(),
            sasl: self.sasl.as_ref().map(|sasl| sasl.mechanism().name()),
            // The queue in front of the session keeps the bound, and the order beyond it.
            requests_max: usize::MAX,
            request_bytes_max: usize::MAX,
            request_len_max: self.max_frame_len.unwrap_or(defaults.request_len_max),
            reply_len_max: self.max_frame_len.unwrap_or(defaults.reply_len_max),
            ..defaults
        }
    }
}

/// Less would not hold the connect records, and more does not fit the length of a frame.
const FRAME_LEN_RANGE: std::ops::RangeInclusive<usize> = 1024..=i32::MAX as usize;

/// Credentials never show.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schemes = self.auth.iter().map(|(scheme, _)| scheme).collect::<Vec<_>>();
        f.debug_struct("ClientBuilder")
            .field("servers", &self.servers)
            .field("session_timeout", &self.wanted_session_timeout())
            .field("connect_timeout", &self.connect_timeout)
            .field("close_timeout", &self.close_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("max_outstanding", &self.max_outstanding)
            .field("max_outstanding_bytes", &self.max_outstanding_bytes)
            .field("renew", &self.renew)
            .field("read_only", &self.read_only)
            .field("resume", &self.resume)
            .field("auth", &schemes)
            .field("transport", &self.transport)
            .field("sasl", &self.sasl)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "builder_tests.rs"]
mod tests;
