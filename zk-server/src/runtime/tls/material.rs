//! From the bytes of stores to what rustls needs.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{Error, RootCertStore, ServerConfig, SupportedProtocolVersion, version};

use super::stores::StoreBytes;
use crate::config::{ClientAuth, StoreFormat, TlsConfig, TlsProtocol};

/// What stands in front of an encrypted key, in PKCS#8 and in OpenSSL's older way.
const ENCRYPTED: &[u8] = b"ENCRYPTED";

/// The stores as they are at one time.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Material {
    key_store: StoreBytes,
    trust_store: Option<StoreBytes>,
}

impl Material {
    pub(super) fn read(config: &TlsConfig) -> Result<Self, String> {
        let key_store = StoreBytes::read(&config.key_store, "ssl.keyStore")?;
        let trust_store = match &config.trust_store {
            Some(store) if config.client_auth != ClientAuth::None => {
                Some(StoreBytes::read(store, "ssl.trustStore")?)
            }
            _ => None,
        };
        Ok(Self { key_store, trust_store })
    }

    /// What a handshake needs, or what is wrong.
    pub(super) fn config(&self, config: &TlsConfig) -> Result<Arc<ServerConfig>, String> {
        let provider = Arc::new(provider(&config.cipher_suites)?);
        let (chain, key) = self.key_store.key_pair()?;
        let verifier = self.verifier(config.client_auth, &provider)?;
        let versions: Vec<&SupportedProtocolVersion> = config
            .protocols
            .iter()
            .map(|protocol| match protocol {
                TlsProtocol::V1_2 => &version::TLS12,
                TlsProtocol::V1_3 => &version::TLS13,
            })
            .collect();
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| format!("ssl.enabledProtocols and ssl.ciphersuites: {error}"))?;
        let mut rustls = builder
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|error| self.key_store.refused(&error))?;
        // Connections last long, and who resumes a session is not asked for a certificate again,
        // though it may have expired or its root been taken out.
        rustls.session_storage = Arc::new(NoServerSessionStorage {});
        rustls.send_tls13_tickets = 0;
        Ok(Arc::new(rustls))
    }

    fn verifier(
        &self,
        auth: ClientAuth,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, String> {
        if auth == ClientAuth::None {
            return Ok(WebPkiClientVerifier::no_client_auth());
        }
        let Some(trust_store) = &self.trust_store else {
            return Err("there is nothing to check clients' certificates against: set \
                        ssl.trustStore.location, or ssl.clientAuth=none"
                .to_owned());
        };
        let roots = Arc::new(trust_store.roots()?);
        let builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
        let builder =
            if auth == ClientAuth::Want { builder.allow_unauthenticated() } else { builder };
        builder.build().map_err(|error| format!("{}: {error}", trust_store.origin))
    }
}

impl StoreBytes {
    fn key_pair(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
        self.must_be_pem()?;
        let key = PrivateKeyDer::from_pem_slice(&self.bytes).map_err(|error| match error {
            pem::Error::NoItemsFound if self.is_encrypted() => format!(
                "the private key of {} is encrypted, which this server does not read: take the \
                 encryption off with `openssl pkcs8 -in key.pem -out plain.pem`",
                self.origin
            ),
            pem::Error::NoItemsFound => format!(
                "{} holds no private key: the certificates and the key belong in one file",
                self.origin
            ),
            other => format!("{} is not PEM: {other}", self.origin),
        })?;
        Ok((self.certificates()?, key))
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        self.must_be_pem()?;
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            let added = roots.add(certificate);
            added
                .map_err(|error| format!("{} has one that cannot be used: {error}", self.origin))?;
        }
        Ok(roots)
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.bytes).collect();
        match found {
            Ok(found) if found.is_empty() => Err(format!("{} holds no certificate", self.origin)),
            Ok(found) => Ok(found),
            Err(error) => Err(format!("{} is not PEM: {error}", self.origin)),
        }
    }

    fn must_be_pem(&self) -> Result<(), String> {
        let command = match self.format {
            StoreFormat::Pem => return Ok(()),
            StoreFormat::Pkcs12 => "`openssl pkcs12 -in store.p12 -nodes -out store.pem`",
            StoreFormat::Jks | StoreFormat::Bcfks => {
                "`keytool -importkeystore -srckeystore store.jks -destkeystore store.p12 \
                 -deststoretype PKCS12`, then `openssl pkcs12 -in store.p12 -nodes -out store.pem`"
            }
        };
        Err(format!("{} is {:?}, and this server reads PEM: {command}", self.origin, self.format))
    }

    fn is_encrypted(&self) -> bool {
        self.bytes.windows(ENCRYPTED.len()).any(|window| window == ENCRYPTED)
    }

    fn refused(&self, error: &Error) -> String {
        match error {
            Error::InconsistentKeys(_) => format!(
                "{}: the private key is not that of the first certificate: put the server's own \
                 certificate first, and the key it was issued for behind",
                self.origin
            ),
            other => format!("{} cannot be used: {other}", self.origin),
        }
    }
}

/// ring, with the cipher suites that are wanted.
fn provider(wanted: &[String]) -> Result<CryptoProvider, String> {
    let mut provider = ring::default_provider();
    if wanted.is_empty() {
        return Ok(provider);
    }
    // What rustls calls TLS13_AES_128_GCM_SHA256 is TLS_AES_128_GCM_SHA256 to everybody else.
    let iana = |suite: &rustls::SupportedCipherSuite| {
        format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
    };
    let known: Vec<_> = provider.cipher_suites.iter().map(iana).collect();
    provider.cipher_suites.retain(|suite| wanted.contains(&iana(suite)));
    for name in wanted.iter().filter(|name| !known.contains(name)) {
        tracing::warn!("ssl.ciphersuites: {} is not offered here", name.escape_debug());
    }
    if provider.cipher_suites.is_empty() {
        return Err(format!(
            "ssl.ciphersuites: none of them is offered; there are {}",
            known.join(", ")
        ));
    }
    Ok(provider)
}
