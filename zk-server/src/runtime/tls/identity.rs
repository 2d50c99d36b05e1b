//! Which certificate a client is shown.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::stores::{KeyPair, StoreBytes};

/// The server's certificates with their keys, in the order of the store: not more than one, unless
/// it is a store of Java's.
#[derive(Debug)]
pub(super) struct Identity(Vec<Arc<CertifiedKey>>);

impl Identity {
    /// Of the pairs that can be used, at least one. Others are logged.
    pub(super) fn of(
        pairs: Vec<KeyPair>,
        store: &StoreBytes,
        provider: &CryptoProvider,
    ) -> Result<Self, String> {
        let (mut usable, mut refused) = (Vec::new(), Vec::new());
        for KeyPair { alias, chain, key } in pairs {
            match CertifiedKey::from_der(chain, key, provider) {
                Ok(pair) => usable.push(Arc::new(pair)),
                Err(error) => refused.push(store.refused(&alias, &error)),
            }
        }
        match refused.into_iter().reduce(|all, one| format!("{all}; {one}")) {
            Some(refused) if usable.is_empty() => Err(refused),
            Some(refused) => {
                tracing::warn!("{refused}; the other keys of the store are used");
                Ok(Self(usable))
            }
            None => Ok(Self(usable)),
        }
    }
}

impl ResolvesServerCert for Identity {
    /// The first whose signature the client can check; that of an RSA key is another than that of
    /// an elliptic curve.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let known = hello.signature_schemes();
        let fits = |pair: &&Arc<CertifiedKey>| pair.key.choose_scheme(known).is_some();
        self.0.iter().find(fits).or(self.0.first()).cloned()
    }
}
