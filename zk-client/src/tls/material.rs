//! From PEM to what rustls needs. Pure: the bytes are arguments.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, Error, RootCertStore};

use super::names::AnyName;

/// The bytes of certificates and keys, each with the words that name it in an error. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Material {
    pub(super) roots: Vec<Pem>,
    pub(super) identity: Option<Identity>,
}

/// A certificate with the chain to its root, and its key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) chain: Pem,
    pub(super) key: Pem,
}

/// A PEM text and where it is from.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pem {
    pub(super) origin: String,
    pub(super) bytes: Vec<u8>,
}

impl Material {
    /// What a connection needs, or what is wrong.
    pub(super) fn config(&self, any_name: bool) -> Result<Arc<ClientConfig>, String> {
        let provider = provider();
        let roots = Arc::new(self.root_store()?);
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider)
            .build()
            .map_err(|error| error.to_string())?;
        let builder = if any_name {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName(verifier)))
        } else {
            builder.with_webpki_verifier(verifier)
        };
        let config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = (identity.chain.certificates()?, identity.key.private_key()?);
                let with_key = builder.with_client_auth_cert(chain, key);
                with_key.map_err(|error| identity.refused(&error))?
            }
        };
        Ok(Arc::new(config))
    }

    fn root_store(&self) -> Result<RootCertStore, String> {
        let mut store = RootCertStore::empty();
        for root in &self.roots {
            for certificate in root.certificates()? {
                let added = store.add(certificate);
                added.map_err(|error| format!("{} cannot be a root: {error}", root.origin))?;
            }
        }
        if store.is_empty() {
            return Err("no root certificate is given: add those that sign the servers' \
                 certificates, as PEM or by file"
                .to_owned());
        }
        Ok(store)
    }
}

impl Identity {
    fn refused(&self, error: &Error) -> String {
        let (chain, key) = (&self.chain.origin, &self.key.origin);
        match error {
            Error::InconsistentKeys(_) => format!(
                "{key} does not hold the key of the first certificate of {chain}: put them \
                 together as they were issued"
            ),
            other => format!("{chain} and {key} cannot be used: {other}"),
        }
    }
}

impl Pem {
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.bytes).collect();
        match found {
            Ok(certificates) if certificates.is_empty() => Err(format!(
                "{} holds no certificate: it must be PEM (\"-----BEGIN CERTIFICATE-----\")",
                self.origin
            )),
            Ok(certificates) => Ok(certificates),
            Err(error) => Err(format!("{} is not PEM: {error}", self.origin)),
        }
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, String> {
        PrivateKeyDer::from_pem_slice(&self.bytes).map_err(|error| match error {
            pem::Error::NoItemsFound if self.is_encrypted() => format!(
                "the private key of {} is encrypted, which this client does not read: take the \
                 encryption off with `openssl pkcs8 -in key.pem -out plain.pem`",
                self.origin
            ),
            pem::Error::NoItemsFound => format!(
                "{} holds no private key: it must be PEM (PKCS#8, PKCS#1 or SEC1)",
                self.origin
            ),
            other => format!("{} is not PEM: {other}", self.origin),
        })
    }

    fn is_encrypted(&self) -> bool {
        self.bytes.windows(ENCRYPTED.len()).any(|window| window == ENCRYPTED)
    }
}

/// What stands in front of an encrypted key, in PKCS#8 and in OpenSSL's older way.
const ENCRYPTED: &[u8] = b"ENCRYPTED";

/// aws-lc-rs where it is built in, otherwise ring: with both, what is chosen does not depend on
/// what else a program links.
fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "tls-aws-lc")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "tls-aws-lc"))]
    let provider = rustls::crypto::ring::default_provider();
    Arc::new(provider)
}
