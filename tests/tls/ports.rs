//! Which port speaks what.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use tests::{SecureServer, SecureSettings, TestCa, within};
use zk_client::tls::rustls::{self, ClientConfig, ClientConnection, RootCertStore, Stream};
use zk_client::{Client, CreateMode};

use crate::clients::{connected, tls};

fn blocking_config(ca: &TestCa) -> Arc<ClientConfig> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

/// What a server answers to a four-letter word under TLS.
async fn ask(server: SocketAddr, config: Arc<ClientConfig>, word: &'static [u8]) -> String {
    let asking = tokio::task::spawn_blocking(move || {
        let mut connection =
            ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
        let mut socket = TcpStream::connect(server).unwrap();
        let mut stream = Stream::new(&mut connection, &mut socket);
        stream.write_all(word).unwrap();
        let mut answer = Vec::new();
        let end = stream.read_to_end(&mut answer);
        // Ours ends the connection as TLS has it, by close_notify. Apache's may reset it instead, its
        // answer sent.
        if !cfg!(feature = "containers") {
            end.expect("an orderly end");
        }
        String::from_utf8(answer).unwrap()
    });
    within("the answer", asking).await.unwrap()
}

#[tokio::test]
async fn the_secure_port_answers_four_letter_words() {
    let ca = TestCa::new("ca");
    let settings = SecureSettings { client_auth: "none", ..SecureSettings::of(&ca) };
    let server = SecureServer::start(settings).await;
    let answer = ask(server.secure_address(), blocking_config(&ca), b"ruok").await;
    assert_eq!(answer, "imok");
}

#[tokio::test]
async fn one_port_takes_both_kinds_if_it_is_told_to() {
    let ca = TestCa::new("ca");
    let settings =
        SecureSettings { port_unification: true, client_auth: "want", ..SecureSettings::of(&ca) };
    let server = SecureServer::start(settings).await;
    let servers = format!("localhost:{}", server.address().port());
    let plain = connected(Client::builder(&servers)).await;
    let app = tls(&ca, Some(&ca.client("app"))).build().unwrap();
    let secure = connected(Client::builder(&servers).tls(app)).await;
    plain.create("/a", b"plain", CreateMode::Persistent).await.unwrap();
    assert_eq!(&secure.get("/a").await.unwrap().0[..], b"plain");
    let who = secure.who_am_i().await.unwrap();
    assert!(who.iter().any(|identity| identity.scheme == "x509" && identity.user == "CN=app"));
    let who = plain.who_am_i().await.unwrap();
    assert!(who.iter().all(|identity| identity.scheme != "x509"));
    assert_eq!(ask(server.address(), blocking_config(&ca), b"ruok").await, "imok");
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.write_all(b"ruok").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "imok");
}

/// As many bytes as fit no buffer on the way, in both directions at once.
#[tokio::test]
async fn large_nodes_and_many_requests_pass_through_tls() {
    let ca = TestCa::new("ca");
    let server = SecureServer::start(SecureSettings::of(&ca)).await;
    let app = tls(&ca, Some(&ca.client("app")));
    let client = connected(crate::clients::builder(&server, app)).await;
    let data = vec![7; 900 << 10];
    client.create("/large", &data, CreateMode::Persistent).await.unwrap();
    let reads: Vec<_> = (0..50).map(|_| client.get("/large").send()).collect();
    let writes: Vec<_> = (0..20).map(|_| client.set("/large", &data).send()).collect();
    for read in reads {
        assert_eq!(within("a read", read).await.unwrap().0.len(), data.len());
    }
    for write in writes {
        within("a write", write).await.unwrap();
    }
    assert_eq!(client.exists("/large").await.unwrap().unwrap().version, 20);
}
