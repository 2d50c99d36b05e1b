//! The tools of the program `zk-server`, on directories that a real Apache server has written.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests touch the world")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/apache-3.8").join(name)
}

fn program(arguments: &[&str], paths: &[&Path]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zk-server"));
    command.args(arguments).args(paths);
    command
}

fn output(arguments: &[&str], paths: &[&Path]) -> Output {
    program(arguments, paths).output().expect("the program runs")
}

/// What a tool printed; it must have gone well.
fn printed(arguments: &[&str], paths: &[&Path]) -> String {
    let output = output(arguments, paths);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// What a tool said of what it cannot do.
fn refused(code: i32, arguments: &[&str], paths: &[&Path]) -> String {
    let output = output(arguments, paths);
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

/// A copy of a fixture's file with one byte changed, or cut off there.
fn damaged(dir: &Path, name: &str, at: usize, cut: bool) -> PathBuf {
    let mut bytes = fs::read(fixture(name)).expect("the fixture");
    bytes[at] ^= 0x10;
    bytes.truncate(if cut { at } else { bytes.len() });
    let path = dir.join(Path::new(name).file_name().expect("a name"));
    fs::write(&path, bytes).expect("a file");
    path
}

fn json(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn a_log_is_dumped_line_by_line() {
    let log = fixture("plain/log.1");
    let text = printed(&["log", "dump"], &[&log]);
    let first = text.lines().next().expect("a line");
    assert!(first.starts_with("zxid=0x1 time=2026-") && first.contains(" offset=16 "), "{first}");
    assert!(first.ends_with(" op=createSession timeout_ms=3600000"), "{first}");
    let sequential = text.lines().find(|line| line.contains("path=/one/s-0000000002"));
    let sequential = sequential.expect(&text);
    assert!(sequential.contains(" data_len=2 acl=[world:anyone:cdrwa] "), "{sequential}");
    for op in ["createTTL", "createContainer", "setACL", "multi", "error", "create2", "delete"] {
        assert!(text.contains(&format!(" op={op} ")), "{op}: {text}");
    }
    assert!(text.contains("\n    op=create path=/one/multi "), "{text}");
    assert!(text.lines().last().expect("a line").starts_with("end=clean offset="), "{text}");
}

#[test]
fn a_log_is_dumped_as_json() {
    let log = fixture("plain/log.1");
    let lines = json(&printed(&["log", "dump", "--json"], &[&log]));
    let (end, entries) = lines.split_last().expect("lines");
    assert_eq!(end["end"], "clean");
    assert_eq!(entries[0]["op"], "createSession");
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!(entry["zxid"], format!("{:#x}", index + 1));
        assert!(entry.get("data").is_none());
    }
    let multi = entries.iter().find(|entry| entry["op"] == "multi").expect("a multi");
    assert_eq!(multi["parts"][1]["path"], "/one/multi");
    let with_data = json(&printed(&["log", "dump", "--json", "--data"], &[&log]));
    let private = with_data.iter().find(|entry| entry["path"] == "/one/private").expect("a node");
    assert_eq!(private["data"], "cA==");
}

/// What a client of the real server saw is what the tool shows.
#[test]
fn a_snapshot_is_dumped_as_it_was_served() {
    let mut served = BTreeMap::new();
    for line in fs::read_to_string(fixture("plain.txt")).expect("the fixture").lines() {
        let fields: Vec<_> = line.split('|').map(str::to_owned).collect();
        served.insert(fields[0].clone(), fields);
    }
    let newest = fixture("plain/snapshot.23");
    let lines = json(&printed(&["snapshot", "dump", "--json", "--data"], &[&newest]));
    let mut same = 0;
    for node in lines.iter().filter(|line| line.get("czxid").is_some()) {
        let path = node["path"].as_str().expect("a path");
        let Some(fields) = served.get(path) else { continue };
        let hex = |name: &str| {
            let text = node[name].as_str().expect(name).trim_start_matches("0x");
            i64::from_str_radix(text, 16).expect(text).to_string()
        };
        // The last transactions came after the snapshot.
        if hex("mzxid") == fields[2] {
            assert_eq!(hex("czxid"), fields[1], "{path}");
            assert_eq!(node["ctime"].to_string(), fields[3], "{path}");
            assert_eq!(node["mtime"].to_string(), fields[4], "{path}");
            assert_eq!(node["version"].to_string(), fields[5], "{path}");
            same += 1;
        }
    }
    assert!(same > 15, "{same}");
    let end = lines.last().expect("a line");
    assert_eq!(end["end"], "whole");
    let text = printed(&["snapshot", "dump"], &[&newest]);
    assert!(text.starts_with("session=0x"), "{text}");
    assert!(text.contains("\npath=/zookeeper/quota czxid=0x0 "), "{text}");
    let private = text.lines().find(|line| line.starts_with("path=/one/private ")).expect(&text);
    assert!(private.contains(" data_len=1 acl=[digest:user:"), "{private}");
    assert_eq!(
        printed(&["snapshot", "dump"], &[&fixture("snappy/snapshot.0.snappy")]).lines().count(),
        5
    );
}

#[test]
fn snapshots_are_compared() {
    let (old, new) = (fixture("plain/snapshot.0"), fixture("plain/snapshot.23"));
    assert_eq!(printed(&["snapshot", "compare"], &[&new, &new]), "");
    let differ = output(&["snapshot", "compare"], &[&old, &new]);
    assert_eq!(differ.status.code(), Some(1), "{differ:?}");
    let text = String::from_utf8_lossy(&differ.stdout);
    assert!(text.contains("\n+ /one/private\n"), "{text}");
    assert!(text.contains("~ / pzxid=0x0/0x2 create_count=0/1") || text.contains("~ / "), "{text}");
    let back = output(&["snapshot", "compare"], &[&new, &old]);
    assert!(String::from_utf8_lossy(&back.stdout).contains("\n- /one/private\n"));
    let other = refused(2, &["snapshot", "compare"], &[&new, Path::new("/no/such")]);
    assert!(other.starts_with("zk-server: /no/such: "), "{other}");
}

#[test]
fn logs_are_verified_one_by_one_and_as_a_chain() {
    let all = ["plain", "gz", "snappy"].map(fixture);
    let text = printed(&["log", "verify"], &[&all[0], &all[1], &all[2]]);
    assert_eq!(text.lines().count(), 7, "{text}");
    assert!(text.lines().all(|line| line.contains(", whole, ends at offset ")), "{text}");
    let gap = [fixture("plain/log.1"), fixture("plain/log.24")];
    let message = refused(1, &["log", "verify"], &[&gap[0], &gap[1]]);
    assert!(message.contains("log.24: it begins with transaction 0x24"), "{message}");
    let nothing = tempfile::tempdir().expect("a directory");
    let message = refused(1, &["log", "verify"], &[nothing.path()]);
    assert!(message.contains("there is no log in it"), "{message}");
}

#[test]
fn damage_is_named_by_file_and_offset() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = damaged(dir.path(), "plain/log.1", 500, false);
    for tool in ["verify", "dump"] {
        let message = refused(1, &["log", tool], &[&log]);
        let expected = format!("zk-server: {}: damaged at offset 394", log.display());
        assert!(message.starts_with(&expected) && message.contains("checksum"), "{message}");
    }
    let snapshot = damaged(dir.path(), "plain/snapshot.23", 500, false);
    let message = refused(1, &["snapshot", "dump"], &[&snapshot]);
    let expected = format!("zk-server: {}: damaged at offset ", snapshot.display());
    assert!(message.starts_with(&expected), "{message}");
    let message = refused(2, &["snapshot", "compare"], &[&snapshot, &snapshot]);
    assert!(message.starts_with(&expected), "{message}");
    let short = damaged(dir.path(), "plain/snapshot.1f", 500, true);
    let message = refused(1, &["snapshot", "dump"], &[&short]);
    assert!(message.contains("snapshot.1f: damaged at offset "), "{message}");
    for (tool, file) in [("snapshot", &log), ("log", &short)] {
        let message = refused(1, &[tool, "dump"], &[file]);
        assert!(message.contains("does not begin with ZK"), "{message}");
    }
}

fn cut(keep_to: &str, log: &Path) -> Output {
    output(&["log", "cut", "--keep-to", keep_to], &[log])
}

fn not_cut(keep_to: &str, log: &Path) -> String {
    let refused = cut(keep_to, log);
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0), "{refused:?}");
    String::from_utf8(refused.stderr).expect("text")
}

