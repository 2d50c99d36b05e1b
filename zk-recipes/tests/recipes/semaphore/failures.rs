//! Sessions, servers and operators that get in the way.

use std::time::Duration;

use zk_client::{Acl, Client, CreateMode, Error as ClientError, Permissions};
use zk_recipes::{Error, HoldState, LostReason, NodeOptions, Semaphore, SemaphoreLease};

use super::{LAYOUTS, Layout, PATH};
use crate::support::{
    Proxy, children, client, connect, connect_for, expire, server, soon, until, until_children,
    with_short_session,
};

type Waiting = tokio::task::JoinHandle<zk_recipes::Result<SemaphoreLease>>;

fn waiting(layout: Layout, client: &Client) -> Waiting {
    let semaphore = layout.semaphore(client, 1);
    tokio::spawn(async move { semaphore.acquire().await })
}

#[tokio::test]
async fn a_holder_whose_session_expires_has_lost_and_makes_room() {
    for layout in LAYOUTS {
        let server = server().await;
        let (one, two) = (client(&server).await, client(&server).await);
        let old = soon(layout.semaphore(&one, 1).acquire()).await.unwrap();
        let next = waiting(layout, &two);
        layout.until(&two, 2, 1).await;
        expire(&server, &one);
        assert_eq!(soon(old.lost()).await, LostReason::SessionExpired);
        assert!(!old.is_held() && old.cancellation().is_cancelled());
        let new = soon(next).await.unwrap().unwrap();
        assert!(new.is_held() && new.fencing_token() > old.fencing_token());
        soon(old.release()).await.unwrap();
        assert!(new.is_held());
    }
}

#[tokio::test]
async fn a_waiter_whose_session_expires_waits_on_in_the_next() {
    for layout in LAYOUTS {
        let server = server().await;
        let (one, two) = (client(&server).await, client(&server).await);
        let held = soon(layout.semaphore(&one, 1).acquire()).await.unwrap();
        let next = waiting(layout, &two);
        let bound = layout.semaphore(&two, 1).across_sessions(false);
        layout.until(&one, 2, 1).await;
        let bound = tokio::spawn(async move { bound.acquire().await });
        until_children(&one, &layout.line(), 2).await;
        let before = children(&one, &layout.line()).await;
        expire(&server, &two);
        let error = soon(bound).await.unwrap().unwrap_err();
        assert_eq!(error, Error::SessionLost { path: layout.line() });
        until(|| async {
            let line = children(&one, &layout.line()).await;
            line.len() == 1 && !before.contains(&line[0])
        })
        .await;
        layout.until(&one, 2, 1).await;
        soon(held.release()).await.unwrap();
        let lease = soon(next).await.unwrap().unwrap();
        assert_eq!(Some(lease.session_id()), two.session_id());
    }
}

#[tokio::test]
async fn leases_that_an_operator_deletes_are_lost_or_waited_for_again() {
    for layout in LAYOUTS {
        let server = server().await;
        let (one, two) = (client(&server).await, client(&server).await);
        let held = soon(layout.semaphore(&one, 1).acquire()).await.unwrap();
        let next = waiting(layout, &two);
        layout.until(&one, 2, 1).await;
        // That of the waiter.
        let of_waiter = other(&one, layout, held.path()).await;
        one.delete(&of_waiter).await.unwrap();
        until(|| async {
            let leases = children(&one, &layout.leases()).await;
            leases.len() == 2 && leases.iter().all(|name| !of_waiter.ends_with(name))
        })
        .await;
        assert!(!next.is_finished());
        // That of the holder.
        one.delete(held.path()).await.unwrap();
        assert_eq!(soon(held.lost()).await, LostReason::NodeDeleted);
        assert!(!held.is_held());
        assert!(soon(next).await.unwrap().unwrap().is_held());
    }
}

/// The lease that is not `own`.
async fn other(client: &Client, layout: Layout, own: &str) -> String {
    let leases = children(client, &layout.leases()).await;
    let name = leases.iter().find(|name| !own.ends_with(*name)).unwrap();
    format!("{}/{name}", layout.leases())
}

