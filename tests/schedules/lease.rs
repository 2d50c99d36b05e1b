//! `Lease`: one holder at a time, by the clock.

use std::sync::Arc;
use std::time::Duration;

use zk_client::Client;
use zk_recipes::{Error, Lease, LeaseGuard};

use crate::run::{ALIKE, LONG, Scenario, explore_one_in};
use crate::scenario::leasing::{Grant, Leasing, PATH, lease};
use crate::scenario::mutex::Boxed;
use crate::world::{Allowed, World};

const DURATION: Duration = Duration::from_millis(4000);
const SKEW: Duration = Duration::from_millis(300);

/// One lease, or so many of a kind.
struct RealLease(Option<usize>);

/// A guard that can be renewed while others ask it.
struct Granted(LeaseGuard);

impl Leasing for RealLease {
    fn ask(&self, client: &Client, holder: &str) -> Boxed<Result<Option<Box<dyn Grant>>, Error>> {
        let lease = Lease::new(client, PATH, holder, DURATION, SKEW);
        let lease = match self.0 {
            Some(slots) => lease.slots(slots),
            None => lease,
        };
        Box::pin(async move {
            let granted = lease.try_acquire().await?;
            Ok(granted.map(|guard| Box::new(Granted(guard)) as Box<dyn Grant>))
        })
    }
}

impl Grant for Granted {
    fn is_held(&self) -> bool {
        self.0.is_held()
    }

    fn token(&self) -> i64 {
        self.0.fencing_token().into()
    }

    fn path(&self) -> String {
        self.0.path().to_owned()
    }

    fn lost(&self) -> Boxed<()> {
        let lost = self.0.lost();
        Box::pin(async move {
            lost.await;
        })
    }

    fn renew(self: Arc<Self>) -> Boxed<Result<bool, Error>> {
        Box::pin(async move { self.0.renew().await })
    }

    fn release(self: Arc<Self>) -> Boxed<Result<(), Error>> {
        Box::pin(async move {
            match Arc::into_inner(self) {
                Some(granted) => granted.0.release().await.map(drop),
                None => Ok(()),
            }
        })
    }
}

const ALLOWED: Allowed = Allowed { crashes: true, kills: true };

#[test]
fn a_lease_has_one_holder_by_the_clock() {
    let begin = |world: &Arc<World>| lease(world, RealLease(None), 2);
    explore_one_in(
        LONG,
        &Scenario { name: "lease::a_lease", processes: 3, allowed: ALLOWED, begin },
    );
}

#[test]
fn each_slot_of_a_lease_has_one_holder() {
    let begin = |world: &Arc<World>| lease(world, RealLease(Some(2)), 2);
    explore_one_in(
        ALIKE,
        &Scenario { name: "lease::each_slot", processes: 3, allowed: ALLOWED, begin },
    );
}
