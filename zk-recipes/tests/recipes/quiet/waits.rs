//! Recipes in which one waits for another.

use std::time::SystemTime;

use tokio::task::JoinHandle;
use zk_client::{Client, CreateMode};
use zk_recipes::election::ElectionBuilder;
use zk_recipes::{
    Barrier, DelayQueue, DoubleBarrier, LeaderElection, LeaderLatch, Lock, MultiLock,
    PriorityQueue, Queue, ReentrantLock, Rendezvous, RwLock, Semaphore, ShardedQueue,
};

use super::{Doing, Taken, WHILE, World, doing, left_behind};

/// A recipe in which clients wait for something to change.
struct Case {
    name: &'static str,
    /// Makes that those who come must wait.
    prepare: fn(Client) -> Doing<Taken>,
    /// Comes, and waits until it can go on.
    wait: fn(Client) -> Doing<Taken>,
    /// What lets one go on, or all: done by who has prepared, with what whoever is to let go has.
    change: fn(Client, Taken) -> Doing<()>,
    wakes: Wakes,
    /// What stays on the server for good, as its page says.
    stays: &'static [&'static str],
}

/// Whom one change wakes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wakes {
    /// The one who can go on.
    First,
    /// That one, and the one behind it: being in front is what it takes to look for the next lease or
    /// item.
    FirstAndNext,
    /// Everybody, since all of them can go on.
    All,
}

fn let_go(_: Client, taken: Taken) -> Doing<()> {
    Box::pin(async move { drop(taken) })
}

fn nothing(_: Client) -> Doing<Taken> {
    doing(async { Ok(()) })
}

/// A case in which all do the same: each holds for a while what the others want.
const fn in_line(
    name: &'static str,
    take: fn(Client) -> Doing<Taken>,
    stays: &'static [&'static str],
) -> Case {
    Case { name, prepare: take, wait: take, change: let_go, wakes: Wakes::First, stays }
}

/// The same where one looks for what it waits for only when it is in front.
const fn in_front(
    name: &'static str,
    take: fn(Client) -> Doing<Taken>,
    stays: &'static [&'static str],
) -> Case {
    Case { wakes: Wakes::FirstAndNext, ..in_line(name, take, stays) }
}

/// Leads until it is dropped.
async fn elected(client: Client, builder: ElectionBuilder) -> zk_recipes::Result<LeaderElection> {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let election = builder.start(&client, move |_| {
        let _ = tell.send(());
        std::future::pending::<()>()
    });
    let election = election.await?;
    told.recv().await.expect("it leads some day");
    Ok(election)
}

/// kazoo's objects make their directory once in their life.
const KAZOOS: &[&str] = &["/x"];

const LINES: [Case; 12] = [
    in_line("Lock", |c| doing(async move { Lock::acquire(&c, "/x").await }), &[]),
    in_line("Lock::kazoo", |c| doing(async move { Lock::kazoo("/x").acquire(&c).await }), KAZOOS),
    in_line(
        "ReentrantLock",
        |c| doing(async move { ReentrantLock::new(&c, "/x").acquire().await }),
        &[],
    ),
    in_line(
        "MultiLock",
        |c| doing(async move { MultiLock::new(&c, ["/x", "/y"]).acquire().await }),
        &[],
    ),
    in_line("RwLock", |c| doing(async move { RwLock::new(&c, "/x").write().await }), &[]),
    in_line(
        "RwLock::kazoo",
        |c| doing(async move { RwLock::kazoo(&c, "/x").write().await }),
        KAZOOS,
    ),
    in_front(
        "Semaphore",
        |c| doing(async move { Semaphore::new(&c, "/x", 1).acquire().await }),
        &[],
    ),
    in_front(
        "Semaphore::kazoo",
        |c| doing(async move { Semaphore::kazoo(&c, "/x", 1).acquire().await }),
        &["/x", "/x-__lock__"],
    ),
    in_front(
        "Semaphore::mutex",
        |c| doing(async move { Semaphore::mutex(&c, "/x").acquire().await }),
        &[],
    ),
    in_line(
        "LeaderLatch",
        |c| {
            doing(async move {
                let latch = LeaderLatch::start(&c, "/x", "id").await?;
                let term = latch.lead().await?;
                Ok((latch, term))
            })
        },
        &[],
    ),
    in_line("LeaderElection", |c| doing(elected(c, LeaderElection::builder("/x", "id"))), &[]),
    in_line(
        "LeaderElection::kazoo",
        |c| doing(elected(c, LeaderElection::kazoo("/x", "id"))),
        KAZOOS,
    ),
];

