//! What operators are told: four-letter words on the client port here, the rest beside it.

mod admin_server;
mod reports;

use std::collections::BTreeSet;

use serde_json::Value;
use zk_proto::GetChildrenRequest;

use self::admin_server::ask_admin;
use super::*;
use crate::admin::{self, AdminCommand};

/// What Apache's server says in the state of [`as_captured`].
fn captured(word: &str) -> String {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures/operators/words");
    std::fs::read_to_string(format!("{dir}/{word}.txt")).unwrap()
}

/// The state that Apache's server was in.
fn as_captured() -> World {
    let mut world = World::new();
    let (conn, _) = world.session(30_000);
    world.call(conn, &create("/app", CreateMode::Persistent));
    world.call(conn, &create("/app/config", CreateMode::Persistent));
    world.call(conn, &create("/app/e", CreateMode::Ephemeral));
    let flags = CreateMode::EphemeralSequential.flags();
    let (path, data, acl) = ("/app/seq-", Some(&b"x"[..]), Acl::open());
    world.call(conn, &Request::Create(CreateRequest { path, data, acl, flags }));
    world.call(conn, &exists("/nothere", true));
    let children = GetChildrenRequest { path: "/app", watch: true };
    world.call(conn, &Request::GetChildren(children));
    world.call(conn, &get("/app/e", true));
    world.call(conn, &set("/app/config", b"v1"));
    world.call(conn, &get("/app/config", true));
    world
}

/// Numbers, names of days and of months are as good as any other.
fn shape(text: &str) -> String {
    const NAMES: [&str; 9] = ["Sat", "Tue", "Wed", "Nov", "Dec", "PING", "GETD", "-1", "a-f"];
    let mut shape = String::new();
    let mut in_number = false;
    for c in text.chars() {
        in_number =
            c.is_ascii_digit() || (in_number && (c.is_ascii_hexdigit() || c == 'x' || c == '.'));
        if !in_number {
            shape.push(c);
        } else if !shape.ends_with('#') {
            shape.push('#');
        }
    }
    NAMES.iter().fold(shape, |shape, name| shape.replace(name, "~"))
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().map(shape).collect();
    lines.sort();
    lines
}

/// Figures that the captured server does not have yet.
fn is_of_3_9(key: &str) -> bool {
    ["restore_time", "restore_error", "restore_rate", "snapshot_error", "snapshot_rate"]
        .iter()
        .any(|figure| key.contains(figure))
}

#[test]
fn answers_have_the_lines_of_apaches() {
    let mut world = as_captured();
    let mut ask = |word: &str| ask(&mut world, word.as_bytes()).0;
    for word in ["cons", "srvr", "stat"] {
        let without_version = |text: &str| {
            let lines = text.lines().filter(|line| !line.starts_with("Zookeeper version: "));
            lines.map(shape).collect::<Vec<_>>()
        };
        let (mut ours, mut theirs) =
            (without_version(&ask(word)), without_version(&captured(word)));
        // The one who asks comes first there, and last here.
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "{word}");
    }
    for word in ["dirs", "wchs", "wchc", "wchp", "crst", "srst", "gtmk", "isro", "ruok"] {
        let (ours, theirs) = (ask(word), captured(word));
        assert_eq!(sorted(&ours), sorted(&theirs), "{word}");
        assert_eq!(ours.ends_with('\n'), theirs.ends_with('\n'), "{word}");
    }
    assert_eq!(sorted(&ask("dump")), sorted(&captured("dump")));
    assert_eq!(ask("wchs"), captured("wchs"));
    let keys = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect()
    };
    assert_eq!(keys(&ask("conf")), keys(&captured("conf")));
}

