//! How clients of the suites reach the server, and as whom.

use std::sync::OnceLock;

use zk_client::ClientBuilder;
use zk_client::sasl::Sasl;
use zk_client::tls::Tls;

use crate::TestCa;

/// What `ZK_TEST_TRANSPORT` says: `plain` (the default), `tls`, `sasl`, or `tls,sasl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two yes or no")]
pub struct Transport {
    /// By TLS, with a client certificate.
    pub tls: bool,
    /// With a name and a password, by SASL DIGEST-MD5.
    pub sasl: bool,
}

/// Whom the server takes a client for. Without TLS and SASL all are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Most clients of a test.
    Tests,
    /// Who must be somebody else.
    Stranger,
}

impl Identity {
    /// The common name of its certificate, and its name as a user.
    fn name(self) -> &'static str {
        match self {
            Self::Tests => "tests",
            Self::Stranger => "stranger",
        }
    }

    fn password(self) -> &'static str {
        match self {
            Self::Tests => "tests-secret",
            Self::Stranger => "stranger-secret",
        }
    }
}

impl Transport {
    /// What the environment asks for.
    ///
    /// # Panics
    ///
    /// If it asks for something else: a suite that runs otherwise than asked tells nothing.
    #[must_use]
    pub fn of_environment() -> Self {
        let asked = std::env::var("ZK_TEST_TRANSPORT").unwrap_or_else(|_| "plain".to_owned());
        let (tls, sasl) = match asked.as_str() {
            "plain" => (false, false),
            "tls" => (true, false),
            "sasl" => (false, true),
            "tls,sasl" => (true, true),
            other => {
                panic!("ZK_TEST_TRANSPORT is {other:?}: it may be plain, tls, sasl or tls,sasl")
            }
        };
        Self { tls, sasl }
    }

    /// Whether there is anything but bytes in clear text from nobody.
    #[must_use]
    pub fn is_plain(self) -> bool {
        !self.tls && !self.sasl
    }

    /// The schemes under which the server knows every client.
    #[must_use]
    pub fn schemes(self) -> Vec<&'static str> {
        let schemes = [("ip", true), ("x509", self.tls), ("sasl", self.sasl)];
        schemes.into_iter().filter_map(|(scheme, known)| known.then_some(scheme)).collect()
    }

    pub(crate) fn dress(self, builder: ClientBuilder, identity: Identity) -> ClientBuilder {
        let builder = if self.tls { builder.tls(tls(identity)) } else { builder };
        if !self.sasl {
            return builder;
        }
        builder.sasl(Sasl::digest_md5(identity.name(), identity.password()))
    }
}

/// The authority behind all certificates of this process.
pub(crate) fn authority() -> &'static TestCa {
    static AUTHORITY: OnceLock<TestCa> = OnceLock::new();
    AUTHORITY.get_or_init(|| TestCa::new("authority of the suites"))
}

fn tls(identity: Identity) -> Tls {
    static TESTS: OnceLock<Tls> = OnceLock::new();
    static STRANGER: OnceLock<Tls> = OnceLock::new();
    let made = match identity {
        Identity::Tests => &TESTS,
        Identity::Stranger => &STRANGER,
    };
    let tls = made.get_or_init(|| {
        let certified = authority().client(identity.name());
        let builder = Tls::builder().roots_pem(authority().pem());
        builder.identity_pem(certified.cert, certified.key).build().expect("it fits together")
    });
    tls.clone()
}

/// The users of the server, with their passwords.
pub(crate) fn users() -> [(&'static str, &'static str); 2] {
    [Identity::Tests, Identity::Stranger].map(|identity| (identity.name(), identity.password()))
}

/// The same as a JAAS file of Apache's has them.
#[cfg(feature = "containers")]
pub(crate) fn jaas() -> String {
    let users = users().map(|(name, password)| format!("  user_{name}=\"{password}\"")).join("\n");
    let module = "org.apache.zookeeper.server.auth.DigestLoginModule";
    format!("Server {{\n  {module} required\n{users};\n}};\n")
}
