use std::time::Duration;

use zk_proto::Zxid;

use super::*;
use crate::ops::{ConnectionView, ProcessGauges};
use crate::server::stats::ServerStats;

fn view(stats: &ServerStats) -> ServerView<'_> {
    ServerView {
        stats,
        last_zxid: Zxid(0x1f),
        uptime: Duration::from_millis(1500),
        connection_count: 1,
        outstanding: 0,
        node_count: 5,
        approximate_data_size: 44,
        ephemeral_count: 0,
        watch_count: 2,
        session_count: 3,
        process: ProcessGauges { open_files: Some(12), max_files: Some(1024) },
        connections: vec![ConnectionView {
            peer: "127.0.0.1:57068".parse().unwrap(),
            active: true,
            queued: 0,
            received: 4,
            sent: 3,
        }],
    }
}

/// The lines below the version are those of an Apache 3.8 server in the same state.
#[test]
fn srvr_and_stat_have_apaches_lines() {
    let stats = ServerStats { packets_received: 9, packets_sent: 8, ..ServerStats::default() };
    let (version, rest) = {
        let text = answer(Word::Srvr, &view(&stats));
        let (version, rest) = text.split_once('\n').unwrap();
        (version.to_owned(), rest.to_owned())
    };
    assert!(version.starts_with("Zookeeper version: 3.9.0-"), "{version}");
    assert!(version.contains(", built on "), "{version}");
    let figures = "Latency min/avg/max: 0/0.0/0\nReceived: 9\nSent: 8\nConnections: 1\n\
                   Outstanding: 0\nZxid: 0x1f\nMode: standalone\nNode count: 5\n";
    assert_eq!(rest, figures);
    let clients = "Clients:\n /127.0.0.1:57068[1](queued=0,recved=4,sent=3)\n\n";
    let stat = answer(Word::Stat, &view(&stats));
    assert_eq!(stat, format!("{version}\n{clients}{figures}"));
}

#[test]
fn mntr_has_a_tab_between_key_and_value() {
    let stats = ServerStats::default();
    let text = answer(Word::Mntr, &view(&stats));
    for line in text.lines() {
        let (key, value) = line.split_once('\t').unwrap();
        assert!(key.starts_with("zk_") && !value.is_empty(), "{line}");
    }
    for expected in [
        "zk_server_state\tstandalone\n",
        "zk_avg_latency\t0.0\n",
        "zk_open_file_descriptor_count\t12\n",
        "zk_max_file_descriptor_count\t1024\n",
        "zk_uptime\t1500\n",
        "zk_znode_count\t5\n",
    ] {
        assert!(text.contains(expected), "{expected:?} in {text}");
    }
}

#[test]
fn short_answers_have_no_line_end_and_other_words_no_answer() {
    let stats = ServerStats::default();
    assert_eq!(answer(Word::Ruok, &view(&stats)), "imok");
    assert_eq!(answer(Word::Isro, &view(&stats)), "rw");
    assert_eq!(answer(Word::Wchc, &view(&stats)), "");
    assert_eq!(
        not_whitelisted(Word::Mntr),
        "mntr is not executed because it is not in the whitelist.\n"
    );
}

#[test]
fn averages_are_printed_as_java_does() {
    assert_eq!([0.0, 4.0 / 3.0, 12.0].map(double), ["0.0", "1.3333", "12.0"]);
}
