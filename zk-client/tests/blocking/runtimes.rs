//! Inside of runtimes: no panic, no deadlock.

use tokio::runtime::{Builder, Runtime};
use zk_client::CreateMode;
use zk_client::blocking::{Client, Wait, WaitNext};

use crate::fixture::{Server, bounded};

fn runtimes() -> [Runtime; 3] {
    let current = Builder::new_current_thread().enable_all().build().unwrap();
    let one_worker = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let no_io = Builder::new_current_thread().build().unwrap();
    [current, one_worker, no_io]
}

/// Connects, asks more than a task may poll without yielding, and closes.
fn work(servers: &str) {
    let client = Client::connect(servers).unwrap();
    for _ in 0..300 {
        client.exists("/").wait().unwrap();
    }
    let (_, watch) = client.exists("/a").watch().wait().unwrap();
    client.create("/a", b"", CreateMode::Ephemeral).wait().unwrap();
    watch.wait().unwrap();
    let mut states = client.states();
    client.close().unwrap();
    assert_eq!(states.iter().count(), 2);
}

#[test]
fn a_task_may_wait_whatever_its_runtime() {
    bounded(|| {
        let server = Server::start();
        let servers = server.connect_string();
        for runtime in runtimes() {
            let servers = servers.clone();
            runtime.block_on(async move {
                work(&servers);
                let spawned = tokio::spawn(async move { work(&servers) });
                spawned.await.unwrap();
            });
        }
    });
}

#[test]
fn local_tasks_and_blocking_threads_may_wait() {
    bounded(|| {
        let server = Server::start();
        let servers = server.connect_string();
        let [current, ..] = runtimes();
        current.block_on(async {
            let local = tokio::task::LocalSet::new();
            let of_local = servers.clone();
            let task = local.spawn_local(async move { work(&of_local) });
            local.run_until(task).await.unwrap();
            tokio::task::spawn_blocking(move || work(&servers)).await.unwrap();
        });
    });
}

#[test]
fn a_client_may_be_dropped_inside_a_runtime() {
    bounded(|| {
        let server = Server::start();
        for runtime in runtimes() {
            runtime.block_on(async {
                let client = server.client();
                let (_, watch) = client.exists("/a").watch().wait().unwrap();
                drop((client, watch));
            });
            server.without_sessions();
        }
    });
}

#[test]
fn a_runtime_that_ends_takes_no_blocking_client_along() {
    bounded(|| {
        let server = Server::start();
        for runtime in runtimes() {
            let client = runtime.block_on(async { server.client() });
            drop(runtime);
            client.get("/").wait().unwrap();
        }
    });
}

#[test]
fn threads_besides_a_runtime_may_wait_for_its_clients() {
    bounded(|| {
        let server = Server::start();
        let [_, runtime, _] = runtimes();
        runtime.block_on(async {
            let client = server.builder().connect().await.unwrap();
            let waiting = tokio::task::spawn_blocking(move || client.get("/").wait());
            waiting.await.unwrap().unwrap();
        });
    });
}

#[test]
fn an_async_client_that_was_waited_for_lives_on_in_the_background() {
    bounded(|| {
        let server = Server::start();
        let client = server.builder().connect().wait().unwrap();
        client.get("/").wait().unwrap();
        let client = zk_client::Client::from(server.client());
        let [current, ..] = runtimes();
        current.block_on(async { client.get("/").await.unwrap() });
    });
}

#[test]
fn the_background_thread_refuses_to_wait_for_itself() {
    bounded(|| {
        let server = Server::start();
        let client = server.client();
        let (done, outcome) = std::sync::mpsc::channel();
        let of_task = client.clone();
        client.spawn_cleanup(async move {
            let wait = || of_task.get("/").wait();
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(wait));
            done.send(outcome.is_err()).unwrap();
        });
        assert!(outcome.recv().unwrap(), "it says so instead of waiting for ever");
        client.get("/").wait().unwrap();
    });
}
