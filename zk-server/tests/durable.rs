//! The program `zk-server` on a disk: what it said is there again, however it ended.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests touch the world")]
#![cfg(unix)]

mod support;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use support::load::{Told, check, write_on};
use support::program::{Program, files};
use support::{RawClient, four_letter, stat_of};
use zk_proto::{CreateMode, ErrorCode, Password, Request, SessionId, SetDataRequest};

/// Far longer than anything takes; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn nodes_and_sessions_are_there_again_after_a_stop() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Program::start(dir.path(), "preAllocSize=64");
    let mut client = RawClient::connect(server.addr);
    let persistent = client.create("/kept", b"data", CreateMode::Persistent);
    assert_eq!(persistent.header.err, ErrorCode::Ok);
    client.create("/mine", b"", CreateMode::Ephemeral);
    let before = stat_of(&mut client, "/kept");
    server.stop();

    let server = Program::start(dir.path(), "preAllocSize=64");
    let (session, password) = (client.granted.session_id, client.granted.password);
    let mut client = RawClient::connect_as(server.addr, session, password);
    assert_eq!(client.granted.session_id, session);
    assert_eq!(stat_of(&mut client, "/kept"), before);
    assert!(stat_of(&mut client, "/mine").is_some(), "the session lives");
    let reply = client.call(&Request::CloseSession);
    assert_eq!(reply.header.err, ErrorCode::Ok);
    server.kill();

    let server = Program::start(dir.path(), "preAllocSize=64");
    let mut client = RawClient::connect(server.addr);
    assert_eq!(stat_of(&mut client, "/kept"), before);
    assert_eq!(stat_of(&mut client, "/mine"), None, "it went with its session");
    assert!(client.granted.session_id != session);
}

/// The connection is ended while its task looks elsewhere: the answer must not go with it.
#[test]
fn the_answer_to_a_close_is_not_lost() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Program::start(dir.path(), "preAllocSize=64\nforceSync=no");
    let addr = server.addr;
    let lanes = [(); 4].map(|()| {
        std::thread::spawn(move || {
            for _ in 0..500 {
                let reply = RawClient::connect(addr).try_call(&Request::CloseSession);
                assert_eq!(reply.expect("an answer").header.err, ErrorCode::Ok);
            }
        })
    });
    for lane in lanes {
        lane.join().expect("each close is answered");
    }
}

#[test]
fn a_disk_that_takes_longer_than_is_worth_a_warning_gets_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut server = Program::start(dir.path(), "preAllocSize=64\nfsync.warningthresholdms=0");
    RawClient::connect(server.addr);
    server.wait_for("the disk took long to keep a batch");
}

#[test]
fn a_disk_that_fails_stops_the_server_before_anything_is_acknowledged() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut server = Program::start(dir.path(), "");
    let mut client = support::dial(server.addr);
    // The session is the first transaction, and there is nowhere to write it.
    std::fs::remove_dir_all(dir.path().join("data/version-2")).expect("removed");
    let request = support::connect_request(SessionId::NONE, Password::NONE, 30_000);
    client.write_all(&request).expect("sent");
    assert!(!matches!(client.read(&mut [0]), Ok(1..)), "nothing is answered");
    server.wait_for("cannot create log.1");
    assert_eq!(server.child.wait().expect("it ends").code(), Some(1));
}

/// From the wire to the log, to a snapshot, and back; and to who wants to read less than was written.
#[test]
fn what_is_as_large_as_jute_maxbuffer_allows_is_there_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let large = "preAllocSize=64\njute.maxbuffer=8388608";
    let data: Vec<u8> = (0..6_u32 << 20).map(|at| at.to_le_bytes()[1]).collect();
    let server = Program::start(dir.path(), large);
    let mut client = RawClient::connect(server.addr);
    for path in ["/a", "/b"] {
        client.create(path, b"", CreateMode::Persistent);
        let set = SetDataRequest { path, data: Some(&data), version: -1 };
        assert_eq!(client.call(&Request::SetData(set)).header.err, ErrorCode::Ok);
    }
    server.kill();

    let mut refused = Program::begin(dir.path(), "preAllocSize=64");
    refused.wait_for("`jute.maxbuffer.extrasize` allows 2424829: set `jute.maxbuffer`");
    assert_eq!(refused.child.wait().expect("it ends").code(), Some(1));

    let server = Program::start(dir.path(), &format!("{large}\nsnapCount=10"));
    let mut client = RawClient::connect(server.addr);
    assert!(stat_of(&mut client, "/a").expect("it is there").data.as_deref() == Some(&data));
    let before = newest_snapshot(dir.path());
    while newest_snapshot(dir.path()) == before {
        let set = SetDataRequest { path: "/b", data: Some(b"again"), version: -1 };
        assert_eq!(client.call(&Request::SetData(set)).header.err, ErrorCode::Ok);
    }
    server.kill();
    // The large ones are in the snapshot now, which any server reads.
    let server = Program::start(dir.path(), &format!("{large}\nsnapCount=10"));
    let mut client = RawClient::connect(server.addr);
    assert!(stat_of(&mut client, "/a").expect("it is there").data.as_deref() == Some(&data));
    let whole = vec![0; 8 << 20];
    let set = SetDataRequest { path: "/a", data: Some(&whole), version: -1 };
    assert!(client.try_call(&Request::SetData(set)).is_err(), "more than is allowed");
}

