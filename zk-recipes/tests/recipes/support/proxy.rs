//! A network between clients and the server that understands frames, so that it can be cut between
//! a request and its reply.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

/// The number of `ping`.
const PING: i32 = 11;

/// From here on are the numbers of what clients send by themselves: logins, watches set again.
const OWN: i32 = 100;

/// The number of `addWatch`, which servers have since 3.6.
const ADD_WATCH: i32 = 106;

/// The code of an operation that the server does not know.
const UNIMPLEMENTED: i32 = -6;

/// Operations that tests cut at, by their numbers on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Create,
    /// Of a container, or with a time to live.
    CreateOther,
    Delete,
    GetData,
    GetChildren,
    Multi,
}

impl Op {
    fn of(code: i32) -> Option<Self> {
        Some(match code {
            1 | 15 => Self::Create,
            19 | 21 => Self::CreateOther,
            2 => Self::Delete,
            4 => Self::GetData,
            8 | 12 => Self::GetChildren,
            14 => Self::Multi,
            _ => return None,
        })
    }
}

/// What to do with the next request of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// Cut the connection instead of forwarding the request.
    LoseRequest,
    /// Forward it, and cut the connection instead of forwarding the reply.
    LoseReply,
    /// Forward it, and keep back the reply and what follows until released.
    HoldReply,
}

/// How often each plan came about, and whether replies are held or bytes swallowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Status {
    triggered: usize,
    /// Connections older than this are cut.
    generation: u64,
    holding: bool,
    swallowing: bool,
}

#[derive(Default)]
struct Rules {
    /// The number of an operation that is answered with "unimplemented".
    refused: Option<i32>,
    plan: Option<(Op, Plan)>,
    /// What the server says, and what the client sees instead.
    renamed: Option<(&'static str, &'static str)>,
    /// What to do with a request of any kind, after so many others.
    nth: Option<(usize, Plan)>,
    /// The reply that was planned for: its xid.
    waiting_for: Option<(i32, Plan)>,
    counts: BTreeMap<i32, usize>,
}

