//! AdminServer's `snapshot` and `restore` on a running server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests touch the world")]

mod running;
#[path = "../support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use running::{Answer, BOSS, Running};
use support::program::files;
use support::{PATIENCE, RawClient, dial, stat_of};
use zk_proto::txn::TxnDigest;
use zk_proto::{
    Acl, CreateMode, CreateRequest, DeleteRequest, ErrorCode, Request, SessionId, SetDataRequest,
    Zxid,
};
use zk_server::storage::format::LogReader;
use zk_server::storage::whole_snapshot::WholeSnapshot;

/// So many that a snapshot of them takes several pieces.
const NODES: usize = 3000;

fn set(path: &str, data: &[u8], client: &mut RawClient) -> Zxid {
    let request = SetDataRequest { path, data: Some(data), version: -1 };
    let reply = client.call(&Request::SetData(request));
    assert_eq!(reply.header.err, ErrorCode::Ok, "{path}");
    reply.header.zxid
}

/// Creates `/0` to the last before `/count`, many with one sync.
fn create_many(client: &mut RawClient, count: usize, data: &[u8]) {
    let paths: Vec<_> = (0..count).map(|i| format!("/{i}")).collect();
    for some in paths.chunks(100) {
        for path in some {
            let (acl, flags) = (Acl::open(), CreateMode::Persistent.flags());
            let data = Some(data);
            client.send(&Request::Create(CreateRequest { path, data, acl, flags }));
        }
        for _ in some {
            assert_eq!(client.receive().header.err, ErrorCode::Ok);
        }
    }
}

fn data(client: &mut RawClient, path: &str) -> Option<Vec<u8>> {
    stat_of(client, path).map(|found| found.data.map(|data| data.to_vec()).unwrap_or_default())
}

/// What the logs say that the tree adds up to after each transaction.
fn digests(dir: &Path) -> HashMap<Zxid, TxnDigest> {
    let mut digests = HashMap::new();
    for log in files(&dir.join("version-2"), "log.") {
        let bytes = std::fs::read(log).unwrap();
        let mut reader = LogReader::new(&bytes[..]).unwrap();
        while let Some((_, entry)) = reader.next().unwrap() {
            digests.extend(entry.record.digest.map(|digest| (entry.record.header.zxid, digest)));
        }
    }
    digests
}

/// The files as a process that is killed now would leave them.
fn as_if_killed(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("version-2")).unwrap();
    for file in files(&dir.join("version-2"), "") {
        let name = file.file_name().unwrap();
        std::fs::copy(&file, copy.path().join("version-2").join(name)).unwrap();
    }
    copy
}

#[test]
fn a_snapshot_under_writes_is_alone_the_tree_at_exactly_its_transaction() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::on(dir.path());
    let mut client = server.boss();
    create_many(&mut client, NODES, &[7; 100]);
    let done = AtomicBool::new(false);
    let answers: Vec<_> = std::thread::scope(|scope| {
        for seed in 0..3_usize {
            let mut client = RawClient::connect(server.addr);
            let done = &done;
            scope.spawn(move || {
                let mut i = seed * 991;
                while !done.load(Ordering::Relaxed) {
                    i = (i + 997) % NODES;
                    let path = format!("/{i}");
                    let delete = Request::Delete(DeleteRequest { path: &path, version: -1 });
                    if client.call(&delete).header.err == ErrorCode::Ok {
                        client.create(&path, b"again", CreateMode::Persistent);
                    }
                    client.create(&format!("{path}/below"), b"", CreateMode::Persistent);
                }
            });
        }
        let answers = (0..5).map(|_| server.snapshot()).collect();
        done.store(true, Ordering::Relaxed);
        answers
    });
    let newest = answers.last().map(Answer::zxid).unwrap();
    let name = format!("version-2/snapshot.{:x}", newest.0);
    assert_eq!(std::fs::read(dir.path().join(name)).unwrap(), answers.last().unwrap().body);
    let digests = digests(dir.path());
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.headers["content-type"], "application/octet-stream");
        assert_eq!(answer.headers["snapshot_size"], answer.body.len().to_string());
        let whole = WholeSnapshot::read(&answer.body[..], false).unwrap();
        assert_eq!(whole.tree.last_zxid(), answer.zxid());
        // What a refused write leaves behind has none; the tree is that of the last that was not.
        let last = (0..=answer.zxid().0).rev().find_map(|zxid| digests.get(&Zxid(zxid)));
        assert_eq!(Some(&whole.tree.digest()), last, "{:?}", answer.zxid());
    }
}

