//! What a semaphore costs, counted at the network.

use super::{LAYOUTS, Layout};
use crate::support::{Proxy, connect, server, soon, until};

impl Layout {
    /// kazoo's limit is read with each acquire.
    fn extra(self) -> usize {
        match self {
            Self::Curator => 0,
            Self::Kazoo => 1,
        }
    }
}

#[tokio::test]
async fn a_free_lease_costs_four_requests_at_once_and_two_in_the_background() {
    for layout in LAYOUTS {
        let server = server().await;
        super::nobody_ever_was(&server, layout, 3).await;
        let proxy = Proxy::start(server.addr()).await;
        let client = connect(&proxy.connect_string()).await;
        let semaphore = layout.semaphore(&client, 3);
        let lease = soon(semaphore.acquire()).await.unwrap();
        // The turn is given back, and the own lease is read and watched.
        let expected = 6 + layout.extra();
        until(|| async { proxy.requests() >= expected }).await;
        soon(lease.release()).await.unwrap();
        assert_eq!(proxy.requests(), expected + 1, "{layout:?}");
    }
}

#[tokio::test]
async fn free_leases_are_taken_in_two_round_trips() {
    for layout in LAYOUTS {
        let server = server().await;
        super::nobody_ever_was(&server, layout, 3).await;
        let proxy = Proxy::start(server.addr()).await;
        let client = connect(&proxy.connect_string()).await;
        // No reply comes until all that belongs to a round trip has been sent: only a client that
        // sends it at once goes on.
        let first = 2 + layout.extra();
        proxy.hold_nth_reply(0);
        let semaphore = layout.semaphore(&client, 3);
        let acquiring = tokio::spawn(async move { semaphore.acquire_many(3).await });
        until(|| async { proxy.requests() == first }).await;
        proxy.hold_nth_reply(0);
        proxy.release();
        proxy.triggered(2).await;
        until(|| async { proxy.requests() == first + 4 }).await;
        proxy.release();
        assert_eq!(soon(acquiring).await.unwrap().unwrap().len(), 3);
    }
}

#[tokio::test]
async fn trying_for_what_is_taken_costs_a_look() {
    for layout in LAYOUTS {
        let server = server().await;
        let holder = super::nobody_ever_was(&server, layout, 1).await;
        let _lease = soon(layout.semaphore(&holder, 1).acquire()).await.unwrap();
        let proxy = Proxy::start(server.addr()).await;
        let client = connect(&proxy.connect_string()).await;
        assert!(soon(layout.semaphore(&client, 1).try_acquire()).await.unwrap().is_none());
        assert_eq!(proxy.requests(), 2 + layout.extra(), "sync and list");
    }
}

#[tokio::test]
async fn a_lease_given_back_wakes_only_the_first_in_line() {
    for layout in LAYOUTS {
        let server = server().await;
        let near = super::nobody_ever_was(&server, layout, 2).await;
        let proxy = Proxy::start(server.addr()).await;
        let far = connect(&proxy.connect_string()).await;
        let semaphore = layout.semaphore(&near, 2);
        let mut held = soon(semaphore.acquire_many(2)).await.unwrap();
        let second = tokio::spawn(async move { semaphore.acquire_many(2).await });
        layout.until(&near, 4, 1).await;
        let semaphore = layout.semaphore(&far, 2);
        let third = tokio::spawn(async move { semaphore.acquire().await });
        layout.until(&near, 4, 2).await;
        // Into the line, and the read that watches the one in front.
        let asleep = 3 + layout.extra();
        until(|| async { proxy.requests() == asleep }).await;

        for lease in held.drain(..) {
            soon(lease.release()).await.unwrap();
        }
        let mut second = soon(second).await.unwrap().unwrap();
        assert_eq!(proxy.requests(), asleep, "{layout:?}: the third in line slept on");
        soon(second.pop().unwrap().release()).await.unwrap();
        assert!(soon(third).await.unwrap().unwrap().is_held());
    }
}