struct Shared {
    rules: Mutex<Rules>,
    status: watch::Sender<Status>,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: tokio::task::JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let status = watch::Sender::new(Status::default());
        let shared = Arc::new(Shared { rules: Mutex::default(), status });
        let acceptor = tokio::spawn(accept(listener, server, shared.clone()));
        Self { address, shared, acceptor }
    }

    pub(crate) fn connect_string(&self) -> String {
        self.address.to_string()
    }

    /// Cuts the connection instead of delivering the next request of this kind.
    pub(crate) fn lose_request(&self, op: Op) {
        self.shared.rules().plan = Some((op, Plan::LoseRequest));
    }

    /// Cuts the connection between the next request of this kind and its reply.
    pub(crate) fn lose_reply(&self, op: Op) {
        self.shared.rules().plan = Some((op, Plan::LoseReply));
    }

    /// Keeps back the reply to the next request of this kind, and everything after it.
    pub(crate) fn hold_reply(&self, op: Op) {
        self.shared.status.send_modify(|status| status.holding = true);
        self.shared.rules().plan = Some((op, Plan::HoldReply));
    }

    /// As [`lose_request`](Self::lose_request), of any kind, after `before` others.
    pub(crate) fn lose_nth_request(&self, before: usize) {
        self.shared.rules().nth = Some((before, Plan::LoseRequest));
    }

    /// As [`lose_reply`](Self::lose_reply), of any kind, after `before` others.
    pub(crate) fn lose_nth_reply(&self, before: usize) {
        self.shared.rules().nth = Some((before, Plan::LoseReply));
    }

    /// As [`hold_reply`](Self::hold_reply), of any kind, after `before` others.
    pub(crate) fn hold_nth_reply(&self, before: usize) {
        self.shared.status.send_modify(|status| status.holding = true);
        self.shared.rules().nth = Some((before, Plan::HoldReply));
    }

    /// Delivers what was held.
    pub(crate) fn release(&self) {
        self.shared.status.send_modify(|status| status.holding = false);
    }

    /// Shows `shown` to the client wherever the server says `real`, and the other way round: for
    /// names that would take billions of requests to come about. Both are of the same length.
    pub(crate) fn rename(&self, real: &'static str, shown: &'static str) {
        assert_eq!(real.len(), shown.len(), "a frame keeps its length");
        self.shared.rules().renamed = Some((real, shown));
    }

    /// Plays a server that is too old for `addWatch`.
    pub(crate) fn refuse_add_watch(&self) {
        self.shared.rules().refused = Some(ADD_WATCH);
    }

    /// Cuts every connection; what was held is lost. New ones are welcome.
    pub(crate) fn cut(&self) {
        self.shared.status.send_modify(|status| {
            status.generation += 1;
            status.holding = false;
        });
    }

    /// From now on swallows every byte in both directions, also on new connections.
    pub(crate) fn swallow(&self) {
        self.shared.status.send_modify(|status| status.swallowing = true);
    }

    /// Forwards again, but for what was swallowed: connections from before are of no use.
    pub(crate) fn deliver(&self) {
        self.shared.status.send_modify(|status| status.swallowing = false);
    }

    /// Whether a plan has come about.
    pub(crate) fn has_triggered(&self) -> bool {
        self.shared.status.borrow().triggered > 0
    }

    /// Waits until a plan has come about `times` times.
    pub(crate) async fn triggered(&self, times: usize) {
        let mut status = self.shared.status.subscribe();
        let seen = status.wait_for(|status| status.triggered >= times);
        super::soon(seen).await.expect("the proxy runs");
    }

    /// How many requests of this kind have come.
    pub(crate) fn requests_of(&self, op: Op) -> usize {
        let rules = self.shared.rules();
        rules.counts.iter().filter(|(code, _)| Op::of(**code) == Some(op)).map(|c| c.1).sum()
    }

    /// How many requests have come, without pings.
    pub(crate) fn requests(&self) -> usize {
        self.shared
            .rules()
            .counts
            .iter()
            .filter(|(op, _)| **op > 0 && **op != PING)
            .map(|c| c.1)
            .sum()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.acceptor.abort();
        self.shared.status.send_modify(|status| status.generation += 1);
    }
}

impl Rules {
    /// What was planned for this request, if anything.
    fn planned(&mut self, code: i32) -> Option<Plan> {
        if let Some((op, plan)) = self.plan
            && Op::of(code) == Some(op)
        {
            self.plan = None;
            return Some(plan);
        }
        let (before, plan) = self.nth.filter(|_| (1..OWN).contains(&code) && code != PING)?;
        self.nth = before.checked_sub(1).map(|before| (before, plan));
        self.nth.is_none().then_some(plan)
    }
}

/// What becomes of a request.
enum Fate {
    Forward,
    Cut,
    /// Answered by the proxy.
    Answer(Vec<u8>),
}

impl Shared {
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the other name for the one that was renamed.
    fn translate(&self, frame: &mut [u8], to_client: bool) {
        let Some((real, shown)) = self.rules().renamed else { return };
        let (from, to) = if to_client { (real, shown) } else { (shown, real) };
        let mut at = 0;
        while let Some(found) = frame.get(at..at + from.len()) {
            if found == from.as_bytes() {
                frame[at..at + from.len()].copy_from_slice(to.as_bytes());
            }
            at += 1;
        }
    }