/// How many transactions of a damaged log can be read up to the damage; they begin with 0x1.
fn readable(log: &Path) -> usize {
    let dumped = output(&["log", "dump", "--json"], &[log]).stdout;
    json(&String::from_utf8_lossy(&dumped)).len() - 1
}

/// An operator without a backup can go on without what is damaged, knowing what that is.
#[test]
fn a_damaged_log_is_cut_into_a_copy() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = damaged(dir.path(), "plain/log.1", 500, false);
    let bytes = fs::read(&log).expect("the log");
    fs::copy(fixture("plain/log.21"), dir.path().join("log.21")).expect("a file");
    let kept = readable(&log);
    let done = cut(&format!("{kept:#x}"), &log);
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    let text = String::from_utf8(done.stdout).expect("text");
    let lines: Vec<_> = text.lines().collect();
    let copied = format!("log.1.cut: {kept} transactions, 0x1 to {kept:#x}");
    assert!(lines[0].ends_with(&copied), "{text}");
    let behind = format!("lost: {} transactions, {:#x} to 0x20", 0x20 - kept - 1, kept + 2);
    assert_eq!(lines[1], behind, "{text}");
    let damage = "lost: what cannot be read at offset 394: its checksum";
    assert!(lines[2].starts_with(damage), "{text}");
    assert!(lines[3].contains("log.21, which does not go on there"), "{text}");
    assert!(lines[4].starts_with("Nothing has changed yet.") && lines.len() == 5, "{text}");
    assert_eq!(fs::read(&log).expect("the log"), bytes, "it stays as it is");
    let copy = dir.path().join("log.1.cut");
    assert_eq!(fs::read(&copy).expect("the copy"), bytes[..394]);
    let whole = printed(&["log", "verify"], &[&copy]);
    assert!(whole.contains(", whole, ends at offset 394"), "{whole}");
}