#[test]
fn every_figure_of_mntr_is_one_of_apaches() {
    let mut world = as_captured();
    let (ours, theirs) = (ask(&mut world, b"mntr").0, captured("mntr"));
    let pairs = |text: &str| -> Vec<(String, String)> {
        let pair = |line: &str| {
            let (key, value) = line.split_once('\t').unwrap();
            (key.to_owned(), value.to_owned())
        };
        text.lines().map(pair).collect()
    };
    let theirs: BTreeMap<_, _> = pairs(&theirs).into_iter().collect();
    let ours = pairs(&ours);
    for (key, value) in ours.iter().skip(1).filter(|(key, _)| !is_of_3_9(key)) {
        let of_apache = theirs.get(key).unwrap_or_else(|| panic!("Apache has no {key}"));
        assert_eq!(value.contains('.'), of_apache.contains('.'), "{key}: {value}, {of_apache}");
    }
    assert_eq!(ours[0].0, "zk_version");
    let ours: BTreeMap<_, _> = ours.into_iter().collect();
    for same in ["ephemerals_count", "znode_count", "watch_count", "approximate_data_size"] {
        let key = format!("zk_{same}");
        assert_eq!(ours[&key], theirs[&key], "{key}");
    }
    // With the one session that began and the watch that fired.
    for (key, count) in [
        ("cnt_updatelatency", "6"),
        ("cnt_propagation_latency", "6"),
        ("cnt_readlatency", "4"),
        ("cnt_node_changed_watch_count", "0"),
        ("connection_request_count", "1"),
        ("sum_app_write_per_namespace", &theirs["zk_sum_app_write_per_namespace"]),
        ("max_app_write_per_namespace", &theirs["zk_max_app_write_per_namespace"]),
        ("max_app_read_per_namespace", &theirs["zk_max_app_read_per_namespace"]),
    ] {
        assert_eq!(ours[&format!("zk_{key}")], count, "{key}");
    }
}

#[test]
fn counters_begin_anew() {
    let mut world = as_captured();
    ask(&mut world, b"srst");
    let (srvr, _) = ask(&mut world, b"srvr");
    // The answer to `srst` itself is counted behind the reset, as the question for `srvr`.
    assert!(srvr.contains("\nReceived: 1\n") && srvr.contains("\nSent: 1\n"), "{srvr}");
    ask(&mut world, b"crst");
    let (cons, _) = ask(&mut world, b"cons");
    assert!(cons.contains("recved=0,sent=0,sid=0x"), "{cons}");
    assert!(cons.contains("lop=NA") && !cons.contains("lcxid"), "{cons}");
}

#[test]
fn the_trace_mask_comes_behind_its_word_byte_by_byte() {
    let mut world = World::new();
    let conn = world.accept();
    for byte in b"stmk\0\0\0\0\0\0\0\x04" {
        assert_eq!(world.closed(conn), None);
        world.send_bytes(conn, &[*byte]);
    }
    assert_eq!(&world.client(conn).received[..], b"4");
    assert_eq!(world.closed(conn), Some(CloseReason::CommandAnswered));
    assert_eq!(ask(&mut world, b"gtmk").0, "4");
}

#[test]
fn an_answer_to_an_operator_counts_once_it_is_given() {
    let mut world = as_captured();
    let sizes = |mntr: &str| -> Vec<String> {
        let of_clients = |line: &&str| line.contains("response_") || line.contains("_drop_count");
        mntr.lines().filter(of_clients).map(str::to_owned).collect()
    };
    let before = sizes(&ask(&mut world, b"mntr").0);
    // The one who asks is heard no more, and has no answer yet.
    let (cons, _) = ask(&mut world, b"cons");
    assert!(cons.contains("[0](queued=0,recved=1,sent=0)"), "{cons}");
    assert!(cons.contains("[1](queued=0,recved=10,sent=10,sid="), "{cons}");
    let (stat, _) = ask(&mut world, b"stat");
    assert!(stat.contains("[0](queued=0,recved=1,sent=0)"), "{stat}");
    // Three questions, and two answers so far.
    assert!(stat.contains("\nReceived: 13\nSent: 12\n"), "{stat}");
    let after = sizes(&ask(&mut world, b"mntr").0);
    assert_eq!(before, after, "clients got nothing, and nobody went without a goodbye");
}

