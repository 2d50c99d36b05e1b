//! How a test wants its server.

use std::path::Path;
use std::time::Duration;

use super::TestServer;
use crate::auth::sasl::{Login, Users};
use crate::config::ServerConfig;
#[cfg(feature = "tls")]
use crate::config::TlsConfig;
use crate::runtime::StartError;

/// Settings of a [`TestServer`]. What is not set suits a test that should be quick: a tick of
/// 100 ms, sessions from 200 ms to a minute, no limit of connections, nodes with a time to live,
/// every four-letter word.
#[derive(Clone, Debug)]
#[must_use = "nothing runs until `start`"]
pub struct TestServerBuilder {
    pub(super) config: ServerConfig,
}

impl TestServerBuilder {
    pub(super) fn new() -> Self {
        let config = ServerConfig {
            tick_time: Duration::from_millis(100),
            session_timeout_min: Some(Duration::from_millis(200)),
            max_client_cnxns: 0,
            ..ServerConfig::for_development(0, Path::new(""))
        };
        Self { config }
    }

    /// The unit of session times: a session ends at most this much after its timeout.
    pub fn tick_time(mut self, tick: Duration) -> Self {
        self.config.tick_time = tick;
        self
    }

    /// The least and the largest session timeout that clients get.
    pub fn session_timeout_bounds(mut self, min: Duration, max: Duration) -> Self {
        self.config.session_timeout_min = Some(min);
        self.config.session_timeout_max = Some(max);
        self
    }

    /// How long a connection may take until its session is set up.
    pub fn sessionless_timeout(mut self, timeout: Duration) -> Self {
        self.config.limits.sessionless_timeout = timeout;
        self
    }

    /// Whether nodes with a time to live can be created. Apache's default is no.
    pub fn extended_types(mut self, enabled: bool) -> Self {
        self.config.extended_types_enabled = enabled;
        self
    }

    /// Whether a write that exceeds a hard quota is refused. Apache's default is no.
    pub fn enforce_quota(mut self, enforce: bool) -> Self {
        self.config.enforce_quota = enforce;
        self
    }

    /// `super:<base64 of the SHA-1 of super:password>`: who authenticates as `super:password` by
    /// the digest scheme may do everything.
    pub fn super_digest(mut self, digest: impl Into<String>) -> Self {
        self.config.auth.super_digest = Some(digest.into());
        self
    }

    /// Whether ACLs are not enforced.
    pub fn skip_acl(mut self, skip: bool) -> Self {
        self.config.auth.skip_acl = skip;
        self
    }

    /// A user that can authenticate by SASL DIGEST-MD5. With none of them the server does no SASL.
    pub fn sasl_user(mut self, user: &str, password: &str) -> Self {
        let none = || Login::DigestMd5(Users::default());
        if let Login::DigestMd5(users) = self.config.auth.sasl.login.get_or_insert_with(none) {
            users.insert(user, password);
        }
        self
    }

    /// Whether clients that fail to authenticate by SASL may stay, as nobody, instead of being
    /// closed.
    pub fn let_failed_sasl_clients_stay(mut self, stay: bool) -> Self {
        self.config.auth.sasl.failed_clients_stay = stay;
        self
    }

    /// The schemes (`sasl`, `digest`, ..) of which a client must have authenticated by one before
    /// it may ask for anything.
    pub fn required_auth_schemes(mut self, schemes: &[&str]) -> Self {
        self.config.auth.required_schemes = schemes.iter().map(|&scheme| scheme.into()).collect();
        self
    }

    /// Connections that one address may have; 0 is no limit.
    pub fn max_client_cnxns(mut self, max: usize) -> Self {
        self.config.max_client_cnxns = max;
        self
    }

    /// How often empty containers and nodes past their time to live are looked for.
    pub fn container_check_interval(mut self, interval: Duration) -> Self {
        self.config.container_check_interval = interval;
        self
    }

    /// A certain port instead of a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.config.client_port = Some(port);
        self
    }

    /// A secure port besides the plain one: [`TestServer::secure_addr`]. Clients are who their
    /// certificates say, under the scheme `x509`.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: TlsConfig) -> Self {
        self.config.secure_client_port = Some(0);
        self.config.secure_client_port_address = self.config.client_port_address.clone();
        self.config.auth.x509_enabled = true;
        self.config.tls = Some(tls);
        self
    }

    /// Whether the plain port also takes clients that speak TLS, as [`tls`](Self::tls) says.
    #[cfg(feature = "tls")]
    pub fn port_unification(mut self, unified: bool) -> Self {
        self.config.port_unification = unified;
        self
    }

    /// The subject of the certificate whose owner may do everything.
    #[cfg(feature = "tls")]
    pub fn x509_super_user(mut self, subject: impl Into<String>) -> Self {
        self.config.auth.x509_super_user = Some(subject.into());
        self
    }

    /// How long a TLS handshake may take, and how many may be in progress.
    #[cfg(feature = "tls")]
    pub fn tls_handshake_limits(mut self, timeout: Duration, at_once: usize) -> Self {
        self.config.limits.tls_handshake_timeout = timeout;
        self.config.limits.tls_handshakes = at_once;
        self
    }

    /// Starts the server; clients can connect as soon as this returns.
    ///
    /// # Errors
    ///
    /// When no temporary directory can be made or the port is taken.
    pub async fn start(self) -> Result<TestServer, StartError> {
        TestServer::launch(self.config).await
    }
}
