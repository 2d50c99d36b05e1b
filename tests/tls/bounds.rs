//! Peers that stall, lie or shout in the handshake.

use std::time::Duration;

use tests::{PATIENCE, TestCa, eventually, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zk_client::Client;
use zk_server::config::{Store, TlsConfig};
use zk_server::testing::{TestServer, TestServerBuilder};

use crate::clients::{connected, refusal, tls};

/// The beginning of a ClientHello: a record of 512 bytes, the most of which never come.
const BEGINNING: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];

fn server(ca: &TestCa) -> TestServerBuilder {
    let keys = Store::pem(ca.server(&["localhost"]).key_store());
    TestServer::builder().tls(TlsConfig::new(keys, Some(Store::pem(ca.pem()))))
}

fn client(server: &TestServer, ca: &TestCa) -> zk_client::ClientBuilder {
    let servers = format!("localhost:{}", server.secure_addr().port());
    let builder = Client::builder(&servers).connect_timeout(PATIENCE);
    builder.tls(tls(ca, Some(&ca.client("app"))).build().unwrap())
}

#[tokio::test]
async fn a_server_that_is_mute_in_the_handshake_costs_the_attempt_and_no_more() {
    let ca = TestCa::new("ca");
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let servers = mute.local_addr().unwrap().to_string();
    let builder = Client::builder(&servers).tls(tls(&ca, None).build().unwrap());
    refusal(
        builder.session_timeout(Duration::from_millis(900)),
        &["did not finish the TLS handshake"],
    )
    .await;
    drop(mute);
}

