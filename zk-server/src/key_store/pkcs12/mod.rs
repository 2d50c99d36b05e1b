//! PKCS#12 (RFC 7292), the format of Java since version 9, and of OpenSSL.
//!
//! ```text
//!  PFX: version 3, authenticated safe, checksum
//!  authenticated safe: contents, each as it is or locked
//!  contents: bags, each a key, a locked key, a certificate, …, with attributes
//! ```

mod cipher;
mod kdf;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::num::NonZeroU32;

use ring::{digest, hmac};

use super::{KeyEntry, KeyStore, KeyStoreError};
use crate::der::{self, Element, Elements};
use cipher::{unlock, unsupported};
use kdf::Purpose;

/// 1.2.840.113549.1.7, with one more number: kinds of content.
const CONTENTS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7];
const PLAIN: &[u8] = &[1];
const LOCKED: &[u8] = &[6];

/// 1.2.840.113549.1.12.10.1, with one more number: kinds of bags.
const BAGS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1];
const KEY_BAG: &[u8] = &[1];
const LOCKED_KEY_BAG: &[u8] = &[2];
const CERTIFICATE_BAG: &[u8] = &[3];

/// 1.2.840.113549.1.9, with more numbers: attributes, and kinds of certificates.
const PKCS9: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9];
const FRIENDLY_NAME: &[u8] = &[20];
const LOCAL_KEY_ID: &[u8] = &[21];
const X509: &[u8] = &[22, 1];

/// 2.16.840.1.113894.746875.1.1: Java's mark on a certificate that is trusted.
const TRUSTED: &[u8] = &[0x60, 0x86, 0x48, 1, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 1, 1];

/// 1.3.14.3.2.26.
const SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];

/// 2.16.840.1.101.3.4.2, with one more number: the hashes of the family SHA-2.
const SHA2: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2];

const EXPLICIT: u8 = 0xa0;
const IMPLICIT: u8 = 0x80;

/// Most rounds of hashing in the making of a key, as in Java. It writes 10,000; these are seconds,
/// which a fuzzer has better uses for.
const ITERATIONS_MAX: u32 = if cfg!(fuzzing) { 2000 } else { 5_000_000 };

/// Most rounds in the making of all keys of a store together. Each key and each lock asks for its
/// own, and there is room for thousands of them.
const ALL_ITERATIONS_MAX: u32 = 10 * ITERATIONS_MAX;

/// Most private keys in a store. Each comes with a copy of its chain, and all may name the same.
const KEYS_MAX: usize = 256;

/// Most certificates between a key and a root.
const CHAIN_LEN_MAX: usize = 16;

const CUT: KeyStoreError = KeyStoreError::Damaged("it breaks off, or is no PKCS#12 store in DER");
const BROKEN: KeyStoreError = KeyStoreError::Damaged("what is in it makes no sense");

/// A password in the two forms that go into keys.
struct Password {
    utf8: Vec<u8>,
    /// The greater byte first, with a zero at the end.
    utf16: Vec<u8>,
    /// How many rounds of hashing the store may still ask for.
    iterations_left: Cell<u32>,
}

impl Password {
    fn new(utf8: &str, utf16: Vec<u8>) -> Self {
        let iterations_left = Cell::new(ALL_ITERATIONS_MAX);
        Self { utf8: utf8.into(), utf16, iterations_left }
    }

    /// How often to hash, within reason.
    fn iterations(&self, number: Element<'_>) -> Result<NonZeroU32, KeyStoreError> {
        let times = iterations(number)?;
        let left = self.iterations_left.get().checked_sub(times.get());
        self.iterations_left.set(left.ok_or(KeyStoreError::Damaged(
            "its keys and locks ask for more than 50000000 rounds of hashing together",
        ))?);
        Ok(times)
    }
}

/// What is found in the bags.
#[derive(Default)]
struct Found {
    keys: Vec<FoundKey>,
    certificates: Vec<Certificate>,
}

struct FoundKey {
    alias: String,
    id: Option<Vec<u8>>,
    key: Vec<u8>,
}

struct Certificate {
    der: Vec<u8>,
    id: Option<Vec<u8>>,
    is_trusted: bool,
}

