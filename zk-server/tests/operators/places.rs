//! Clients that hold places at an HTTP port, and others that want one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use zk_proto::{ErrorCode, Request, SetWatches, Zxid};

use crate::running::{PATIENCE, Running, ask, dial, read_all};
use crate::support::RawClient;

/// More clients than have a place at once.
const MORE_THAN_PLACES: usize = 60;

#[test]
fn clients_that_hold_all_places_leave_them() {
    let server = Running::start(|admin| admin.idle_timeout = Duration::from_millis(50));
    let silent: Vec<_> = (0..MORE_THAN_PLACES).map(|_| dial(server.admin)).collect();
    let (_, body) = ask_patiently(server.admin);
    assert!(body.contains("\"error\": null"), "{body}");
    drop(silent);
}

/// Whoever opens all places and says nothing, or too little, or nothing more, must not keep the others
/// waiting.
#[test]
fn who_asks_gets_the_place_of_who_does_not() {
    let server = Running::start(|admin| admin.idle_timeout = 2 * PATIENCE);
    let mut idle = Vec::new();
    for said in ["", "GET /commands/ruok HTTP/1.1\r\nHo", "GET /livez HTTP/1.1\r\nHost: zk\r\n\r\n"]
    {
        for _ in 0..MORE_THAN_PLACES {
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

/// Makes the answer to `wchp` some megabytes long, as long as the client lives.
fn watch_much(server: &Running) -> RawClient {
    let mut client = RawClient::connect(server.clients);
    for round in 0..8 {
        let paths: Vec<_> = (0..1000).map(|i| format!("/{round}-{i:0900}")).collect();
        let exist = paths.iter().map(String::as_str).collect();
        let (data, child) = (Vec::new(), Vec::new());
        let watches = SetWatches { relative_zxid: Zxid(0), data, exist, child };
        assert_eq!(client.call(&Request::SetWatches(watches)).header.err, ErrorCode::Ok);
    }
    client
}

/// A client that asks for something long, and reads no more than that there is an answer.
fn ask_and_not_read(server: &Running) -> TcpStream {
    let mut stream = dial(server.admin);
    stream.write_all(b"GET /commands/wchp HTTP/1.1\r\nHost: zk\r\n\r\n").unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 1, "it is answered");
    stream
}

#[test]
fn who_asks_gets_the_place_of_who_does_not_read() {
    let server = Running::start(|admin| admin.idle_timeout = 2 * PATIENCE);
    let client = watch_much(&server);
    // It takes longer than a session lasts, which has those watches.
    let _pinging = client.keep_pinging();
    let stalled: Vec<_> = (0..MORE_THAN_PLACES).map(|_| ask_and_not_read(&server)).collect();
    for _ in 0..3 {
        let (head, _) = ask(server.admin, "GET", "/commands/ruok");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    }
    drop(stalled);
}