#[tokio::test]
async fn a_server_behind_a_mute_one_is_found() {
    let ca = TestCa::new("ca");
    let server = server(&ca).start().await.unwrap();
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute_port = mute.local_addr().unwrap().port();
    for seed in 0..4 {
        let servers = format!("localhost:{mute_port},localhost:{}", server.secure_addr().port());
        let tls = tls(&ca, Some(&ca.client("app"))).build().unwrap();
        let builder = Client::builder(&servers).tls(tls).connect_timeout(PATIENCE).seed(seed);
        connected(builder.session_timeout(Duration::from_secs(2))).await;
    }
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_given_up() {
    let ca = TestCa::new("ca");
    let server = server(&ca).tls_handshake_limits(Duration::from_secs(1), 10).start().await;
    let server = server.unwrap();
    let mut slow = TcpStream::connect(server.secure_addr()).await.unwrap();
    slow.write_all(BEGINNING).await.unwrap();
    let mut nothing = TcpStream::connect(server.secure_addr()).await.unwrap();
    let mut byte = [0];
    assert!(matches!(within("the end", slow.read(&mut byte)).await, Ok(0) | Err(_)));
    assert!(matches!(within("the end", nothing.read(&mut byte)).await, Ok(0) | Err(_)));
    eventually("nobody is left", async || server.connection_count() == 0).await;
    connected(client(&server, &ca)).await;
}

/// A byte at a time buys no more of it.
#[tokio::test]
async fn a_handshake_in_drops_is_given_up_as_well() {
    let ca = TestCa::new("ca");
    let server = server(&ca).tls_handshake_limits(Duration::from_millis(300), 10).start().await;
    let server = server.unwrap();
    let mut dripping = TcpStream::connect(server.secure_addr()).await.unwrap();
    let mut turn = tokio::time::interval(Duration::from_millis(20));
    let drops = async {
        for byte in BEGINNING.iter().chain(std::iter::repeat(&0)) {
            turn.tick().await;
            if dripping.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    };
    within("it is cut off", drops).await;
}

#[tokio::test]
async fn so_many_handshakes_at_once_and_sessions_go_on() {
    let ca = TestCa::new("ca");
    let server = server(&ca).tls_handshake_limits(Duration::from_secs(5), 2).start().await.unwrap();
    let veteran = connected(client(&server, &ca)).await;
    let mut stuck = Vec::new();
    for _ in 0..2 {
        let mut socket = TcpStream::connect(server.secure_addr()).await.unwrap();
        socket.write_all(BEGINNING).await.unwrap();
        stuck.push(socket);
    }
    eventually("both are known", async || server.connection_count() == 3).await;
    let mut third = TcpStream::connect(server.secure_addr()).await.unwrap();
    let mut byte = [0];
    assert!(matches!(within("turned away", third.read(&mut byte)).await, Ok(0) | Err(_)));
    within("an answer", veteran.get("/")).await.unwrap();
    // The client comes again until there is room.
    connected(client(&server, &ca)).await;
}

/// Who is in the handshake counts among the connections of an address.
#[tokio::test]
async fn connections_count_before_they_are_secure() {
    let ca = TestCa::new("ca");
    let server = server(&ca).max_client_cnxns(2).start().await.unwrap();
    let mut stuck = Vec::new();
    for _ in 0..2 {
        let mut socket = TcpStream::connect(server.secure_addr()).await.unwrap();
        socket.write_all(BEGINNING).await.unwrap();
        stuck.push(socket);
    }
    eventually("both are known", async || server.connection_count() == 2).await;
    let mut third = TcpStream::connect(server.secure_addr()).await.unwrap();
    let mut byte = [0];
    assert!(matches!(within("turned away", third.read(&mut byte)).await, Ok(0) | Err(_)));
    drop(stuck);
    connected(client(&server, &ca)).await;
}

#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let ca = TestCa::new("ca");
    let server = server(&ca).tls_handshake_limits(Duration::from_secs(1), 100).start().await;
    let server = server.unwrap();
    let veteran = connected(client(&server, &ca)).await;
    let mut chance = fastrand::Rng::with_seed(7);
    let mut garbage: Vec<Vec<u8>> = vec![
        vec![0x16, 3, 1, 0xff, 0xff], // a record longer than any may be,
        [&[0x16, 3, 1, 0x40, 0][..], &[0; 0x4000]].concat(), // one as long as they may be,
        [BEGINNING, &[0xff; 600]].concat(), // a hello of nonsense,
        vec![0x16, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff], // one that claims to be of 16 MB,
        vec![0x15, 3, 3, 0, 2, 2, 40], // an alert,
        vec![0x17, 3, 3, 0, 1, 0],    // data before any hello,
        vec![0, 0, 0, 45],            // the protocol in the clear,
        b"GET / HTTP/1.1\r\n\r\n".to_vec(), // and a browser.
    ];
    garbage.extend((0..100).map(|_| {
        let mut bytes = BEGINNING.to_vec();
        bytes.extend((0..chance.usize(0..700)).map(|_| chance.u8(..)));
        bytes
    }));
    for bytes in garbage {
        let mut socket = TcpStream::connect(server.secure_addr()).await.unwrap();
        // The server may be done with it before all is written.
        let _ = socket.write_all(&bytes).await;
        let _ = socket.shutdown().await;
        let mut answer = Vec::new();
        let _ = within("the end", socket.read_to_end(&mut answer)).await;
        assert!(answer.len() < 100, "no more than an alert: {answer:?}");
    }
    within("an answer", veteran.get("/")).await.unwrap();
    eventually("only one is left", async || server.connection_count() == 1).await;
}

#[tokio::test]
async fn a_plain_client_on_the_secure_port_is_told_so() {
    let ca = TestCa::new("ca");
    let server = server(&ca).start().await.unwrap();
    refusal(Client::builder(&server.secure_addr().to_string()), &["answers in TLS"]).await;
}

/// A server that plays dead does not finish handshakes either; the client's bound holds.
#[tokio::test]
async fn a_paused_server_is_not_waited_for() {
    let ca = TestCa::new("ca");
    let server = server(&ca).start().await.unwrap();
    server.pause();
    refusal(client(&server, &ca), &[""]).await;
    server.resume();
    connected(client(&server, &ca)).await;
}
