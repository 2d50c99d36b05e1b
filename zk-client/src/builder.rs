//! How a client is to be, before it is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use zk_proto::ConnectString;

use crate::chroot::Chroot;
use crate::client::Client;
use crate::driver;
use crate::error::{Error, Result};
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
    session_timeout: Duration,
    connect_timeout: Duration,
    close_timeout: Duration,
    request_timeout: Option<Duration>,
    max_outstanding: usize,
    max_frame_len: Option<usize>,
    renew: bool,
    auth: Vec<(String, Bytes)>,
    seed: Option<u64>,
}

impl ClientBuilder {
    pub(crate) fn new(servers: &str) -> Self {
        Self {
            servers: servers.to_owned(),
            session_timeout: SESSION_TIMEOUT_DEFAULT,
            connect_timeout: CONNECT_TIMEOUT_DEFAULT,
            close_timeout: CLOSE_TIMEOUT_DEFAULT,
            request_timeout: None,
            max_outstanding: MAX_OUTSTANDING_DEFAULT,
            max_frame_len: None,
            renew: true,
            auth: Vec::new(),
            seed: None,
        }
    }

    /// How long the session may go unheard by the servers before they end it, in whole
    /// milliseconds; 15 s by default. The server grants what it allows
    /// ([`Client::session_timeout`] tells), by default from 4 s to 40 s.
    ///
    /// Shorter: a crash is noticed sooner. Longer: a pause of the network or of this process is
    /// survived.
    pub fn session_timeout(mut self, timeout: Duration) -> Self {
        self.session_timeout = timeout;
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
        let ConnectString { hosts, chroot } = self.parsed()?;
        self.validate()?;
        let now = driver::now();
        let config = self.config(hosts);
        let mut session = Session::new(config, self.seed.unwrap_or_else(driver::entropy), now);
        for (scheme, auth) in &self.auth {
            session.add_auth(now, scheme, auth.clone(), None);
        }
        let settings = Settings {
            chroot: Chroot::new(chroot.as_deref()),
            request_timeout: self.request_timeout,
            connect_timeout: self.connect_timeout,
            close_timeout: self.close_timeout,
            max_outstanding: self.max_outstanding,
            started: now,
        };
        let shared = Arc::new(Shared::new(settings, Handle::current()));
        let client = Client::new(Arc::clone(&shared));
        driver::spawn(session, Arc::clone(&shared));
        let mut snapshots = shared.snapshot.subscribe();
        // By the count, not by the state: a connection may be gone again before this task looks.
        let settled = snapshots.wait_for(|now| now.connections > 0 || now.finished).await;
        match settled.map(|snapshot| snapshot.finished) {
            Ok(false) => Ok(client),
            Ok(true) | Err(_) => Err(shared.end_error()),
        }
    }

    fn parsed(&self) -> Result<ConnectString> {
        self.servers.parse().map_err(|reason: zk_proto::connect_string::ConnectStringError| {
            Error::InvalidConnectString { input: self.servers.clone(), reason: reason.to_string() }
        })
    }

    fn validate(&self) -> Result<()> {
        let invalid = |setting, reason: &str| {
            Err(Error::InvalidConfig { setting, reason: reason.to_owned() })
        };
        let session_ms = self.session_timeout.as_millis();
        if !(1..=i32::MAX as u128).contains(&session_ms) {
            return invalid("session_timeout", "it must be from 1 ms to 2^31 - 1 ms");
        }
        if self.connect_timeout.is_zero() {
            return invalid("connect_timeout", "it must be longer than nothing");
        }
        if self.max_outstanding == 0 {
            return invalid("max_outstanding", "at least one request must be possible");
        }
        if self.max_frame_len.is_some_and(|len| !FRAME_LEN_RANGE.contains(&len)) {
            return invalid("max_frame_len", "it must be from 1 KiB to 2^31 - 1 bytes");
        }
        if self.auth.iter().any(|(scheme, _)| scheme.is_empty()) {
            return invalid("auth", "the scheme must not be empty");
        }
        Ok(())
    }

    fn config(&self, hosts: Vec<zk_proto::HostPort>) -> Config {
        let defaults = Config::new(hosts);
        Config {
            session_timeout: self.session_timeout,
            connect_timeout: self.connect_timeout,
            close_timeout: self.close_timeout,
            renew: self.renew,
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
            .field("session_timeout", &self.session_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("close_timeout", &self.close_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("max_outstanding", &self.max_outstanding)
            .field("renew", &self.renew)
            .field("auth", &schemes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting_refused(builder: ClientBuilder) -> &'static str {
        match builder.validate() {
            Err(Error::InvalidConfig { setting, .. }) => setting,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let builder = || Client::builder("localhost");
        assert!(builder().validate().is_ok());
        let short = builder().session_timeout(Duration::from_micros(1));
        assert_eq!(setting_refused(short), "session_timeout");
        let long = builder().session_timeout(Duration::from_secs(1 << 32));
        assert_eq!(setting_refused(long), "session_timeout");
        assert_eq!(setting_refused(builder().connect_timeout(Duration::ZERO)), "connect_timeout");
        assert_eq!(setting_refused(builder().max_outstanding(0)), "max_outstanding");
        assert_eq!(setting_refused(builder().max_frame_len(7)), "max_frame_len");
        assert_eq!(setting_refused(builder().auth("", b"x")), "auth");
    }

    #[test]
    fn credentials_never_show() {
        let shown = format!("{:?}", Client::builder("localhost").auth_digest("u", "hush"));
        assert!(shown.contains("digest") && !shown.contains("hush"), "{shown}");
    }

    #[test]
    fn a_wrong_connect_string_is_quoted_with_the_reason() {
        let error = Client::builder("host:port").parsed().unwrap_err().to_string();
        assert!(error.contains("host:port") && error.contains("expected"), "{error}");
    }
}
