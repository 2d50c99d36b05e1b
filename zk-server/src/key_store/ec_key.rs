//! Private keys of elliptic curves, as Java writes them: without the public key, which the library
//! for TLS wants beside it, and which stands in the certificate.

use crate::der::{self, Element, Elements};

/// 1.2.840.10045.2.1, keys of elliptic curves.
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

/// The optional fields of a key: the curve, and the public key.
const CURVE: u8 = 0xa0;
const PUBLIC_KEY: u8 = 0xa1;

/// In front of the version of a certificate, which the first version leaves out.
const CERTIFICATE_VERSION: u8 = 0xa0;

/// The key (PKCS#8) with the public key of its certificate written in, if it is one of an elliptic
/// curve that lacks it. `None` if nothing needs to be or can be done. Whether the two belong
/// together is for who uses them to find out.
#[must_use]
pub fn with_public_key(key: &[u8], certificate: &[u8]) -> Option<Vec<u8>> {
    let mut fields = Elements::of(Elements::of(key).take(der::SEQUENCE)?.content);
    let version = fields.take(der::INTEGER)?;
    let algorithm = fields.take(der::SEQUENCE)?;
    let private = fields.take(der::OCTET_STRING)?;
    let oid = Elements::of(algorithm.content).take(der::OBJECT_IDENTIFIER)?;
    if oid.content != EC_PUBLIC_KEY {
        return None;
    }
    let mut inner = Elements::of(Elements::of(private.content).take(der::SEQUENCE)?.content);
    let inner_version = inner.take(der::INTEGER)?;
    let scalar = inner.take(der::OCTET_STRING)?;
    inner.take(CURVE);
    if inner.peek() == Some(PUBLIC_KEY) {
        return None;
    }
    let public = der::wrapped(PUBLIC_KEY, public_key_of(certificate)?.whole);
    let content = [inner_version.whole, scalar.whole, &public].concat();
    let private = der::wrapped(der::OCTET_STRING, &der::wrapped(der::SEQUENCE, &content));
    let content = [version.whole, algorithm.whole, &private].concat();
    Some(der::wrapped(der::SEQUENCE, &content))
}

/// The bit string with the public key in a certificate.
fn public_key_of(certificate: &[u8]) -> Option<Element<'_>> {
    let certificate = Elements::of(certificate).take(der::SEQUENCE)?;
    let mut fields = Elements::of(Elements::of(certificate.content).take(der::SEQUENCE)?.content);
    fields.take(CERTIFICATE_VERSION);
    fields.take(der::INTEGER)?; // The serial number,
    fields.take(der::SEQUENCE)?; // the algorithm of the signature,
    fields.take(der::SEQUENCE)?; // the issuer,
    fields.take(der::SEQUENCE)?; // from when to when it is valid,
    fields.take(der::SEQUENCE)?; // the subject.
    let mut public = Elements::of(fields.take(der::SEQUENCE)?.content);
    public.take(der::SEQUENCE)?;
    public.take(der::BIT_STRING)
}