#[test]
fn what_is_not_streamed_is_written_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::on(dir.path());
    server.boss();
    let answer = server.ask("GET", "/commands/snap?streaming=false", Some(BOSS), None);
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "application/json"));
    assert!(answer.text().contains(r#""command":"snapshot""#), "{}", answer.text());
    let name = format!("version-2/snapshot.{:x}", answer.zxid().0);
    let written = std::fs::read(dir.path().join(name)).unwrap();
    assert_eq!(answer.headers["snapshot_size"], written.len().to_string());
}

#[test]
fn a_restore_brings_back_what_was_and_lasts() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::on(dir.path());
    let mut client = server.boss();
    client.create("/kept", b"then", CreateMode::Persistent);
    client.create("/lost", b"then", CreateMode::Persistent);
    client.create("/lock", b"", CreateMode::Ephemeral);
    let snapshot = server.snapshot();
    set("/kept", b"now", &mut client);
    client.call(&Request::Delete(DeleteRequest { path: "/lost", version: -1 }));
    client.create("/later", b"", CreateMode::Persistent);
    let before = set("/later", b"now", &mut client);

    let answer = server.restore(&snapshot.body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let from = format!(r#""snapshot_zxid":{}"#, snapshot.zxid().0);
    assert!(answer.text().contains(&from), "{}", answer.text());
    assert!(client.is_closed(), "what it knows is no longer so");
    let again =
        RawClient::connect_as(server.addr, client.granted.session_id, client.granted.password);
    assert_eq!(again.granted.session_id, SessionId::NONE, "its session has ended");

    let check = |server: &Running| {
        let mut client = RawClient::connect(server.addr);
        assert_ne!(client.granted.session_id, again.granted.session_id);
        assert_eq!(data(&mut client, "/kept").as_deref(), Some(&b"then"[..]));
        assert_eq!(data(&mut client, "/lost").as_deref(), Some(&b"then"[..]));
        assert_eq!(data(&mut client, "/later"), None);
        assert_eq!(data(&mut client, "/lock"), None, "its session is no more");
        client
    };
    let mut client = check(&server);
    assert!(set("/lost", b"then", &mut client) > before, "transactions only go forward");
    let killed = as_if_killed(dir.path());
    check(&Running::on(killed.path()));
    drop(server);
    let server = Running::on(dir.path());
    let mut client = check(&server);
    client.create("/more", b"", CreateMode::Persistent);
    drop(server);
    let server = Running::on(dir.path());
    let mut client = check(&server);
    assert_eq!(data(&mut client, "/more"), Some(Vec::new()), "what came behind it lasts, too");
}

/// To a server that never had any of it, and that is not as far.
#[test]
fn a_snapshot_can_be_restored_elsewhere() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = Running::on(here.path());
    let mut client = source.boss();
    create_many(&mut client, 50, b"x");
    let snapshot = source.snapshot();
    let target = Running::on(there.path());
    let answer = target.ask("POST", "/commands/rest", Some("ip"), Some(&snapshot.body));
    assert_eq!(answer.status, 200, "everybody has every permission there: {}", answer.text());
    drop(target);
    let target = Running::on(there.path());
    let mut client = RawClient::connect(target.addr);
    assert_eq!(data(&mut client, "/49").as_deref(), Some(&b"x"[..]));
    assert!(set("/49", b"y", &mut client) > snapshot.zxid());
    let answer = target.ask("POST", "/commands/rest", Some("ip"), Some(&snapshot.body));
    assert_eq!(answer.status, 403, "the restored root's ACL counts: {}", answer.text());
}

#[test]
fn whoever_may_not_gets_nothing_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::on(dir.path());
    let mut client = server.boss();
    client.create("/a", b"x", CreateMode::Persistent);
    let snapshot = server.snapshot();
    let later = set("/a", b"y", &mut client);
    for (auth, status) in [
        (None, 401),
        (Some("digest boss:wrong"), 403),
        (Some("ip"), 403),
        (Some("nosuch boss:pw"), 401),
        (Some("digest boss:pw more"), 401),
    ] {
        let answer = server.ask("GET", "/commands/snapshot", auth, None);
        assert_eq!(answer.status, status, "{auth:?}: {}", answer.text());
        assert!(!answer.headers.contains_key("last_zxid"));
        let answer = server.ask("POST", "/commands/restore", auth, Some(&snapshot.body));
        assert_eq!(answer.status, status, "{auth:?}: {}", answer.text());
    }
    let wrong = server.ask("GET", "/commands/restore", Some(BOSS), None);
    assert_eq!(wrong.status, 405);
    assert_eq!(server.ask("POST", "/commands/snapshot", Some(BOSS), Some(b"")).status, 405);
    assert_eq!(data(&mut client, "/a").as_deref(), Some(&b"y"[..]), "it is still connected");
    assert!(set("/a", b"z", &mut client) == Zxid(later.0 + 1), "no transaction was used up");
}

