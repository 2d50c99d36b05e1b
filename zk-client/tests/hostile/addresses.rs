//! Names and addresses of servers.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, lookup_host};
use zk_client::{Client, Error};
use zk_server::testing::TestServer;

use super::{nobody, within};

/// Another address of a server.
async fn forward(listener: TcpListener, server: SocketAddr) {
    while let Ok((mut client, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut server = TcpStream::connect(server).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        });
    }
}

#[tokio::test]
async fn a_server_may_have_an_ipv6_address_only() {
    let server = TestServer::start().await.unwrap();
    let Ok(listener) = TcpListener::bind("[::1]:0").await else { return };
    let address = listener.local_addr().unwrap();
    tokio::spawn(forward(listener, server.addr()));
    let mut servers = vec![format!("{address}/")];
    if lookup_host(("localhost", 0)).await.unwrap().any(|address| address.is_ipv6()) {
        servers.push(format!("localhost:{}", address.port()));
    }
    for servers in servers {
        let client = within("the connect", Client::connect(&servers)).await.unwrap();
        client.get("/").await.unwrap();
    }
}

#[tokio::test]
async fn the_last_of_many_servers_is_found() {
    let server = TestServer::start().await.unwrap();
    let mut servers = String::new();
    let dead: Vec<_> = (0..12).map(|_| nobody()).collect();
    for (_socket, dead) in &dead {
        servers.push_str(&format!("{dead},"));
    }
    servers.push_str(&server.connect_string());
    for seed in 0..3 {
        let client = Client::builder(&servers).seed(seed).connect();
        within("the connect", client).await.unwrap().get("/").await.unwrap();
    }
}

#[tokio::test]
async fn a_name_nobody_knows_is_named_in_the_error() {
    let builder = Client::builder("no-such-host.invalid:2181,also-none.invalid");
    let connecting = builder.connect_timeout(Duration::from_secs(1)).connect();
    let error = within("the verdict", connecting).await.unwrap_err();
    assert!(matches!(error, Error::NoServerReachable { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("no-such-host.invalid") && text.contains("resolve"), "{text}");
}

#[tokio::test]
async fn connects_that_are_given_up_leave_no_connection() {
    let server = TestServer::start().await.unwrap();
    for steps in 0..60 {
        let mut connecting = Box::pin(Client::builder(&server.connect_string()).connect());
        let mut client = None;
        for _ in 0..steps {
            if let Some(connected) = futures_util::FutureExt::now_or_never(&mut connecting) {
                client = Some(connected.unwrap());
                break;
            }
            tokio::task::yield_now().await;
        }
        drop((connecting, client));
    }
    within("the end of all connections", async {
        while server.connection_count() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
