//! Act 1: several tasks deposit into one shared balance, without and with a lock.

use std::sync::Arc;

use tokio::sync::Mutex;
use zk_client::{Client, CreateMode};
use zk_recipes::{FencingToken, Lock};

use crate::Result;

const DEPOSITORS: usize = 5;
const DEPOSITS: usize = 10;

/// Who held the lock, in the order in which they held it.
type Journal = Arc<Mutex<Vec<FencingToken>>>;

pub(crate) async fn act(stage: &str) -> Result {
    let client = Client::connect(stage).await?;
    client.create("/balance", b"0", CreateMode::Persistent).await?;
    println!("   {DEPOSITORS} tasks deposit 1 coin {DEPOSITS} times each.");

    run_depositors(stage, None).await?;
    let balance = read_balance(&client).await?;
    let lost = DEPOSITORS * DEPOSITS - balance;
    println!("   without the lock: the balance is {balance}; {lost} coins are lost.");

    client.set("/balance", b"0").await?;
    let journal = Journal::default();
    run_depositors(stage, Some(journal.clone())).await?;
    let balance = read_balance(&client).await?;
    let lost = DEPOSITORS * DEPOSITS - balance;
    println!("   with the lock:    the balance is {balance}; {lost} coins are lost.");

    let tokens = std::mem::take(&mut *journal.lock().await);
    if let [first, .., last] = tokens[..] {
        let order = if tokens.is_sorted() { "in ascending order" } else { "OUT OF ORDER" };
        println!("   The {} holders had fencing tokens {first} to {last}, {order}.", tokens.len());
    }
    Ok(client.close().await?)
}

/// Lets all depositors run at once, with the lock if there is a journal to note its holders in.
async fn run_depositors(stage: &str, journal: Option<Journal>) -> Result {
    let mut depositors = Vec::new();
    for _ in 0..DEPOSITORS {
        let client = Client::connect(stage).await?;
        depositors.push(tokio::spawn(depositor(client, journal.clone())));
    }
    for depositor in depositors {
        depositor.await??;
    }
    Ok(())
}

async fn depositor(client: Client, journal: Option<Journal>) -> Result {
    for _ in 0..DEPOSITS {
        match &journal {
            None => deposit(&client).await?,
            Some(journal) => {
                let guard = Lock::acquire(&client, "/locks/balance").await?;
                journal.lock().await.push(guard.fencing_token());
                deposit(&client).await?;
                guard.release().await?;
            }
        }
    }
    Ok(client.close().await?)
}

/// Reads, adds, writes. Between the read and the write the others get their chance, and what they
/// write meanwhile is overwritten: that is the race.
async fn deposit(client: &Client) -> Result {
    let balance = read_balance(client).await?;
    tokio::task::yield_now().await;
    client.set("/balance", (balance + 1).to_string().as_bytes()).await?;
    Ok(())
}

async fn read_balance(client: &Client) -> Result<usize> {
    let (data, _) = client.get("/balance").await?;
    Ok(std::str::from_utf8(&data)?.parse()?)
}
