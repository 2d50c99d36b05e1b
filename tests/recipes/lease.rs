//! Rights for a time, which need no connection.

use std::time::Duration;

use tests::{Target, within};
use zk_client::Client;
use zk_recipes::{Lease, LeaseGuard, LostReason, Released};

const PATH: &str = "/leases/nightly";
/// Longer than any test.
const HOUR: Duration = Duration::from_secs(3600);
const SKEW: Duration = Duration::from_secs(60);

fn lease(client: &Client, holder: &str) -> Lease {
    Lease::new(client, PATH, holder, HOUR, SKEW)
}

async fn ask(lease: Lease) -> Option<LeaseGuard> {
    within("an answer", lease.try_acquire()).await.unwrap()
}

#[tokio::test]
async fn a_lease_has_one_holder_and_outlives_its_session() {
    let target = Target::start().await;
    let (one, two) = (target.client().await, target.client().await);
    let held = ask(lease(&one, "one")).await.expect("it is free");
    let token = held.fencing_token();
    assert!(held.is_held() && held.remaining() <= HOUR - SKEW);
    assert!(ask(lease(&two, "two")).await.is_none());
    within("the session ends", one.close()).await.unwrap();
    assert!(ask(lease(&two, "two")).await.is_none(), "the time is not over");
    // The holder comes back, and gives it up before its time.
    let back = target.client().await;
    let again = ask(lease(&back, "one")).await.expect("it is the holder's");
    assert!(again.fencing_token() > token);
    let lost = again.lost();
    assert_eq!(within("giving back", again.release()).await.unwrap(), Released::Released);
    assert_eq!(within("an end", lost).await, LostReason::Released);
    let next = ask(lease(&two, "two")).await.expect("it is free");
    assert!(next.fencing_token() > token && next.is_held());
    assert!(ask(lease(&back, "one")).await.is_none());
}

#[tokio::test]
async fn as_many_hold_a_lease_as_it_has_slots() {
    let target = Target::start().await;
    let client = target.client().await;
    let first = ask(lease(&client, "a").slots(2)).await.expect("the first is free");
    let second = ask(lease(&client, "b").slots(2)).await.expect("the second is free");
    assert!(first.is_held() && second.is_held());
    assert_ne!(first.path(), second.path());
    assert!(ask(lease(&client, "c").slots(2)).await.is_none());
    within("giving back", first.release()).await.unwrap();
    assert!(ask(lease(&client, "c").slots(2)).await.is_some());
}