const QUEUES: [Case; 7] = [
    Case {
        name: "ShardedQueue",
        prepare: |c| {
            doing(async move {
                // One whose name is known.
                let mode = CreateMode::Persistent;
                c.create("/x", b"", mode).await?;
                c.create("/x/queue-1", b"", mode).await.map_err(zk_recipes::Error::from)
            })
        },
        wait: |c| doing(async move { ShardedQueue::new(&c, "/x").take().await }),
        change: |c, _| Box::pin(async move { ShardedQueue::new(&c, "/x").put("a").await.unwrap() }),
        wakes: Wakes::FirstAndNext,
        stays: &["/x", "/x/queue-1"],
    },
    Case {
        name: "Queue",
        prepare: nothing,
        wait: |c| doing(async move { Queue::new(&c, "/x").take().await }),
        change: |c, _| Box::pin(async move { Queue::new(&c, "/x").put("a").await.unwrap() }),
        wakes: Wakes::FirstAndNext,
        stays: &["/x"],
    },
    Case {
        name: "Queue, claimed",
        prepare: nothing,
        wait: |c| doing(async move { Queue::new(&c, "/x").claim().await?.complete().await }),
        change: |c, _| Box::pin(async move { Queue::new(&c, "/x").put("a").await.unwrap() }),
        wakes: Wakes::FirstAndNext,
        stays: &["/x", "/x-claims"],
    },
    Case {
        name: "Queue::kazoo",
        prepare: nothing,
        wait: |c| doing(async move { Queue::kazoo(&c, "/x").take().await }),
        change: |c, _| Box::pin(async move { Queue::kazoo(&c, "/x").put("a").await.unwrap() }),
        wakes: Wakes::FirstAndNext,
        stays: KAZOOS,
    },
    Case {
        name: "Queue::kazoo_locking",
        prepare: nothing,
        wait: |c| {
            doing(async move { Queue::kazoo_locking(&c, "/x").claim().await?.complete().await })
        },
        change: |c, _| {
            Box::pin(async move { Queue::kazoo_locking(&c, "/x").put("a").await.unwrap() })
        },
        wakes: Wakes::FirstAndNext,
        stays: &["/x", "/x/entries", "/x/taken"],
    },
    Case {
        name: "PriorityQueue",
        prepare: nothing,
        wait: |c| doing(async move { PriorityQueue::new(&c, "/x").take().await }),
        change: |c, _| {
            Box::pin(async move { PriorityQueue::new(&c, "/x").put("a", 1).await.unwrap() })
        },
        wakes: Wakes::FirstAndNext,
        stays: &["/x"],
    },
    Case {
        name: "DelayQueue",
        prepare: nothing,
        wait: |c| doing(async move { DelayQueue::new(&c, "/x").take().await }),
        change: |c, _| {
            let due = SystemTime::UNIX_EPOCH;
            Box::pin(async move { DelayQueue::new(&c, "/x").put("a", due).await.unwrap() })
        },
        wakes: Wakes::FirstAndNext,
        stays: &["/x"],
    },
];

/// Where one change is for everybody.
const MEETINGS: [Case; 4] = [
    Case {
        name: "Barrier",
        prepare: |c| doing(async move { Barrier::new(&c, "/x/gate").set().await }),
        wait: |c| doing(async move { Barrier::new(&c, "/x/gate").wait().await }),
        change: |c, _| Box::pin(async move { Barrier::new(&c, "/x/gate").remove().await.unwrap() }),
        wakes: Wakes::All,
        stays: &[],
    },
    Case {
        name: "DoubleBarrier",
        prepare: nothing,
        wait: |c| doing(async move { DoubleBarrier::new(&c, "/x", 5).enter().await }),
        change: |c, _| {
            Box::pin(async move { drop(DoubleBarrier::new(&c, "/x", 5).enter().await.unwrap()) })
        },
        wakes: Wakes::All,
        stays: &[],
    },
    Case {
        name: "Rendezvous",
        prepare: |c| doing(async move { Rendezvous::open(&c, "/x").await }),
        wait: |c| {
            doing(async move {
                let name = c.children("/x").await?.0.remove(0);
                Rendezvous::meet(&c, &format!("/x/{name}")).await
            })
        },
        change: |c, taken| {
            Box::pin(async move {
                let rendezvous = taken.downcast::<Rendezvous>().unwrap();
                Rendezvous::announce(&c, rendezvous.path(), "here").await.unwrap();
            })
        },
        wakes: Wakes::All,
        stays: &[],
    },
    Case {
        name: "RwLock, readers behind a writer",
        prepare: |c| doing(async move { RwLock::new(&c, "/x").write().await }),
        wait: |c| doing(async move { RwLock::new(&c, "/x").read().await }),
        change: let_go,
        wakes: Wakes::All,
        stays: &[],
    },
];

