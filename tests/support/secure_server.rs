//! A server with a secure port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zk_client::tls::rustls::{self, ClientConfig, ClientConnection, RootCertStore};

use crate::{TestCa, TestCertificate, eventually};

/// How a [`SecureServer`] is set up: for all kinds of server alike.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests change what they are about")]
pub struct SecureSettings {
    /// The server's certificate.
    pub certificate: TestCertificate,
    /// The roots that it trusts to sign clients' certificates, in PEM.
    pub trust: String,
    /// `none`, `want` or `need`.
    pub client_auth: &'static str,
    /// Whether the plain port takes TLS as well.
    pub port_unification: bool,
    /// The subject that may do everything.
    pub super_user: Option<&'static str>,
}

impl SecureSettings {
    /// A server called `localhost` and `127.0.0.1` that wants certificates from the same authority
    /// as its own.
    #[must_use]
    pub fn of(ca: &TestCa) -> Self {
        Self {
            certificate: ca.server(&["localhost", "127.0.0.1"]),
            trust: ca.pem().to_owned(),
            client_auth: "need",
            port_unification: false,
            super_user: None,
        }
    }
}

#[cfg(not(feature = "containers"))]
impl SecureSettings {
    /// For the embedded server.
    pub(crate) fn of_embedded(&self) -> zk_server::config::TlsConfig {
        use zk_server::config::{ClientAuth, Store, TlsConfig};

        let trust = (self.client_auth != "none").then(|| Store::pem(self.trust.clone()));
        let mut tls = TlsConfig::new(Store::pem(self.certificate.key_store()), trust);
        tls.client_auth = match self.client_auth {
            "none" => ClientAuth::None,
            "want" => ClientAuth::Want,
            _ => ClientAuth::Need,
        };
        tls
    }
}

#[cfg(feature = "containers")]
impl SecureSettings {
    /// For Apache's server, with stores in PEM.
    pub(crate) fn of_apache(&self) -> crate::ApacheSettings {
        self.with_stores(
            "PEM",
            self.certificate.key_store().into_bytes(),
            self.trust.clone().into(),
        )
    }

    /// For Apache's server, with stores in PKCS#12.
    fn of_apache_with_pkcs12(&self) -> crate::ApacheSettings {
        use crate::pkcs12::{PASSWORD, key_store, trust_store};

        let (keys, trust) = (key_store(&self.certificate), trust_store(&self.trust));
        let mut settings = self.with_stores("PKCS12", keys, trust);
        let passwords =
            format!("ssl.keyStore.password={PASSWORD} ssl.trustStore.password={PASSWORD}");
        settings.add(&passwords, "");
        settings
    }

    fn with_stores(&self, kind: &str, keys: Vec<u8>, trust: Vec<u8>) -> crate::ApacheSettings {
        let (keys_path, trust_path) = ("/secrets/server", "/secrets/trusted");
        let mut settings = crate::ApacheSettings {
            files: vec![(keys_path, keys), (trust_path, trust)],
            ..crate::ApacheSettings::default()
        };
        let (client_auth, unified) = (self.client_auth, self.port_unification);
        settings.add(
            &format!(
                "maxSessionTimeout=60000 secureClientPort=2281 ssl.clientAuth={client_auth} \
                 client.portUnification={unified} \
                 ssl.keyStore.type={kind} ssl.keyStore.location={keys_path} \
                 ssl.trustStore.type={kind} ssl.trustStore.location={trust_path}"
            ),
            "-Dzookeeper.serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
        );
        if let Some(subject) = self.super_user {
            let property = "zookeeper.X509AuthenticationProvider.superUser";
            settings.add("", &format!("-D{property}={subject}"));
        }
        settings
    }
}

/// The embedded server, or a real Apache ZooKeeper with the feature `containers`, with a plain and
/// a secure port. One test's own.
#[derive(Debug)]
pub struct SecureServer {
    #[cfg(not(feature = "containers"))]
    server: zk_server::testing::TestServer,
    #[cfg(feature = "containers")]
    server: crate::Apache,
}

impl SecureServer {
    /// One that answers.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn start(settings: SecureSettings) -> Self {
        Self { server: start(settings).await }.once_it_serves().await
    }

    /// The same with stores of the format that Java makes unless it is told otherwise.
    ///
    /// # Panics
    ///
    /// If it does not start, or `openssl` or the JDK's `keytool` is missing.
    #[cfg(feature = "containers")]
    pub async fn start_with_pkcs12(settings: SecureSettings) -> Self {
        let starting = tokio::task::spawn_blocking(move || {
            crate::Apache::start(settings.of_apache_with_pkcs12())
        });
        Self { server: starting.await.expect("the container starts") }.once_it_serves().await
    }

    /// Its ports open one after the other.
    async fn once_it_serves(self) -> Self {
        crate::until_serving(self.address()).await;
        let secure = self.secure_address();
        eventually("the secure port answers", async || speaks_tls(secure).await).await;
        self
    }

    /// Where clients connect without TLS, or with it if ports are unified.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        #[cfg(not(feature = "containers"))]
        return self.server.addr();
        #[cfg(feature = "containers")]
        return self.server.address();
    }

    /// Where clients connect by TLS.
    #[must_use]
    pub fn secure_address(&self) -> SocketAddr {
        #[cfg(not(feature = "containers"))]
        return self.server.secure_addr();
        #[cfg(feature = "containers")]
        return self.server.secure_address();
    }
}

/// Whether the port answers the first words of a TLS client. That of a container takes connections
/// before there is a server behind it, and drops them.
async fn speaks_tls(address: SocketAddr) -> bool {
    let answer = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(&client_hello()).await?;
        stream.read(&mut [0]).await
    };
    matches!(tokio::time::timeout(Duration::from_secs(1), answer).await, Ok(Ok(1)))
}

fn client_hello() -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().expect("versions of TLS");
    let config = builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut hello = Vec::new();
    client.write_tls(&mut hello).expect("memory takes it");
    hello
}

#[cfg(not(feature = "containers"))]
async fn start(settings: SecureSettings) -> zk_server::testing::TestServer {
    let mut builder = zk_server::testing::TestServer::builder()
        .tls(settings.of_embedded())
        .port_unification(settings.port_unification);
    if let Some(subject) = settings.super_user {
        builder = builder.x509_super_user(subject);
    }
    builder.start().await.expect("the embedded server starts")
}

#[cfg(feature = "containers")]
async fn start(settings: SecureSettings) -> crate::Apache {
    let starting = tokio::task::spawn_blocking(move || crate::Apache::start(settings.of_apache()));
    starting.await.expect("the container starts")
}
