//! Connections that the user makes, and tasks that the user runs.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpStream;
use zk_client::world::{BackgroundTask, Connecting, Connection, Connector, Spawner};
use zk_client::{Client, CreateMode, Error};

use crate::fixture::{server, within};

/// Whatever host is asked for, it is the one at this address.
struct To(std::net::SocketAddr, Arc<AtomicUsize>);

impl Connector for To {
    fn connect(&self, host: &str, port: u16) -> Connecting {
        assert_eq!((host, port), ("somewhere", 2181));
        self.1.fetch_add(1, Ordering::Relaxed);
        let address = self.0;
        Box::pin(async move {
            // What stands in the buffer has to be flushed by whoever wrote it.
            let stream = tokio::io::BufWriter::new(TcpStream::connect(address).await?);
            Ok(Box::new(stream) as Box<dyn Connection>)
        })
    }
}

struct Counting(Arc<AtomicUsize>);

impl Spawner for Counting {
    fn spawn(&self, task: BackgroundTask) {
        self.0.fetch_add(1, Ordering::Relaxed);
        drop(tokio::spawn(task));
    }
}

#[tokio::test]
async fn a_client_works_by_the_connections_of_its_connector() {
    let server = server().await;
    let made = Arc::new(AtomicUsize::new(0));
    let builder = Client::builder("somewhere").connector(To(server.addr(), Arc::clone(&made)));
    let client = within("connecting", builder.connect()).await.unwrap();
    let megabyte = vec![7; 1_000_000];
    within("a create", client.create("/a", &megabyte, CreateMode::Persistent)).await.unwrap();
    assert_eq!(within("a read", client.get("/a")).await.unwrap().0, megabyte);
    server.drop_connections();
    assert_eq!(within("a read", client.get("/a")).await.unwrap().0.len(), megabyte.len());
    assert_eq!(made.load(Ordering::Relaxed), 2);
    within("the close", client.close()).await.unwrap();
}

#[tokio::test]
async fn what_a_connector_says_is_told() {
    struct Refusing;
    impl Connector for Refusing {
        fn connect(&self, _: &str, _: u16) -> Connecting {
            Box::pin(async { Err(io::Error::other("the proxy is on holiday")) })
        }
    }
    let builder = Client::builder("somewhere").connector(Refusing);
    let limit = std::time::Duration::from_millis(200);
    let error = within("the verdict", builder.connect_timeout(limit).connect()).await.unwrap_err();
    assert!(matches!(error, Error::NoServerReachable { .. }), "{error}");
    assert!(error.to_string().contains("the proxy is on holiday"), "{error}");
}

#[tokio::test]
async fn every_task_of_a_client_is_run_by_its_spawner() {
    let server = server().await;
    let spawned = Arc::new(AtomicUsize::new(0));
    let builder = Client::builder(&server.connect_string());
    let connecting = builder.spawner(Counting(Arc::clone(&spawned))).connect();
    let client = within("connecting", connecting).await.unwrap();
    assert_eq!(spawned.load(Ordering::Relaxed), 1, "the driver");
    let (told, done) = tokio::sync::oneshot::channel();
    client.spawn_cleanup(async move {
        let _ = told.send(());
    });
    within("the cleanup", done).await.unwrap();
    assert_eq!(spawned.load(Ordering::Relaxed), 2);
    drop(client);
    assert_eq!(spawned.load(Ordering::Relaxed), 3, "the close of a dropped client");
}
