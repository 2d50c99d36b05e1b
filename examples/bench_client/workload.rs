//! What is done over and over.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use zk_client::{Client, CreateMode};
use zk_recipes::{LeaderLatch, Lock, Queue};

use crate::Error;
use crate::meter::{Latencies, Window};

const DATA: [u8; 128] = [7; 128];
const NODE: &str = "/bench/n";
const LOCK: &str = "/bench/lock";
const QUEUE: &str = "/bench/queue";
const LATCH: &str = "/bench/latch";

/// Long enough that a busy machine costs no session.
const SESSION_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Workload {
    /// Reads 128 bytes, one read at a time.
    Get,
    /// Writes 128 bytes, one write at a time.
    Set,
    /// 64 tasks that each read 128 bytes, over one client.
    Pipeget,
    /// Creates a node and deletes it, one after the other; each counts as an operation.
    CreateDelete,
    /// Takes a lock that nobody else wants and releases it; both are one operation.
    Lock1,
    /// Eight contenders for one lock, each with a session of its own.
    Lock8,
    /// Two contenders for one lock: what a hand-over costs. The latency is the time in which nobody
    /// held it.
    Waiters2,
    /// A thousand contenders for one lock, in eight sessions: a hand-over should cost the same.
    Waiters1000,
    /// Puts an item into a queue and takes it; each counts as an operation.
    Queue,
    /// Puts an item into a queue, claims it and finishes the claim; each counts as an operation.
    QueueClaim,
    /// A leader stops and its backup takes over: the latency is the time without a leader.
    Latch,
}

/// Opens the sessions that a workload takes, and makes the nodes that it needs.
pub(crate) async fn clients(servers: &str, workload: Workload) -> Result<Vec<Client>, Error> {
    let mut clients = Vec::new();
    for _ in 0..workload.sessions() {
        let builder = Client::builder(servers).session_timeout(SESSION_TIMEOUT);
        clients.push(builder.connect().await?);
    }
    for path in ["/bench", NODE, LOCK] {
        match clients[0].create(path, &DATA, CreateMode::Persistent).await {
            Ok(_) | Err(zk_client::Error::NodeExists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(clients)
}

impl Workload {
    /// How many tasks work at the same time.
    pub(crate) fn tasks(self) -> usize {
        match self {
            Self::Pipeget => 64,
            Self::Lock8 => 8,
            Self::Waiters2 => 2,
            Self::Waiters1000 => 1000,
            _ => 1,
        }
    }

    /// How many sessions the tasks share.
    fn sessions(self) -> usize {
        match self {
            Self::Lock8 | Self::Waiters1000 => 8,
            Self::Waiters2 | Self::Latch => 2,
            _ => 1,
        }
    }

    /// How many operations one round of a task is.
    pub(crate) fn ops_per_round(self) -> u64 {
        match self {
            Self::CreateDelete | Self::Queue => 2,
            Self::QueueClaim => 3,
            _ => 1,
        }
    }

    /// What one task does as long as the window is open.
    pub(crate) async fn repeat(
        self,
        clients: Arc<[Client]>,
        task: usize,
        window: Window,
    ) -> Result<Latencies, Error> {
        match self {
            Self::Latch => return fail_over(&clients, window).await,
            Self::Waiters2 | Self::Waiters1000 => {
                return hand_over(&clients[task % clients.len()], window).await;
            }
            _ => {}
        }
        let client = clients[task % clients.len()].clone();
        let queue = Queue::new(&client, QUEUE);
        let mut latencies = Latencies::default();
        let own_path = format!("/bench/x{}", std::process::id());
        while window.is_open() {
            let began = Instant::now();
            match self {
                Self::Get | Self::Pipeget => drop(client.get(NODE).await?),
                Self::Set => drop(client.set(NODE, &DATA).await?),
                Self::CreateDelete => {
                    client.create(&own_path, &DATA, CreateMode::Persistent).await?;
                    client.delete(&own_path).await?;
                }
                Self::Queue => {
                    queue.put(&DATA[..]).await?;
                    queue.take().await?;
                }
                Self::QueueClaim => {
                    queue.put(&DATA[..]).await?;
                    queue.claim().await?.complete().await?;
                }
                _ => {
                    Lock::acquire(&client, LOCK).await?.release().await?;
                }
            }
            latencies.note(&window, began);
        }
        Ok(latencies)
    }
}

/// When the lock was given back last.
static RELEASED: Mutex<Option<Instant>> = Mutex::new(None);

/// Takes the lock and gives it back at once, with all the others in line.
async fn hand_over(client: &Client, window: Window) -> Result<Latencies, Error> {
    let mut latencies = Latencies::default();
    while window.is_open() {
        let guard = Lock::acquire(client, LOCK).await?;
        let last = RELEASED.lock().unwrap_or_else(PoisonError::into_inner).replace(Instant::now());
        if let Some(released) = last {
            latencies.note(&window, released);
        }
        guard.release().await?;
    }
    Ok(latencies)
}

/// Two latches in two sessions: the one that leads stops, and comes back as the backup.
async fn fail_over(clients: &[Client], window: Window) -> Result<Latencies, Error> {
    let mut latencies = Latencies::default();
    let mut leader = LeaderLatch::start(&clients[0], LATCH, "leader").await?;
    let mut leadership = leader.lead().await?;
    for client in clients.iter().cycle().skip(1) {
        if !window.is_open() {
            break;
        }
        let backup = LeaderLatch::start(client, LATCH, "backup").await?;
        while backup.participants().await?.len() < 2 {}
        let began = Instant::now();
        leader.close().await?;
        leadership = backup.lead().await?;
        latencies.note(&window, began);
        leader = backup;
    }
    leader.close().await?;
    drop(leadership);
    Ok(latencies)
}
