//! `ServiceRegistry`, `ServiceView`, `ServiceProvider`: what is registered is there, is seen, and is
//! picked.

use std::sync::Arc;

use zk_client::Client;
use zk_recipes::registry::{Random, ServiceInstance};
use zk_recipes::{Error, ServiceProvider, ServiceRegistry, ServiceView};

use crate::run::{ALIKE, LONG, Scenario, explore_one_in, play};
use crate::scenario::mutex::Boxed;
use crate::scenario::registering::{BASE, Listing, NAME, register};
use crate::world::{Allowed, World};

impl Listing for ServiceView {
    fn instances(&self) -> Vec<Arc<ServiceInstance>> {
        self.instances().to_vec()
    }

    fn is_stale(&self) -> bool {
        self.is_stale()
    }

    fn pick(&self) -> Option<Arc<ServiceInstance>> {
        self.pick()
    }
}

impl Listing for ServiceProvider {
    fn instances(&self) -> Vec<Arc<ServiceInstance>> {
        self.view().instances().to_vec()
    }

    fn is_stale(&self) -> bool {
        self.view().is_stale()
    }

    fn pick(&self) -> Option<Arc<ServiceInstance>> {
        self.pick()
    }
}

pub(crate) fn view(client: Client) -> Boxed<Result<Box<dyn Listing>, Error>> {
    let registry = ServiceRegistry::new(&client, BASE);
    Box::pin(async move { Ok(Box::new(registry.watch(NAME).await?) as Box<dyn Listing>) })
}

fn provider(client: Client) -> Boxed<Result<Box<dyn Listing>, Error>> {
    let registry = ServiceRegistry::new(&client, BASE);
    Box::pin(async move {
        let provider = registry.watch(NAME).await?.provider().strategy(Random);
        Ok(Box::new(provider) as Box<dyn Listing>)
    })
}

const ALLOWED: Allowed = Allowed { crashes: true, kills: true };

/// What a view sees of instances that register themselves.
const SEEN: Scenario = Scenario {
    name: "registry::what_is_registered",
    processes: 3,
    allowed: ALLOWED,
    begin: |world| register(world, view),
};

#[test]
fn what_is_registered_is_seen_in_the_end() {
    explore_one_in(LONG, &SEEN);
}

/// The reply to a create is lost, and then its session.
#[test]
fn an_instance_does_not_give_way_to_its_own_node_of_a_lost_session() {
    assert_eq!(play(&SEEN, 899, false).violation, None);
}

#[test]
fn what_is_picked_is_there() {
    let begin = |world: &Arc<World>| register(world, provider);
    explore_one_in(
        ALIKE,
        &Scenario { name: "registry::what_is_picked", processes: 3, allowed: ALLOWED, begin },
    );
}
