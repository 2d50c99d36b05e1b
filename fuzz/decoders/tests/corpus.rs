//! The fuzz targets on any toolchain: over their seeds, and over mutations of them.

use zk_fuzz_decoders::{TARGETS, seeds};

/// Enough to reach every branch that a flipped byte or a cut reaches, in about a second.
const MUTATIONS_PER_SEED: usize = 400;

#[test]
fn every_target_survives_its_seeds_and_their_mutations() {
    for target in TARGETS {
        let seeds = seeds(target.name);
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        // The target's name is the seed, so that a failure repeats.
        let mut rng = fastrand::Rng::with_seed(target.name.bytes().map(u64::from).sum());
        for seed in &seeds {
            (target.run)(seed);
            for _ in 0..MUTATIONS_PER_SEED {
                (target.run)(&mutated(seed, &seeds, &mut rng));
            }
        }
    }
}

#[test]
fn every_libfuzzer_binary_has_its_target() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz_targets");
    let mut binaries: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    binaries.sort();
    let mut names: Vec<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    names.sort();
    assert_eq!(binaries, names);
}

/// A seed with a few changes of the kinds that break decoders.
fn mutated(seed: &[u8], seeds: &[Vec<u8>], rng: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(0..=bytes.len());
        match rng.u8(0..6) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] = rng.u8(..),
            2 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(0..8),
            3 if at + 4 <= bytes.len() => {
                let lengths = [0, 1, -1, -2, i32::MAX, i32::MIN, 0x7fff, 0x10_0000];
                let length = lengths[rng.usize(0..lengths.len())];
                bytes[at..at + 4].copy_from_slice(&length.to_be_bytes());
            }
            4 => {
                let other = &seeds[rng.usize(0..seeds.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[rng.usize(0..=other.len())..]);
            }
            _ => bytes.insert(at, rng.u8(..)),
        }
    }
    bytes
}