#[test]
fn what_is_no_whole_snapshot_is_refused_and_nothing_changes() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::on(dir.path());
    let mut client = server.boss();
    client.create("/a", b"x", CreateMode::Persistent);
    let whole = server.snapshot().body;
    let later = set("/a", b"y", &mut client);
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut body = whole.clone();
        change(&mut body);
        body
    };
    let flipped = |at: usize| changed(&|body| body[at] ^= 1);
    // The last section is 8 bytes and a seal of 13, and so is each before it.
    let section = 21;
    let mut bodies = vec![
        ("nothing", Vec::new()),
        ("text", b"not a snapshot at all".to_vec()),
        ("zeros", vec![0; 100_000]),
        ("behind", changed(&|body| body.push(0))),
        ("twice", [&whole[..], &whole[..]].concat()),
        ("without its ends", changed(&|body| body.truncate(body.len() - section - 33))),
        ("cut", changed(&|body| body.truncate(body.len() - 1))),
        ("half", changed(&|body| body.truncate(body.len() / 2))),
        ("huge length", [&whole[..16], &i32::MAX.to_be_bytes()[..]].concat()),
    ];
    bodies.extend((0..whole.len()).step_by(37).map(|at| ("one bit", flipped(at))));
    let first = files(&dir.path().join("version-2"), "").len();
    for (what, body) in bodies {
        let answer = server.restore(&body);
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
        assert!(answer.text().contains("nothing was changed"), "{what}: {}", answer.text());
    }
    assert_eq!(files(&dir.path().join("version-2"), "").len(), first, "no file is left");
    assert_eq!(data(&mut client, "/a").as_deref(), Some(&b"y"[..]), "it is still connected");
    assert_eq!(set("/a", b"z", &mut client), Zxid(later.0 + 1), "no transaction was used up");
    assert_eq!(server.restore(&whole).status, 200, "a wrong body does not count as one");
}

#[test]
fn each_can_be_disabled_and_comes_only_so_often() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::with(Some(dir.path()), |admin| {
        (admin.snapshot_enabled, admin.restore_enabled) = (false, false);
    });
    server.boss();
    assert_eq!((server.snapshot().status, server.restore(b"").status), (503, 503));
    drop(server);
    const LONG: Duration = Duration::from_secs(100_000);
    // A thousandth of it counts for snapshots.
    let server = Running::with(Some(dir.path()), |admin| admin.rate_limit_interval = 1000 * LONG);
    let snapshot = server.snapshot();
    assert_eq!((snapshot.status, server.snapshot().status), (200, 429));
    assert_eq!(server.restore(b"garbage").status, 400);
    assert_eq!(server.restore(&snapshot.body).status, 200);
    let again = server.restore(&snapshot.body);
    assert_eq!(again.status, 429);
    assert!(again.text().contains("rateLimiterIntervalInMS"), "{}", again.text());
    let figures = server.ask("GET", "/commands/monitor", None, None).text();
    for figure in [
        r#""snapshot_rate_limited_count": 1"#,
        r#""restore_rate_limited_count": 1"#,
        r#""restore_error_count": 1"#,
        r#""cnt_restore_time": 1"#,
    ] {
        assert!(figures.contains(figure), "{figure} in {figures}");
    }
}

#[test]
fn data_in_memory_have_no_snapshots() {
    let server = Running::with(None, |_| ());
    let answer = server.ask("GET", "/commands/snapshot", Some("ip"), None);
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("in memory only"), "{}", answer.text());
    assert_eq!(server.ask("POST", "/commands/restore", Some("ip"), Some(b"x")).status, 500);
}

fn restore_head(len: u64) -> String {
    format!(
        "POST /commands/restore HTTP/1.1\r\nHost: zk\r\nAuthorization: {BOSS}\r\n\
         Content-Length: {len}\r\n\r\n"
    )
}

#[test]
fn a_body_that_nobody_has_room_for_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::on(dir.path());
    server.boss();
    let mut huge = dial(server.admin);
    huge.write_all(restore_head(u64::MAX / 2).as_bytes()).unwrap();
    let mut answer = [0; 12];
    huge.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    assert_eq!(server.restore(b"garbage").status, 400, "and it holds nothing up");
}

