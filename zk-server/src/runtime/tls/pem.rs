//! Stores that are text.

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::stores::KeyPair;

/// What stands in front of an encrypted key, in PKCS#8 and in OpenSSL's older way.
const ENCRYPTED: &[u8] = b"ENCRYPTED";

/// The one key, with all certificates.
pub(super) fn key_pair(bytes: &[u8], origin: &str) -> Result<KeyPair, String> {
    let key = PrivateKeyDer::from_pem_slice(bytes).map_err(|error| match error {
        pem::Error::NoItemsFound if is_encrypted(bytes) => format!(
            "the private key of {origin} is encrypted, which this server does not read: take the \
             encryption off with `openssl pkcs8 -in key.pem -out plain.pem`"
        ),
        pem::Error::NoItemsFound => format!(
            "{origin} holds no private key: the certificates and the key belong in one file"
        ),
        other => format!("{origin} is not PEM: {other}"),
    })?;
    Ok(KeyPair { alias: String::new(), chain: certificates(bytes, origin)?, key }.completed())
}

/// At least one.
pub(super) fn certificates(
    bytes: &[u8],
    origin: &str,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match found {
        Ok(found) if found.is_empty() => Err(format!("{origin} holds no certificate")),
        Ok(found) => Ok(found),
        Err(error) => Err(format!("{origin} is not PEM: {error}")),
    }
}

fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.windows(ENCRYPTED.len()).any(|window| window == ENCRYPTED)
}
