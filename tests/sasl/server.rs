//! The servers of the suite, by how they do SASL.

use std::net::SocketAddr;
use std::time::Duration;

use tests::{CuttingProxy, PATIENCE, within};
use zk_client::sasl::Sasl;
use zk_client::{Client, ClientBuilder, Result};

/// Users that every server with a login knows, and their passwords.
pub(crate) const USERS: [(&str, &str); 6] = [
    ("bob", "builder"),
    ("alice", "in wonderland"),
    ("super", "adminsecret"),
    ("qu\"o\\te", "pa\"ss\\word"),
    ("ünï", "pässwörd"),
    ("日本", "暗号"),
];

/// How a server does SASL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It knows [`USERS`].
    Login,
    /// It knows them and deals with nobody else.
    Insists,
    /// It knows them and lets those stay that fail.
    Lenient,
    /// Not at all.
    Without,
}

/// A server for one test, or for several at once.
pub(crate) struct Server(Running);

impl Server {
    pub(crate) async fn start(kind: Kind) -> Self {
        let server = Self(start(kind).await);
        tests::until_serving(server.address()).await;
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        address(&self.0)
    }

    pub(crate) async fn proxy(&self) -> CuttingProxy {
        CuttingProxy::start(self.address()).await
    }

    /// A builder of a client without SASL.
    pub(crate) fn builder(&self) -> ClientBuilder {
        builder(self.address())
    }

    /// What becomes of a client that says it is this user.
    pub(crate) async fn try_as(&self, user: &str, password: &str) -> Result<Client> {
        let connecting = self.builder().sasl(Sasl::digest_md5(user, password)).connect();
        within("a word on the user", connecting).await
    }

    /// A client that is one of [`USERS`].
    pub(crate) async fn client_as(&self, user: &str) -> Client {
        self.try_as(user, password(user)).await.expect("the server knows the user")
    }
}

/// A builder of a client of the server at this address.
pub(crate) fn builder(address: SocketAddr) -> ClientBuilder {
    let builder = Client::builder(&address.to_string()).close_timeout(PATIENCE);
    builder.session_timeout(Duration::from_secs(20))
}

pub(crate) fn password(user: &str) -> &'static str {
    let known = USERS.iter().find(|(name, _)| *name == user);
    known.map(|(_, password)| *password).expect("a user of the suite")
}

/// A path that no other test uses.
pub(crate) fn unique(name: &str) -> String {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("/sasl-{name}-{}-{number}", std::process::id())
}

#[cfg(not(feature = "containers"))]
type Running = zk_server::testing::TestServer;

#[cfg(not(feature = "containers"))]
async fn start(kind: Kind) -> Running {
    let mut builder = zk_server::testing::TestServer::builder();
    if kind != Kind::Without {
        for (user, password) in USERS {
            builder = builder.sasl_user(user, password);
        }
    }
    let builder = match kind {
        Kind::Insists => builder.required_auth_schemes(&["sasl"]),
        Kind::Lenient => builder.let_failed_sasl_clients_stay(true),
        Kind::Login | Kind::Without => builder,
    };
    builder.start().await.expect("the embedded server starts")
}

#[cfg(not(feature = "containers"))]
fn address(running: &Running) -> SocketAddr {
    running.addr()
}

#[cfg(feature = "containers")]
type Running = std::sync::Arc<tests::Apache>;

#[cfg(feature = "containers")]
async fn start(kind: Kind) -> Running {
    let starting = tokio::task::spawn_blocking(move || containers::shared(kind));
    starting.await.expect("the container starts")
}

#[cfg(feature = "containers")]
fn address(running: &Running) -> SocketAddr {
    running.address()
}

#[cfg(feature = "containers")]
mod containers {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex, Weak};

    use tests::{Apache, ApacheSettings};

    use super::{Kind, USERS};

    const JAAS_FILE: &str = "/secrets/jaas.conf";

    /// The container of that kind that other tests use, or a new one if none does.
    pub(super) fn shared(kind: Kind) -> Arc<Apache> {
        static SHARED: Mutex<Option<HashMap<u8, Weak<Apache>>>> = Mutex::new(None);
        let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let known = shared.get_or_insert_default().entry(kind as u8).or_default();
        known.upgrade().unwrap_or_else(|| {
            let apache = Arc::new(Apache::start(settings(kind)));
            *known = Arc::downgrade(&apache);
            apache
        })
    }

    fn settings(kind: Kind) -> ApacheSettings {
        if kind == Kind::Without {
            return ApacheSettings::default();
        }
        let more = match kind {
            Kind::Insists => "sessionRequireClientSASLAuth=true",
            Kind::Lenient => "allowSaslFailedClients=true",
            Kind::Login | Kind::Without => "",
        };
        ApacheSettings {
            config: format!(
                "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider {more}"
            ),
            // 3.9 does no DIGEST-MD5 in its mode for FIPS, which is its default.
            jvm_flags: format!(
                "-Djava.security.auth.login.config={JAAS_FILE} -Dfile.encoding=UTF-8 \
                 -Dzookeeper.fips-mode=false"
            ),
            files: vec![(JAAS_FILE, jaas().into_bytes())],
        }
    }

    fn jaas() -> String {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let user = |(user, password): (&str, &str)| {
            format!("    \"user_{}\"=\"{}\"\n", quoted(user), quoted(password))
        };
        format!(
            "Server {{\n    org.apache.zookeeper.server.auth.DigestLoginModule required\n{};\n}};\n",
            USERS.map(user).concat()
        )
    }
}
