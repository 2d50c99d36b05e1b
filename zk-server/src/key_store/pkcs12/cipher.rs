//! The ways in which PKCS#12 stores are locked: those of today (PBES2 with AES), and those of Java 8
//! and OpenSSL 1 (triple DES and RC2).

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut as _, InnerIvInit as _, KeyInit as _};
use cbc::Decryptor;
use ring::digest::SHA1_FOR_LEGACY_USE_ONLY as SHA1;
use ring::pbkdf2;

use super::Password;
use super::kdf::{self, Purpose};
use crate::der::{self, Element, Elements};
use crate::key_store::KeyStoreError;

/// 1.2.840.113549.1.5.13, whose parameters name a way to make the key and a cipher.
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];

/// 1.2.840.113549.1.5.12.
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];

/// 1.2.840.113549.1.12.1, with one more number: the ciphers that PKCS#12 came with.
const PKCS12_CIPHERS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1];

/// 1.2.840.113549.2, with one more number: HMACs.
const HMACS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2];

/// 2.16.840.1.101.3.4.1, with one more number: AES.
const AES: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1];

/// 1.2.840.113549.3.7, triple DES.
const TRIPLE_DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 7];

const BROKEN: KeyStoreError =
    KeyStoreError::Damaged("how it is locked is not said as it should be");

/// A cipher with the length of its key.
#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
    /// With so many bits that count.
    Rc2(usize),
}

/// Takes the lock off. A wrong password shows in the padding, most of the time.
pub(super) fn unlock(
    algorithm: Element<'_>,
    locked: &[u8],
    password: &Password,
) -> Result<Vec<u8>, KeyStoreError> {
    let mut fields = Elements::of(algorithm.content);
    let oid = fields.take(der::OBJECT_IDENTIFIER).ok_or(BROKEN)?.content;
    if oid == PBES2 {
        let parameters = fields.take(der::SEQUENCE).ok_or(BROKEN)?;
        return by_pbes2(parameters, locked, password);
    }
    let cipher = match oid.strip_prefix(PKCS12_CIPHERS) {
        Some([3]) => Cipher::TripleDes,
        Some([5]) => Cipher::Rc2(128),
        Some([6]) => Cipher::Rc2(40),
        _ => return Err(unsupported("the cipher", oid)),
    };
    let mut parameters = Elements::of(fields.take(der::SEQUENCE).ok_or(BROKEN)?.content);
    let salt = parameters.take(der::OCTET_STRING).ok_or(BROKEN)?.content;
    let times = password.iterations(parameters.take(der::INTEGER).ok_or(BROKEN)?)?;
    let made = |purpose, len| kdf::derive(&SHA1, purpose, &password.utf16, salt, times, len);
    let (key, vector) = (made(Purpose::Cipher, cipher.key_len()), made(Purpose::InitialVector, 8));
    cipher.decrypt(&key, &vector, locked)
}

fn by_pbes2(
    parameters: Element<'_>,
    locked: &[u8],
    password: &Password,
) -> Result<Vec<u8>, KeyStoreError> {
    let mut parameters = Elements::of(parameters.content);
    let mut kdf = Elements::of(parameters.take(der::SEQUENCE).ok_or(BROKEN)?.content);
    let mut scheme = Elements::of(parameters.take(der::SEQUENCE).ok_or(BROKEN)?.content);
    let oid = kdf.take(der::OBJECT_IDENTIFIER).ok_or(BROKEN)?.content;
    if oid != PBKDF2 {
        return Err(unsupported("the way to a key", oid));
    }
    let mut kdf = Elements::of(kdf.take(der::SEQUENCE).ok_or(BROKEN)?.content);
    let salt = kdf.take(der::OCTET_STRING).ok_or(BROKEN)?.content;
    let times = password.iterations(kdf.take(der::INTEGER).ok_or(BROKEN)?)?;
    kdf.take(der::INTEGER); // How long the key is: the cipher says so, too.
    let hmac = match kdf.take(der::SEQUENCE) {
        None => pbkdf2::PBKDF2_HMAC_SHA1,
        Some(hmac) => hmac_of(hmac)?,
    };
    let oid = scheme.take(der::OBJECT_IDENTIFIER).ok_or(BROKEN)?.content;
    let vector = scheme.take(der::OCTET_STRING).ok_or(BROKEN)?.content;
    let cipher = match oid.strip_prefix(AES) {
        Some([2]) => Cipher::Aes128,
        Some([22]) => Cipher::Aes192,
        Some([42]) => Cipher::Aes256,
        _ if oid == TRIPLE_DES => Cipher::TripleDes,
        _ => return Err(unsupported("the cipher", oid)),
    };
    let mut key = vec![0; cipher.key_len()];
    pbkdf2::derive(hmac, times, salt, &password.utf8, &mut key);
    cipher.decrypt(&key, vector, locked)
}

fn hmac_of(algorithm: Element<'_>) -> Result<pbkdf2::Algorithm, KeyStoreError> {
    let oid = Elements::of(algorithm.content).take(der::OBJECT_IDENTIFIER).ok_or(BROKEN)?.content;
    match oid.strip_prefix(HMACS) {
        Some([7]) => Ok(pbkdf2::PBKDF2_HMAC_SHA1),
        Some([9]) => Ok(pbkdf2::PBKDF2_HMAC_SHA256),
        Some([10]) => Ok(pbkdf2::PBKDF2_HMAC_SHA384),
        Some([11]) => Ok(pbkdf2::PBKDF2_HMAC_SHA512),
        _ => Err(unsupported("the hash", oid)),
    }
}

pub(super) fn unsupported(what: &str, oid: &[u8]) -> KeyStoreError {
    KeyStoreError::Unsupported(format!("{what} {}", der::dotted(oid).unwrap_or_default()))
}

impl Cipher {
    /// In bytes.
    fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
            Self::Rc2(bits) => bits / 8,
        }
    }

    fn decrypt(self, key: &[u8], vector: &[u8], locked: &[u8]) -> Result<Vec<u8>, KeyStoreError> {
        /// With a cipher whose key is as long as it should be.
        macro_rules! decrypted {
            ($cipher:expr) => {{
                let cipher = $cipher.map_err(|_| BROKEN)?;
                let cbc = Decryptor::inner_iv_slice_init(cipher, vector).map_err(|_| BROKEN)?;
                cbc.decrypt_padded_vec_mut::<Pkcs7>(locked)
                    .map_err(|_| KeyStoreError::WrongPassword)
            }};
        }
        match self {
            Self::Aes128 => decrypted!(aes::Aes128::new_from_slice(key)),
            Self::Aes192 => decrypted!(aes::Aes192::new_from_slice(key)),
            Self::Aes256 => decrypted!(aes::Aes256::new_from_slice(key)),
            Self::TripleDes => decrypted!(des::TdesEde3::new_from_slice(key)),
            Self::Rc2(bits) => {
                decrypted!(Ok::<_, ()>(rc2::Rc2::new_with_eff_key_len(key, bits)))
            }
        }
    }
}