pub(super) fn open(bytes: &[u8], password: &str) -> Result<KeyStore, KeyStoreError> {
    let utf16 = password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect();
    let opened = open_with(bytes, &Password::new(password, utf16));
    if password.is_empty() && opened.as_ref().err() == Some(&KeyStoreError::WrongPassword) {
        // No password is not the same as an empty one, and writers differ in what they take it for.
        return open_with(bytes, &Password::new("", Vec::new()));
    }
    opened
}

fn open_with(bytes: &[u8], password: &Password) -> Result<KeyStore, KeyStoreError> {
    let mut pfx = Elements::of(Elements::of(bytes).take(der::SEQUENCE).ok_or(CUT)?.content);
    let version = pfx.take(der::INTEGER).ok_or(CUT)?;
    if version.content != [3] {
        return Err(KeyStoreError::Damaged("it is of another version than 3"));
    }
    let safe = pfx.take(der::SEQUENCE).ok_or(CUT)?;
    let (kind, content) = content_of(safe)?;
    if kind != PLAIN {
        return Err(KeyStoreError::Unsupported("a signature instead of a password".to_owned()));
    }
    let safe = Elements::of(content).take(der::OCTET_STRING).ok_or(BROKEN)?.content;
    if let Some(mac) = pfx.take(der::SEQUENCE) {
        verify(mac, safe, password)?;
    }
    if !pfx.is_empty() {
        return Err(CUT);
    }
    let mut found = Found::default();
    let mut contents = Elements::of(Elements::of(safe).take(der::SEQUENCE).ok_or(BROKEN)?.content);
    while let Some(content) = contents.take(der::SEQUENCE) {
        match content_of(content)? {
            (PLAIN, content) => {
                let bags = Elements::of(content).take(der::OCTET_STRING).ok_or(BROKEN)?;
                found.read(bags.content, password)?;
            }
            (LOCKED, content) => found.read(&unlocked(content, password)?, password)?,
            _ => return Err(KeyStoreError::Unsupported("locks other than a password".to_owned())),
        }
    }
    if contents.is_empty() { found.linked() } else { Err(BROKEN) }
}

/// The kind of a content, and what stands there.
fn content_of(content: Element<'_>) -> Result<(&[u8], &[u8]), KeyStoreError> {
    let mut fields = Elements::of(content.content);
    let oid = fields.take(der::OBJECT_IDENTIFIER).ok_or(BROKEN)?.content;
    let kind = oid.strip_prefix(CONTENTS).ok_or_else(|| unsupported("the content", oid))?;
    Ok((kind, fields.take(EXPLICIT).ok_or(BROKEN)?.content))
}

/// Whether the checksum is what the password makes of the content.
fn verify(mac: Element<'_>, content: &[u8], password: &Password) -> Result<(), KeyStoreError> {
    let mut mac = Elements::of(mac.content);
    let mut info = Elements::of(mac.take(der::SEQUENCE).ok_or(BROKEN)?.content);
    let algorithm = info.take(der::SEQUENCE).ok_or(BROKEN)?;
    let expected = info.take(der::OCTET_STRING).ok_or(BROKEN)?.content;
    let salt = mac.take(der::OCTET_STRING).ok_or(BROKEN)?.content;
    let times = mac.take(der::INTEGER).map_or(Ok(NonZeroU32::MIN), |it| password.iterations(it))?;
    let oid = Elements::of(algorithm.content).take(der::OBJECT_IDENTIFIER).ok_or(BROKEN)?.content;
    let (hash, algorithm) = match oid.strip_prefix(SHA2) {
        _ if oid == SHA1 => {
            (&digest::SHA1_FOR_LEGACY_USE_ONLY, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY)
        }
        Some([1]) => (&digest::SHA256, hmac::HMAC_SHA256),
        Some([2]) => (&digest::SHA384, hmac::HMAC_SHA384),
        Some([3]) => (&digest::SHA512, hmac::HMAC_SHA512),
        _ => return Err(unsupported("the checksum", oid)),
    };
    let key = kdf::derive(hash, Purpose::Mac, &password.utf16, salt, times, hash.output_len());
    hmac::verify(&hmac::Key::new(algorithm, &key), content, expected)
        .map_err(|_| KeyStoreError::WrongPassword)
}

