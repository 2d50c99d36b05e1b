//! Random schedules of requests, faults and time: whatever happens, the promises hold.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use zk_proto::{ErrorCode, HostPort, Zxid};

use super::greeting::Host;
use super::pair::{Pair, Told, config, get, set};
use crate::session::{Config, Failure, Notice, Outcome, Request, SessionState, WatchKind};

#[derive(Clone, Debug)]
enum Step {
    Read {
        within_ms: Option<u64>,
    },
    Write {
        within_ms: Option<u64>,
    },
    Watch {
        kind: usize,
        path: usize,
    },
    Unwatch(usize),
    Auth,
    /// Somebody else changes a node.
    Change(usize),
    Delete(usize),
    Cut,
    CutToServerAfter(usize),
    CutToClientAfter(usize),
    StallToServer(bool),
    StallToClient(bool),
    ReadLen(usize),
    Host(u16, usize),
    ExpireSessions,
    OldServers(bool, bool),
    /// The client is given another list, of this many servers from this one on.
    Servers(u16, u16),
    /// A Keeper loses or finds its leader.
    Rejects(bool),
    /// Nothing but the network.
    Settle,
    Run(u64),
    /// The process does not run for so long.
    Pause(u64),
}

const PATHS: [&str; 4] = ["/a", "/b", "/b/c", "/missing"];
const KINDS: [WatchKind; 5] = [
    WatchKind::Data,
    WatchKind::Exist,
    WatchKind::Child,
    WatchKind::Persistent,
    WatchKind::Recursive,
];
const HOSTS: [Host; 9] = [
    Host::Up,
    Host::Up,
    Host::Down,
    Host::Hangs,
    Host::Mute,
    Host::NotServing,
    Host::Flaky,
    Host::ReadOnly,
    Host::OldReadOnly,
];

fn step() -> impl Strategy<Value = Step> {
    let within = prop_oneof![3 => Just(None), 1 => (0_u64..9000).prop_map(Some)];
    prop_oneof![
        6 => within.clone().prop_map(|within_ms| Step::Read { within_ms }),
        9 => within.prop_map(|within_ms| Step::Write { within_ms }),
        6 => (0..KINDS.len(), 0..PATHS.len()).prop_map(|(kind, path)| Step::Watch { kind, path }),
        2 => (0_usize..20).prop_map(Step::Unwatch),
        1 => Just(Step::Auth),
        3 => (0..PATHS.len()).prop_map(Step::Change),
        1 => (0..PATHS.len()).prop_map(Step::Delete),
        2 => Just(Step::Cut),
        2 => (0_usize..400).prop_map(Step::CutToServerAfter),
        2 => (0_usize..400).prop_map(Step::CutToClientAfter),
        2 => any::<bool>().prop_map(Step::StallToServer),
        2 => any::<bool>().prop_map(Step::StallToClient),
        1 => (1_usize..30).prop_map(Step::ReadLen),
        2 => (0_u16..2, 0..HOSTS.len()).prop_map(|(at, host)| Step::Host(at, host)),
        1 => Just(Step::ExpireSessions),
        1 => any::<(bool, bool)>().prop_map(|(old, older)| Step::OldServers(old, older)),
        1 => (0_u16..3, 1_u16..4).prop_map(|(from, count)| Step::Servers(from, count)),
        1 => any::<bool>().prop_map(Step::Rejects),
        6 => Just(Step::Settle),
        4 => (0_u64..5000).prop_map(Step::Run),
        1 => (0_u64..20_000).prop_map(Step::Pause),
    ]
}

/// A run, and what it has to answer for.
struct Run {
    pair: Pair,
    reads: Vec<u32>,
    writes: Vec<u32>,
    /// The request, the watcher, its kind and, once it was dropped, how much had been told.
    watchers: Vec<(u32, u64, WatchKind, Option<usize>)>,
    auths: Vec<u32>,
}

impl Run {
    fn new(seed: u64, counts_unwritten: bool, read_only: bool) -> Self {
        let mut config = Config { read_only, lazy: seed.is_multiple_of(2), ..config(2) };
        // The first session may be long in coming.
        config.connect_timeout = Duration::from_secs(100_000);
        let mut pair = Pair::with(config, seed);
        pair.counts_unwritten = counts_unwritten;
        for path in &PATHS[..3] {
            pair.ensemble.set(path, b"");
        }
        Self {
            pair,
            reads: Vec::new(),
            writes: Vec::new(),
            watchers: Vec::new(),
            auths: Vec::new(),
        }
    }

