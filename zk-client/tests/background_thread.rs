//! How long the thread of the blocking clients lives. Alone in its process, since all blocking
//! clients of a process share that thread.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test is the world")]

use std::time::{Duration, Instant};

use zk_client::blocking::{Client, Wait};
use zk_server::testing::TestServer;

/// How many threads of the blocking clients there are.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("the kernel lists threads");
    let names = tasks.flatten().flat_map(|task| std::fs::read_to_string(task.path().join("comm")));
    names.filter(|name| name.trim() == "zk-client").count()
}

fn until_there_are(count: usize) {
    let start = Instant::now();
    while threads() != count {
        assert!(start.elapsed() < Duration::from_secs(30), "{} threads", threads());
        std::thread::yield_now();
    }
}

#[test]
fn the_thread_lives_as_long_as_a_blocking_client() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::start()).unwrap();
    for _ in 0..3 {
        assert_eq!(threads(), 0);
        let first = Client::connect(&server.connect_string()).unwrap();
        let second = Client::connect(&server.connect_string()).unwrap();
        until_there_are(1);
        first.close().unwrap();
        drop(first);
        let (_, watch) = second.exists("/a").watch().wait().unwrap();
        // Closes it in the background, which takes the thread.
        drop(second);
        watch.wait().unwrap_err();
        until_there_are(0);
        assert!(server.session_ids().is_empty());
    }
}
