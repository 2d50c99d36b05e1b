//! The connection breaks at every byte of every kind of exchange, in both directions, one byte per
//! run. Whatever was lost: each request ends once, and with the word that is true of what the
//! ensemble has done; each watcher hears what it must; the machine comes to rest.
//!
//! `lost_replies` does so for one long conversation; here each exchange that has its own bytes, and
//! its own way to lose them, has a scenario.

use std::time::Duration;

use zk_proto::{
    Acl, CreateRequest, DeleteRequest, ErrorCode, MultiOp, MultiRequest, OpCode, SetDataRequest,
    SyncRequest,
};

use super::greeting::Host;
use super::pair::{PORT, Pair, TIMEOUT, Told, config};
use crate::session::{
    Class, Config, Failure, Notice, Request, SessionState, WatchKind, encode_request,
};

/// One kind of exchange.
struct Scenario {
    name: &'static str,
    config: fn() -> Config,
    /// What comes before the bytes that count.
    before: fn(&mut Pair, &mut Script),
    /// The exchange.
    exchange: fn(&mut Pair, &mut Script),
    end: End,
}

/// How it comes to its end.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Close,
    /// The exchange has ended the client.
    Ended,
}

/// What was asked for.
#[derive(Default)]
struct Script {
    reads: Vec<u32>,
    /// Each marks what it does by its number.
    writes: Vec<u32>,
    deletes: Vec<u32>,
    one_shot: Vec<u64>,
    persistent: Vec<u64>,
    close: Option<u32>,
    detach: bool,
}

impl Script {
    fn watch(&mut self, pair: &mut Pair, kind: WatchKind, path: &str) -> u64 {
        let (request, watcher) = pair.watch(kind, path);
        self.reads.push(request);
        let watchers = if kind.is_persistent() { &mut self.persistent } else { &mut self.one_shot };
        watchers.push(watcher);
        watcher
    }

    fn write(&mut self, pair: &mut Pair, op: Write) {
        let data = pair.next_request.to_be_bytes();
        let frame = match op {
            Write::Set => {
                let set = SetDataRequest { path: "/a", data: Some(&data), version: -1 };
                encode_request(OpCode::SetData, &set)
            }
            Write::Create(path) => {
                let (data, acl) = (Some(&data[..]), Acl::open());
                encode_request(OpCode::Create, &CreateRequest { path, data, acl, flags: 0 })
            }
            Write::Multi => {
                let set = |data| SetDataRequest { path: "/a", data, version: -1 };
                let ops = vec![MultiOp::SetData(set(Some(&data))), MultiOp::SetData(set(None))];
                encode_request(OpCode::Multi, &MultiRequest { ops })
            }
        };
        self.writes.push(pair.submit(Request::new(frame, Class::Write, 0)));
    }
}

