//! The connection cut at every byte of the exchange, in either direction, on real sockets.

use std::net::SocketAddr;

use futures_util::StreamExt;
use tests::within;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zk_client::sasl::Sasl;
use zk_client::{Acl, CreateMode};

use crate::server::{Kind, Server, builder, unique};

/// As many bytes of a first connection as pass, in each direction.
#[derive(Clone, Copy, Debug)]
struct Cut {
    to_server: usize,
    to_client: usize,
}

/// How many clients are on their way at the same time.
const CONCURRENCY: usize = 64;

/// Passes the bytes of one connection until the cut, then those of all that follow.
async fn pass(listener: TcpListener, server: SocketAddr, cut: Cut) {
    let mut cut = Some(cut);
    while let Ok((mut client, _)) = listener.accept().await {
        let cut = cut.take();
        tokio::spawn(async move {
            let Ok(mut server) = TcpStream::connect(server).await else { return };
            let Some(cut) = cut else {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                return;
            };
            let (mut from_client, mut to_client) = client.split();
            let (mut from_server, mut to_server) = server.split();
            tokio::select! {
                () = pass_some(&mut from_client, &mut to_server, cut.to_server) => {}
                () = pass_some(&mut from_server, &mut to_client, cut.to_client) => {}
            }
        });
    }
}

async fn pass_some(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut left: usize,
) {
    let mut buffer = [0; 4096];
    while left > 0 {
        let room = left.min(buffer.len());
        match from.read(&mut buffer[..room]).await {
            Ok(read @ 1..) if to.write_all(&buffer[..read]).await.is_ok() => left -= read,
            _ => return,
        }
    }
}

/// A client whose first connection is cut there reads what only its user may.
async fn survives(server: SocketAddr, path: &str, cut: Cut) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let proxy = tokio::spawn(pass(listener, server, cut));
    let sasl = Sasl::digest_md5("bob", "builder");
    let connecting = builder(address).sasl(sasl).connect();
    let client = within("a session", connecting).await.unwrap_or_else(|e| panic!("{cut:?}: {e}"));
    let read = within("a read", client.get(path)).await;
    assert_eq!(read.unwrap_or_else(|e| panic!("{cut:?}: {e}")).0, "mine");
    client.close().await.unwrap_or_else(|e| panic!("{cut:?}: {e}"));
    proxy.abort();
}

/// The bytes of connect request and exchange, as our client writes them: the response ends the last
/// frame. A little more does no harm.
const TO_SERVER: usize = 49 + 16 + 270;
/// The same of the server's: connect response, challenge, proof.
const TO_CLIENT: usize = 41 + 125 + 64;

#[tokio::test]
async fn a_cut_at_any_byte_of_the_exchange_leads_to_another_exchange() {
    let server = Server::start(Kind::Login).await;
    let bob = server.client_as("bob").await;
    let path = unique("cut");
    bob.create(&path, b"mine", CreateMode::Persistent).acl(Acl::creator_all()).await.unwrap();
    let to_server = (1..=TO_SERVER).map(|at| Cut { to_server: at, to_client: usize::MAX });
    let to_client = (1..=TO_CLIENT).map(|at| Cut { to_server: usize::MAX, to_client: at });
    let cuts = futures_util::stream::iter(to_server.chain(to_client));
    let address = server.address();
    cuts.for_each_concurrent(CONCURRENCY, |cut| survives(address, &path, cut)).await;
}
