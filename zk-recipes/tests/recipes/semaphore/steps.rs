//! The connection breaks, or the future is dropped, at each request there is.

use super::{LAYOUTS, Layout};
use crate::support::{Proxy, connect, server, soon, until_children};

/// What an acquire of a free lease asks for at least: a place in line, a lease, two lists.
const STEPS_MIN: usize = 4;

/// More requests than an acquire and a release make.
const STEPS_MAX: usize = 20;

/// What a waiter asks for before it sleeps: as above, its place and the leases watched.
const WAITING_STEPS: usize = 6;

#[tokio::test]
async fn a_reply_or_request_that_is_lost_costs_neither_the_lease_nor_a_node() {
    for layout in LAYOUTS {
        for lose in [Proxy::lose_nth_request, Proxy::lose_nth_reply] {
            let steps = lost_at_each_step(layout, lose).await;
            assert!(steps > STEPS_MIN, "{layout:?}: {steps} steps");
        }
    }
}

/// The number of steps there were.
async fn lost_at_each_step(layout: Layout, lose: fn(&Proxy, usize)) -> usize {
    let server = server().await;
    let observer = super::nobody_ever_was(&server, layout, 2).await;
    for step in 0..STEPS_MAX {
        let proxy = Proxy::start(server.addr()).await;
        let client = connect(&proxy.connect_string()).await;
        lose(&proxy, step);
        let semaphore = layout.semaphore(&client, 2);
        let leases = soon(semaphore.acquire_many(2)).await.unwrap();
        assert!(leases.iter().all(zk_recipes::SemaphoreLease::is_held));
        layout.until(&observer, 2, 0).await;
        for lease in leases {
            soon(lease.release()).await.unwrap();
        }
        layout.until(&observer, 0, 0).await;
        assert_eq!(client.session_epoch(), 1, "nodes went by themselves");
        if !proxy.has_triggered() {
            return step;
        }
    }
    panic!("there is no end of steps");
}

#[tokio::test]
async fn a_reply_that_is_lost_on_the_way_to_waiting_costs_no_turn() {
    for layout in LAYOUTS {
        let server = server().await;
        let observer = super::nobody_ever_was(&server, layout, 1).await;
        for step in 0..WAITING_STEPS {
            let holder = soon(layout.semaphore(&observer, 1).acquire()).await.unwrap();
            let proxy = Proxy::start(server.addr()).await;
            let client = connect(&proxy.connect_string()).await;
            proxy.lose_nth_reply(step);
            let semaphore = layout.semaphore(&client, 1);
            let waiting = tokio::spawn(async move { semaphore.acquire().await });
            proxy.triggered(1).await;
            layout.until(&observer, 2, 1).await;
            soon(holder.release()).await.unwrap();
            let lease = soon(waiting).await.unwrap().unwrap();
            layout.until(&observer, 1, 0).await;
            soon(lease.release()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_acquire_that_is_dropped_at_any_step_leaves_nothing() {
    for layout in LAYOUTS {
        let server = server().await;
        let observer = super::nobody_ever_was(&server, layout, 2).await;
        for step in 0..=STEPS_MIN {
            let proxy = Proxy::start(server.addr()).await;
            let client = connect(&proxy.connect_string()).await;
            proxy.hold_nth_reply(step);
            let semaphore = layout.semaphore(&client, 2);
            let acquiring = tokio::spawn(async move { semaphore.acquire_many(2).await });
            proxy.triggered(1).await;
            acquiring.abort();
            // Behind the last reply that it needs, it may have been done already.
            drop(soon(acquiring).await);
            proxy.release();
            layout.until(&observer, 0, 0).await;
            assert!(client.exists("/").await.unwrap().is_some());
            assert_eq!(client.session_epoch(), 1, "nodes went by themselves");
        }
    }
}

#[tokio::test]
async fn a_waiter_that_is_dropped_at_any_step_leaves_nothing() {
    for layout in LAYOUTS {
        let server = server().await;
        let observer = super::nobody_ever_was(&server, layout, 1).await;
        let holder = soon(layout.semaphore(&observer, 1).acquire()).await.unwrap();
        layout.until(&observer, 1, 0).await;
        for step in 0..WAITING_STEPS {
            let proxy = Proxy::start(server.addr()).await;
            let client = connect(&proxy.connect_string()).await;
            proxy.hold_nth_reply(step);
            let semaphore = layout.semaphore(&client, 1);
            let acquiring = tokio::spawn(async move { semaphore.acquire().await });
            proxy.triggered(1).await;
            acquiring.abort();
            assert!(soon(acquiring).await.unwrap_err().is_cancelled());
            proxy.release();
            layout.until(&observer, 1, 0).await;
            assert!(client.exists("/").await.unwrap().is_some());
            assert_eq!(client.session_epoch(), 1, "nodes went by themselves");
        }
        assert!(holder.is_held());
    }
}

#[tokio::test]
async fn a_try_that_is_dropped_at_any_step_leaves_nothing() {
    for layout in LAYOUTS {
        let server = server().await;
        let observer = super::nobody_ever_was(&server, layout, 2).await;
        for step in 0..STEPS_MIN + 2 {
            let proxy = Proxy::start(server.addr()).await;
            let client = connect(&proxy.connect_string()).await;
            proxy.hold_nth_reply(step);
            let semaphore = layout.semaphore(&client, 2);
            let trying = tokio::spawn(async move { semaphore.try_acquire().await });
            proxy.triggered(1).await;
            trying.abort();
            drop(soon(trying).await);
            proxy.release();
            layout.until(&observer, 0, 0).await;
        }
    }
}

#[tokio::test]
async fn a_waiter_that_is_dropped_while_it_sleeps_makes_room_for_the_next() {
    for layout in LAYOUTS {
        let server = server().await;
        let observer = super::nobody_ever_was(&server, layout, 1).await;
        let semaphore = layout.semaphore(&observer, 1);
        let holder = soon(semaphore.acquire()).await.unwrap();
        let waiter = |semaphore: &zk_recipes::Semaphore| {
            let semaphore = semaphore.clone();
            tokio::spawn(async move { semaphore.acquire().await })
        };
        let dropped = waiter(&semaphore);
        layout.until(&observer, 2, 1).await;
        let served = waiter(&semaphore);
        until_children(&observer, &layout.line(), 2).await;
        dropped.abort();
        layout.until(&observer, 2, 1).await;
        soon(holder.release()).await.unwrap();
        assert!(soon(served).await.unwrap().unwrap().is_held());
    }
}