/// Such as one whose volume is not mounted.
#[test]
fn a_directory_that_is_missing_is_not_made_if_it_is_not_to_be() {
    let dir = tempfile::tempdir().expect("a directory");
    let lines =
        format!("datadir.autocreate=false\ndataLogDir={}", dir.path().join("logs").display());
    for missing in ["data", "logs"] {
        let mut refused = Program::begin(dir.path(), &lines);
        refused.wait_for(&format!("{missing}/version-2 is missing, and `datadir.autocreate`"));
        assert_eq!(refused.child.wait().expect("it ends").code(), Some(1));
        assert!(!dir.path().join(missing).exists());
        std::fs::create_dir_all(dir.path().join(missing).join("version-2")).expect("made");
    }
    let server = Program::start(dir.path(), &lines);
    RawClient::connect(server.addr).create("/a", b"", CreateMode::Persistent);
    server.stop();
}

#[test]
fn logs_can_have_a_directory_of_their_own() {
    let dir = tempfile::tempdir().expect("a directory");
    let logs = dir.path().join("logs");
    let lines = format!("dataLogDir={}", logs.display());
    let server = Program::start(dir.path(), &lines);
    RawClient::connect(server.addr).create("/a", b"", CreateMode::Persistent);
    server.kill();
    assert_eq!(files(&logs.join("version-2"), "log.").len(), 1);
    assert_eq!(files(&dir.path().join("data/version-2"), "log.").len(), 0);
    let server = Program::start(dir.path(), &lines);
    let mut client = RawClient::connect(server.addr);
    assert!(stat_of(&mut client, "/a").is_some());
}

#[test]
fn snapshots_are_taken_while_clients_write_and_old_files_go() {
    let dir = tempfile::tempdir().expect("a directory");
    let lines = "preAllocSize=64\nsnapCount=40\n4lw.commands.whitelist=*";
    let mut server = Program::start(dir.path(), lines);
    let mut client = RawClient::connect(server.addr);
    client.create("/a", b"", CreateMode::Persistent);
    let mut written = 0;
    for _ in 0..6 {
        let before = newest_snapshot(dir.path());
        // The next snapshot begins some time after so many writes, and ends when it ends.
        while newest_snapshot(dir.path()) == before {
            let set = SetDataRequest { path: "/a", data: Some(b"again"), version: -1 };
            assert_eq!(client.call(&Request::SetData(set)).header.err, ErrorCode::Ok);
            written += 1;
        }
    }
    server.wait_for("removed files that newer snapshots replace");
    let data = dir.path().join("data/version-2");
    assert!(files(&data, "snapshot.").len() < 7 && !data.join("snapshot.0").exists());
    assert!(!data.join("log.1").exists(), "{:?}", files(&data, "log."));
    server.kill();
    let server = Program::start(dir.path(), lines);
    let mut client = RawClient::connect(server.addr);
    assert_eq!(stat_of(&mut client, "/a").expect("/a").stat.version, written);
    assert!(four_letter(server.addr, "srvr").contains("Mode: standalone"));
    let mntr = four_letter(server.addr, "mntr");
    for loaded in ["zk_cnt_startup_snap_load_time\t1\n", "zk_cnt_startup_txns_load_time\t1\n"] {
        assert!(mntr.contains(loaded), "{mntr}");
    }
}

fn newest_snapshot(dir: &Path) -> u64 {
    let zxid = |path: &PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        u64::from_str_radix(name.trim_start_matches("snapshot."), 16).expect("a zxid")
    };
    files(&dir.join("data/version-2"), "snapshot.").iter().map(zxid).max().expect("one at least")
}

/// Rounds of the test below; more by hand, with `ZK_KILL_ROUNDS`.
const ROUNDS: usize = 4;

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let rounds = std::env::var("ZK_KILL_ROUNDS").ok().and_then(|n| n.parse().ok());
    let dir = tempfile::tempdir().expect("a directory");
    let lines = "preAllocSize=16\nsnapCount=100\nmaxClientCnxns=0";
    let told = Arc::new(Told::default());
    for round in 0..rounds.unwrap_or(ROUNDS) {
        let server = Program::start(dir.path(), lines);
        check(server.addr, &told);
        let clients: Vec<_> =
            (0..4).map(|number| write_on(server.addr, round, number, Arc::clone(&told))).collect();
        let so_far = told.state.lock().expect("no panic").writes;
        // Each round ends at another place of the cycle of snapshots.
        told.wait_for(so_far + 100 + 37 * (round % 7));
        server.kill();
        for client in clients {
            client.join().expect("clients end with the server");
        }
    }
    check(Program::start(dir.path(), lines).addr, &told);
}

