//! How the server speaks TLS, as one value.

use std::fmt;
use std::path::PathBuf;

/// The settings of TLS on the client ports (`ssl.*`).
///
/// ```text
/// secureClientPort=2281
/// ssl.keyStore.location=/etc/zookeeper/server.pem
/// ssl.trustStore.location=/etc/zookeeper/clients.pem
/// # none, want or need (the default)
/// ssl.clientAuth=need
/// # Look at the files again for each new client.
/// client.certReload=true
/// # Let the clients of clientPort choose, while they move over.
/// client.portUnification=true
/// ```
///
/// Stores are read as Java's servers have them, PKCS#12 and JKS, or as PEM: the type says which, or
/// the end of the file's name.
///
/// ```text
/// ssl.keyStore.location=/etc/zookeeper/server.p12
/// ssl.keyStore.passwordPath=/etc/zookeeper/password
/// ```
///
/// The key store holds the server's certificate, those that signed it, and the private key: in PEM
/// (PKCS#8, PKCS#1 or SEC1, not encrypted) one of them, the certificates in this order; in Java's
/// stores one or more, of which a client is shown the first whose signature it can check. Store and
/// key have one password. The trust store holds roots: in Java's stores those that Java trusts,
/// which are entries of their own, marked as such by `keytool -importcert`. Stores are at most
/// 1 MiB long.
///
/// A client is who its certificate is for: ACLs of the scheme `x509` name the subject, written as
/// Apache's servers write it. What Apache's servers can check and this one cannot (`ssl.crl`,
/// `ssl.ocsp`, `ssl.clientHostnameVerification`) is refused when it is asked for. Certificates must be
/// of version 3. Sessions of TLS are not resumed: each connection shows its certificate.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TlsConfig {
    /// The server's certificate with its chain, and its key (`ssl.keyStore.*`).
    pub key_store: Store,
    /// The roots that sign clients' certificates (`ssl.trustStore.*`). Needed unless
    /// [`client_auth`](Self::client_auth) is [`ClientAuth::None`].
    pub trust_store: Option<Store>,
    /// What is asked of clients (`ssl.clientAuth`, `need`).
    pub client_auth: ClientAuth,
    /// The versions of TLS (`ssl.enabledProtocols`, `ssl.protocol`). By default both.
    pub protocols: Vec<TlsProtocol>,
    /// The cipher suites by their IANA names (`ssl.ciphersuites`). Empty, the default: all that
    /// rustls has.
    pub cipher_suites: Vec<String>,
    /// Whether the stores are read again when they change (`client.certReload`, false).
    pub reload: bool,
}

impl TlsConfig {
    /// With Apache's defaults: clients need a certificate that the trust store vouches for.
    #[must_use]
    pub fn new(key_store: Store, trust_store: Option<Store>) -> Self {
        Self {
            key_store,
            trust_store,
            client_auth: ClientAuth::default(),
            protocols: vec![TlsProtocol::V1_2, TlsProtocol::V1_3],
            cipher_suites: Vec::new(),
            reload: false,
        }
    }
}

/// Certificates, and maybe a key.
#[derive(Clone)]
#[non_exhaustive]
pub enum Store {
    /// In a file.
    File {
        /// Where.
        path: PathBuf,
        /// How it is written.
        format: StoreFormat,
        /// What opens it, if it is locked.
        password: Option<StorePassword>,
    },
    /// A PEM text.
    Pem(Vec<u8>),
}

impl Store {
    /// A file without a password, of the format that its name says.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let format = StoreFormat::of_file(&path.to_string_lossy()).unwrap_or(StoreFormat::Pem);
        Self::File { path, format, password: None }
    }

    /// A PEM text.
    #[must_use]
    pub fn pem(text: impl Into<Vec<u8>>) -> Self {
        Self::Pem(text.into())
    }
}

/// Shows neither keys nor passwords.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, format, .. } => write!(f, "{} ({format:?})", path.display()),
            Self::Pem(_) => f.write_str("(PEM)"),
        }
    }
}

/// How a store is written (`ssl.keyStore.type`); by default the end of its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreFormat {
    /// Text: certificates and, in a key store, a private key.
    Pem,
    /// Java's default since version 9 (`.p12`, `.pfx`). As in Java, the store may just as well be
    /// [`Jks`](Self::Jks).
    Pkcs12,
    /// Java's own (`.jks`). As in Java, the store may just as well be [`Pkcs12`](Self::Pkcs12).
    Jks,
    /// Bouncy Castle's FIPS format (`.bcfks`), which is not read here.
    Bcfks,
}

impl StoreFormat {
    /// By the end of a file's name, as Apache does.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        let ends = [
            (".jks", Self::Jks),
            (".pem", Self::Pem),
            (".p12", Self::Pkcs12),
            (".pfx", Self::Pkcs12),
            (".bcfks", Self::Bcfks),
        ];
        ends.into_iter().find(|(end, _)| name.ends_with(end)).map(|(_, format)| format)
    }

    /// By the value of `ssl.keyStore.type`, in capitals or not.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let names = [
            ("JKS", Self::Jks),
            ("PEM", Self::Pem),
            ("PKCS12", Self::Pkcs12),
            ("BCFKS", Self::Bcfks),
        ];
        names
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, format)| format)
    }
}

/// What opens a store.
#[derive(Clone)]
#[non_exhaustive]
pub enum StorePassword {
    /// The password itself (`ssl.keyStore.password`).
    Text(String),
    /// A file that holds it (`ssl.keyStore.passwordPath`).
    File(PathBuf),
}

/// Never shows it.
impl fmt::Debug for StorePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str(".."),
            Self::File(path) => path.fmt(f),
        }
    }
}

/// What a server asks of its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// No certificate.
    None,
    /// A certificate, if the client has one; a wrong one ends the handshake.
    Want,
    /// A certificate; without one the handshake fails.
    #[default]
    Need,
}

/// A version of TLS that is still safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsProtocol {
    /// TLS 1.2, with the safe ones of its cipher suites.
    V1_2,
    /// TLS 1.3.
    V1_3,
}
