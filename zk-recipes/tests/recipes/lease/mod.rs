//! Rights for a time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use zk_client::{Client, CreateMode, Error as ClientError};
use zk_recipes::{Error, Lease, LeaseGuard, LostReason, NodeOptions, Parents, Released};

use crate::support::{
    Proxy, children, client, connect, expire, server, soon, until, until_children,
};

const PATH: &str = "/leases/x";
const HOUR: Duration = Duration::from_secs(3600);
const SKEW: Duration = Duration::from_secs(60);

fn lease(client: &Client, holder: &str) -> Lease {
    Lease::new(client, PATH, holder, HOUR, SKEW)
}

async fn granted(lease: &Lease) -> LeaseGuard {
    soon(lease.try_acquire()).await.unwrap().expect("it is free")
}

async fn holder(client: &Client, path: &str) -> serde_json::Value {
    serde_json::from_slice(&client.get(&format!("{path}/lease_holder")).await.unwrap().0).unwrap()
}

/// The wall clock, `late` later, as kazoo writes it.
fn text(late: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let at = i64::try_from(now).unwrap() + late;
    let (days, second) = (at.div_euclid(86_400), at.rem_euclid(86_400));
    // A leap year and three others have 1461 days; good until 2100.
    let (mut day, mut year) = (days, 1970);
    loop {
        let length = if year % 4 == 0 { 366 } else { 365 };
        if day < length {
            break;
        }
        (day, year) = (day - length, year + 1);
    }
    let mut month = 1;
    for length in [31, if year % 4 == 0 { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    {
        if day < length {
            break;
        }
        (day, month) = (day - length, month + 1);
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}", day + 1)
}

/// What kazoo writes for a lease of `holder` that ends `late` seconds from now.
async fn of_kazoo(client: &Client, holder: &str, late: i64) {
    let data = format!(r#"{{"version": 1, "holder": "{holder}", "end": "{}"}}"#, text(late));
    let node = format!("{PATH}/lease_holder");
    client.ensure_path(PATH).await.unwrap();
    let _ = client.delete(&node).await;
    client.create(&node, data.as_bytes(), CreateMode::Persistent).await.unwrap();
}

#[tokio::test]
async fn one_holder_has_it_at_a_time() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let held = granted(&lease(&one, "one")).await;
    assert!(held.is_held());
    assert_eq!((held.holder(), held.path()), ("one", "/leases/x/lease_holder"));
    assert!(held.remaining() <= HOUR - SKEW && held.remaining() > HOUR - 2 * SKEW);
    let (_, stat) = one.get(held.path()).await.unwrap();
    assert_eq!(held.fencing_token().0, stat.czxid.0);
    assert_eq!(stat.ephemeral_owner, zk_client::SessionId(0), "it outlives the session");
    assert!(soon(lease(&two, "two").try_acquire()).await.unwrap().is_none());

    let lost = held.lost();
    assert_eq!(soon(held.release()).await.unwrap(), Released::Released);
    assert_eq!(soon(lost).await, LostReason::Released);
    let next = granted(&lease(&two, "two")).await;
    assert_eq!(holder(&one, PATH).await["holder"], "two");
    // Dropping gives nothing back.
    drop(next);
    assert!(soon(lease(&one, "one").try_acquire()).await.unwrap().is_none());
    until_children(&one, PATH, 1).await;
}

#[tokio::test]
async fn the_node_is_what_kazoo_writes() {
    let server = server().await;
    let client = client(&server).await;
    let (before, held, after) = (text(3600), granted(&lease(&client, "one")).await, text(3600));
    let node = holder(&client, PATH).await;
    assert_eq!(node["version"], 1);
    let end = node["end"].as_str().unwrap();
    assert!(*before <= *end && *end <= *after, "{before} {end} {after}");
    soon(held.release()).await.unwrap();
}

#[tokio::test]
async fn anothers_lease_is_taken_over_only_when_it_has_surely_ended() {
    let server = server().await;
    let client = client(&server).await;
    for (late, is_free) in [(30, false), (-30, false), (-300, true)] {
        of_kazoo(&client, "kazoo", late).await;
        let granted = soon(lease(&client, "me").try_acquire()).await.unwrap();
        assert_eq!(granted.is_some(), is_free, "it ends {late} s from now");
    }
    // The own name may have it at any time.
    of_kazoo(&client, "me", 300).await;
    let first = granted(&lease(&client, "me")).await;
    let second = granted(&lease(&client, "me")).await;
    assert!(second.fencing_token() > first.fencing_token());
    assert_eq!(soon(first.lost()).await, LostReason::NodeDeleted);
    assert!(!first.is_held() && second.is_held());
    assert_eq!(soon(first.release()).await.unwrap(), Released::AlreadyGone);
    assert!(second.is_held());
}

#[tokio::test]
async fn what_others_make_of_the_node_is_respected_or_an_error() {
    let server = server().await;
    let client = client(&server).await;
    of_kazoo(&client, "kazoo", -300).await;
    let node = format!("{PATH}/lease_holder");
    client.set(&node, br#"{"version": 2, "holder": "x"}"#).await.unwrap();
    assert!(soon(lease(&client, "me").try_acquire()).await.unwrap().is_none());
    client.set(&node, b"?").await.unwrap();
    let error = soon(lease(&client, "me").try_acquire()).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    assert_eq!(children(&client, PATH).await.len(), 1, "the turn was given back");
}

#[tokio::test]
async fn it_ends_by_itself_and_earlier_for_its_holder() {
    let server = server().await;
    let client = client(&server).await;
    let (duration, skew) = (Duration::from_secs(4), Duration::from_millis(2900));
    let brief = Lease::new(&client, PATH, "one", duration, skew);
    let held = granted(&brief).await;
    assert_eq!(soon(held.lost()).await, LostReason::DeadlinePassed);
    assert!(!held.is_held() && held.remaining().is_zero());
    assert!(!soon(held.renew()).await.unwrap(), "never held again");
    let too_brief = Lease::new(&client, PATH, "one", duration, duration);
    let error = soon(too_brief.try_acquire()).await.unwrap_err();
    assert!(matches!(error, Error::Client(ClientError::InvalidRequest { .. })), "{error}");
}

#[tokio::test]
async fn renewing_keeps_the_token_and_moves_the_end() {
    let server = server().await;
    let client = client(&server).await;
    let held = granted(&lease(&client, "one")).await;
    let (token, end) = (held.fencing_token(), holder(&client, PATH).await["end"].clone());
    until(|| async { *text(3600) > *end.as_str().unwrap() && client.exists("/").await.is_ok() })
        .await;
    assert!(soon(held.renew()).await.unwrap());
    assert_eq!(held.fencing_token(), token);
    assert!(holder(&client, PATH).await["end"].as_str() > end.as_str());
    assert!(held.remaining() > HOUR - 2 * SKEW);
    let lost = tokio::spawn(held.lost());
    client.delete(held.path()).await.unwrap();
    assert_eq!(soon(lost).await.unwrap(), LostReason::NodeDeleted);
    assert!(!soon(held.renew()).await.unwrap());
    assert!(client.exists(held.path()).await.unwrap().is_none());
}

#[tokio::test]
async fn slots_are_taken_in_order() {
    let server = server().await;
    let client = client(&server).await;
    let slots = |holder| lease(&client, holder).slots(2);
    let zero = granted(&slots("a")).await;
    let one = granted(&slots("b")).await;
    assert_eq!(zero.path(), "/leases/x/0/lease_holder");
    assert_eq!(one.path(), "/leases/x/1/lease_holder");
    assert!(soon(slots("c").try_acquire()).await.unwrap().is_none());
    soon(zero.release()).await.unwrap();
    assert_eq!(granted(&slots("c")).await.path(), "/leases/x/0/lease_holder");
}

#[tokio::test]
async fn it_outlives_the_session_of_its_holder() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let held = granted(&lease(&one, "one")).await;
    expire(&server, &one);
    assert!(held.is_held());
    assert!(soon(lease(&two, "two").try_acquire()).await.unwrap().is_none());
    assert!(soon(held.renew()).await.unwrap());
    soon(one.close()).await.unwrap();
    assert!(soon(lease(&two, "two").try_acquire()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_request_or_reply_that_is_lost_costs_nothing() {
    let server = server().await;
    let observer = client(&server).await;
    for lose in [Proxy::lose_nth_request, Proxy::lose_nth_reply] {
        // In line, a list, a look, a transaction, a read, the way out of the line.
        for step in 0..6 {
            let proxy = Proxy::start(server.addr()).await;
            let client = connect(&proxy.connect_string()).await;
            lose(&proxy, step);
            let held = granted(&lease(&client, "one")).await;
            assert!(held.is_held());
            proxy.triggered(1).await;
            until_children(&observer, PATH, 1).await;
            let (_, stat) = observer.get(held.path()).await.unwrap();
            assert_eq!(held.fencing_token().0, stat.czxid.0);
            soon(held.release()).await.unwrap();
            until_children(&observer, PATH, 0).await;
        }
    }
}

#[tokio::test]
async fn dropped_at_any_step_it_leaves_no_turn_behind() {
    let server = server().await;
    let observer = client(&server).await;
    soon(granted(&lease(&observer, "one")).await.release()).await.unwrap();
    for step in 0..5 {
        let proxy = Proxy::start(server.addr()).await;
        let client = connect(&proxy.connect_string()).await;
        proxy.hold_nth_reply(step);
        let asking = lease(&client, "one");
        let asking = tokio::spawn(async move { asking.try_acquire().await });
        proxy.triggered(1).await;
        asking.abort();
        drop(soon(asking).await);
        proxy.release();
        until(|| async {
            children(&observer, PATH).await.iter().all(|name| name == "lease_holder")
        })
        .await;
        drop(client);
    }
    // What was granted all the same is there for the same name.
    assert!(granted(&lease(&observer, "one")).await.is_held());
}

#[tokio::test]
async fn it_costs_three_round_trips_and_two_when_it_is_taken() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (near, far) = (client(&server).await, connect(&proxy.connect_string()).await);
    soon(granted(&lease(&near, "one")).await.release()).await.unwrap();
    let held = granted(&lease(&far, "one")).await;
    // The turn is given back in the background.
    until(|| async { proxy.requests() >= 6 }).await;
    assert_eq!(proxy.requests(), 6, "in line, list, look, transaction, read, out of the line");
    assert!(soon(lease(&far, "two").try_acquire()).await.unwrap().is_none());
    until(|| async { proxy.requests() >= 10 }).await;
    assert_eq!(proxy.requests(), 10, "in line, list, look, out of the line");
    drop(held);
}

#[tokio::test]
async fn options_are_heeded() {
    let server = server().await;
    let client = client(&server).await;
    let strict = lease(&client, "one").options(NodeOptions::new().parents(Parents::MustExist));
    let error = soon(strict.try_acquire()).await.unwrap_err();
    assert!(matches!(error, Error::Client(ClientError::NoNode { .. })), "{error}");
    let acl = zk_client::Acl::read_only();
    let lease = lease(&client, "one").options(NodeOptions::new().acl(acl.clone()));
    let held = granted(&lease).await;
    assert_eq!(client.get_acl(held.path()).await.unwrap().0, acl);
    let error = soon(held.renew()).await.unwrap_err();
    assert!(matches!(error, Error::Client(_)), "no right to write: {error}");
    soon(held.release()).await.unwrap();
}
