//! Java's stores of keys and certificates.

use sha1::{Digest, Sha1};
use zk_server::key_store;

/// What locks the stores of the seeds.
const PASSWORD: &str = "changeit";

const JKS: &[u8] = &[0xfe, 0xed, 0xfe, 0xed];
/// What JKS hashes between a password and a store.
const PHRASE: &[u8] = b"Mighty Aphrodite";
const CHECKSUM_LEN: usize = 20;

/// A store, JKS or PKCS#12: what is read of it was in it. The checksum of JKS is corrected, behind
/// which nothing else would ever be reached.
pub(crate) fn key_store(data: &[u8]) {
    let mut bytes = data.to_vec();
    if bytes.starts_with(JKS) && bytes.len() > JKS.len() + CHECKSUM_LEN {
        bytes.truncate(bytes.len() - CHECKSUM_LEN);
        let password: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let sum = Sha1::new().chain_update(password).chain_update(PHRASE).chain_update(&bytes);
        bytes.extend_from_slice(&sum.finalize());
    }
    match key_store::open(&bytes, PASSWORD) {
        Ok(store) => {
            let trusted: usize = store.trusted.iter().map(Vec::len).sum();
            assert!(trusted <= bytes.len(), "{trusted} bytes of {}", bytes.len());
            for entry in &store.keys {
                assert!(entry.key.len() <= bytes.len());
                assert!(entry.chain.len() <= bytes.len());
                assert!(entry.chain.iter().all(|signed| signed.len() <= bytes.len()));
                let own = entry.chain.first().map_or(&[][..], Vec::as_slice);
                // It is written in once.
                if let Some(whole) = key_store::with_public_key(&entry.key, own) {
                    assert_eq!(key_store::with_public_key(&whole, own), None);
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
