//! One service, instances that come and go, and views that must end up with the truth.

use fastrand::Rng;
use zk_recipes::{Registration, ServiceInstance, ServiceRegistry};

use super::{World, soon};

const BASE: &str = "/services";

async fn run(rounds: usize, seed: u64, expiring: bool) {
    let world = World::new(seed, 3).await;
    let registries: Vec<_> =
        world.clients.iter().map(|client| ServiceRegistry::new(client, BASE)).collect();
    let mut views = Vec::new();
    for registry in &registries {
        views.push(soon("a view", registry.watch("api")).await.unwrap());
    }
    let mut rng = Rng::with_seed(seed);
    let mut registered: Vec<Registration> = Vec::new();
    for round in 0..rounds {
        match rng.u8(..8) {
            0..4 => {
                let port = u16::try_from(1000 + round).unwrap();
                let instance = ServiceInstance::new("api", "10.0.0.1", port);
                let registry = &registries[rng.usize(..3)];
                registered.push(soon("a registration", registry.register(instance)).await.unwrap());
            }
            4 if expiring => world.expire(rng.usize(..3)),
            _ if registered.is_empty() => {}
            5 => drop(registered.swap_remove(rng.usize(..registered.len()))),
            _ => {
                let registration = registered.swap_remove(rng.usize(..registered.len()));
                soon("an end", registration.unregister()).await.unwrap();
            }
        }
    }
    world.network.mend();
    let control = ServiceRegistry::new(&world.control, BASE);
    let ports = |mut instances: Vec<ServiceInstance>| {
        instances.sort_by_key(|instance| instance.port);
        instances.into_iter().map(|instance| instance.port).collect::<Vec<_>>()
    };
    // Who is registered stays so, in whatever session; who is not is gone, while the clients live.
    // Compared by names: one that is on its way out may stand in for one that is on its way back.
    let truth = ports(registered.iter().map(Registration::instance).collect());
    soon("the instances to be those registered", async {
        while ports(control.instances("api").await.unwrap()) != truth {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for (at, view) in views.iter().enumerate() {
        let seen = || ports(view.instances().iter().map(|one| (**one).clone()).collect());
        let equal = async {
            while seen() != truth {
                tokio::task::yield_now().await;
            }
        };
        let late = tokio::time::timeout(std::time::Duration::from_secs(30), equal).await;
        assert!(late.is_ok(), "view {at} shows {:?} and the truth is {truth:?}", seen());
    }
    eprintln!("{rounds} rounds, {} left, {} cuts", truth.len(), world.network.cuts());
    drop(registered);
    world.no_orphans(&format!("{BASE}/api")).await;
}

#[tokio::test]
async fn under_cuts_views_end_up_with_what_is_registered() {
    run(60, 1, false).await;
}

#[tokio::test]
async fn under_cuts_and_expiry_registrations_come_back() {
    run(60, 2, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: many rounds"]
async fn endurance_of_registries() {
    for seed in 3..8 {
        run(150, seed, seed % 2 == 0).await;
    }
}
