//! `Partitioner`: no item has two members, and each has one when all is quiet.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use zk_client::Client;
use zk_recipes::partitioner::Share;
use zk_recipes::{Error, Partitioner};

use crate::run::{ALIKE, Scenario, explore, explore_one_in, play};
use crate::scenario::mutex::Boxed;
use crate::scenario::sharing::{AtLast, ITEMS, Member, PATH, Piece, Sharing, share};
use crate::world::{Allowed, Process, World};

pub(crate) struct RealPartitioner;

impl Sharing for RealPartitioner {
    fn join(&self, client: &Client, id: &str) -> Boxed<Result<Arc<dyn Member>, Error>> {
        let (client, id) = (client.clone(), id.to_owned());
        Box::pin(async move {
            let member = Partitioner::join(&client, PATH, &id, ITEMS).await?;
            Ok(Arc::new(member) as Arc<dyn Member>)
        })
    }
}

/// On kazoo's nodes.
struct KazoosPartitioner;

impl Sharing for KazoosPartitioner {
    fn join(&self, client: &Client, id: &str) -> Boxed<Result<Arc<dyn Member>, Error>> {
        let (client, member) = (client.clone(), Partitioner::kazoo(PATH, id).items(ITEMS));
        Box::pin(async move { Ok(Arc::new(member.join(&client).await?) as Arc<dyn Member>) })
    }
}

impl Member for Partitioner {
    fn next(self: Arc<Self>) -> Boxed<Option<Box<dyn Piece>>> {
        Box::pin(async move {
            let share = (*self).next().await;
            share.map(|share| Box::new(share) as Box<dyn Piece>)
        })
    }

    fn leave(self: Arc<Self>) -> Boxed<Result<(), Error>> {
        Box::pin(async move { (*self).leave().await })
    }
}

impl Piece for Share {
    fn item(&self) -> String {
        self.item().to_owned()
    }

    fn token(&self) -> i64 {
        self.fencing_token().into()
    }

    fn is_held(&self) -> bool {
        self.is_held()
    }

    fn revoked(&self) -> Boxed<()> {
        let revoked = self.revoked();
        Box::pin(async move {
            revoked.await;
        })
    }

    fn release(self: Box<Self>) -> Boxed<Result<(), Error>> {
        Box::pin(async move { (*self).release().await.map(drop) })
    }
}

const ALLOWED: Allowed = Allowed { crashes: true, kills: true };

#[test]
fn each_item_has_one_member() {
    let begin = |world: &Arc<World>| share(world, RealPartitioner, AtLast::Stay);
    explore_one_in(
        ALIKE,
        &Scenario {
            name: "partitioner::each_item_has_one_member",
            processes: 3,
            allowed: ALLOWED,
            begin,
        },
    );
}

const LEAVING: Scenario = Scenario {
    name: "partitioner::members_who_leave_leave",
    processes: 3,
    allowed: ALLOWED,
    begin: |world| share(world, RealPartitioner, AtLast::Leave(&[])),
};

#[test]
fn members_who_leave_leave_nothing() {
    explore_one_in(ALIKE, &LEAVING);
}

/// The last one to leave has lost its session, and the server does not know yet.
#[test]
fn a_member_whose_session_is_yet_to_end_takes_the_plan_along() {
    assert_eq!(play(&LEAVING, 92, false).violation, None);
}

/// A member's items all wait for the states of one session, and are woken in an order that tokio
/// draws by itself. These went another way each time when one task waited for all of them.
#[test]
fn a_schedule_goes_the_same_way_each_time() {
    for seed in [35, 36, 55, 87] {
        let ways = [(); 3].map(|()| play(&LEAVING, seed, false).fingerprint);
        assert!(ways.iter().all(|way| *way == ways[0]), "seed {seed} went another way");
    }
}

/// Lets go of an item every now and then. However often it did that before, it has it again soon.
async fn let_go_often(process: Process) -> Result<(), String> {
    let client = process.client();
    process.keep(client.clone());
    let joined = Partitioner::join(&client, PATH, "worker", ["a"]).await;
    let Ok(member) = joined else { return Ok(()) };
    // Pauses that only grew would be at their longest by the ninth time.
    let mut shortest = Duration::MAX;
    for time in 0..14 {
        let begun = Instant::now();
        let share = member.next().await.ok_or("it has left")?;
        if time >= 9 {
            // A fault may come upon some of the last, but not upon all.
            shortest = shortest.min(begun.elapsed());
        }
        process.idle(6000).await;
        drop(share);
    }
    let limit = Duration::from_secs(2);
    if shortest > limit { Err(format!("waits for {shortest:?} each time")) } else { Ok(()) }
}

#[test]
fn an_item_that_was_held_for_long_is_soon_taken_again() {
    let begin = |world: &Arc<World>| {
        world.start(|process| process.work(let_go_often(process.clone())));
    };
    let allowed = Allowed { crashes: false, kills: false };
    let name = "partitioner::an_item_that_was_held_for_long";
    explore(&Scenario { name, processes: 1, allowed, begin });
}

#[test]
fn each_item_has_one_member_as_with_kazoo() {
    let begin = |world: &Arc<World>| share(world, KazoosPartitioner, AtLast::Stay);
    explore_one_in(
        ALIKE,
        &Scenario {
            name: "partitioner::each_item_has_one_member_as",
            processes: 3,
            allowed: ALLOWED,
            begin,
        },
    );
}

/// As kazoo itself does, they leave their directories, which are no containers.
#[test]
fn members_who_leave_a_party_leave_its_directories() {
    const LEFT: AtLast = AtLast::Leave(&[
        PATH,
        "/shards/party",
        "/shards/locks",
        "/shards/locks/a",
        "/shards/locks/b",
        "/shards/locks/c",
        "/shards/locks/d",
        "/shards/locks/e",
    ]);
    let begin = |world: &Arc<World>| share(world, KazoosPartitioner, LEFT);
    explore_one_in(
        ALIKE,
        &Scenario {
            name: "partitioner::members_who_leave_a",
            processes: 3,
            allowed: ALLOWED,
            begin,
        },
    );
}