/// How often to hash for one key.
fn iterations(number: Element<'_>) -> Result<NonZeroU32, KeyStoreError> {
    let value = number
        .content
        .iter()
        .fold(0_u64, |value, byte| value.saturating_mul(256).saturating_add(u64::from(*byte)));
    let value = u32::try_from(value).ok().filter(|value| *value <= ITERATIONS_MAX);
    value.and_then(NonZeroU32::new).ok_or(KeyStoreError::Damaged(
        "it asks for none or for more than 5000000 rounds of hashing",
    ))
}

/// The content of what is locked as a whole.
fn unlocked(content: &[u8], password: &Password) -> Result<Vec<u8>, KeyStoreError> {
    let mut data = Elements::of(Elements::of(content).take(der::SEQUENCE).ok_or(BROKEN)?.content);
    data.take(der::INTEGER).ok_or(BROKEN)?;
    let mut inner = Elements::of(data.take(der::SEQUENCE).ok_or(BROKEN)?.content);
    inner.take(der::OBJECT_IDENTIFIER).ok_or(BROKEN)?;
    let algorithm = inner.take(der::SEQUENCE).ok_or(BROKEN)?;
    let locked = inner.take(IMPLICIT).ok_or(BROKEN)?.content;
    unlock(algorithm, locked, password)
}

impl Found {
    /// Reads a sequence of bags.
    fn read(&mut self, bags: &[u8], password: &Password) -> Result<(), KeyStoreError> {
        let mut bags = Elements::of(Elements::of(bags).take(der::SEQUENCE).ok_or(BROKEN)?.content);
        while let Some(bag) = bags.take(der::SEQUENCE) {
            let mut fields = Elements::of(bag.content);
            let oid = fields.take(der::OBJECT_IDENTIFIER).ok_or(BROKEN)?.content;
            let value = fields.take(EXPLICIT).ok_or(BROKEN)?.content;
            let attributes = Attributes::read(fields.take(der::SET))?;
            match oid.strip_prefix(BAGS) {
                Some(KEY_BAG) => self.key(value.to_vec(), attributes)?,
                Some(LOCKED_KEY_BAG) => {
                    let key = locked_key(value, password).map_err(|error| match error {
                        KeyStoreError::WrongPassword => {
                            KeyStoreError::KeyPassword { alias: attributes.alias.clone() }
                        }
                        other => other,
                    })?;
                    self.key(key, attributes)?;
                }
                Some(CERTIFICATE_BAG) => self.certificate(value, attributes)?,
                // Lists of revoked certificates, secrets.
                _ => {}
            }
        }
        if bags.is_empty() { Ok(()) } else { Err(BROKEN) }
    }

    fn key(&mut self, key: Vec<u8>, attributes: Attributes) -> Result<(), KeyStoreError> {
        if self.keys.len() == KEYS_MAX {
            let what = format!("more than {KEYS_MAX} private keys");
            return Err(KeyStoreError::Unsupported(what));
        }
        self.keys.push(FoundKey { alias: attributes.alias, id: attributes.id, key });
        Ok(())
    }

    fn certificate(&mut self, value: &[u8], attributes: Attributes) -> Result<(), KeyStoreError> {
        let mut fields =
            Elements::of(Elements::of(value).take(der::SEQUENCE).ok_or(BROKEN)?.content);
        let kind = fields.take(der::OBJECT_IDENTIFIER).ok_or(BROKEN)?.content;
        if kind.strip_prefix(PKCS9) != Some(X509) {
            return Ok(());
        }
        let value = fields.take(EXPLICIT).ok_or(BROKEN)?.content;
        let der = Elements::of(value).take(der::OCTET_STRING).ok_or(BROKEN)?.content.to_vec();
        let Attributes { id, is_trusted, .. } = attributes;
        self.certificates.push(Certificate { der, id, is_trusted });
        Ok(())
    }