#[test]
fn a_connection_without_a_session_is_shown_like_any_other() {
    let mut world = World::new();
    let idle = world.accept();
    let shown = ask_admin(&mut world, AdminCommand::Connections, None);
    let connection = &shown["connections"][0];
    assert_eq!(connection["interest_ops"], 1, "{connection}");
    assert_eq!(connection["session_id"], 0, "{connection}");
    assert_eq!(connection["session_timeout"], 10_000, "{connection}");
    assert_eq!(connection["last_operation"], "NA", "{connection}");
    let (cons, _) = ask(&mut world, b"cons");
    assert!(cons.contains("[1](queued=0,recved=0,sent=0)\n"), "{cons}");
    world.handle(Event::Disconnected { conn: idle });
    let (mntr, _) = ask(&mut world, b"mntr");
    assert!(mntr.contains("zk_connection_drop_count\t1\n"), "{mntr}");
}

fn ask(world: &mut World, word: &[u8]) -> (String, Option<CloseReason>) {
    let conn = world.accept();
    world.send_bytes(conn, word);
    let client = world.client(conn);
    let text = String::from_utf8(client.received.split().to_vec()).unwrap();
    (text, client.closed.clone())
}

#[test]
fn a_word_is_answered_and_the_connection_closed() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    world.call(conn, &create("/a", CreateMode::Persistent));
    let answered = Some(CloseReason::CommandAnswered);
    assert_eq!(ask(&mut world, b"ruok\n"), ("imok".to_owned(), answered.clone()));
    let (srvr, closed) = ask(&mut world, b"srvr");
    assert!(srvr.contains("\nConnections: 2\n") && srvr.contains("\nZxid: 0x2\n"), "{srvr}");
    assert!(srvr.ends_with("\nNode count: 6\n"), "{srvr}");
    assert_eq!(closed, answered);
    let (mntr, _) = ask(&mut world, b"mntr");
    assert!(mntr.contains("zk_global_sessions\t1\n"), "{mntr}");
    assert_eq!(ask(&mut world, b"hash"), (String::new(), answered), "there is no 128th yet");
}

/// In the forms of Apache 3.8: `80: 262785365022`, and the getters of its record.
#[test]
fn operators_can_compare_what_servers_add_up_to() {
    let mut world = World::new();
    let (conn, _) = world.session(30_000);
    let mut sums = Vec::new();
    for count in 0..300 {
        world.call(conn, &create(&format!("/{count}"), CreateMode::Persistent));
        if world.server.last_zxid().0 % 128 == 0 {
            sums.push(world.server.tree().digest().tree);
        }
    }
    let lines = format!("80: {}\n100: {}\n", sums[0], sums[1]);
    assert_eq!(ask(&mut world, b"hash").0, lines);
    let answered = admin::answer(&mut world.server, world.now, AdminCommand::Hash, None);
    let admin::Body::Whole(text) = answered else { panic!("it is short") };
    let answer: Value = serde_json::from_str(&text).unwrap();
    let entry = |zxid, sum| serde_json::json!({"zxid": zxid, "digest": sum, "digestVersion": 2});
    assert_eq!(answer["digests"], serde_json::json!([entry(128, sums[0]), entry(256, sums[1])]));
}

#[test]
fn words_outside_the_whitelist_are_refused() {
    let defaults = ServerConfig::default();
    let mut world = World::with(defaults);
    let (text, _) = ask(&mut world, b"stat");
    assert_eq!(text, "stat is not executed because it is not in the whitelist.\n");
    assert!(ask(&mut world, b"srvr").0.starts_with("Zookeeper version: 3."));
}

#[test]
fn a_word_that_comes_byte_by_byte_is_one() {
    let mut world = World::new();
    let conn = world.accept();
    for byte in b"ruok" {
        world.send_bytes(conn, &[*byte]);
    }
    assert_eq!(&world.client(conn).received[..], b"imok");
}

#[test]
fn behind_a_connect_request_a_word_is_a_length_that_is_too_large() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    world.send_bytes(conn, b"ruok");
    assert!(matches!(world.closed(conn), Some(CloseReason::BadFrame(_))));
}