#[test]
fn a_log_is_cut_where_it_can_be_and_never_over_another_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = damaged(dir.path(), "plain/log.1", 500, false);
    let kept = readable(&log);
    // What is damaged, and what is behind it, cannot be kept.
    for zxid in [kept + 1, kept + 2, 0, 999].map(|zxid| format!("{zxid:#x}")) {
        let message = not_cut(&zxid, &log);
        assert!(message.contains(&format!("no transaction {zxid} in front of")), "{message}");
        let what_is = format!("but {kept} transactions, 0x1 to {kept:#x}.");
        assert!(message.contains(&what_is), "{message}");
    }
    let less = String::from_utf8(cut("0x1", &log).stdout).expect("text");
    assert!(less.contains("log.1.cut: 1 transaction, 0x1 to 0x1\n"), "{less}");
    assert!(not_cut("0x2", &log).contains("File exists"));
    let copy = dir.path().join("log.1.cut");
    assert!(not_cut("0x2", &copy).contains("it has no transaction 0x2"));
    assert!(not_cut("0x1", &copy).contains("there is nothing to cut"));
    let wrong = cut("7", &log);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("begins with 0x"), "{wrong:?}");
}

/// Behind what was durable and is lost a later epoch goes on only in name.
#[test]
fn a_later_epoch_goes_on_behind_a_torn_end_and_not_behind_damage() {
    for torn in [false, true] {
        let dir = tempfile::tempdir().expect("a directory");
        let log = damaged(dir.path(), "plain/log.1", 500, torn);
        fs::write(dir.path().join("log.100000001"), b"").expect("a file");
        let done = cut(&format!("{:#x}", readable(&log)), &log);
        assert!(done.status.success(), "{done:?}");
        let text = String::from_utf8(done.stdout).expect("text");
        let goes_on = !text.contains("log.100000001, which does not go on there");
        assert_eq!(goes_on, torn, "{text}");
    }
}

#[test]
fn a_torn_end_is_no_damage() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = damaged(dir.path(), "plain/log.1", 500, true);
    let text = printed(&["log", "verify"], &[&log]);
    assert!(text.contains(", torn at offset 394"), "{text}");
    let text = printed(&["log", "dump"], &[&log]);
    assert!(text.lines().last().expect("a line").starts_with("end=torn offset=394"), "{text}");
    // With another behind it that does not go on there, it is.
    let next = fixture("plain/log.21");
    let message = refused(1, &["log", "verify"], &[&log, &next]);
    assert!(message.contains("log.1: damaged at offset 394"), "{message}");
}

#[test]
fn whoever_has_seen_enough_closes_the_pipe() {
    for (tool, file) in [("log", "plain/log.1"), ("snapshot", "plain/snapshot.23")] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = program(&[tool, "dump"], &[&fixture(file)])
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .expect("the program runs");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn init_makes_directories_and_destroys_nothing_unasked() {
    let dir = tempfile::tempdir().expect("a directory");
    let (data, logs) = (dir.path().join("data"), dir.path().join("logs"));
    let config = dir.path().join("zoo.cfg");
    let lines =
        format!("dataDir={}\ndataLogDir={}\nclientPort=1\n", data.display(), logs.display());
    fs::write(&config, lines).expect("a file");
    let made = printed(&["init", "--myid", "7", "--configfile"], &[&config]);
    assert!(made.contains("data is ready\n") && made.contains("logs is ready for"), "{made}");
    assert!(data.join("version-2").is_dir() && logs.join("version-2").is_dir());
    assert_eq!(fs::read_to_string(data.join("myid")).expect("a file"), "7\n");
    let snapshot = data.join("version-2/snapshot.0");
    let stranger = data.join("version-2/notes.txt");
    fs::write(&snapshot, "x").expect("a file");
    fs::write(&stranger, "x").expect("a file");
    let message = refused(1, &["init", "--configfile"], &[&config]);
    assert!(message.contains("version-2 is there already") && message.contains("--force"));
    assert!(snapshot.exists());
    printed(&["init", "--force", "--configfile"], &[&config]);
    assert!(!snapshot.exists() && stranger.exists());
    assert_eq!(
        refused(2, &["init"], &[]).lines().next().map(|line| line.contains("required")),
        Some(true)
    );
}

/// A server's directories are not taken away from under it.
#[cfg(target_os = "linux")]
#[test]
fn init_keeps_away_from_a_directory_in_use() {
    let dir = tempfile::tempdir().expect("a directory");
    let version = dir.path().join("version-2");
    fs::create_dir(&version).expect("a directory");
    let held = fs::File::open(&version).expect("a directory");
    let lock = rustix::fs::FlockOperation::LockExclusive;
    rustix::fs::flock(&held, lock).expect("nobody else has it");
    let message = refused(1, &["init", "--force", "--data-dir"], &[dir.path()]);
    assert!(message.contains("is in use by a server"), "{message}");
}