    fn on_request(&self, frame: &[u8]) -> Fate {
        let (Some(xid), Some(code)) = (int_at(frame, 0), int_at(frame, 4)) else {
            return Fate::Forward;
        };
        let mut rules = self.rules();
        *rules.counts.entry(code).or_default() += 1;
        if rules.refused == Some(code) {
            let header =
                [&xid.to_be_bytes()[..], &0_i64.to_be_bytes(), &UNIMPLEMENTED.to_be_bytes()];
            return Fate::Answer(header.concat());
        }
        let Some(plan) = rules.planned(code) else { return Fate::Forward };
        if plan == Plan::LoseRequest {
            self.status.send_modify(|status| status.triggered += 1);
            return Fate::Cut;
        }
        rules.waiting_for = Some((xid, plan));
        Fate::Forward
    }

    /// What was planned for this reply, if anything.
    fn on_reply(&self, frame: &[u8]) -> Option<Plan> {
        let mut rules = self.rules();
        let (xid, plan) = rules.waiting_for?;
        if int_at(frame, 0) != Some(xid) {
            return None;
        }
        rules.waiting_for = None;
        drop(rules);
        self.status.send_modify(|status| status.triggered += 1);
        Some(plan)
    }
}

fn int_at(frame: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_be_bytes(frame.get(at..at + 4)?.try_into().ok()?))
}

async fn accept(listener: TcpListener, server: SocketAddr, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(server).await else { return };
            let generation = shared.status.borrow().generation;
            let mut status = shared.status.subscribe();
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let (answers, answered) = mpsc::channel(1);
            tokio::select! {
                // First, so that a cut loses what was held instead of releasing it.
                biased;
                _ = status.wait_for(|status| status.generation > generation) => {}
                _ = requests(from_client, to_server, answers, &shared) => {}
                _ = replies(from_server, to_client, answered, &shared) => {}
            }
        });
    }
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    answers: mpsc::Sender<Vec<u8>>,
    shared: &Shared,
) -> std::io::Result<()> {
    let mut handshake = true;
    loop {
        let mut frame = read_frame(&mut from).await?;
        if shared.status.borrow().swallowing {
            continue;
        }
        shared.translate(&mut frame, false);
        if !std::mem::take(&mut handshake) {
            match shared.on_request(&frame) {
                Fate::Forward => {}
                Fate::Cut => return Ok(()),
                Fate::Answer(answer) => {
                    let _ = answers.send(answer).await;
                    continue;
                }
            }
        }
        write_frame(&mut to, &frame).await?;
    }
}

async fn replies(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut answered: mpsc::Receiver<Vec<u8>>,
    shared: &Shared,
) -> std::io::Result<()> {
    let mut handshake = true;
    loop {
        // A peek can be given up half-way, reading a frame cannot.
        let mut first = [0];
        tokio::select! {
            _ = from.peek(&mut first) => {}
            Some(answer) = answered.recv() => {
                write_frame(&mut to, &answer).await?;
                continue;
            }
        }
        let mut frame = read_frame(&mut from).await?;
        if shared.status.borrow().swallowing {
            continue;
        }
        shared.translate(&mut frame, true);
        if !std::mem::take(&mut handshake) {
            match shared.on_reply(&frame) {
                Some(Plan::LoseReply) => return Ok(()),
                Some(Plan::HoldReply) => {
                    let mut status = shared.status.subscribe();
                    let _ = status.wait_for(|status| !status.holding).await;
                }
                _ => {}
            }
        }
        write_frame(&mut to, &frame).await?;
    }
}

async fn read_frame(from: &mut OwnedReadHalf) -> std::io::Result<Vec<u8>> {
    let length = usize::try_from(from.read_i32().await?).expect("a frame has a length");
    let mut frame = vec![0; length];
    from.read_exact(&mut frame).await?;
    Ok(frame)
}

async fn write_frame(to: &mut OwnedWriteHalf, frame: &[u8]) -> std::io::Result<()> {
    let mut bytes = Vec::with_capacity(frame.len() + 4);
    bytes.extend_from_slice(&i32::try_from(frame.len()).expect("it came as one").to_be_bytes());
    bytes.extend_from_slice(frame);
    to.write_all(&bytes).await
}
