//! Stores that no tool makes.

use super::*;

fn object(oid: &[&[u8]]) -> Vec<u8> {
    der::wrapped(der::OBJECT_IDENTIFIER, &oid.concat())
}

fn bag(kind: &[u8], value: &[u8]) -> Vec<u8> {
    let value = der::wrapped(EXPLICIT, value);
    der::wrapped(der::SEQUENCE, &[object(&[BAGS, kind]), value].concat())
}

fn key() -> Vec<u8> {
    bag(KEY_BAG, &der::wrapped(der::SEQUENCE, &[]))
}

fn certificate() -> Vec<u8> {
    let value = der::wrapped(EXPLICIT, &der::wrapped(der::OCTET_STRING, b"certificate"));
    let value = [object(&[PKCS9, X509]), value].concat();
    bag(CERTIFICATE_BAG, &der::wrapped(der::SEQUENCE, &value))
}

fn content(kind: &[u8], value: &[u8]) -> Vec<u8> {
    let value = der::wrapped(EXPLICIT, value);
    der::wrapped(der::SEQUENCE, &[object(&[CONTENTS, kind]), value].concat())
}

fn plain(content_of: &[u8]) -> Vec<u8> {
    let sequence = der::wrapped(der::SEQUENCE, content_of);
    content(PLAIN, &der::wrapped(der::OCTET_STRING, &sequence))
}

/// A store of bags without a lock or a checksum.
fn store(bags: &[Vec<u8>]) -> Vec<u8> {
    let version = der::wrapped(der::INTEGER, &[3]);
    der::wrapped(der::SEQUENCE, &[version, plain(&plain(&bags.concat()))].concat())
}

#[test]
fn only_a_single_key_may_leave_out_which_certificate_is_its_own() {
    let chains = |bags: &[Vec<u8>]| {
        let keys = open(&store(bags), "").unwrap().keys.into_iter();
        keys.map(|key| key.chain.len()).collect::<Vec<_>>()
    };
    assert_eq!(chains(&[key(), certificate()]), [1]);
    assert_eq!(chains(&[key(), key(), certificate()]), [0, 0]);
}

/// A certificate of half a megabyte may be that of each.
#[test]
fn keys_are_bounded() {
    let keys = vec![key(); KEYS_MAX];
    assert_eq!(open(&store(&keys), "").unwrap().keys.len(), KEYS_MAX);
    let told = open(&store(&[keys, vec![key()]].concat()), "").unwrap_err().to_string();
    assert!(told.contains("256 private keys"), "{told}");
}

/// Each of thousands may ask for as many rounds as one may.
#[test]
fn rounds_of_hashing_are_bounded_over_the_whole_store() {
    let password = Password::new("", Vec::new());
    let number = der::wrapped(der::INTEGER, &ITERATIONS_MAX.to_be_bytes());
    let number = || Elements::of(&number).pop().unwrap();
    for _ in 0..ALL_ITERATIONS_MAX / ITERATIONS_MAX {
        assert_eq!(password.iterations(number()).unwrap().get(), ITERATIONS_MAX);
    }
    let told = password.iterations(number()).unwrap_err().to_string();
    assert!(told.contains("50000000 rounds"), "{told}");
}
