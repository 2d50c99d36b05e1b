//! Taking and giving back, in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::time::Duration;

use zk_client::CreateMode;
use zk_recipes::{Error, NodeOptions, Parents, Released, RwLock};

use super::{PATH, layouts, lock, reader, writer};
use crate::support::{children, client, server, soon, until_children};

#[tokio::test]
async fn readers_hold_together_and_a_writer_alone() {
    let server = server().await;
    let (client, other) = (client(&server).await, client(&server).await);
    for (lock, other) in layouts(&client).into_iter().zip(layouts(&other)) {
        let first = soon(lock.read()).await.unwrap();
        let second = soon(other.read()).await.unwrap();
        assert!(first.is_held() && second.is_held());
        assert!(second.fencing_token() > first.fencing_token());
        assert!(soon(other.try_write()).await.unwrap().is_none());
        assert_eq!(soon(first.release()).await.unwrap(), Released::Released);
        assert!(soon(lock.try_write()).await.unwrap().is_none());
        assert_eq!(soon(second.release()).await.unwrap(), Released::Released);

        let writer = soon(lock.try_write()).await.unwrap().expect("it is free");
        assert!(soon(other.try_write()).await.unwrap().is_none());
        assert!(soon(other.try_read()).await.unwrap().is_none());
        assert_eq!(children(&client, lock.path()).await.len(), 1, "those who tried left the line");
        assert_eq!(soon(writer.release()).await.unwrap(), Released::Released);
        assert!(soon(other.try_read()).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn guards_tell_what_they_hold() {
    let server = server().await;
    let client = client(&server).await;
    let writer = soon(lock(&client).write()).await.unwrap();
    let (_, stat) = client.get(writer.path()).await.unwrap();
    assert_eq!(writer.fencing_token().0, stat.czxid.0);
    assert_eq!(Some(writer.session_id()), client.session_id());
    client.create("/data", b"", CreateMode::Persistent).await.unwrap();
    writer.writes().set("/data", b"1").await.unwrap();
    let (lost, cancelled) = (writer.lost(), writer.cancellation());
    drop(writer);
    assert_eq!(soon(lost).await, zk_recipes::LostReason::Released);
    assert!(cancelled.is_cancelled());
    until_children(&client, PATH, 0).await;
}

#[tokio::test]
async fn names_are_those_of_curator_and_of_kazoo() {
    let server = server().await;
    let client = client(&server).await;
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    let [curator, kazoo] = layouts(&client);
    let tags = ["/locks/curator/_c_", "/locks/kazoo/"];
    let marks = [
        ["-__READ__0000000000", "-__WRIT__0000000001"],
        ["__rlock__0000000000", "__lock__0000000001"],
    ];
    for (lock, (tag, marks)) in [curator, kazoo].iter().zip(tags.iter().zip(marks)) {
        let read = soon(lock.read()).await.unwrap();
        let read_path = read.path().to_owned();
        soon(read.release()).await.unwrap();
        let write = soon(lock.write()).await.unwrap();
        for (path, mark) in [read_path.as_str(), write.path()].into_iter().zip(marks) {
            let guid = path.strip_prefix(tag).and_then(|name| name.strip_suffix(mark));
            let guid = guid.unwrap_or_else(|| panic!("{path} has no {mark}"));
            let hex = guid.replace('-', "");
            assert!(hex.len() == 32 && is_hex(&hex), "{path}");
            assert_eq!(guid.len(), if *tag == "/locks/kazoo/" { 32 } else { 36 }, "{path}");
        }
    }
}

#[tokio::test]
async fn a_writer_that_waits_holds_up_later_readers_and_then_they_go_together() {
    let server = server().await;
    let client = client(&server).await;
    for lock in layouts(&client) {
        let first = soon(lock.read()).await.unwrap();
        let writing = writer(&lock, &client, 2).await;
        let readings = [reader(&lock, &client, 3).await, reader(&lock, &client, 4).await];
        assert!(soon(lock.try_read()).await.unwrap().is_none(), "a writer waits");
        assert!(!writing.is_finished() && readings.iter().all(|reading| !reading.is_finished()));

        soon(first.release()).await.unwrap();
        let written = soon(writing).await.unwrap().unwrap();
        assert!(readings.iter().all(|reading| !reading.is_finished()));
        let token = written.fencing_token();
        soon(written.release()).await.unwrap();
        let mut guards = Vec::new();
        for reading in readings {
            guards.push(soon(reading).await.unwrap().unwrap());
        }
        assert!(guards.iter().all(|guard| guard.is_held() && guard.fencing_token() > token));
    }
}

#[tokio::test]
async fn contenders_are_served_in_the_order_they_came() {
    let server = server().await;
    let client = client(&server).await;
    let lock = lock(&client);
    let first = soon(lock.write()).await.unwrap();
    let (order, mut served) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..6 {
        let (lock, order) = (lock.clone(), order.clone());
        tokio::spawn(async move {
            // Writers, so that each waits for the one before it, and a reader between two of them.
            if number % 3 == 1 {
                let guard = lock.read().await.unwrap();
                order.send(number).unwrap();
                guard.release().await.unwrap();
            } else {
                let guard = lock.write().await.unwrap();
                order.send(number).unwrap();
                guard.release().await.unwrap();
            }
        });
        until_children(&client, PATH, number + 2).await;
    }
    soon(first.release()).await.unwrap();
    for number in 0..6 {
        assert_eq!(soon(served.recv()).await, Some(number));
    }
}

/// How many are in: readers count up, a writer is -1.
#[derive(Default)]
struct Inside {
    readers: AtomicIsize,
    visits: AtomicUsize,
}

impl Inside {
    fn enter(&self, writes: bool) {
        let before = self.readers.fetch_add(if writes { -1000 } else { 1 }, Ordering::SeqCst);
        let fits = if writes { before == 0 } else { before >= 0 };
        assert!(fits, "a {} came in with {before}", if writes { "writer" } else { "reader" });
        self.visits.fetch_add(1, Ordering::SeqCst);
    }

    fn leave(&self, writes: bool) {
        self.readers.fetch_sub(if writes { -1000 } else { 1 }, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_is_never_in_with_anybody() {
    const TASKS: usize = 6;
    const ROUNDS: usize = 6;
    let server = server().await;
    let inside = Arc::new(Inside::default());
    let mut tasks = Vec::new();
    // Two handles of each process.
    for task in 0..TASKS {
        let client = client(&server).await;
        let (lock, inside) = (lock(&client), inside.clone());
        tasks.push(tokio::spawn(async move {
            for round in 0..ROUNDS {
                if (task + round) % 3 == 0 {
                    let guard = lock.write().await.unwrap();
                    inside.enter(true);
                    tokio::task::yield_now().await;
                    assert!(guard.is_held());
                    inside.leave(true);
                    if round % 2 == 0 {
                        let guard = guard.downgrade().await.unwrap();
                        inside.enter(false);
                        assert!(guard.is_held());
                        inside.leave(false);
                        guard.release().await.unwrap();
                    }
                } else {
                    let guard = lock.read().await.unwrap();
                    inside.enter(false);
                    tokio::task::yield_now().await;
                    assert!(guard.is_held());
                    inside.leave(false);
                    guard.release().await.unwrap();
                }
            }
        }));
    }
    for task in tasks {
        soon(task).await.unwrap();
    }
    assert!(inside.visits.load(Ordering::SeqCst) >= TASKS * ROUNDS);
    until_children(&client(&server).await, PATH, 0).await;
}

#[tokio::test]
async fn two_handles_in_one_process_exclude_each_other() {
    let server = server().await;
    let client = client(&server).await;
    let (one, two) = (lock(&client), lock(&client));
    let guard = soon(one.write()).await.unwrap();
    assert!(soon(two.try_read()).await.unwrap().is_none());
    let reading = reader(&two, &client, 2).await;
    soon(guard.release()).await.unwrap();
    assert!(soon(reading).await.unwrap().unwrap().is_held());
}

#[tokio::test]
async fn waiting_ends_with_the_time_allowed_and_leaves_the_line() {
    let server = server().await;
    let client = client(&server).await;
    let _guard = soon(lock(&client).write()).await.unwrap();
    let limit = Duration::from_millis(50);
    let impatient = lock(&client).timeout(limit);
    let timed_out = Error::TimedOut { path: PATH.to_owned(), after: limit };
    assert_eq!(soon(impatient.read()).await.unwrap_err(), timed_out);
    assert_eq!(soon(impatient.write()).await.unwrap_err(), timed_out);
    until_children(&client, PATH, 1).await;
}

#[tokio::test]
async fn strangers_under_the_path_block_nobody() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/x", b"", CreateMode::Persistent).await.unwrap();
    for name in
        ["!", "0", "note", "__READ__", "__WRIT__x", "aa__lock__0000000000", "lock-0000000000"]
    {
        client.create(&format!("/x/{name}"), b"", CreateMode::Persistent).await.unwrap();
    }
    let guard = soon(RwLock::new(&client, "/x").try_write()).await.unwrap();
    assert!(guard.expect("nobody holds it").is_held());
}

#[tokio::test]
async fn contenders_of_peers_are_in_the_line() {
    let server = server().await;
    let client = client(&server).await;
    let kinds = [
        (
            "_c_5aa0d8f8-4d4b-4a5c-9d5e-0123456789ab-__READ__",
            "5aa0d8f84d4b4a5c9d5e0123456789ab__rlock__",
        ),
        (
            "_c_5aa0d8f8-4d4b-4a5c-9d5e-0123456789ab-__WRIT__",
            "5aa0d8f84d4b4a5c9d5e0123456789ab__lock__",
        ),
    ];
    for (writes, names) in kinds.into_iter().enumerate() {
        for (lock, name) in layouts(&client).into_iter().zip([names.0, names.1]) {
            soon(soon(lock.read()).await.unwrap().release()).await.unwrap();
            let path = format!("{}/{name}", lock.path());
            let other = client.create(&path, b"", CreateMode::EphemeralSequential).await.unwrap();
            assert_eq!(soon(lock.try_read()).await.unwrap().is_some(), writes == 0, "{name}");
            assert!(soon(lock.try_write()).await.unwrap().is_none(), "{name}");
            client.delete(&other.path).await.unwrap();
            until_children(&client, lock.path(), 0).await;
        }
    }
}

#[tokio::test]
async fn a_lock_works_at_the_top_of_the_tree_and_below_a_chroot() {
    let server = server().await;
    let top = client(&server).await;
    top.create("/app", b"", CreateMode::Persistent).await.unwrap();
    let chrooted = crate::support::connect(&format!("{}/app", server.connect_string())).await;
    let guard = soon(RwLock::new(&chrooted, "/x").write()).await.unwrap();
    assert!(soon(RwLock::new(&top, "/app/x").try_read()).await.unwrap().is_none());
    let guard = soon(guard.downgrade()).await.unwrap();
    assert!(soon(RwLock::new(&top, "/app/x").try_read()).await.unwrap().is_some());
    soon(guard.release()).await.unwrap();
    let at_the_root = soon(RwLock::new(&chrooted, "/").write()).await.unwrap();
    let at_the_root = soon(at_the_root.downgrade()).await.unwrap();
    assert_eq!(at_the_root.path().matches('/').count(), 1);
    soon(at_the_root.release()).await.unwrap();
}

#[tokio::test]
async fn data_acl_and_parents_are_the_callers_also_after_a_downgrade() {
    let server = server().await;
    let client = client(&server).await;
    let strict = lock(&client).options(NodeOptions::new().parents(Parents::MustExist));
    assert!(soon(strict.read()).await.is_err());
    let acl = zk_client::Acl::read_only();
    let options = NodeOptions::new().acl(acl.clone()).parents(Parents::Persistent);
    let lock = lock(&client).options(options).data("node-1");
    let writer = soon(lock.write()).await.unwrap();
    assert_eq!(client.get(writer.path()).await.unwrap().0, "node-1");
    assert_eq!(client.get_acl(writer.path()).await.unwrap().0, acl);
    let reader = soon(writer.downgrade()).await.unwrap();
    assert_eq!(client.get(reader.path()).await.unwrap().0, "node-1");
    assert_eq!(client.get_acl(reader.path()).await.unwrap().0, acl);
    soon(reader.release()).await.unwrap();
}