/// A body in drops, and one that does not come.
#[test]
fn bodies_that_do_not_come_hold_nothing_up() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::with(Some(dir.path()), |admin| {
        admin.idle_timeout = Duration::from_millis(200);
        admin.rate_limit_interval = Duration::ZERO;
    });
    let mut client = server.boss();
    let mut drops = dial(server.admin);
    let mut byte = b"ZKSN".iter().cycle();
    // Until it is cut off: it would take hours.
    let _ = drops.write_all(restore_head(1 << 30).as_bytes());
    while drops.write_all(&[*byte.next().unwrap()]).is_ok() {
        assert_eq!(data(&mut client, "/"), Some(Vec::new()), "clients are served meanwhile");
    }
    let mut nothing = dial(server.admin);
    let _ = nothing.write_all(restore_head(100).as_bytes());
    let _ = nothing.read_to_end(&mut Vec::new());
    // Their place is free, as soon as their threads have seen it. With so little time for each
    // connection this one may be cut before it is heard.
    loop {
        match server.try_ask("POST", "/commands/restore", Some(BOSS), Some(b"garbage")) {
            None => {}
            Some(answer) if answer.status == 429 => {
                assert!(answer.text().contains("under way"), "{}", answer.text());
            }
            Some(answer) => break assert_eq!(answer.status, 400, "{}", answer.text()),
        }
    }
}

/// Somebody who may restore, and whose body does not come, must not keep the others from it.
#[test]
fn a_body_that_stands_still_gives_way_to_one_that_comes() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::with(Some(dir.path()), |admin| {
        admin.idle_timeout = Duration::from_secs(3600);
        admin.rate_limit_interval = Duration::ZERO;
    });
    let mut client = server.boss();
    client.create("/a", b"x", CreateMode::Persistent);
    let whole = server.snapshot().body;
    for begun in [&whole[..0], &whole[..whole.len() / 2]] {
        let mut stalled = dial(server.admin);
        let len = whole.len() as u64;
        stalled.write_all(&[restore_head(len).as_bytes(), begun].concat()).unwrap();
        stalled.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        let give_up = Instant::now() + PATIENCE;
        let mut answer = [0; 12];
        // Until it is told to give way, others are sent away, or it has not been heard yet.
        while let Err(error) = stalled.peek(&mut answer) {
            assert!(matches!(error.kind(), WouldBlock | TimedOut), "{error}");
            let status = server.restore(&whole).status;
            assert!(status == 429 || status == 200, "{status}");
            assert!(Instant::now() < give_up, "others are kept out");
        }
        stalled.set_read_timeout(Some(PATIENCE)).unwrap();
        stalled.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 408");
        assert_eq!(server.restore(&whole).status, 200);
    }
}

#[test]
fn of_many_at_once_some_are_served_and_the_others_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::on(dir.path());
    let mut client = server.boss();
    create_many(&mut client, 500, &[7; 1000]);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..40).map(|_| scope.spawn(|| server.snapshot())).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert!(answers.iter().any(|answer| answer.status == 200));
    for answer in answers {
        match answer.status {
            200 => assert!(WholeSnapshot::read(&answer.body[..], false).is_ok()),
            status => assert_eq!(status, 429, "{}", answer.text()),
        }
    }
}

/// Restores while clients write: each is all or nothing for every one of them.
#[test]
fn a_restore_under_writes_loses_none_that_was_acknowledged_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::on(dir.path());
    let mut client = server.boss();
    client.create("/a", b"0", CreateMode::Persistent);
    let snapshot = server.snapshot();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut last = Zxid::ZERO;
                    while !done.load(Ordering::Relaxed) {
                        // A connection that is new may be cut as well.
                        let Ok(mut client) = RawClient::try_connect(server.addr) else { continue };
                        let set = SetDataRequest { path: "/a", data: Some(b"1"), version: -1 };
                        while !done.load(Ordering::Relaxed)
                            && let Ok(reply) = client.try_call(&Request::SetData(set))
                        {
                            assert_eq!(reply.header.err, ErrorCode::Ok);
                            assert!(reply.header.zxid > last, "never backwards");
                            last = reply.header.zxid;
                        }
                    }
                })
            })
            .collect();
        for _ in 0..10 {
            let answer = server.restore(&snapshot.body);
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        done.store(true, Ordering::Relaxed);
        writers.into_iter().for_each(|writer| writer.join().unwrap());
    });
    let mut client = RawClient::connect(server.addr);
    let (found, last) = (data(&mut client, "/a"), set("/a", b"2", &mut client));
    assert!(found.is_some());
    let killed = as_if_killed(dir.path());
    let again = Running::on(killed.path());
    let mut client = RawClient::connect(again.addr);
    assert_eq!(data(&mut client, "/a").as_deref(), Some(&b"2"[..]));
    assert!(set("/a", b"3", &mut client) > last);
}