/// The timeout of the sessions that the server is stopped for longer than.
const BRIEF_MS: i32 = 4000;

/// A client with an ephemeral node of a session that ends soon.
fn with_brief_session(server: &Program, path: &str) -> RawClient {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let mut client = RawClient::connect_for(server.addr, BRIEF_MS);
        // A machine that stands still may let it end before that; then it is another's turn.
        let create = zk_proto::CreateRequest {
            path,
            data: None,
            acl: zk_proto::Acl::open(),
            flags: CreateMode::Ephemeral.flags(),
        };
        let created = client.try_call(&Request::Create(create));
        if created.is_ok_and(|reply| reply.header.err == ErrorCode::Ok) {
            return client;
        }
    }
    panic!("no session lived long enough to create a node");
}

/// With Apache's server it is chance whether the one that pinged ends too (`tests/interop/disk`).
#[test]
fn a_process_that_is_stopped_ends_the_sessions_that_were_silent_for_their_timeout_and_no_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let lines = "preAllocSize=64\ntickTime=100\nmaxSessionTimeout=3600000";
    let server = Program::start(dir.path(), lines);
    let mut patient = RawClient::connect_for(server.addr, 3_600_000);
    patient.create("/patient", b"", CreateMode::Ephemeral);
    let mut pinging = with_brief_session(&server, "/pinging");
    let pings = pinging.keep_pinging();
    let mut silent = with_brief_session(&server, "/silent");
    server.signal("-STOP");
    // Nothing is heard of anybody for twice the timeout.
    silent.stays_silent_for(2 * Duration::from_millis(u64::from(BRIEF_MS.unsigned_abs())));
    server.signal("-CONT");
    assert!(silent.is_closed(), "the session has ended");
    let (session, password) = (silent.granted.session_id, silent.granted.password);
    let back = RawClient::connect_as(server.addr, session, password);
    assert_eq!(back.granted.session_id, SessionId::NONE, "it does not come back");
    assert_eq!(stat_of(&mut patient, "/silent"), None, "its node went with it");
    assert!(stat_of(&mut patient, "/patient").is_some());
    let after = patient.create("/after", b"", CreateMode::Persistent);
    assert_eq!(after.header.err, ErrorCode::Ok, "the other session goes on");
    assert!(stat_of(&mut pinging, "/pinging").is_some(), "its pings were heard");
    drop(pings);
}

/// More nodes than fit into a request: their end is one transaction all the same.
const NODES_OF_ONE: usize = 80_000;

#[test]
fn the_end_of_a_session_with_very_many_nodes_is_read_from_the_log() {
    let dir = tempfile::tempdir().expect("a directory");
    // However long all this takes, no session ends by itself.
    let lines = "maxSessionTimeout=3600000";
    let server = Program::start(dir.path(), lines);
    let mut client = RawClient::connect_for(server.addr, 3_600_000);
    client.create("/kept", b"data", CreateMode::Persistent);
    let mut other = RawClient::connect_for(server.addr, 3_600_000);
    let created = other.create("/of-another", b"", CreateMode::Ephemeral);
    assert_eq!(created.header.err, ErrorCode::Ok);
    for first in (0..NODES_OF_ONE).step_by(500) {
        for i in first..first + 500 {
            let path = format!("/kept-until-the-session-ends-{i}");
            client.send(&Request::Create(zk_proto::CreateRequest {
                path: &path,
                data: None,
                acl: zk_proto::Acl::open(),
                flags: CreateMode::Ephemeral.flags(),
            }));
        }
        for _ in 0..500 {
            assert_eq!(client.receive().header.err, ErrorCode::Ok);
        }
    }
    let reply = client.call(&Request::CloseSession);
    assert_eq!(reply.header.err, ErrorCode::Ok);
    let zxid = reply.header.zxid;
    server.kill();

    let server = Program::start(dir.path(), lines);
    let srvr = four_letter(server.addr, "srvr");
    assert!(srvr.contains(&format!("Zxid: {:#x}\n", zxid.0)), "{srvr}");
    let mut client = RawClient::connect(server.addr);
    let root = client
        .call(&Request::GetChildren(zk_proto::GetChildrenRequest { path: "/", watch: false }));
    let mut names = root.record::<zk_proto::GetChildrenResponse>().children;
    names.sort();
    assert_eq!(names, ["kept", "of-another", "zookeeper"]);
    assert_eq!(stat_of(&mut client, "/kept").expect("/kept").data.as_deref(), Some(&b"data"[..]));
}
