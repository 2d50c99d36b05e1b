//! Recipes in programs without a runtime: every future can be waited for.

use tokio::runtime::Runtime;
use zk_client::blocking::{Client, Wait, WaitNext};
use zk_recipes::{LeaderLatch, Lock, RwLock, ServiceInstance, ServiceRegistry};
use zk_server::testing::TestServer;

use super::support;

#[test]
fn a_lock_is_acquired_lost_and_released_without_a_runtime() {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::start()).unwrap();
    let client = Client::connect(&server.connect_string()).unwrap();
    let guard = Lock::acquire(&client, "/locks/a").wait().unwrap();
    assert!(Lock::try_acquire(&client, "/locks/a").wait().unwrap().is_none());
    guard.release().wait().unwrap();
    let guard = Lock::acquire(&client, "/locks/a").wait().unwrap();
    client.delete(guard.path()).wait().unwrap();
    guard.lost().wait();
    drop(guard);
    client.close().unwrap();
}

#[test]
fn elections_and_registries_work_without_a_runtime() {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::start()).unwrap();
    let client = Client::connect(&server.connect_string()).unwrap();
    let latch = LeaderLatch::start(&client, "/masters", "me").wait().unwrap();
    assert!(latch.lead().wait().unwrap().is_held());
    latch.close().wait().unwrap();

    let registry = ServiceRegistry::new(&client, "/services");
    let view = registry.watch("api").wait().unwrap();
    let mut changes = view.changes();
    let instance = ServiceInstance::new("api", "localhost", 80);
    let registration = registry.register(instance).wait().unwrap();
    changes.wait_next().unwrap();
    assert_eq!(view.instances().len(), 1);
    registration.unregister().wait().unwrap();
    client.close().unwrap();
}

#[test]
fn a_read_write_lock_works_without_a_runtime() {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::start()).unwrap();
    let client = Client::connect(&server.connect_string()).unwrap();
    let lock = RwLock::new(&client, "/locks/a");
    let writer = lock.write().wait().unwrap();
    assert!(lock.try_read().wait().unwrap().is_none());
    let reader = writer.downgrade().wait().unwrap();
    lock.read().wait().unwrap().release().wait().unwrap();
    reader.release().wait().unwrap();
    client.close().unwrap();
}

/// As with a thread that waits: it has a runtime around it no longer than the wait.
#[tokio::test]
async fn a_guard_outlives_the_runtime_it_was_acquired_in() {
    let server = support::server().await;
    let client = support::client(&server).await;
    let of_thread = client.clone();
    let acquire = move || {
        let runtime = Runtime::new().unwrap();
        runtime.block_on(Lock::acquire(&of_thread, "/locks/a")).unwrap()
    };
    let guard = tokio::task::spawn_blocking(acquire).await.unwrap();
    client.delete(guard.path()).await.unwrap();
    support::soon(guard.lost()).await;
}