    fn submit(&mut self, request: Request<u32, u64>, within_ms: Option<u64>) -> u32 {
        let deadline = within_ms.map(|ms| self.pair.now + Duration::from_millis(ms));
        self.pair.submit(Request { deadline, ..request })
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Read { within_ms } => {
                let read = self.submit(get("/a"), within_ms);
                self.reads.push(read);
            }
            Step::Write { within_ms } => {
                let number = u32::try_from(self.writes.len()).expect("small");
                let write = self.submit(set("/a", &number.to_be_bytes()), within_ms);
                self.writes.push(write);
            }
            Step::Watch { kind, path } => {
                let (request, watcher) = self.pair.watch(KINDS[kind], PATHS[path]);
                self.watchers.push((request, watcher, KINDS[kind], None));
            }
            Step::Unwatch(at) => self.unwatch(at),
            Step::Auth => {
                let auth = self.pair.auth("me:secret");
                self.auths.push(auth);
            }
            _ => self.disturb(step),
        }
    }

    fn unwatch(&mut self, at: usize) {
        if let Some((_, watcher, _, gone)) = self.watchers.get_mut(at)
            && gone.is_none()
        {
            self.pair.unwatch(*watcher);
            *gone = Some(self.pair.told.len());
        }
    }

    fn disturb(&mut self, step: &Step) {
        let pair = &mut self.pair;
        match *step {
            Step::Change(path) => pair.ensemble.set(PATHS[path], b"changed"),
            Step::Delete(path) if path > 0 => pair.ensemble.delete(PATHS[path]),
            Step::Cut => pair.cut(),
            Step::CutToServerAfter(bytes) => pair.cut_to_server_after = Some(bytes),
            Step::CutToClientAfter(bytes) => pair.cut_to_client_after = Some(bytes),
            Step::StallToServer(stalled) => pair.stalled_to_server = stalled,
            Step::StallToClient(stalled) => pair.stalled_to_client = stalled,
            Step::ReadLen(len) => pair.read_len = len,
            Step::Host(at, host) => {
                pair.ensemble.hosts.insert(2181 + at, HOSTS[host]);
            }
            Step::ExpireSessions => pair.ensemble.expire_sessions(),
            Step::OldServers(old, older) => {
                (pair.ensemble.before_3_9, pair.ensemble.before_3_6) = (old, older);
            }
            Step::Servers(from, count) => {
                let ports = (from..from + count).map(|at| 2181 + at);
                for port in ports.clone() {
                    pair.ensemble.hosts.entry(port).or_insert(Host::Up);
                }
                let host = |port| HostPort { host: "zk".to_owned(), port };
                pair.session.update_hosts(pair.now, ports.map(host).collect());
                pair.settle();
            }
            Step::Rejects(rejects) => {
                pair.ensemble.protocol_version = if rejects { 42 } else { 0 };
            }
            Step::Settle => pair.settle(),
            Step::Run(ms) => pair.run(Duration::from_millis(ms)),
            Step::Pause(ms) => pair.pause(Duration::from_millis(ms)),
            _ => {}
        }
    }

    /// Faults off: everything that was asked for must end, and the session must close.
    fn heal(&mut self) {
        let pair = &mut self.pair;
        pair.ensemble.hosts.values_mut().for_each(|host| *host = Host::Up);
        (pair.cut_to_server_after, pair.cut_to_client_after) = (None, None);
        (pair.stalled_to_server, pair.stalled_to_client) = (false, false);
        pair.read_len = usize::MAX;
        pair.ensemble.protocol_version = 0;
        if pair.session.state() == SessionState::ConnectedReadOnly {
            // It has become one that takes writes, and such a server drops its connections.
            pair.cut();
        }
        pair.run(Duration::from_secs(60));
        assert_eq!(pair.session.state(), SessionState::Connected, "{:#?}", pair.told);
        assert_eq!(pair.session.request_count(), 0, "nothing is left waiting");
        let (bytes, deadlines, watchers) = pair.session.pending.books();
        assert_eq!((bytes, watchers), (0, 0), "the books are balanced");
        assert!(deadlines <= 64, "{deadlines} deadlines of requests that are done");
        let close = pair.close();
        pair.settle();
        assert!(pair.outcome(close).is_ok());
        assert_eq!(pair.session.next_deadline(), None);
    }

    fn check(&self) {
        self.check_reads();
        self.check_writes();
        self.check_order();
        self.check_watchers();
        self.check_states();
    }

    fn check_reads(&self) {
        for number in &self.reads {
            let fine = match self.pair.outcome(*number) {
                Ok(_) | Err(Failure::SessionExpired | Failure::TimedOut { .. }) => true,
                // Sent again and again, and lost each time.
                Err(Failure::ConnectionLoss) => true,
                Err(_) => false,
            };
            assert!(fine, "read {number}: {:?}", self.pair.outcome(*number));
        }
        for number in &self.auths {
            assert!(self.pair.outcome(*number).is_ok(), "the last server accepts it");
        }
    }

    fn check_writes(&self) {
        let mut times: BTreeMap<&[u8], usize> = BTreeMap::new();
        for data in &self.pair.ensemble.applied {
            *times.entry(data).or_default() += 1;
        }
        for (at, number) in (0_u32..).zip(&self.writes) {
            let times = times.get(&at.to_be_bytes()[..]).copied().unwrap_or(0);
            match self.pair.outcome(*number) {
                Ok(_) => assert_eq!(times, 1, "write {at} was acknowledged"),
                Err(Failure::ConnectionLoss | Failure::TimedOut { in_flight: true }) => {
                    assert!(times <= 1, "write {at} is sent once at most");
                }
                Err(failure) => assert_eq!(times, 0, "write {at} was not carried out: {failure:?}"),
            }
        }
        let applied: Vec<&Bytes> = self.pair.ensemble.applied.iter().collect();
        assert!(applied.is_sorted(), "writes take effect in the order they were made");
    }

    /// The server's answers come in the order of the requests, and no session goes back in time.
    fn check_order(&self) {
        let mut last = None;
        let mut seen = Zxid::ZERO;
        for (_, told) in &self.pair.told {
            match told {
                Told::State(SessionState::Expired, _) => seen = Zxid::ZERO,
                Told::Complete(number, outcome) if !self.auths.contains(number) => {
                    // That a write did not take effect may be known without the server's word.
                    let refused = *outcome == Err(Failure::Code(ErrorCode::NotReadOnly));
                    if !refused && matches!(outcome, Ok(_) | Err(Failure::Code(_))) {
                        assert!(last < Some(*number), "{number} after {last:?}");
                        last = Some(*number);
                    }
                    if let Ok(reply) = outcome {
                        assert!(reply.zxid >= seen, "{} after {seen}", reply.zxid);
                        seen = reply.zxid;
                    }
                }
                _ => {}
            }
        }
    }

    fn check_watchers(&self) {
        for (request, watcher, kind, gone) in &self.watchers {
            let outcome = self.pair.outcome(*request);
            let told = self.pair.told.iter().enumerate().filter_map(|(at, (_, told))| match told {
                Told::Watch(of, notice) if of == watcher => Some((at, notice)),
                _ => None,
            });
            let (places, notices): (Vec<_>, Vec<_>) = told.unzip();
            if let Some(gone) = gone {
                assert!(places.iter().all(|at| at < gone), "nothing after it was dropped");
                continue;
            }
            if !sets_watch(*kind, outcome) {
                assert!(notices.is_empty(), "{kind:?} after {outcome:?}: {notices:?}");
                continue;
            }
            let ended = |notice: &&&Notice| matches!(notice, Notice::Ended(_));
            if kind.is_persistent() {
                assert_eq!(notices.iter().filter(ended).count(), 1, "{kind:?}: {notices:?}");
                assert!(notices.last().is_some_and(|last| matches!(last, Notice::Ended(_))));
            } else {
                assert_eq!(notices.len(), 1, "{kind:?} fires or ends, once: {notices:?}");
                assert_ne!(*notices[0], Notice::Rearmed);
            }
        }
    }

    /// Sessions follow one another, and each is over once.
    fn check_states(&self) {
        let states = self.pair.states();
        let mut state = (SessionState::Connecting, 1);
        for next in states {
            let allowed = match (state.0, next.0) {
                (SessionState::Expired, SessionState::Connecting) => next.1 == state.1 + 1,
                (SessionState::Connecting | SessionState::Suspended, now) if now.is_connected() => {
                    next.1 == state.1
                }
                (was, SessionState::Suspended | SessionState::Expired) if was.is_connected() => {
                    next.1 == state.1
                }
                (SessionState::Suspended, SessionState::Expired) | (_, SessionState::Closed) => {
                    next.1 == state.1
                }
                _ => false,
            };
            assert!(allowed, "{state:?} to {next:?}");
            state = next;
        }
        let (last, _) = self.pair.told.split_last().expect("something was told");
        assert_eq!(last.1, Told::Finished(Failure::Closed));
    }
}

fn sets_watch(kind: WatchKind, outcome: &Outcome) -> bool {
    match outcome {
        Ok(_) => true,
        Err(Failure::Code(ErrorCode::NoNode)) => kind == WatchKind::Exist,
        Err(_) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_promises_hold_whatever_happens(
        seed in any::<u64>(),
        counts_unwritten in any::<bool>(),
        read_only in any::<bool>(),
        steps in vec(step(), 1..120),
    ) {
        let mut run = Run::new(seed, counts_unwritten, read_only);
        for step in &steps {
            run.step(step);
        }
        run.heal();
        run.check();
    }
}