    /// Gives each key its certificate, and those that signed it.
    fn linked(self) -> Result<KeyStore, KeyStoreError> {
        let Self { keys, certificates } = self;
        let mut store = KeyStore::default();
        let is_single = keys.len() == 1;
        for FoundKey { alias, id, key } in keys {
            // A store of a single key may leave out which certificate is its own.
            let own = certificates.iter().find(|certificate| match id {
                Some(_) => certificate.id == id,
                None => is_single && !certificate.is_trusted,
            });
            let chain = own.map(|own| chain_of(own, &certificates)).unwrap_or_default();
            store.keys.push(KeyEntry { alias, key, chain });
        }
        for certificate in certificates {
            if certificate.is_trusted {
                store.trusted.push(certificate.der);
            } else if !store.keys.iter().any(|entry| entry.chain.contains(&certificate.der)) {
                store.unmarked += 1;
            }
        }
        Ok(store)
    }
}

/// From a certificate to the last that is there, by the names of who signed it.
fn chain_of(own: &Certificate, all: &[Certificate]) -> Vec<Vec<u8>> {
    let mut chain = vec![own.der.clone()];
    while chain.len() < CHAIN_LEN_MAX {
        let Some((issuer, _)) = chain.last().and_then(|last| names_of(last)) else { break };
        let signs = |certificate: &&Certificate| {
            names_of(&certificate.der).is_some_and(|(_, subject)| subject == issuer)
        };
        match all.iter().find(signs) {
            Some(next) if !chain.contains(&next.der) => chain.push(next.der.clone()),
            _ => break,
        }
    }
    chain
}

/// Who signed a certificate, and who it is for.
fn names_of(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let certificate = Elements::of(certificate).take(der::SEQUENCE)?;
    let mut fields = Elements::of(Elements::of(certificate.content).take(der::SEQUENCE)?.content);
    fields.take(EXPLICIT); // The version,
    fields.take(der::INTEGER)?; // the serial number,
    fields.take(der::SEQUENCE)?; // the algorithm of the signature.
    let issuer = fields.take(der::SEQUENCE)?.whole;
    fields.take(der::SEQUENCE)?; // From when to when it is valid.
    Some((issuer, fields.take(der::SEQUENCE)?.whole))
}

fn locked_key(value: &[u8], password: &Password) -> Result<Vec<u8>, KeyStoreError> {
    let mut fields = Elements::of(Elements::of(value).take(der::SEQUENCE).ok_or(BROKEN)?.content);
    let algorithm = fields.take(der::SEQUENCE).ok_or(BROKEN)?;
    let locked = fields.take(der::OCTET_STRING).ok_or(BROKEN)?.content;
    let key = unlock(algorithm, locked, password)?;
    // By chance the padding of what a wrong password makes is right, too.
    let is_key =
        Elements::of(&key).take(der::SEQUENCE).is_some_and(|it| it.whole.len() == key.len());
    if is_key { Ok(key) } else { Err(KeyStoreError::WrongPassword) }
}

/// What is said about a bag.
#[derive(Default)]
struct Attributes {
    alias: String,
    id: Option<Vec<u8>>,
    is_trusted: bool,
}

impl Attributes {
    fn read(set: Option<Element<'_>>) -> Result<Self, KeyStoreError> {
        let mut read = Self::default();
        let mut attributes = Elements::of(set.map_or(&[], |set| set.content));
        while let Some(attribute) = attributes.take(der::SEQUENCE) {
            let mut fields = Elements::of(attribute.content);
            let oid = fields.take(der::OBJECT_IDENTIFIER).ok_or(BROKEN)?.content;
            let mut values = Elements::of(fields.take(der::SET).ok_or(BROKEN)?.content);
            let value = values.pop().map_or(&[][..], |value| value.content);
            match oid.strip_prefix(PKCS9) {
                Some(FRIENDLY_NAME) => read.alias = text_of(value),
                Some(LOCAL_KEY_ID) => read.id = Some(value.to_vec()),
                _ => read.is_trusted |= oid == TRUSTED,
            }
        }
        Ok(read)
    }
}

/// Two bytes a character.
fn text_of(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte)));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