#[derive(Clone, Copy)]
enum Write {
    Set,
    Create(&'static str),
    Multi,
}

fn nothing(_: &mut Pair, _: &mut Script) {}

fn read_only() -> Config {
    Config { read_only: true, ..config(2) }
}

fn sasl() -> Config {
    Config { sasl: Some("TEST"), ..config(2) }
}

fn two_hosts() -> Config {
    config(2)
}

fn watching(pair: &mut Pair, script: &mut Script) {
    pair.settle();
    for path in ["/w", "/c", "/p", "/r"] {
        pair.ensemble.set(path, b"");
    }
    script.watch(pair, WatchKind::Data, "/w");
    script.watch(pair, WatchKind::Child, "/c");
    script.watch(pair, WatchKind::Exist, "/missing");
    script.watch(pair, WatchKind::Persistent, "/p");
    script.watch(pair, WatchKind::Recursive, "/r");
    pair.settle();
}

/// Fires every watch of [`watching`].
fn fire(pair: &mut Pair) {
    for path in ["/w", "/c/child", "/missing", "/p", "/r/below"] {
        pair.ensemble.set(path, b"changed");
    }
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "every operation",
        config: two_hosts,
        before: |pair, _| pair.settle(),
        exchange: |pair, script| {
            script.write(pair, Write::Set);
            script.reads.push(pair.read("/a"));
            script.write(pair, Write::Create("/new"));
            script.write(pair, Write::Multi);
            let delete = DeleteRequest { path: "/d", version: -1 };
            let frame = encode_request(OpCode::Delete, &delete);
            script.deletes.push(pair.submit(Request::new(frame, Class::Write, 0)));
            let frame = encode_request(OpCode::Sync, &SyncRequest { path: "/a" });
            script.reads.push(pair.submit(Request::new(frame, Class::Read, 0)));
            pair.run(Duration::from_secs(1));
        },
        end: End::Close,
    },
    Scenario {
        name: "pings",
        config: two_hosts,
        before: |pair, _| pair.settle(),
        exchange: |pair, script| {
            pair.run(TIMEOUT * 2);
            script.write(pair, Write::Set);
            pair.run(Duration::from_secs(1));
        },
        end: End::Close,
    },
    Scenario {
        name: "resume, credentials, set watches, what was in line",
        config: two_hosts,
        before: |pair, script| {
            pair.auth("me:secret");
            watching(pair, script);
            pair.cut();
            fire(pair);
        },
        exchange: |pair, script| {
            script.write(pair, Write::Set);
            script.reads.push(pair.read("/a"));
            pair.run(Duration::from_secs(2));
        },
        end: End::Close,
    },
    Scenario {
        name: "watches set, fired and removed",
        config: two_hosts,
        before: |pair, _| pair.settle(),
        exchange: |pair, script| {
            watching(pair, script);
            pair.run(Duration::from_secs(1));
            fire(pair);
            pair.settle();
            let (_, gone) = pair.watch(WatchKind::Recursive, "/gone");
            pair.settle();
            pair.unwatch(gone);
            script.write(pair, Write::Set);
            pair.run(Duration::from_secs(1));
        },
        end: End::Close,
    },
    Scenario {
        name: "removal from a server before 3.9",
        config: two_hosts,
        before: |pair, _| pair.ensemble.before_3_9 = true,
        exchange: |pair, script| {
            let (_, gone) = pair.watch(WatchKind::Persistent, "/gone");
            pair.settle();
            pair.unwatch(gone);
            script.write(pair, Write::Set);
            pair.run(Duration::from_secs(1));
        },
        end: End::Close,
    },
    Scenario {
        name: "from a read-only server to one that takes writes",
        config: read_only,
        before: |pair, _| {
            pair.ensemble.hosts.insert(PORT, Host::ReadOnly);
            pair.ensemble.hosts.insert(PORT + 1, Host::ReadOnly);
        },
        exchange: |pair, script| {
            script.watch(pair, WatchKind::Data, "/a");
            script.reads.push(pair.read("/a"));
            script.write(pair, Write::Set);
            pair.run(Duration::from_millis(500));
            pair.ensemble.set("/a", b"elsewhere");
            pair.ensemble.hosts.insert(PORT, Host::Up);
            pair.ensemble.hosts.insert(PORT + 1, Host::Up);
            script.reads.push(pair.read("/a"));
            script.write(pair, Write::Set);
            pair.run(Duration::from_secs(3));
        },
        end: End::Close,
    },
    Scenario {
        name: "sasl",
        config: sasl,
        before: nothing,
        exchange: |pair, script| {
            script.write(pair, Write::Set);
            script.reads.push(pair.read("/a"));
            pair.run(Duration::from_secs(2));
        },
        end: End::Close,
    },
    Scenario {
        name: "a move to another server",
        config: two_hosts,
        before: |pair, script| watching(pair, script),
        exchange: |pair, script| {
            script.write(pair, Write::Set);
            for port in [3000, 3001] {
                pair.ensemble.hosts.insert(port, Host::Up);
                let host = zk_proto::HostPort { host: "zk".to_owned(), port };
                pair.session.update_hosts(pair.now, vec![host]);
                script.write(pair, Write::Set);
                fire(pair);
                pair.run(Duration::from_secs(1));
            }
        },
        end: End::Close,
    },
    Scenario {
        name: "a session left to a successor",
        config: two_hosts,
        before: |pair, _| pair.settle(),
        exchange: |pair, script| {
            script.write(pair, Write::Set);
            script.reads.push(pair.read("/a"));
            script.detach = true;
            pair.session.detach(pair.now);
            pair.run(Duration::from_secs(4));
        },
        end: End::Ended,
    },
    Scenario {
        name: "a close behind requests",
        config: two_hosts,
        before: |pair, _| pair.settle(),
        exchange: |pair, script| {
            script.write(pair, Write::Set);
            script.reads.push(pair.read("/a"));
            script.close = Some(pair.close());
            pair.run(Duration::from_secs(4));
        },
        end: End::Ended,
    },
];

/// Where a run is cut.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Nowhere,
    ToServer(usize),
    ToClient(usize),
}

/// Runs a scenario; how many bytes the exchange took in each direction.
fn run(scenario: &Scenario, cut: Cut, read_len: usize) -> (Pair, Script, [usize; 2]) {
    let mut pair = Pair::with((scenario.config)(), 7);
    for path in ["/a", "/d"] {
        pair.ensemble.set(path, b"");
    }
    let mut script = Script::default();
    (scenario.before)(&mut pair, &mut script);
    let before = [pair.bytes_to_server, pair.bytes_to_client];
    pair.read_len = read_len;
    match cut {
        Cut::Nowhere => {}
        Cut::ToServer(after) => pair.cut_to_server_after = Some(after),
        Cut::ToClient(after) => pair.cut_to_client_after = Some(after),
    }
    (scenario.exchange)(&mut pair, &mut script);
    let lengths = [pair.bytes_to_server - before[0], pair.bytes_to_client - before[1]];
    (pair.cut_to_server_after, pair.cut_to_client_after) = (None, None);
    if scenario.end == End::Close {
        pair.run(Duration::from_secs(3));
        assert_eq!(pair.session.state(), SessionState::Connected, "{:#?}", pair.told);
        script.close = Some(pair.close());
        pair.run(Duration::from_secs(4));
    }
    (pair, script, lengths)
}

