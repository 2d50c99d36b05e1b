//! Java's stores of keys and certificates, JKS and PKCS#12: from bytes and a password to what is in
//! them.
//!
//! ```text
//!  bytes ─▶ jks, or pkcs12 (cipher, kdf) ─▶ KeyStore { keys, trusted }
//! ```
//!
//! Which of the two it is, the first bytes say: to Java, too, `JKS` and `PKCS12` are two names for
//! either. What counts is what counts in Java. A certificate is trusted if it is an entry of its own
//! (JKS) or marked as such (PKCS#12, as keytool does); those beside a private key are not. Nothing
//! is used whose checksum, made with the password, is wrong.

mod ec_key;
mod jks;
mod pkcs12;

use std::fmt;

pub use ec_key::with_public_key;

/// What is in a store.
#[derive(Default)]
#[non_exhaustive]
pub struct KeyStore {
    /// In the order of the file.
    pub keys: Vec<KeyEntry>,
    /// Certificates that are trusted to sign others (DER).
    pub trusted: Vec<Vec<u8>>,
    /// How many certificates belong to no key and are not marked as trusted.
    pub unmarked: usize,
}

/// A private key with its certificates.
#[non_exhaustive]
pub struct KeyEntry {
    /// What it is called, as far as that can be read.
    pub alias: String,
    /// PKCS#8 (DER).
    pub key: Vec<u8>,
    /// Its certificate, then those that signed it (DER).
    pub chain: Vec<Vec<u8>>,
}

/// Shows no key.
impl fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let aliases: Vec<_> = self.keys.iter().map(|entry| &entry.alias).collect();
        let mut shown = f.debug_struct("KeyStore");
        shown.field("keys", &aliases).field("trusted", &self.trusted.len());
        shown.field("unmarked", &self.unmarked).finish()
    }
}

/// Shows no key.
impl fmt::Debug for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { alias, chain, .. } = self;
        f.debug_struct("KeyEntry").field("alias", alias).field("chain", &chain.len()).finish()
    }
}

/// Why a store is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyStoreError {
    /// The checksum of the store is not what the password makes of it. Java's stores don't tell
    /// one from the other.
    #[error("the password is wrong, or the file is damaged")]
    WrongPassword,
    /// The store opens, the key does not.
    #[error(
        "its key `{}` has another password than the store, and one is all there is for both: \
         `keytool -keypasswd` gives it that of the store",
        .alias.escape_debug()
    )]
    KeyPassword {
        /// Which key.
        alias: String,
    },
    /// It breaks off, or is no such store at all.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// It is in order, as far as can be seen.
    #[error(
        "it uses {0}, which this server does not read: `keytool -importkeystore` makes a store of \
         it that it does"
    )]
    Unsupported(String),
    /// It is text.
    #[error("it is PEM: say so by the type `PEM`, or a name that ends in .pem")]
    Pem,
}

/// How every PKCS#12 store begins: a sequence.
const DER_SEQUENCE: u8 = 0x30;

/// What stands somewhere in every PEM file.
const PEM: &[u8] = b"-----BEGIN ";

/// Opens a store.
///
/// # Errors
///
/// When it is none that can be read, or not with this password.
pub fn open(bytes: &[u8], password: &str) -> Result<KeyStore, KeyStoreError> {
    if bytes.starts_with(jks::MAGIC) {
        return jks::open(bytes, password);
    }
    if bytes.starts_with(jks::JCEKS_MAGIC) {
        return Err(KeyStoreError::Unsupported("the format JCEKS".to_owned()));
    }
    match bytes.first() {
        Some(&DER_SEQUENCE) => pkcs12::open(bytes, password),
        _ if bytes.windows(PEM.len()).any(|window| window == PEM) => Err(KeyStoreError::Pem),
        None => Err(KeyStoreError::Damaged("it is empty")),
        Some(_) => Err(KeyStoreError::Damaged("it begins like no JKS or PKCS#12 store")),
    }
}

#[cfg(test)]
mod tests;
