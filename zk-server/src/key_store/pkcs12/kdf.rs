//! Keys from passwords as PKCS#12 makes them (RFC 7292, appendix B.2).

use std::num::NonZeroU32;

use ring::digest::{self, Algorithm};

/// What a key is for. It goes into the making of it.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Cipher = 1,
    InitialVector = 2,
    Mac = 3,
}

/// Makes `len` bytes.
pub(super) fn derive(
    hash: &'static Algorithm,
    purpose: Purpose,
    password: &[u8],
    salt: &[u8],
    iterations: NonZeroU32,
    len: usize,
) -> Vec<u8> {
    let block = hash.block_len();
    let diversifier = vec![purpose as u8; block];
    let mut input = [repeated(salt, block), repeated(password, block)].concat();
    let mut made = Vec::with_capacity(len + hash.output_len());
    while made.len() < len {
        let mut round = digest::digest(hash, &[diversifier.as_slice(), &input].concat());
        for _ in 1..iterations.get() {
            round = digest::digest(hash, round.as_ref());
        }
        made.extend_from_slice(round.as_ref());
        let addend = repeated(round.as_ref(), block);
        for part in input.chunks_exact_mut(block) {
            add_with_one(part, &addend);
        }
    }
    made.truncate(len);
    made
}

/// Over and over, to a multiple of the block; nothing stays nothing.
fn repeated(bytes: &[u8], block: usize) -> Vec<u8> {
    let len = bytes.len().div_ceil(block) * block;
    bytes.iter().copied().cycle().take(len).collect()
}

/// Adds a number and 1 to a number of the same length, both the greatest digit first.
fn add_with_one(number: &mut [u8], addend: &[u8]) {
    let mut carry = 1_u16;
    for (digit, more) in number.iter_mut().zip(addend).rev() {
        carry += u16::from(*digit) + u16::from(*more);
        let [above, below] = carry.to_be_bytes();
        *digit = below;
        carry = above.into();
    }
}
