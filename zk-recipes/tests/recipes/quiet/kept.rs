//! Recipes that keep something up or current, for as long as they are held.

use std::time::Duration;

use zk_client::Client;
use zk_recipes::{
    AtomicValue, Cache, Config, Counter, Group, IdGenerator, LeaderLatch, Lease, Partitioner,
    PersistentNode, PersistentTtlNode, ServiceInstance, ServiceRegistry, Transaction,
};

use super::{Doing, Taken, WHILE, World, doing, left_behind};

/// Nobody waits for it to pass.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// Half of it is longer than a case is watched for, since then the node is touched.
const TTL: Duration = WHILE.saturating_mul(3);

/// A recipe that somebody has for a while.
struct Case {
    name: &'static str,
    start: fn(Client) -> Doing<Taken>,
    /// What stays on the server for good, as its page says.
    stays: &'static [&'static str],
    /// The same when the client is closed under it.
    stays_when_closed: &'static [&'static str],
}

impl Case {
    const fn new(name: &'static str, start: fn(Client) -> Doing<Taken>) -> Self {
        Self { name, start, stays: &[], stays_when_closed: &[] }
    }

    /// A recipe whose data is there to stay.
    const fn stays(self, stays: &'static [&'static str]) -> Self {
        Self { stays, stays_when_closed: stays, ..self }
    }
}

const CASES: [Case; 16] = [
    Case::new("PersistentNode", |c| {
        doing(async move { PersistentNode::start(&c, "/x/n", "").await })
    }),
    Case::new("PersistentTtlNode", |c| {
        doing(async move { PersistentTtlNode::start(&c, "/x/n", "", TTL).await })
    }),
    Case::new("Group", |c| {
        doing(async move {
            let group = Group::new(&c, "/x");
            Ok((group.watch().await?, group.join("id", "").await?))
        })
    }),
    Case::new("Group::party", |c| {
        doing(async move { Group::party(&c, "/x").join("id", "").await })
    })
    .stays(&["/x"]),
    Case::new("Group::shallow_party", |c| {
        doing(async move { Group::shallow_party(&c, "/x").join("id", "").await })
    })
    .stays(&["/x"]),
    Case::new("ServiceRegistry", |c| {
        doing(async move {
            let registry = ServiceRegistry::new(&c, "/x");
            let view = registry.watch("api").await?;
            Ok((view, registry.register(ServiceInstance::new("api", "host", 1)).await?))
        })
    }),
    Case {
        stays_when_closed: &["/x", "/x/plan"],
        ..Case::new("Partitioner", |c| {
            doing(async move {
                let member = Partitioner::join(&c, "/x", "id", ["a", "b"]).await?;
                let shares = (member.next().await, member.next().await);
                Ok((member, shares))
            })
        })
    },
    Case::new("Partitioner::kazoo", |c| {
        doing(async move {
            let member = Partitioner::kazoo("/x", "id").items(["a"]).join(&c).await?;
            let share = member.next().await;
            Ok((member, share))
        })
    })
    .stays(&["/x", "/x/locks", "/x/locks/a", "/x/party"]),
    Case::new("Transaction", |c| {
        doing(async move {
            let mut transaction = Transaction::begin(&c, "/x", ["a", "b"], "").await?;
            let part = Transaction::join(&c, transaction.path(), "a").await?;
            let deciding = tokio::spawn(async move { transaction.decide(LONG).await });
            Ok((part, Undecided(deciding)))
        })
    }),
    Case::new("Lease", |c| {
        doing(async move {
            let lease = Lease::new(&c, "/x", "me", LONG, WHILE);
            let guard = lease.try_acquire().await?.expect("it is free");
            let lost = guard.lost();
            Ok((guard, Undecided(tokio::spawn(lost))))
        })
    })
    .stays(&["/x", "/x/lease_holder"]),
    Case::new("LeaderObserver", |c| doing(async move { LeaderLatch::observe(&c, "/x").await })),
    Case::new("Cache", |c| doing(async move { Cache::tree(&c, "/x").await })),
    Case::new("Config", |c| doing(async move { Config::<u32>::watch(&c, "/x/c").await })),
    Case::new("AtomicValue", |c| {
        doing(async move {
            let value = AtomicValue::new(&c, "/x");
            value.set("a").await?;
            Ok(value)
        })
    })
    .stays(&["/x"]),
    Case::new("Counter", |c| doing(async move { Counter::new(&c, "/x").add(1).await }))
        .stays(&["/x"]),
    Case::new("IdGenerator", |c| {
        doing(async move {
            let ids = IdGenerator::new(&c, "/x");
            ids.next().await?;
            Ok(ids)
        })
    })
    .stays(&["/x"]),
];

/// Something that goes on until it is dropped.
struct Undecided<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Undecided<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Has it for a while in which nothing may be asked.
async fn have(world: &World, case: &Case, client: &Client) -> Taken {
    let taken = (case.start)(client.clone()).await;
    world.settle().await;
    let asked = world.requests(0);
    world.pass(WHILE).await;
    assert_eq!(world.requests(0), asked, "{}: asks though nothing changes", case.name);
    taken
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_asks_nothing_while_nothing_changes_and_leaves_nothing_when_dropped() {
    let mut complaints = Vec::new();
    for case in &CASES {
        let world = World::new();
        let client = world.client(0).await;
        drop(have(&world, case, &client).await);
        world.pass(TTL).await;
        complaints.extend(left_behind(&world, case.name, case.stays).await);
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_leaves_nothing_when_the_client_is_closed() {
    let mut complaints = Vec::new();
    for case in &CASES {
        let world = World::new();
        let client = world.client(0).await;
        let taken = have(&world, case, &client).await;
        client.close().await.unwrap();
        world.pass(TTL).await;
        complaints.extend(left_behind(&world, case.name, case.stays_when_closed).await);
        drop(taken);
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