/// How many wait.
const WAITERS: usize = 4;

/// What each of the waiting clients has asked so far.
fn asked(world: &World) -> [usize; WAITERS] {
    std::array::from_fn(|waiter| world.requests(1 + waiter))
}

async fn play(case: &Case) -> Option<String> {
    let (name, world) = (case.name, World::new());
    let changer = world.client(0).await;
    let mut taken = (case.prepare)(changer.clone()).await;
    world.settle().await;
    let (mut clients, mut waiting) = (Vec::new(), Vec::new());
    for waiter in 1..=WAITERS {
        let client = world.client(waiter).await;
        waiting.push(tokio::spawn((case.wait)(client.clone())));
        clients.push(client);
        world.settle().await;
    }
    let (asleep, held) = (asked(&world), world.requests(0));
    world.pass(WHILE).await;
    assert!(waiting.iter().all(|task| !task.is_finished()), "{name}: nothing to wait for");
    assert_eq!(asked(&world), asleep, "{name}: who waits asks somebody");
    assert_eq!(world.requests(0), held, "{name}: who holds asks somebody");
    if case.wakes == Wakes::All {
        (case.change)(changer, taken).await;
        world.settle().await;
        assert!(waiting.iter().all(JoinHandle::is_finished), "{name}: somebody waits on");
        for task in waiting {
            drop(task.await.unwrap());
        }
        return left_behind(&world, name, case.stays).await;
    }
    for turn in 0..2 {
        (case.change)(changer.clone(), taken).await;
        world.settle().await;
        let done = waiting.iter().filter(|task| task.is_finished()).count();
        assert_eq!(done, 1, "{name}: one goes on, and no other");
        let awake = if case.wakes == Wakes::First { 1 } else { 2 };
        let others = turn + awake..WAITERS;
        assert_eq!(asked(&world)[others.clone()], asleep[others], "{name}: others woke up");
        taken = waiting.remove(0).await.unwrap();
    }
    // The last ones give up, and the holder lets go, while everybody's session lives on.
    waiting.iter().for_each(JoinHandle::abort);
    drop(taken);
    left_behind(&world, name, case.stays).await
}

async fn play_all(cases: &[Case]) {
    let mut complaints = Vec::new();
    for case in cases {
        complaints.extend(play(case).await);
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn who_stands_in_line_sleeps_until_it_is_first_and_leaves_nothing() {
    play_all(&LINES).await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_an_item_sleeps_until_there_is_one_for_it() {
    play_all(&QUEUES).await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_what_is_for_all_sleeps_until_it_comes() {
    play_all(&MEETINGS).await;
}

/// One that looks every minute.
async fn poll(client: Client) -> zk_recipes::Result<()> {
    let mut turn = tokio::time::interval(WHILE / 10);
    while client.exists("/x").await?.is_some() {
        turn.tick().await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "who waits asks somebody")]
async fn who_polls_is_found_out() {
    let case = Case {
        prepare: |c| doing(async move { Ok(c.create("/x", "", CreateMode::Persistent).await?) }),
        wait: |c| doing(poll(c)),
        ..in_line("a poll", nothing, &[])
    };
    play(&case).await;
}

#[tokio::test(start_paused = true)]
async fn what_stays_behind_is_found_out() {
    let world = World::new();
    let client = world.client(0).await;
    client.create("/y", "", CreateMode::Persistent).await.unwrap();
    let complaint = left_behind(&world, "a litterer", &["/x"]).await;
    assert!(complaint.is_some_and(|complaint| complaint.contains("/y")));
}
