//! Stores made by keytool and OpenSSL (`tests/fixtures/key-stores/make`).

use super::*;
use crate::der::{self, Elements};

macro_rules! stores {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../tests/fixtures/key-stores/", $name)))),*]
    };
}

/// Every store, and what it is called.
const STORES: &[(&str, &[u8])] = stores![
    "ec.jks",
    "ec.p12",
    "empty.jks",
    "empty.p12",
    "key-password.jks",
    "legacy.p12",
    "open.p12",
    "openssl-aes128.p12",
    "openssl-legacy.p12",
    "openssl-no-lock.p12",
    "openssl-rc2-128.p12",
    "openssl-rc4.p12",
    "openssl-trust.p12",
    "openssl.p12",
    "rsa.jks",
    "rsa.p12",
    "several.jks",
    "several.p12",
    "trust.jks",
    "trust.p12",
];

fn store(name: &str) -> &'static [u8] {
    STORES.iter().find(|(known, _)| *known == name).expect("a store of the list").1
}

fn opened(name: &str, password: &str) -> Result<KeyStore, KeyStoreError> {
    open(store(name), password)
}

/// Aliases with the lengths of their chains, trusted certificates, others.
type Summary = (Vec<(String, usize)>, usize, usize);

fn summary(store: &KeyStore) -> Summary {
    let keys = store.keys.iter().map(|entry| (entry.alias.clone(), entry.chain.len()));
    let mut keys: Vec<_> = keys.collect();
    keys.sort();
    (keys, store.trusted.len(), store.unmarked)
}

