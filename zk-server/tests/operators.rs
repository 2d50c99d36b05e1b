//! The HTTP ports of a running server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests touch the world")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use zk_server::ServerConfig;
use zk_server::config::{AdminConfig, MetricsConfig};
use zk_server::runtime::Instance;
use zk_server::storage::log::DiscardTxnLog;

const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a thread of its own, with both ports.
struct Running {
    admin: SocketAddr,
    metrics: SocketAddr,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    fn start(change: impl FnOnce(&mut AdminConfig)) -> Self {
        let mut config = ServerConfig::default();
        config.client_port_address = Some("127.0.0.1".to_owned());
        let mut admin = AdminConfig::default();
        admin.port = 0;
        change(&mut admin);
        let mut metrics = MetricsConfig::default();
        (metrics.host, metrics.port) = ("127.0.0.1".to_owned(), 0);
        config.operators.admin = Some(admin);
        config.operators.metrics = Some(metrics);
        let stop = CancellationToken::new();
        let shutdown = stop.clone();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let log = Box::new(DiscardTxnLog::default());
                let instance = Instance::bind(config, log).await.unwrap();
                let admin = instance.admin_address().unwrap();
                tell.send((admin, instance.metrics_address().unwrap())).unwrap();
                instance.run(shutdown).await.unwrap();
            });
        });
        let (admin, metrics) = told.recv().unwrap();
        Self { admin, metrics, stop, thread: Some(thread) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Everything that comes until the server closes, or drops, the connection.
fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    String::from_utf8(bytes).unwrap()
}

/// The head and the body of the answer.
fn ask(address: SocketAddr, method: &str, path: &str) -> (String, String) {
    let mut stream = dial(address);
    let request = format!("{method} {path} HTTP/1.1\r\nHost: zk\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let answer = read_all(&mut stream);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    (head.to_owned(), body.to_owned())
}

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

#[test]
fn clients_that_hold_all_places_leave_them() {
    const MORE_THAN_THERE_ARE: usize = 60;
    let server = Running::start(|admin| admin.idle_timeout = Duration::from_millis(50));
    let silent: Vec<_> = (0..MORE_THAN_THERE_ARE).map(|_| dial(server.admin)).collect();
    let (_, body) = ask_patiently(server.admin);
    assert!(body.contains("\"error\": null"), "{body}");
    drop(silent);
}

/// Whoever opens all places and says nothing, or too little, or nothing more, must not keep the others
/// waiting.
#[test]
fn who_asks_gets_the_place_of_who_does_not() {
    const MORE_THAN_THERE_ARE: usize = 60;
    let server = Running::start(|admin| admin.idle_timeout = 2 * PATIENCE);
    let mut idle = Vec::new();
    for said in ["", "GET /commands/ruok HTTP/1.1\r\nHo", "GET /livez HTTP/1.1\r\nHost: zk\r\n\r\n"]
    {
        for _ in 0..MORE_THAN_THERE_ARE {
            let mut stream = dial(server.admin);
            stream.write_all(said.as_bytes()).unwrap();
            if said.ends_with("\r\n\r\n") {
                assert_eq!(stream.read(&mut [0]).unwrap(), 1, "it is answered");
            }
            idle.push(stream);
        }
        let (head, _) = ask(server.admin, "GET", "/commands/ruok");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    }
}

/// Asks until there is an answer: with little time for each connection, one may be cut before it
/// has been heard.
fn ask_patiently(address: SocketAddr) -> (String, String) {
    let give_up = std::time::Instant::now() + PATIENCE;
    loop {
        let mut stream = dial(address);
        let request = b"GET /commands/ruok HTTP/1.1\r\nHost: zk\r\nConnection: close\r\n\r\n";
        if stream.write_all(request).is_ok()
            && let answer = read_all(&mut stream)
            && let Some((head, body)) = answer.split_once("\r\n\r\n")
            && head.starts_with("HTTP/1.1 200 ")
        {
            return (head.to_owned(), body.to_owned());
        }
        assert!(std::time::Instant::now() < give_up, "nobody answers");
    }
}