#[tokio::test]
async fn a_waiter_whose_turn_an_operator_deletes_gives_its_lease_back_and_starts_over() {
    for layout in LAYOUTS {
        let server = server().await;
        let (one, two) = (client(&server).await, client(&server).await);
        let held = soon(layout.semaphore(&one, 1).acquire()).await.unwrap();
        let next = waiting(layout, &two);
        layout.until(&one, 2, 1).await;
        let lease = other(&one, layout, held.path()).await;
        let turn = children(&one, &layout.line()).await.remove(0);
        one.delete(&format!("{}/{turn}", layout.line())).await.unwrap();
        until(|| async { one.exists(&lease).await.unwrap().is_none() }).await;
        layout.until(&one, 2, 1).await;
        assert_ne!(children(&one, &layout.line()).await[0], turn);
        soon(held.release()).await.unwrap();
        assert!(soon(next).await.unwrap().unwrap().is_held());
    }
}

#[tokio::test]
async fn what_is_deleted_under_a_semaphore_is_made_again() {
    for layout in LAYOUTS {
        let server = server().await;
        let (one, two) = (client(&server).await, client(&server).await);
        let held = soon(layout.semaphore(&one, 1).acquire()).await.unwrap();
        let next = waiting(layout, &two);
        layout.until(&one, 2, 1).await;
        one.delete_recursive("/limits").await.unwrap();
        assert_eq!(soon(held.lost()).await, LostReason::NodeDeleted);
        let lease = soon(next).await.unwrap().unwrap();
        assert!(lease.is_held());
        layout.until(&one, 1, 0).await;
    }
}

#[tokio::test]
async fn a_cut_costs_neither_lease_nor_turn() {
    for layout in LAYOUTS {
        let mut server = server().await;
        let (one, two) = (client(&server).await, client(&server).await);
        let held = soon(layout.semaphore(&one, 1).acquire()).await.unwrap();
        let next = waiting(layout, &two);
        layout.until(&one, 2, 1).await;
        let before = (children(&one, &layout.leases()).await, children(&one, &layout.line()).await);
        server.stop().await;
        until(|| async { held.state() == HoldState::Unsure }).await;
        assert!(held.is_held());
        server.restart().await.unwrap();
        until(|| async { held.state() == HoldState::Held }).await;
        let after = (children(&one, &layout.leases()).await, children(&one, &layout.line()).await);
        assert_eq!(after, before);
        soon(held.release()).await.unwrap();
        assert!(soon(next).await.unwrap().unwrap().is_held());
    }
}

#[tokio::test]
async fn a_holder_that_hears_nothing_for_the_session_timeout_has_lost() {
    with_short_session(async |session| {
        let server = server().await;
        let observer = client(&server).await;
        let proxy = Proxy::start(server.addr()).await;
        let client = connect_for(&proxy.connect_string(), session).await;
        let lease = soon(Semaphore::new(&client, PATH, 1).acquire()).await.ok()?;
        proxy.swallow();
        // Nobody could tell, if not before.
        (soon(lease.lost()).await == LostReason::DeadlinePassed).then_some(())?;
        assert!(!lease.is_held());
        assert!(soon(Semaphore::new(&observer, PATH, 1).acquire()).await.unwrap().is_held());
        Some(())
    })
    .await;
}

#[tokio::test]
async fn handles_in_one_process_are_as_many_contenders() {
    for layout in LAYOUTS {
        let server = server().await;
        let client = client(&server).await;
        let (one, two) = (layout.semaphore(&client, 1), layout.semaphore(&client, 1));
        let held = soon(one.acquire()).await.unwrap();
        assert!(soon(one.try_acquire()).await.unwrap().is_none());
        assert!(soon(two.try_acquire()).await.unwrap().is_none());
        let next = tokio::spawn(async move { two.acquire().await });
        layout.until(&client, 2, 1).await;
        drop(held);
        assert!(soon(next).await.unwrap().unwrap().is_held());
    }
}

