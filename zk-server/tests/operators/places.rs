//! Clients that hold places at an HTTP port, and others that want one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::running::{PATIENCE, Running, ask, dial, read_all};

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
