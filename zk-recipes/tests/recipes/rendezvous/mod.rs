//! Rendezvous.

use zk_client::Client;
use zk_recipes::{Error, Released, Rendezvous};

use crate::support::{
    Op, Proxy, children, client, connect, expire, server, soon, until, until_children,
};

const DIRECTORY: &str = "/jobs/17";

async fn meeting(
    proxy: &Proxy,
    client: &Client,
    path: &str,
) -> tokio::task::JoinHandle<zk_recipes::Result<bytes::Bytes>> {
    let before = proxy.requests();
    let (waiting, path) = (client.clone(), path.to_owned());
    let meeting = tokio::spawn(async move { Rendezvous::meet(&waiting, &path).await });
    until(|| async { proxy.requests() > before && client.exists("/").await.is_ok() }).await;
    meeting
}

#[tokio::test]
async fn those_who_wait_meet_where_it_is_announced() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (starter, worker) = (client(&server).await, connect(&proxy.connect_string()).await);
    let rendezvous = soon(Rendezvous::open(&starter, DIRECTORY)).await.unwrap();
    assert_eq!(Some(rendezvous.session_id()), starter.session_id());
    let path = rendezvous.path().to_owned();
    let early = meeting(&proxy, &worker, &path).await;
    proxy.cut();
    soon(Rendezvous::announce(&worker, &path, "here")).await.unwrap();
    assert_eq!(soon(early).await.unwrap().unwrap(), "here");
    assert_eq!(soon(Rendezvous::meet(&worker, &path)).await.unwrap(), "here");
    assert_eq!(soon(rendezvous.close()).await.unwrap(), Released::Released);
    let over = Error::RendezvousOver { path: path.clone() };
    assert_eq!(soon(Rendezvous::meet(&worker, &path)).await, Err(over.clone()));
    assert_eq!(soon(Rendezvous::announce(&worker, &path, "there")).await, Err(over));
}

#[tokio::test]
async fn those_who_wait_are_told_when_nobody_will_come() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (starter, worker) = (client(&server).await, connect(&proxy.connect_string()).await);
    for expires in [true, false] {
        let rendezvous = soon(Rendezvous::open(&starter, DIRECTORY)).await.unwrap();
        let waiting = meeting(&proxy, &worker, rendezvous.path()).await;
        if expires {
            expire(&server, &starter);
        } else {
            drop(rendezvous);
        }
        assert!(matches!(soon(waiting).await.unwrap(), Err(Error::RendezvousOver { .. })));
    }
}

#[tokio::test]
async fn lost_requests_and_replies_and_dropped_futures_leave_nothing() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    for lose in [Proxy::lose_request, Proxy::lose_reply] {
        lose(&proxy, Op::Create);
        let rendezvous = soon(Rendezvous::open(&client, DIRECTORY)).await.unwrap();
        assert_eq!(children(&observer, DIRECTORY).await.len(), 1);
        lose(&proxy, Op::Delete);
        soon(rendezvous.close()).await.unwrap();
        assert!(children(&observer, DIRECTORY).await.is_empty());
    }
    proxy.triggered(4).await;
    proxy.hold_reply(Op::Create);
    let opening = tokio::spawn({
        let client = client.clone();
        async move { Rendezvous::open(&client, DIRECTORY).await.map(drop) }
    });
    proxy.triggered(5).await;
    opening.abort();
    assert!(soon(opening).await.unwrap_err().is_cancelled());
    proxy.release();
    until_children(&observer, DIRECTORY, 0).await;
    assert_eq!(client.session_epoch(), 1, "not by the end of the session");
}
