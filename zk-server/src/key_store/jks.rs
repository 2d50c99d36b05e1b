//! JKS, the format that Java had before version 9.
//!
//! ```text
//!  magic u32, version u32, number of entries u32
//!  each: tag u32, alias (u16 + text), date i64
//!        1: key (u32 + PKCS#8, locked), number of certificates u32, certificates
//!        2: certificate
//!  certificate: type (u16 + text; version 2), u32 + DER
//!  SHA-1 of password, a phrase, and all of the above
//! ```

use ring::digest::{self, Context, SHA1_FOR_LEGACY_USE_ONLY as SHA1};

use super::{KeyEntry, KeyStore, KeyStoreError};
use crate::der::{self, Elements};

/// What every such file begins with.
pub(super) const MAGIC: &[u8] = &[0xfe, 0xed, 0xfe, 0xed];

/// The same for JCEKS, whose keys are locked in another way.
pub(super) const JCEKS_MAGIC: &[u8] = &[0xce, 0xce, 0xce, 0xce];

const KEY_ENTRY: u32 = 1;
const CERTIFICATE_ENTRY: u32 = 2;

/// Hashed with every store, for want of a better reason.
const PHRASE: &[u8] = b"Mighty Aphrodite";

const SHA1_LEN: usize = 20;

/// 1.3.6.1.4.1.42.2.17.1.1, how Sun locked keys.
const KEY_PROTECTOR: &[u8] = &[0x2b, 6, 1, 4, 1, 0x2a, 2, 0x11, 1, 1];

const CUT: KeyStoreError = KeyStoreError::Damaged("it breaks off");

pub(super) fn open(bytes: &[u8], password: &str) -> Result<KeyStore, KeyStoreError> {
    let password = utf16(password);
    let (content, checksum) = bytes.split_last_chunk::<SHA1_LEN>().ok_or(CUT)?;
    let mut hash = Context::new(&SHA1);
    hash.update(&password);
    hash.update(PHRASE);
    hash.update(content);
    if hash.finish().as_ref() != checksum {
        return Err(KeyStoreError::WrongPassword);
    }
    let mut reader = Reader(content.get(MAGIC.len()..).ok_or(CUT)?);
    let version = reader.u32()?;
    if !matches!(version, 1 | 2) {
        return Err(KeyStoreError::Unsupported(format!("version {version} of JKS")));
    }
    let mut store = KeyStore::default();
    for _ in 0..reader.u32()? {
        let tag = reader.u32()?;
        let alias = String::from_utf8_lossy(reader.text()?).into_owned();
        reader.take(8)?; // The date of the entry.
        match tag {
            KEY_ENTRY => {
                let locked = reader.long()?;
                let certificates = reader.u32()?;
                let chain = (0..certificates).map(|_| reader.certificate(version));
                let chain = chain.collect::<Result<Vec<_>, _>>()?;
                let key = unlocked(locked, &password, &alias)?;
                store.keys.push(KeyEntry { alias, key, chain });
            }
            CERTIFICATE_ENTRY => store.trusted.push(reader.certificate(version)?),
            _ => return Err(KeyStoreError::Damaged("it has an entry of no known kind")),
        }
    }
    Ok(store)
}

/// Passwords are hashed as Java has its characters in memory.
fn utf16(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Takes Sun's lock off a key: a salt, the key under a stream of hashes, and a hash of both.
fn unlocked(locked: &[u8], password: &[u8], alias: &str) -> Result<Vec<u8>, KeyStoreError> {
    const NO_KEY: KeyStoreError = KeyStoreError::Damaged("an entry holds no key");
    let outer = Elements::of(locked).take(der::SEQUENCE).ok_or(NO_KEY)?;
    let mut fields = Elements::of(outer.content);
    let algorithm = fields.take(der::SEQUENCE).ok_or(NO_KEY)?;
    let protected = fields.take(der::OCTET_STRING).ok_or(NO_KEY)?.content;
    let oid = Elements::of(algorithm.content).take(der::OBJECT_IDENTIFIER).ok_or(NO_KEY)?;
    if oid.content != KEY_PROTECTOR {
        let name = der::dotted(oid.content).unwrap_or_default();
        return Err(KeyStoreError::Unsupported(format!("the cipher {name}")));
    }
    let (salt, rest) = protected.split_first_chunk::<SHA1_LEN>().ok_or(NO_KEY)?;
    let (hidden, checksum) = rest.split_last_chunk::<SHA1_LEN>().ok_or(NO_KEY)?;
    let mut key = hidden.to_vec();
    let mut round = salt.to_vec();
    for part in key.chunks_mut(SHA1_LEN) {
        round = sha1(password, &round);
        part.iter_mut().zip(&round).for_each(|(byte, mask)| *byte ^= mask);
    }
    if sha1(password, &key) == checksum {
        Ok(key)
    } else {
        Err(KeyStoreError::KeyPassword { alias: alias.to_owned() })
    }
}

fn sha1(first: &[u8], second: &[u8]) -> Vec<u8> {
    digest::digest(&SHA1, &[first, second].concat()).as_ref().to_vec()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], KeyStoreError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(CUT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, KeyStoreError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(CUT)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*taken))
    }

    fn text(&mut self) -> Result<&'a [u8], KeyStoreError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(CUT)?;
        self.0 = rest;
        self.take(u16::from_be_bytes(*taken).into())
    }

    fn long(&mut self) -> Result<&'a [u8], KeyStoreError> {
        let len = self.u32()?;
        self.take(usize::try_from(len).map_err(|_| CUT)?)
    }

    fn certificate(&mut self, version: u32) -> Result<Vec<u8>, KeyStoreError> {
        if version == 2 && self.text()? != b"X.509" {
            return Err(KeyStoreError::Unsupported("certificates other than X.509".to_owned()));
        }
        Ok(self.long()?.to_vec())
    }
}
