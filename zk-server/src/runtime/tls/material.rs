//! From stores to what rustls needs.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ServerConfig, SupportedProtocolVersion, version};

use super::identity::Identity;
use super::stores::StoreBytes;
use crate::config::{ClientAuth, TlsConfig, TlsProtocol};

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
        let identity = Identity::of(self.key_store.key_pairs()?, &self.key_store, &provider)?;
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
        let mut rustls =
            builder.with_client_cert_verifier(verifier).with_cert_resolver(Arc::new(identity));
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