#[tokio::test]
async fn what_the_acl_refuses_is_said_and_leaves_nothing() {
    for layout in LAYOUTS {
        let server = server().await;
        let client = super::nobody_ever_was(&server, layout, 1).await;
        let semaphore = layout.semaphore(&client, 1);
        let (leases, line) = (layout.leases(), layout.line());
        let without = |missing: Permissions| {
            vec![Acl::new(Permissions(Permissions::ALL.0 & !missing.0), "world", "anyone")]
        };
        for (directory, missing) in [
            (&line, Permissions::CREATE),
            (&line, Permissions::READ),
            (&leases, Permissions::CREATE),
            (&leases, Permissions::READ),
        ] {
            client.set_acl(directory, without(missing)).await.unwrap();
            let error = soon(semaphore.acquire()).await.unwrap_err();
            assert!(matches!(error, Error::Client(ClientError::NoAuth { .. })), "{error}");
            client.set_acl(directory, Acl::open()).await.unwrap();
            layout.until(&client, 0, 0).await;
        }
        let lease = soon(semaphore.acquire()).await.unwrap();
        layout.until(&client, 1, 0).await;
        client.set_acl(&leases, without(Permissions::DELETE)).await.unwrap();
        let error = soon(lease.release()).await.unwrap_err();
        assert!(matches!(error, Error::Client(ClientError::NoAuth { .. })), "{error}");
    }
}

#[tokio::test]
async fn the_end_of_the_numbers_is_refused_in_line_and_of_no_matter_to_leases() {
    let server = server().await;
    let observer = super::nobody_ever_was(&server, Layout::Curator, 2).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let semaphore = Semaphore::new(&client, PATH, 2);
    proxy.rename("-lease-000000", "-lease-214748");
    let leases = soon(semaphore.acquire_many(2)).await.unwrap();
    assert!(leases[1].path().ends_with("-lease-2147480002"), "{}", leases[1].path());
    assert!(leases.iter().all(SemaphoreLease::is_held));
    let next = waiting(Layout::Curator, &client);
    Layout::Curator.until(&observer, 3, 1).await;
    drop(leases);
    soon(soon(next).await.unwrap().unwrap().release()).await.unwrap();

    proxy.rename("-lock-000000", "-lock-214748");
    let error = soon(semaphore.acquire()).await.unwrap_err();
    let path = Layout::Curator.line();
    assert_eq!(error, Error::SequenceExhausted { path, sequence: 2_147_480_003 });
    Layout::Curator.until(&observer, 0, 0).await;
}

#[tokio::test]
async fn a_closed_client_is_refused_and_leaves_nothing() {
    for layout in LAYOUTS {
        let server = server().await;
        let (closing, observer) = (client(&server).await, client(&server).await);
        let lease = soon(layout.semaphore(&closing, 1).acquire()).await.unwrap();
        let next = waiting(layout, &closing);
        layout.until(&observer, 2, 1).await;
        soon(closing.close()).await.unwrap();
        layout.until(&observer, 0, 0).await;
        assert_eq!(soon(lease.lost()).await, LostReason::ClientClosed);
        let error = soon(next).await.unwrap().unwrap_err();
        assert_eq!(error, Error::Client(ClientError::Closed));
        assert!(soon(layout.semaphore(&closing, 1).try_acquire()).await.is_err());
    }
}

#[tokio::test]
async fn directories_that_are_swept_never_get_in_the_way() {
    let sweep = Duration::from_millis(1);
    let builder = zk_server::testing::TestServer::builder().container_check_interval(sweep);
    let server = builder.start().await.unwrap();
    let client = client(&server).await;
    let options = NodeOptions::new();
    let semaphore = Semaphore::new(&client, "/deep/down", 1).options(options);
    for _ in 0..30 {
        soon(soon(semaphore.acquire()).await.unwrap().release()).await.unwrap();
    }
    until(|| async { client.exists("/deep").await.unwrap().is_none() }).await;
    let mode = CreateMode::Persistent;
    client.create("/deep", b"", mode).await.unwrap();
    assert!(soon(semaphore.try_acquire()).await.unwrap().is_some());
}