#[test]
fn stores_of_every_make_hold_what_was_put_in() {
    /// The store, aliases with the lengths of their chains, trusted certificates, others.
    type Case = (&'static str, &'static [(&'static str, usize)], usize, usize);
    let cases: [Case; 17] = [
        ("rsa.jks", &[("rsa", 2)], 0, 0),
        ("rsa.p12", &[("rsa", 2)], 0, 0),
        ("ec.jks", &[("ec", 2)], 0, 0),
        ("ec.p12", &[("ec", 2)], 0, 0),
        ("several.jks", &[("ec", 2), ("rsa", 2)], 1, 0),
        ("several.p12", &[("ec", 2), ("rsa", 2)], 1, 0),
        ("trust.jks", &[], 2, 0),
        ("trust.p12", &[], 2, 0),
        ("open.p12", &[], 1, 0),
        ("empty.jks", &[], 0, 0),
        ("empty.p12", &[], 0, 0),
        ("legacy.p12", &[("rsa", 2)], 0, 0),
        ("openssl.p12", &[("", 2)], 0, 0),
        ("openssl-legacy.p12", &[("", 2)], 0, 0),
        ("openssl-rc2-128.p12", &[("", 2)], 0, 0),
        ("openssl-aes128.p12", &[("", 2)], 0, 0),
        ("openssl-trust.p12", &[], 0, 1),
    ];
    for (name, keys, trusted, unmarked) in cases {
        let keys: Vec<_> = keys.iter().map(|(alias, len)| ((*alias).to_owned(), *len)).collect();
        let opened = opened(name, "changeit").unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(summary(&opened), (keys, trusted, unmarked), "{name}");
    }
    let unlocked = opened("openssl-no-lock.p12", "").unwrap();
    assert_eq!(summary(&unlocked).0, [(String::new(), 2)]);
}

/// One and the same key and chain went through all of these.
#[test]
fn keys_and_chains_are_the_same_in_every_store() {
    let of = |name: &str, password| {
        let opened = opened(name, password).unwrap().keys.into_iter().next().unwrap();
        (opened.key, opened.chain)
    };
    let expected = of("rsa.p12", "changeit");
    for name in ["legacy.p12", "openssl-legacy.p12", "openssl-rc2-128.p12", "openssl-aes128.p12"] {
        assert!(of(name, "changeit") == expected, "{name}");
    }
    assert!(of("openssl-no-lock.p12", "") == expected);
}

#[test]
fn certificates_are_followed_by_those_that_signed_them() {
    for name in ["rsa.jks", "rsa.p12", "ec.jks", "ec.p12"] {
        let store = opened(name, "changeit").unwrap();
        let [own, root] = &store.keys[0].chain[..] else { panic!("{name}") };
        let own = crate::auth::subject_of(own).unwrap();
        assert_eq!(own, format!("CN={}", store.keys[0].alias), "{name}");
        assert_eq!(crate::auth::subject_of(root).unwrap(), "CN=authority", "{name}");
    }
}

#[test]
fn nothing_is_read_without_the_password() {
    let locked = STORES.iter().filter(|(name, _)| !matches!(*name, "open.p12"));
    for (name, bytes) in locked {
        let wrong = open(bytes, "changeit?").unwrap_err();
        assert_eq!(wrong, KeyStoreError::WrongPassword, "{name}");
        if *name != "openssl-no-lock.p12" {
            assert_eq!(open(bytes, "").unwrap_err(), KeyStoreError::WrongPassword, "{name}");
        }
    }
    // There is neither a lock nor a checksum.
    opened("open.p12", "whatever").unwrap();
    let own = opened("key-password.jks", "changeit").unwrap_err();
    assert_eq!(own, KeyStoreError::KeyPassword { alias: "rsa".to_owned() });
}

#[test]
fn what_is_not_read_is_named() {
    let told = |bytes: &[u8]| open(bytes, "changeit").unwrap_err().to_string();
    assert!(told(store("openssl-rc4.p12")).contains("the cipher 1.2.840.113549.1.12.1.1"));
    assert!(told(b"").contains("it is empty"));
    assert!(told(b"PK\x03\x04").contains("no JKS or PKCS#12 store"));
    assert!(told(b"Bag Attributes\n-----BEGIN CERTIFICATE-----").contains("it is PEM"));
    assert!(told(&[0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2]).contains("JCEKS"));
    // No lengths, as Bouncy Castle may write it.
    assert!(told(&[0x30, 0x80, 2, 1, 3, 0, 0]).contains("DER"));
}

#[test]
fn a_store_that_breaks_off_or_was_changed_is_refused() {
    for (name, bytes) in STORES {
        let step = if *name == "rsa.jks" { 1 } else { 97 };
        for len in (0..bytes.len()).step_by(step) {
            assert!(open(&bytes[..len], "changeit").is_err(), "{name}, {len} bytes");
        }
    }
    // Not each in each store: every try costs thousands of rounds of hashing.
    let cases = [("rsa.jks", 7), ("empty.p12", 20), ("openssl-no-lock.p12", 197)];
    for (name, step) in cases {
        let bytes = store(name);
        for at in (0..bytes.len()).step_by(step) {
            let mut changed = bytes.to_vec();
            changed[at] ^= 0x10;
            assert!(open(&changed, "changeit").is_err(), "{name}, byte {at}");
        }
    }
}

/// A store is not to keep the server busy for a day.
#[test]
fn rounds_of_hashing_are_bounded() {
    let mut bytes = store("rsa.p12").to_vec();
    // The last number of the file, and the last thing in it: 10,000 for the checksum.
    let at = bytes.len() - 4;
    assert_eq!(bytes[at..], [2, 2, 0x27, 0x10]);
    bytes.truncate(at);
    bytes.extend([2, 2, 0x7f, 0xff]);
    assert_eq!(open(&bytes, "changeit").unwrap_err(), KeyStoreError::WrongPassword);
    for number in
        [&[2, 1, 0][..], &[2, 4, 0x7f, 0xff, 0xff, 0xff], &[2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]]
    {
        let told = with_last_number(store("rsa.p12"), number);
        assert!(told.contains("5000000 rounds"), "{number:?}: {told}");
    }
}

/// What is said of a store whose last element is another one. The lengths around it are corrected.
fn with_last_number(bytes: &[u8], number: &[u8]) -> String {
    let outer = Elements::of(bytes).pop().unwrap();
    let mut fields = Elements::of(outer.content);
    let (version, safe, mac) =
        (fields.pop().unwrap(), fields.pop().unwrap(), fields.pop().unwrap());
    let old = mac.content.len() - 4;
    let mac = der::wrapped(der::SEQUENCE, &[&mac.content[..old], number].concat());
    let content = [version.whole, safe.whole, &mac].concat();
    open(&der::wrapped(der::SEQUENCE, &content), "changeit").unwrap_err().to_string()
}

#[test]
fn public_keys_are_put_beside_private_ones_that_lack_them() {
    for name in ["ec.jks", "ec.p12"] {
        let store = opened(name, "changeit").unwrap();
        let KeyEntry { key, chain, .. } = &store.keys[0];
        let whole = with_public_key(key, &chain[0]).unwrap_or_else(|| panic!("{name}"));
        let rng = ring::rand::SystemRandom::new();
        let p256 = &ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
        ring::signature::EcdsaKeyPair::from_pkcs8(p256, &whole, &rng).unwrap();
        assert_eq!(with_public_key(&whole, &chain[0]), None, "it is there");
    }
    let rsa = opened("rsa.p12", "changeit").unwrap();
    assert_eq!(with_public_key(&rsa.keys[0].key, &rsa.keys[0].chain[0]), None);
    assert_eq!(with_public_key(b"", b""), None);
}

#[test]
fn keys_and_passwords_never_show() {
    let store = opened("several.p12", "changeit").unwrap();
    let shown = format!("{store:?}");
    assert!(shown.contains("rsa") && shown.len() < 100, "{shown}");
}
