//! The HTTP ports of a running server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests touch the world")]

mod places;
mod running;
#[path = "../support/mod.rs"]
mod support;

use std::io::{Read, Write};
use std::time::Duration;

#[cfg(feature = "tls")]
use running::PATIENCE;
use running::{Running, ask, dial, read_all};

#[test]
fn admin_server_answers_commands_by_any_of_their_names() {
    let server = Running::start(|_| ());
    let (head, body) = ask(server.admin, "GET", "/commands/srvr");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(head.contains("application/json"), "{head}");
    assert!(body.contains("\"command\": \"server_stats\""), "{body}");
    let (head, body) = ask(server.admin, "GET", "/commands/watches");
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    assert!(body.contains("{\"session_id_to_watched_paths\":{},\"command\":\"watches\""), "{body}");
    let (_, body) = ask(server.admin, "GET", "/commands/nosuch");
    assert!(body.contains("Unknown command: nosuch"), "{body}");
    let (_, index) = ask(server.admin, "GET", "/commands");
    assert!(index.contains("<a href=\"/commands/voting_view\">"), "{index}");
}

#[test]
fn what_is_not_there_or_changes_something_is_refused() {
    let server = Running::start(|_| ());
    for (method, path, status) in [
        ("GET", "/", "404"),
        ("GET", "/metrics", "404"),
        ("POST", "/commands/ruok", "405"),
        ("TRACE", "/commands/ruok", "403"),
        ("GET", "/commands/ruok", "200"),
        ("HEAD", "/commands/ruok", "200"),
        ("GET", "/livez", "200"),
        ("GET", "/readyz", "200"),
    ] {
        let (head, _) = ask(server.admin, method, path);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {head}");
    }
}

#[test]
fn prometheus_finds_its_figures_at_a_port_of_its_own() {
    let server = Running::start(|_| ());
    let (head, body) = ask(server.metrics, "GET", "/metrics");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    assert!(body.contains("\n# TYPE znode_count gauge\nznode_count 5\n"), "{body}");
    assert!(body.ends_with('\n'), "{body}");
    let (head, _) = ask(server.metrics, "GET", "/commands/ruok");
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
}

#[test]
fn connections_in_the_clear_are_counted() {
    let server = Running::start(|_| ());
    let figures = ["non_mtls_local_conn_count", "non_mtls_remote_conn_count"];
    assert_eq!(figures.map(|name| server.figure(name)), ["0", "0"]);
    let _clients = [dial(server.clients), dial(server.clients)];
    server.until(figures[0], "2");
    assert_eq!(server.figure(figures[1]), "0");
}

/// A connect request for a new session of 30 s.
fn connect_frame() -> Vec<u8> {
    let mut frame = vec![0; 4 + 45];
    frame[3] = 45;
    frame[4 + 12..4 + 16].copy_from_slice(&30_000_i32.to_be_bytes());
    frame[4 + 27] = 16;
    frame
}

#[test]
fn requests_for_which_there_is_no_room_are_counted() {
    let server = Running::with(|config| {
        config.limits.large_request_threshold = Some(100);
        config.limits.large_request_max_bytes = 150;
    });
    let mut client = dial(server.clients);
    client.write_all(&connect_frame()).unwrap();
    client.read_exact(&mut [0; 4 + 37]).unwrap();
    assert_eq!(server.figure("large_requests_rejected"), "0");
    // Its length is enough to turn it away.
    client.write_all(&200_i32.to_be_bytes()).unwrap();
    read_all(&mut client);
    assert_eq!(server.figure("large_requests_rejected"), "1");
}

#[cfg(feature = "tls")]
#[test]
fn handshakes_that_come_to_nothing_are_counted() {
    use zk_server::config::{Store, TlsConfig};

    let pem = |name| {
        let stores = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/key-stores");
        Store::pem(std::fs::read(format!("{stores}/{name}.pem")).unwrap())
    };
    let server = Running::with(|config| {
        config.secure_client_port = Some(0);
        config.secure_client_port_address = Some("127.0.0.1".to_owned());
        config.tls = Some(TlsConfig::new(pem("client"), Some(pem("authority"))));
        config.limits.tls_handshakes = 1;
        config.limits.tls_handshake_timeout = 2 * PATIENCE;
    });
    let figures = ["unsuccessful_handshake", "tls_handshake_exceeded"];
    let secure = server.secure.unwrap();
    let holds_the_place = dial(secure);
    server.until("num_alive_connections", "1");
    read_all(&mut dial(secure));
    server.until(figures[1], "1");
    assert_eq!(server.figure(figures[0]), "0");
    drop(holds_the_place);
    server.until(figures[0], "1");
    let mut speaks_no_tls = dial(secure);
    speaks_no_tls.write_all(&connect_frame()).unwrap();
    let _ = speaks_no_tls.read(&mut [0; 100]);
    server.until(figures[0], "2");
    assert_eq!(figures.map(|name| server.figure(name)), ["2", "1"]);
}

#[test]
fn a_head_without_an_end_is_refused() {
    let server = Running::start(|_| ());
    let mut stream = dial(server.admin);
    // The server may have hung up before all of it is sent.
    let _ = stream.write_all(b"GET /commands/ruok HTTP/1.1\r\nHost: ");
    let _ = stream.write_all(&vec![b'x'; 1 << 20]);
    let answer = read_all(&mut stream);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
}

#[test]
fn a_client_that_says_nothing_is_cut_off() {
    let server = Running::start(|admin| admin.idle_timeout = Duration::from_millis(50));
    let mut silent = dial(server.admin);
    assert_eq!(read_all(&mut silent), "");
    let mut halfway = dial(server.admin);
    halfway.write_all(b"GET /commands/ruok HTTP/1.1\r\nHo").unwrap();
    let answer = read_all(&mut halfway);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
}
