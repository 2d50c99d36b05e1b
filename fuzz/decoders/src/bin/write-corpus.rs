//! Writes the seeds of every target to the directory given, as libFuzzer wants them.

use std::fs;
use std::path::PathBuf;

use zk_fuzz_decoders::{TARGETS, seeds};

fn main() -> std::io::Result<()> {
    let root = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "corpus".to_owned()));
    for target in TARGETS {
        let directory = root.join(target.name);
        fs::create_dir_all(&directory)?;
        for (number, seed) in seeds(target.name).iter().enumerate() {
            fs::write(directory.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}
