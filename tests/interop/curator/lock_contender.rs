//! Our side of the contest with Curator; see `Contender.java`, which does the same.
//!
//! `lock_contender CONNECT SESSION_TIMEOUT_MS PATH ROUNDS NAME DIRECTORY [hold]`: says "ready", waits for
//! a line, then takes and releases the lock ROUNDS times. While it holds the lock it keeps a file that only one
//! process can create, and writes down when it entered and left. With "hold" it never leaves.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::error::Error;
use std::fs::{File, OpenOptions, remove_file};
use std::io::{Write, stdin};
use std::path::Path;
use std::time::Duration;

use zk_client::Client;
use zk_recipes::{FencingToken, Lock, LockGuard};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [connect, timeout, path, rounds, name, directory, rest @ ..] = &arguments[..] else {
        return Err("expected CONNECT SESSION_TIMEOUT_MS PATH ROUNDS NAME DIRECTORY [hold]".into());
    };
    let rounds: u32 = rounds.parse()?;
    let timeout = Duration::from_millis(timeout.parse()?);
    let client = Client::builder(connect).session_timeout(timeout).connect().await?;
    println!("ready");
    wait_for_line()?;
    let mut last = None;
    for _ in 0..rounds {
        let guard = tokio::time::timeout(PATIENCE, Lock::acquire(&client, path)).await??;
        check_token(&mut last, &guard)?;
        work(Path::new(directory), name, !rest.is_empty())?;
        guard.release().await?;
    }
    client.close().await?;
    Ok(())
}

/// The part that nobody else may be in.
fn work(directory: &Path, name: &str, hold: bool) -> Result<(), Box<dyn Error>> {
    let held = directory.join("held");
    let mut log = OpenOptions::new().create(true).append(true).open(directory.join("log"))?;
    if let Err(error) = File::create_new(&held) {
        writeln!(log, "violation {name}")?;
        return Err(error.into());
    }
    // One write per line: only then are lines of several processes never mixed.
    log.write_all(format!("enter {name}\n").as_bytes())?;
    if hold {
        wait_for_line()?;
    }
    log.write_all(format!("leave {name}\n").as_bytes())?;
    remove_file(held)?;
    Ok(())
}

fn check_token(last: &mut Option<FencingToken>, guard: &LockGuard) -> Result<(), String> {
    let token = guard.fencing_token();
    if last.is_some_and(|last| last >= token) {
        return Err(format!("the fencing token {token} is not above {last:?}"));
    }
    *last = Some(token);
    Ok(())
}

fn wait_for_line() -> std::io::Result<usize> {
    stdin().read_line(&mut String::new())
}
