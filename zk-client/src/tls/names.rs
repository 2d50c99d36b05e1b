//! Whose certificate a server must show.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// The names to expect where they are not those of the connect string.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) all: Option<ServerName<'static>>,
    pub(super) by_host: BTreeMap<String, ServerName<'static>>,
}

impl Names {
    /// The name to ask the server at `host` for, and to find in its certificate.
    pub(super) fn of(&self, host: &str) -> Result<ServerName<'static>, String> {
        match self.by_host.get(host).or(self.all.as_ref()) {
            Some(name) => Ok(name.clone()),
            None => parse(host),
        }
    }
}

/// A host name or an address, as it can stand in a certificate.
pub(super) fn parse(name: &str) -> Result<ServerName<'static>, String> {
    // The dot that makes a name absolute is in no certificate.
    let bare = name.strip_suffix('.').unwrap_or(name);
    ServerName::try_from(bare.to_owned()).map_err(|_| {
        format!("{name:?} cannot stand in a certificate: set the name to expect of this server")
    })
}

/// Checks all of a certificate but the name in it.
#[derive(Debug)]
pub(super) struct AnyName(pub(super) Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // The name is looked at last: all else was in order.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_expected_by_its_own_name_unless_told_otherwise() {
        let mut names = Names::default();
        for host in ["zk1.example.com", "zk_1", "10.0.0.1", "::1"] {
            assert_eq!(names.of(host).unwrap().to_str(), host);
        }
        assert_eq!(names.of("zk1.example.com.").unwrap().to_str(), "zk1.example.com");
        assert!(names.of("fe80::1%eth0").unwrap_err().contains("fe80::1%eth0"));
        names.all = Some(parse("ensemble").unwrap());
        names.by_host.insert("zk2".to_owned(), parse("second").unwrap());
        assert_eq!(names.of("zk1").unwrap().to_str(), "ensemble");
        assert_eq!(names.of("zk2").unwrap().to_str(), "second");
    }
}
