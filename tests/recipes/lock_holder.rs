//! A process that holds a lock and leads, and is paused by the test that started it.
//!
//! `lock_holder CONNECT LOCK ELECTION SESSION_MS`: says "held" once it has both, then answers each
//! line with what its guards claim at that moment: the latch says `true` if it leads by that first
//! term, and `again` if by a later one.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::error::Error;
use std::io::stdin;
use std::time::Duration;

use zk_client::Client;
use zk_recipes::election::LatchState;
use zk_recipes::{LeaderLatch, Lock};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [connect, lock, election, session_ms] = &arguments[..] else {
        return Err("expected CONNECT LOCK ELECTION SESSION_MS".into());
    };
    let session = Duration::from_millis(session_ms.parse()?);
    let client = Client::builder(connect).session_timeout(session).connect().await?;
    let guard = Lock::acquire(&client, lock).await?;
    let latch = LeaderLatch::start(&client, election, "paused").await?;
    let term = latch.lead().await?;
    println!("held");
    // A thread that no runtime has to wake up first: the first thing it does after a pause is to
    // answer what was asked during the pause.
    let answering = std::thread::spawn(move || {
        for line in stdin().lines() {
            let Ok(question) = line else { return };
            let (held, led, leads) = (guard.is_held(), term.is_held(), latch.is_leading());
            let leads = match latch.state() {
                LatchState::Leading { token } | LatchState::Unsure { token }
                    if token == term.fencing_token() =>
                {
                    leads.to_string()
                }
                _ if leads => "again".to_owned(),
                _ => "false".to_owned(),
            };
            println!("{question}: lock {held}, term {led}, latch {leads}");
        }
    });
    let ended = tokio::task::spawn_blocking(move || answering.join()).await?;
    ended.map_err(|_| "the answering thread panicked".into())
}
