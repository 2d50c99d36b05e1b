//! Taking and giving back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use zk_client::{Client, CreateMode, Error as ClientError};
use zk_recipes::{Counter, Error, NodeOptions, Parents, Released, Semaphore};

use super::{LAYOUTS, Layout, PATH};
use crate::support::{children, client, server, soon, until_children};

#[tokio::test]
async fn as_many_hold_as_there_are_leases_and_the_next_waits() {
    for layout in LAYOUTS {
        let server = server().await;
        let (one, two) = (client(&server).await, client(&server).await);
        let ours = layout.semaphore(&one, 2);
        let (first, second) =
            (soon(ours.acquire()).await.unwrap(), soon(ours.acquire()).await.unwrap());
        assert!(first.is_held() && second.is_held());
        assert!(second.fencing_token() > first.fencing_token());
        assert_eq!(Some(first.session_id()), one.session_id());
        let (_, stat) = one.get(first.path()).await.unwrap();
        assert_eq!(first.fencing_token().0, stat.czxid.0);
        assert_eq!(Some(stat.ephemeral_owner), one.session_id());

        let theirs = layout.semaphore(&two, 2);
        let waiting = tokio::spawn(async move { theirs.acquire().await });
        layout.until(&one, 3, 1).await;
        assert!(!waiting.is_finished());
        let lost = first.lost();
        assert_eq!(soon(first.release()).await.unwrap(), Released::Released);
        soon(lost).await;
        let third = soon(waiting).await.unwrap().unwrap();
        assert!(third.is_held() && third.fencing_token() > second.fencing_token());
        layout.until(&one, 2, 0).await;
    }
}