fn check(pair: &Pair, script: &Script) -> usize {
    for read in &script.reads {
        let outcome = pair.outcome(*read);
        let missing = Err(Failure::Code(ErrorCode::NoNode));
        // There is no session to read in again if the server may have ended it.
        let ended = *outcome == Err(Failure::Closed)
            && script.close.is_some_and(|close| pair.outcome(close).is_err());
        assert!(outcome.is_ok() || *outcome == missing || ended, "read {read}: {outcome:?}");
    }
    let mut unknown = 0;
    for write in &script.writes {
        let data = write.to_be_bytes();
        let times = pair.ensemble.applied.iter().filter(|applied| **applied == data[..]).count();
        match pair.outcome(*write) {
            Ok(_) => assert_eq!(times, 1, "write {write} was acknowledged"),
            Err(Failure::ConnectionLoss) => {
                assert!(times <= 1, "write {write} was sent once");
                unknown += 1;
            }
            Err(failure) => assert_eq!(times, 0, "write {write}: {failure:?}"),
        }
    }
    let marks = |data: &&bytes::Bytes| !data.is_empty();
    let applied = pair.ensemble.applied.iter().filter(marks);
    assert!(applied.is_sorted(), "writes take effect in the order they were made");
    for delete in &script.deletes {
        let gone = !pair.ensemble.nodes.contains_key("/d");
        match pair.outcome(*delete) {
            Ok(_) => assert!(gone),
            Err(Failure::ConnectionLoss) => unknown += 1,
            Err(failure) => panic!("delete: {failure:?}"),
        }
    }
    check_watchers(pair, script);
    check_end(pair, script);
    unknown
}

fn check_watchers(pair: &Pair, script: &Script) {
    for watcher in &script.one_shot {
        let notices = pair.notices(*watcher);
        let told = matches!(notices[..], [Notice::Event(_) | Notice::Ended(Failure::Closed)]);
        assert!(told, "{watcher} is told once: {notices:?}");
    }
    for watcher in &script.persistent {
        let notices = pair.notices(*watcher);
        let (last, before) = notices.split_last().expect("a persistent watcher is told its end");
        assert_eq!(**last, Notice::Ended(Failure::Closed));
        assert!(!before.is_empty(), "an event or the word to read again");
    }
}

fn check_end(pair: &Pair, script: &Script) {
    if let Some(close) = script.close {
        let close = pair.outcome(close);
        assert!(close.is_ok() || *close == Err(Failure::ConnectionLoss), "close: {close:?}");
        // Of a session whose grant was lost nobody knows: it is left to expire.
        let closed = pair.ensemble.sessions.values().last().is_none_or(|last| last.closed);
        assert!(closed || close.is_err(), "a close that was confirmed");
    }
    if script.detach {
        assert!(pair.detached().is_some(), "the session lives, and somebody can have it");
        assert!(pair.ensemble.sessions.values().all(|session| !session.closed));
    }
    let finished = pair.told.iter().filter(|(_, told)| matches!(told, Told::Finished(_))).count();
    assert_eq!(finished, 1);
    assert_eq!((pair.session.request_count(), pair.session.next_deadline()), (0, None));
    assert_eq!(pair.session.epoch(), 2, "one session, and it is over: none was lost on the way");
}

#[test]
fn every_exchange_may_be_cut_at_every_byte() {
    let (mut cuts, mut unknown) = (0, 0);
    for scenario in SCENARIOS {
        let (pair, script, lengths) = run(scenario, Cut::Nowhere, usize::MAX);
        assert_eq!(check(&pair, &script), 0, "nothing is unknown where nothing is lost");
        let mut of_scenario = [0, 0];
        let to_server = (1..=lengths[0]).map(Cut::ToServer);
        for cut in to_server.chain((1..=lengths[1]).map(Cut::ToClient)) {
            for read_len in [usize::MAX, 7] {
                let (pair, script, _) = run(scenario, cut, read_len);
                of_scenario[1] += check(&pair, &script);
            }
            of_scenario[0] += 2;
        }
        eprintln!(
            "{}: {lengths:?} bytes, {} cuts, {} outcomes unknown",
            scenario.name, of_scenario[0], of_scenario[1]
        );
        cuts += of_scenario[0];
        unknown += of_scenario[1];
    }
    eprintln!("{cuts} cuts, {unknown} outcomes unknown");
    assert!(cuts > 8000 && unknown > 100, "{cuts} cuts, {unknown} outcomes unknown");
}
