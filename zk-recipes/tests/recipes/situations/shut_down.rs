//! The runtime of a process is shut down with everything open: nothing panics, and what there is on
//! the server goes with the session.

use std::time::Duration;

use zk_client::Error as ClientError;
use zk_recipes::persistent_node::NodeState;
use zk_recipes::{
    Barrier, Cache, Config, Counter, DoubleBarrier, Error, Group, IdGenerator, LeaderElection,
    LeaderLatch, Lock, Partitioner, PersistentNode, Queue, Rendezvous, ServiceRegistry,
};

use super::api;
use crate::support::{children, client, connect_for, server, soon, until, until_children};

/// Short, since this is about its end; long enough for a busy machine.
const SESSION: Duration = Duration::from_secs(8);

#[tokio::test]
async fn what_is_kept_goes_with_the_session() {
    let server = server().await;
    let observer = client(&server).await;
    let connect_string = server.connect_string();
    let process = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let open = runtime.block_on(async {
            let client = connect_for(&connect_string, SESSION).await;
            let registry = ServiceRegistry::new(&client, "/a/services");
            let registration = soon(registry.register(api("a"))).await.unwrap();
            let view = soon(registry.watch("api")).await.unwrap();
            let node = soon(PersistentNode::start(&client, "/a/node", "")).await.unwrap();
            let member = soon(Group::new(&client, "/a/group").join("a", "")).await.unwrap();
            let meeting = soon(Rendezvous::open(&client, "/a/jobs")).await.unwrap();
            let inside = soon(DoubleBarrier::new(&client, "/a/double", 1).enter()).await.unwrap();
            (client, registration, view.provider(), node, member, meeting, inside)
        });
        drop(runtime);
        assert_eq!(open.2.view().instances().len(), 1, "it still shows what it had");
        assert!(open.2.pick().is_some());
        drop(open);
    });
    tokio::task::spawn_blocking(move || process.join().unwrap()).await.unwrap();
    for path in ["/a/services/api", "/a/group", "/a/jobs"] {
        until_children(&observer, path, 0).await;
    }
    until(|| async { observer.exists("/a/node").await.unwrap().is_none() }).await;
    // The sign of an open barrier is persistent; it does not open the next round.
    until(|| async { children(&observer, "/a/double").await.len() <= 1 }).await;
    let next = soon(DoubleBarrier::new(&observer, "/a/double", 1).enter()).await.unwrap();
    soon(next.leave()).await.unwrap();
}

#[tokio::test]
async fn claims_go_with_the_session_and_what_was_written_stays() {
    let server = server().await;
    let observer = client(&server).await;
    let connect_string = server.connect_string();
    let process = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let open = runtime.block_on(async {
            let client = connect_for(&connect_string, SESSION).await;
            let queue = Queue::new(&client, "/a/q");
            soon(queue.put("one")).await.unwrap();
            let claim = soon(queue.claim()).await.unwrap();
            let (counter, ids) =
                (Counter::new(&client, "/a/n"), IdGenerator::new(&client, "/a/i").block(5));
            soon(counter.add(1)).await.unwrap();
            assert_eq!(soon(ids.next()).await.unwrap(), 0);
            soon(Barrier::new(&client, "/a/b").set()).await.unwrap();
            let cache = soon(Cache::tree(&client, "/a")).await.unwrap();
            let config = soon(Config::<u32>::watch(&client, "/a/c")).await.unwrap();
            soon(config.publish(&7, None)).await.unwrap();
            (client, queue, claim, counter, ids, cache, config)
        });
        drop(runtime);
        assert!(!open.5.nodes().is_empty(), "it still shows what it had");
        drop(open);
    });
    tokio::task::spawn_blocking(move || process.join().unwrap()).await.unwrap();
    let claim = soon(Queue::new(&observer, "/a/q").claim()).await.unwrap();
    assert_eq!(claim.data(), b"one");
    soon(claim.complete()).await.unwrap();
    assert_eq!(soon(Counter::new(&observer, "/a/n").add(1)).await.unwrap(), 2);
    assert_eq!(soon(IdGenerator::new(&observer, "/a/i").next()).await.unwrap(), 5);
    assert!(soon(Barrier::new(&observer, "/a/b").is_set()).await.unwrap());
    let config = soon(Config::<u32>::watch(&observer, "/a/c")).await.unwrap();
    assert_eq!(config.value().as_deref(), Some(&7));
}

/// A task that sees its client end before it is dropped itself ends as with a closed client.
fn is_over(ended: Result<(), Error>) -> bool {
    matches!(ended, Ok(()) | Err(Error::Client(ClientError::Closed)))
}

#[tokio::test]
async fn who_waits_for_the_end_is_not_left_waiting() {
    let server = server().await;
    let connect_string = server.connect_string();
    let process = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let open = runtime.block_on(async {
            let client = connect_for(&connect_string, SESSION).await;
            let latch = soon(LeaderLatch::start(&client, "/a/latch", "one")).await.unwrap();
            let term = soon(latch.lead()).await.unwrap();
            let election =
                LeaderElection::start(&client, "/a/election", "one", |term| async move {
                    term.cancellation().cancelled().await;
                });
            let election = soon(election).await.unwrap();
            let plain = Partitioner::join(&client, "/a/shards", "one", ["a"]);
            let kazoo = Partitioner::kazoo("/a/sets", "one").items(["a"]).join(&client);
            let (plain, kazoo) = (soon(plain).await.unwrap(), soon(kazoo).await.unwrap());
            let node = soon(PersistentNode::start(&client, "/a/node", "")).await.unwrap();
            let guard = soon(Lock::acquire(&client, "/a/lock")).await.unwrap();
            (client, guard, latch, term, election, [plain, kazoo], node)
        });
        drop(runtime);
        let (_client, guard, latch, term, election, partitioners, node) = open;
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            soon(guard.lost()).await;
            soon(term.lost()).await;
            assert!(!guard.is_held() && !term.is_held());
            assert!(matches!(soon(latch.lead()).await, Err(Error::LatchClosed { .. })));
            assert!(is_over(soon(latch.close()).await));
            assert!(is_over(soon(election.ended()).await));
            assert!(is_over(soon(election.stop()).await));
            for partitioner in partitioners {
                assert!(soon(partitioner.wait_for_plan(|_| false)).await.is_none());
                while let Some(share) = soon(partitioner.next()).await {
                    drop(share);
                }
                assert!(is_over(soon(partitioner.leave()).await));
            }
            soon(node.wait_for(|state| *state == NodeState::Closed)).await;
        });
    });
    tokio::task::spawn_blocking(move || process.join().unwrap()).await.unwrap();
}
