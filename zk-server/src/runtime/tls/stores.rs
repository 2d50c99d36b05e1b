//! Reading key stores and trust stores.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{CertificateError, Error, RootCertStore};

use super::pem;
use crate::config::{Store, StoreFormat, StorePassword};
use crate::key_store;

/// Longest store, in bytes. A bundle of every public root has a quarter.
const STORE_LEN_MAX: u64 = 1 << 20;

/// A store as it is on disk, with the words that name it in an error. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct StoreBytes {
    /// `ssl.keyStore` or `ssl.trustStore`.
    key: &'static str,
    pub(super) origin: String,
    format: StoreFormat,
    bytes: Vec<u8>,
    password: Option<String>,
}

/// A private key, and its certificate with those that signed it.
pub(super) struct KeyPair {
    /// What the store calls it; nothing in PEM.
    pub(super) alias: String,
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl StoreBytes {
    /// Reads a store, the one of this key of the configuration.
    pub(super) fn read(store: &Store, key: &'static str) -> Result<Self, String> {
        let (path, format, password) = match store {
            Store::Pem(bytes) => {
                let (origin, bytes) = (key.to_owned(), bytes.clone());
                let format = StoreFormat::Pem;
                return Ok(Self { key, origin, format, bytes, password: None });
            }
            Store::File { path, format, password } => (path, *format, password),
        };
        // It comes from a file and goes to a terminal or a log.
        let origin = format!("{key} {}", path.display().to_string().escape_debug());
        let bytes = read_file(path).map_err(|error| format!("{origin} cannot be read: {error}"))?;
        let password = match password {
            None => None,
            Some(StorePassword::Text(text)) => Some(text.clone()),
            Some(StorePassword::File(path)) => Some(read_password(path).map_err(|error| {
                let path = path.display().to_string();
                format!("the password of {origin}, {}: {error}", path.escape_debug())
            })?),
        };
        Ok(Self { key, origin, format, bytes, password })
    }

    /// The private keys with their certificates, at least one.
    pub(super) fn key_pairs(&self) -> Result<Vec<KeyPair>, String> {
        let pairs = match self.format {
            StoreFormat::Pem => vec![pem::key_pair(&self.bytes, &self.origin)?],
            _ => self.open()?.keys.into_iter().map(KeyPair::of).collect(),
        };
        if pairs.is_empty() {
            let origin = &self.origin;
            return Err(format!(
                "{origin} holds no private key: it looks like a trust store, whose place is \
                 ssl.trustStore.location"
            ));
        }
        Ok(pairs)
    }

    /// The certificates that are trusted to sign others, at least one.
    pub(super) fn roots(&self) -> Result<RootCertStore, String> {
        let certificates = match self.format {
            StoreFormat::Pem => pem::certificates(&self.bytes, &self.origin)?,
            _ => self.trusted()?,
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            let added = roots.add(certificate);
            added
                .map_err(|error| format!("{} has one that cannot be used: {error}", self.origin))?;
        }
        Ok(roots)
    }

    fn trusted(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let store = self.open()?;
        if !store.trusted.is_empty() {
            return Ok(store.trusted.into_iter().map(Into::into).collect());
        }
        let why = match store {
            store if !store.keys.is_empty() => {
                ": those beside a private key are not, so it looks like a key store"
            }
            store if store.unmarked > 0 => {
                ": none of those in it has the mark that Java puts on what is trusted, which \
                 OpenSSL does not"
            }
            _ => "",
        };
        Err(format!(
            "{} holds no certificate that is trusted{why}. `keytool -importcert` adds one",
            self.origin
        ))
    }

    /// Reads a store of Java's.
    fn open(&self) -> Result<key_store::KeyStore, String> {
        let (key, origin) = (self.key, &self.origin);
        if self.format == StoreFormat::Bcfks {
            return Err(format!(
                "{origin} is BCFKS, which this server does not read: `keytool -importkeystore` \
                 with `-deststoretype PKCS12` and Bouncy Castle's provider makes a store of it \
                 that it does"
            ));
        }
        let password = self.password.as_deref();
        key_store::open(&self.bytes, password.unwrap_or_default()).map_err(|error| match error {
            key_store::KeyStoreError::WrongPassword if password.is_none() => format!(
                "{origin} has a password: set {key}.password, or {key}.passwordPath to a file \
                 with it"
            ),
            key_store::KeyStoreError::WrongPassword => format!(
                "{origin} cannot be opened: {error}. Check {key}.password or {key}.passwordPath \
                 by `keytool -list -keystore FILE`"
            ),
            other => format!("{origin} cannot be used: {other}"),
        })
    }

    /// What is wrong with a key.
    pub(super) fn refused(&self, alias: &str, error: &Error) -> String {
        let origin = &self.origin;
        let alias = match alias {
            "" => String::new(),
            alias => format!(", key `{}`", alias.escape_debug()),
        };
        match error {
            Error::InconsistentKeys(_) if self.format == StoreFormat::Pem => format!(
                "{origin}: the private key is not that of the first certificate: put the server's \
                 own certificate first, and the key it was issued for behind"
            ),
            Error::InconsistentKeys(_) => format!(
                "{origin}{alias}: the private key is not that of its certificate: import the \
                 certificate that was issued for it by `keytool -importcert`"
            ),
            Error::NoCertificatesPresented
            | Error::InvalidCertificate(CertificateError::BadEncoding) => {
                format!("{origin}{alias} has no certificate that can be read")
            }
            other => format!("{origin}{alias} cannot be used: {other}"),
        }
    }
}

impl KeyPair {
    fn of(entry: key_store::KeyEntry) -> Self {
        let key_store::KeyEntry { alias, key, chain } = entry;
        let chain: Vec<_> = chain.into_iter().map(CertificateDer::from).collect();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
        Self { alias, chain, key }.completed()
    }

    /// Java leaves the public key out of private ones of elliptic curves.
    pub(super) fn completed(self) -> Self {
        let Self { alias, chain, key } = self;
        let key = match (key, chain.first()) {
            (PrivateKeyDer::Pkcs8(key), Some(own)) => {
                let whole = key_store::with_public_key(key.secret_pkcs8_der(), own);
                PrivateKeyDer::Pkcs8(whole.map_or(key, PrivatePkcs8KeyDer::from))
            }
            (key, _) => key,
        };
        Self { alias, chain, key }
    }
}

/// The whole file but the end of its last line, as Apache does.
fn read_password(path: &Path) -> io::Result<String> {
    let bytes = read_file(path)?;
    let text = String::from_utf8(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more shows that there is more. Devices and pipes can be without an end.
    File::open(path)?.take(STORE_LEN_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > STORE_LEN_MAX {
        let reason = format!("it is longer than {STORE_LEN_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    Ok(bytes)
}
