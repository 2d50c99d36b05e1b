//! Writes that promise to be done once, cut at each byte.

use std::time::Duration;

use fastrand::Rng;
use futures_util::{StreamExt, stream};
use zk_client::{Client, CreateMode, SessionId};
use zk_server::testing::TestServer;

use super::scissors::{Direction, Scissors};
use super::within;

/// Runs at once: they mostly wait for reconnections.
const ABREAST: usize = 24;

const SESSION_TIMEOUT: Duration = Duration::from_secs(40);

/// Where a run happens: a directory of its own.
struct Run<'a> {
    client: &'a Client,
    control: &'a Client,
    base: &'a str,
}

impl Run<'_> {
    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    async fn children(&self) -> Vec<String> {
        self.control.children(self.base).await.unwrap().0
    }
}

async fn connect(servers: &str) -> Client {
    let builder = Client::builder(servers).session_timeout(SESSION_TIMEOUT);
    let builder = builder.close_timeout(SESSION_TIMEOUT);
    within("a session", builder.connect()).await.unwrap()
}

/// Runs `work` with a cut at each byte of its conversation, and another one behind it.
async fn at_each_byte(what: &str, seed: u64, work: impl AsyncFn(Run<'_>)) {
    let server = TestServer::start().await.unwrap();
    let control = connect(&server.connect_string()).await;
    let run = async |at: usize, cuts| {
        let base = format!("/r{at:06}");
        control.create(&base, b"", CreateMode::Persistent).await.unwrap();
        let scissors = Scissors::start(server.addr(), cuts).await;
        let client = connect(&scissors.address().to_string()).await;
        let run = Run { client: &client, control: &control, base: &base };
        within(what, work(run)).await;
        let _ = client.close().await;
        [Direction::ToServer, Direction::ToClient].map(|way| scissors.bytes(way))
    };
    let bytes = run(0, Vec::new()).await;
    let mut rng = Rng::with_seed(seed);
    let mut plans = Vec::new();
    for way in [Direction::ToServer, Direction::ToClient] {
        for at in 1..=bytes[way as usize] {
            let again = if rng.bool() { Direction::ToServer } else { Direction::ToClient };
            plans.push(vec![(way, at), (again, rng.usize(1..400))]);
        }
    }
    let count = plans.len();
    stream::iter(plans.into_iter().enumerate())
        .for_each_concurrent(ABREAST, |(at, cuts)| {
            let run = &run;
            async move {
                run(at + 1, cuts).await;
            }
        })
        .await;
    eprintln!("{what}: {bytes:?} bytes, {count} cuts");
    assert!(count > 100, "{what} was cut at {count} bytes only");
}

#[tokio::test]
async fn a_protected_create_makes_one_node_wherever_it_is_cut() {
    at_each_byte("protected create", 1, async |run| {
        let mode = CreateMode::EphemeralSequential;
        let created = run.client.create(&run.path("n-"), b"x", mode).protected().await.unwrap();
        assert_eq!(Some(created.stat.ephemeral_owner), run.client.session_id());
        let children = run.children().await;
        assert_eq!(children.len(), 1, "{children:?}");
        assert_eq!(created.path, run.path(&children[0]));
    })
    .await;
}

#[tokio::test]
async fn a_protected_create_of_a_persistent_node_with_its_parents_makes_one() {
    at_each_byte("protected create with parents", 2, async |run| {
        let mode = CreateMode::PersistentSequential;
        let path = run.path("a/b/n-");
        let create = run.client.create(&path, b"x", mode).protected().with_parents();
        match create.await {
            Ok(created) => {
                assert_eq!(created.stat.ephemeral_owner, SessionId::NONE);
                let (children, _) = run.control.children(&run.path("a/b")).await.unwrap();
                assert_eq!(children.len(), 1, "{children:?}");
            }
            // The parents are not what is protected, but the word on them is right.
            Err(error) => panic!("{error}"),
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_dropped_call_left_is_removed_before_the_client_is_closed() {
    at_each_byte("dropped calls", 6, async |run| {
        let path = run.path("a");
        run.control.create(&path, b"", CreateMode::Persistent).await.unwrap();
        drop(run.client.delete(&path).guaranteed().send());
        let mode = CreateMode::PersistentSequential;
        drop(run.client.create(&run.path("n-"), b"", mode).protected().send());
        // Without the last word of a server it is an error, and closed all the same.
        let _ = run.client.close().await;
        assert_eq!(run.children().await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn idempotent_writes_come_to_the_same_as_one_wherever_they_are_cut() {
    at_each_byte("idempotent writes", 3, async |run| {
        let path = run.path("a");
        let create = run.client.create(&path, b"1", CreateMode::Persistent);
        let created = create.idempotent().await.unwrap();
        assert_eq!(created.stat.version, 0);
        let stat = run.client.set(&path, b"2").version(0).idempotent().await.unwrap();
        assert_eq!((stat.version, stat.czxid), (1, created.stat.czxid));
        let (data, _) = run.control.get(&path).await.unwrap();
        assert_eq!(&data[..], b"2");
        run.client.delete(&path).version(1).idempotent().await.unwrap();
        assert_eq!(run.children().await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn create_or_set_ends_with_the_data_wherever_it_is_cut() {
    at_each_byte("create or set", 4, async |run| {
        let path = run.path("a");
        for data in [b"1", b"2"] {
            let create = run.client.create(&path, data, CreateMode::Persistent);
            create.or_set().idempotent().await.unwrap();
            assert_eq!(&run.control.get(&path).await.unwrap().0[..], data);
        }
    })
    .await;
}

#[tokio::test]
async fn a_path_is_ensured_and_a_delete_guaranteed_wherever_they_are_cut() {
    at_each_byte("ensure and guaranteed delete", 5, async |run| {
        let path = run.path("a/b/c");
        run.client.ensure_path(&path).await.unwrap();
        assert!(run.control.exists(&path).await.unwrap().is_some());
        run.client.delete(&path).guaranteed().await.unwrap();
        assert_eq!(run.control.exists(&path).await.unwrap(), None);
    })
    .await;
}