#[tokio::test]
async fn names_are_curators_or_kazoos() {
    let server = server().await;
    let client = client(&server).await;
    let lease = soon(Layout::Curator.semaphore(&client, 1).acquire()).await.unwrap();
    let name = lease.path().strip_prefix("/limits/x/leases/_c_").unwrap();
    assert_eq!(name.split_at(36).1, "-lease-0000000000");
    soon(lease.release()).await.unwrap();

    let path = "/limits/k";
    let kazoo = Semaphore::kazoo(&client, path, 12).data(&b"node-1"[..]);
    let lease = soon(kazoo.acquire()).await.unwrap();
    let name = lease.path().strip_prefix("/limits/k/").unwrap();
    assert!(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    assert_eq!(client.get(lease.path()).await.unwrap().0, "node-1");
    assert_eq!(client.get(path).await.unwrap().0, "12");
    assert!(client.exists("/limits/k-__lock__").await.unwrap().is_some());
}

#[tokio::test]
async fn several_leases_are_got_together_or_not_at_all() {
    for layout in LAYOUTS {
        let server = server().await;
        let client = client(&server).await;
        let semaphore = layout.semaphore(&client, 3);
        let one = soon(semaphore.acquire()).await.unwrap();
        let limit = Duration::from_millis(50);
        let hurried = semaphore.clone().timeout(limit);
        let error = soon(hurried.acquire_many(3)).await.unwrap_err();
        assert_eq!(error, Error::TimedOut { path: PATH.to_owned(), after: limit });
        layout.until(&client, 1, 0).await;

        let waiting = tokio::spawn({
            let semaphore = semaphore.clone();
            async move { semaphore.acquire_many(3).await }
        });
        layout.until(&client, 4, 1).await;
        soon(one.release()).await.unwrap();
        let three = soon(waiting).await.unwrap().unwrap();
        assert_eq!(three.len(), 3);
        assert!(three.iter().all(zk_recipes::SemaphoreLease::is_held));
        assert!(soon(semaphore.try_acquire()).await.unwrap().is_none());
        drop(three);
        layout.until(&client, 0, 0).await;
        assert!(soon(semaphore.acquire_many(0)).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn more_than_there_are_is_an_error_at_once() {
    let server = server().await;
    let client = client(&server).await;
    let semaphore = Semaphore::new(&client, PATH, 2);
    let error = soon(semaphore.acquire_many(3)).await.unwrap_err();
    assert_eq!(error, Error::TooManyLeases { path: PATH.to_owned(), wanted: 3, limit: 2 });
    assert!(!error.is_retryable());
    assert!(soon(semaphore.try_acquire_many(3)).await.is_err());
    assert!(client.exists(PATH).await.unwrap().is_none(), "nothing was asked for");
}

#[tokio::test]
async fn trying_takes_what_is_free_and_leaves_no_trace_of_what_is_not() {
    for layout in LAYOUTS {
        let server = server().await;
        let (one, two) = (client(&server).await, client(&server).await);
        let (ours, theirs) = (layout.semaphore(&one, 2), layout.semaphore(&two, 2));
        let first = soon(ours.try_acquire()).await.unwrap().expect("it is free");
        assert!(soon(theirs.try_acquire_many(2)).await.unwrap().is_none());
        let second = soon(theirs.try_acquire()).await.unwrap().expect("one is left");
        assert!(soon(ours.try_acquire()).await.unwrap().is_none());
        layout.until(&one, 2, 0).await;
        drop((first, second));
        layout.until(&one, 0, 0).await;
        assert_eq!(soon(ours.try_acquire_many(2)).await.unwrap().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn trying_waits_for_those_who_are_about_to_acquire_but_not_for_those_who_wait() {
    for layout in LAYOUTS {
        let server = server().await;
        let (one, two) = (client(&server).await, client(&server).await);
        let (ours, theirs) = (layout.semaphore(&one, 2), layout.semaphore(&two, 2));
        let _first = soon(theirs.acquire()).await.unwrap();
        layout.until(&two, 1, 0).await;
        // Somebody has the turn and has done nothing with it yet.
        let name = match layout {
            Layout::Curator => "_c_5aa0d8f8-4d4b-4a5c-9d5e-0123456789ab-lock-",
            Layout::Kazoo => "5aa0d8f84d4b4a5c9d5e0123456789ab__lock__",
        };
        let path = format!("{}/{name}", layout.line());
        let passing = two.create(&path, b"", CreateMode::EphemeralSequential).await.unwrap();
        let trying = tokio::spawn({
            let ours = ours.clone();
            async move { ours.try_acquire().await }
        });
        until_children(&two, &layout.line(), 2).await;
        two.delete(&passing.path).await.unwrap();
        let second = soon(trying).await.unwrap().unwrap().expect("one was left");

        soon(second.release()).await.unwrap();
        let passing = two.create(&path, b"", CreateMode::EphemeralSequential).await.unwrap();
        let trying = tokio::spawn(async move { ours.try_acquire().await });
        until_children(&two, &layout.line(), 2).await;
        let lease = format!("{}/theirs", layout.leases());
        two.create(&lease, b"", CreateMode::Ephemeral).await.unwrap();
        assert!(soon(trying).await.unwrap().unwrap().is_none(), "the last one was taken");
        assert_eq!(children(&two, &layout.line()).await.len(), 1);
        two.delete(&passing.path).await.unwrap();
    }
}

#[tokio::test]
async fn waiters_are_served_in_the_order_they_came() {
    let server = server().await;
    let client = client(&server).await;
    let semaphore = Semaphore::new(&client, PATH, 1);
    let first = soon(semaphore.acquire()).await.unwrap();
    let (order, mut served) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..4 {
        let (semaphore, order) = (semaphore.clone(), order.clone());
        tokio::spawn(async move {
            let lease = semaphore.acquire().await.unwrap();
            order.send(number).unwrap();
            lease.release().await.unwrap();
        });
        Layout::Curator.until(&client, 2, number + 1).await;
    }
    soon(first.release()).await.unwrap();
    for number in 0..4 {
        assert_eq!(soon(served.recv()).await, Some(number));
    }
}

#[tokio::test]
async fn the_limit_follows_a_shared_count() {
    let server = server().await;
    let client = client(&server).await;
    let semaphore = Semaphore::shared_count(&client, PATH, "/limits/count");
    let count = Counter::shared_count(&client, "/limits/count");
    assert!(soon(semaphore.try_acquire()).await.unwrap().is_none(), "no count lets nobody in");
    let waiting = |leases: usize| {
        let semaphore = semaphore.clone();
        tokio::spawn(async move { semaphore.acquire_many(leases).await })
    };
    let first = waiting(1);
    Layout::Curator.until(&client, 1, 1).await;
    soon(count.set(1)).await.unwrap();
    let mut held = soon(first).await.unwrap().unwrap();

    let more = waiting(2);
    Layout::Curator.until(&client, 3, 1).await;
    soon(count.set(3)).await.unwrap();
    held.extend(soon(more).await.unwrap().unwrap());

    // A limit that shrinks takes nothing away.
    soon(count.set(1)).await.unwrap();
    let next = waiting(1);
    Layout::Curator.until(&client, 4, 1).await;
    assert!(held.iter().all(zk_recipes::SemaphoreLease::is_held));
    soon(held.pop().unwrap().release()).await.unwrap();
    soon(held.pop().unwrap().release()).await.unwrap();
    Layout::Curator.until(&client, 2, 1).await;
    assert!(!next.is_finished());
    soon(held.pop().unwrap().release()).await.unwrap();
    assert_eq!(soon(next).await.unwrap().unwrap().len(), 1);

    client.set("/limits/count", b"three").await.unwrap();
    let error = soon(semaphore.acquire()).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn a_mutex_is_a_semaphore_of_one() {
    let server = server().await;
    let client = client(&server).await;
    let mutex = Semaphore::mutex(&client, PATH);
    let held = soon(mutex.acquire()).await.unwrap();
    assert!(soon(mutex.try_acquire()).await.unwrap().is_none());
    assert!(soon(Semaphore::new(&client, PATH, 1).try_acquire()).await.unwrap().is_none());
    soon(held.release()).await.unwrap();
    assert!(soon(mutex.try_acquire()).await.unwrap().is_some());
}

#[tokio::test]
async fn all_must_agree_on_kazoos_limit() {
    let server = server().await;
    let client = client(&server).await;
    let _lease = soon(Semaphore::kazoo(&client, PATH, 2).acquire()).await.unwrap();
    let other = Semaphore::kazoo(&client, PATH, 3);
    let mismatch = Error::LimitMismatch { path: PATH.to_owned(), stored: 2, wanted: 3 };
    assert_eq!(soon(other.acquire()).await.unwrap_err(), mismatch);
    assert_eq!(soon(other.try_acquire()).await.unwrap_err(), mismatch);
    Layout::Kazoo.until(&client, 1, 0).await;
    // Whatever is no number is none of a semaphore's business, says kazoo.
    client.set(PATH, b"owner: ops").await.unwrap();
    let _lease = soon(other.acquire()).await.unwrap();
    assert_eq!(client.get(PATH).await.unwrap().0, "owner: ops");
}

#[tokio::test]
async fn whatever_lies_among_the_leases_counts() {
    for layout in LAYOUTS {
        let server = server().await;
        let client = super::nobody_ever_was(&server, layout, 1).await;
        let stranger = format!("{}/note", layout.leases());
        client.create(&stranger, b"", CreateMode::Persistent).await.unwrap();
        let semaphore = layout.semaphore(&client, 1);
        assert!(soon(semaphore.try_acquire()).await.unwrap().is_none());
        client.delete(&stranger).await.unwrap();
        assert!(soon(semaphore.try_acquire()).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn options_are_heeded() {
    for layout in LAYOUTS {
        let server = server().await;
        let client = client(&server).await;
        let semaphore = layout.semaphore(&client, 1);
        let strict = semaphore.clone().options(NodeOptions::new().parents(Parents::MustExist));
        let error = soon(strict.acquire()).await.unwrap_err();
        assert!(matches!(error, Error::Client(ClientError::NoNode { .. })), "{error}");
        let acl = zk_client::Acl::read_only();
        let semaphore = semaphore.data(&b"me"[..]).options(NodeOptions::new().acl(acl.clone()));
        let lease = soon(semaphore.acquire()).await.unwrap();
        assert_eq!(client.get_acl(lease.path()).await.unwrap().0, acl);
        assert_eq!(client.get(lease.path()).await.unwrap().0, "me");
    }
}

/// Panics when more than the limit are inside.
struct Room {
    limit: usize,
    inside: AtomicUsize,
    visits: AtomicUsize,
}

impl Room {
    async fn visit(&self) {
        let others = self.inside.fetch_add(1, Ordering::SeqCst);
        assert!(others < self.limit, "{others} others are inside");
        tokio::task::yield_now().await;
        self.inside.fetch_sub(1, Ordering::SeqCst);
        self.visits.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_more_than_the_limit_hold_whatever_is_cut() {
    const LIMIT: usize = 2;
    const TASKS: usize = 6;
    const ROUNDS: usize = 6;
    for layout in LAYOUTS {
        let server = Arc::new(server().await);
        let (inside, visits) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let room = Arc::new(Room { limit: LIMIT, inside, visits });
        let mut tasks = Vec::new();
        for task in 0..TASKS {
            let client = client(&server).await;
            let (server, room) = (Arc::clone(&server), Arc::clone(&room));
            tasks.push(tokio::spawn(async move {
                let semaphore = layout.semaphore(&client, LIMIT);
                for round in 0..ROUNDS {
                    let leases = 1 + (task + round) % LIMIT;
                    let held = semaphore.acquire_many(leases).await.unwrap();
                    // One visitor stands for all leases of a holder.
                    room.visit().await;
                    assert!(held.iter().all(zk_recipes::SemaphoreLease::is_held));
                    if (task + round) % 3 == 0 {
                        server.drop_connections();
                    }
                    for lease in held {
                        lease.release().await.unwrap();
                    }
                }
            }));
        }
        for task in tasks {
            soon(task).await.unwrap();
        }
        assert_eq!(room.visits.load(Ordering::SeqCst), TASKS * ROUNDS);
        let observer: Client = client(&server).await;
        layout.until(&observer, 0, 0).await;
    }
}
