//! No event is missed or doubled, however often the connection breaks: what watchers were told is
//! compared with what happened.

use fastrand::Rng;
use futures_util::StreamExt;
use tests::{CuttingProxy, Target, Transport, Weather, within};
use tokio::task::JoinHandle;
use zk_client::{Client, CreateMode, EventType, OneshotWatch, Stat, WatchMode};

/// Connections break somewhere within so many bytes of a direction: a few exchanges, and what it
/// takes to be let in.
fn bytes() -> usize {
    let Transport { tls, sasl } = Transport::of_environment();
    600 + if tls { 3000 } else { 0 } + if sasl { 900 } else { 0 }
}

/// How much happens at least, and how many connections break meanwhile.
const CHANGES: usize = 200;
const CONNECTIONS: u64 = 12;

type Event = (EventType, String);

/// A watcher whose connections all break, until the proxy is told to calm down.
async fn watcher(target: &Target, seed: u64) -> (Client, CuttingProxy) {
    let proxy = target.proxy_in(Weather::wrecking(seed, bytes())).await;
    (target.client_through(&proxy).await, proxy)
}

fn is_too_early(changes: usize, proxy: &CuttingProxy) -> bool {
    changes < CHANGES || proxy.connections() < CONNECTIONS
}

/// Waits, so that what comes next meets the watcher in another state of its connection.
async fn let_some_time_pass(watcher: &Client, rng: &mut Rng) {
    if rng.u8(..4) == 0 {
        within("a read goes through", watcher.sync("/")).await.unwrap();
    }
}

/// The last thing that happens under `/t`.
const END: &str = "/t/end";

/// What a lasting watch tells, cut where it says that there may be a gap.
async fn segments(client: &Client, path: &str, mode: WatchMode) -> JoinHandle<Vec<Vec<Event>>> {
    let mut stream = within("the watch", client.watch(path, mode)).await.unwrap();
    let client = client.clone();
    tokio::spawn(async move {
        let mut segments = vec![Vec::new()];
        loop {
            let event = within("an event", stream.next()).await.expect("the stream goes on");
            if event.kind == EventType::Resync {
                segments.push(Vec::new());
                // What happened meanwhile shows in a read; nothing will be told of it.
                if within("a read", client.exists(END)).await.unwrap().is_some() {
                    return segments;
                }
                continue;
            }
            let segment = segments.last_mut().unwrap();
            segment.push((event.kind, event.path.clone()));
            if event.path == END || event.kind == EventType::NodeDeleted && event.path == "/t/gone"
            {
                return segments;
            }
        }
    })
}

/// Fails unless the segments follow one another in what happened, each without a gap or a double.
fn compare(happened: &[Event], segments: &[Vec<Event>]) -> usize {
    let mut from = 0;
    for (number, segment) in segments.iter().enumerate().filter(|(_, segment)| !segment.is_empty())
    {
        let found = happened[from..].windows(segment.len()).position(|window| window == segment);
        let Some(at) = found else {
            panic!("{segment:?} is not what happened from {from} on: {:?}", &happened[from..]);
        };
        assert!(number > 0 || at == 0, "a gap before the first that was told");
        from += at + segment.len();
    }
    segments.iter().map(Vec::len).sum()
}

#[tokio::test]
async fn a_recursive_watch_tells_each_change_once_or_that_there_is_a_gap() {
    for seed in 0..2 {
        let target = Target::start().await;
        let writer = target.client().await;
        writer.create("/t", b"", CreateMode::Persistent).await.unwrap();
        let (client, proxy) = watcher(&target, seed).await;
        let told = segments(&client, "/t", WatchMode::PersistentRecursive).await;
        let mut rng = Rng::with_seed(seed);
        let mut happened = Vec::new();
        // Every change is of a node of its own or the only one of its kind there, so that no two
        // events are equal.
        while is_too_early(happened.len(), &proxy) {
            let path = format!("/t/n{}", happened.len());
            writer.create(&path, b"", CreateMode::Persistent).await.unwrap();
            happened.push((EventType::NodeCreated, path.clone()));
            if rng.bool() {
                writer.set(&path, b"1").await.unwrap();
                happened.push((EventType::NodeDataChanged, path.clone()));
            }
            if rng.bool() {
                writer.delete(&path).await.unwrap();
                happened.push((EventType::NodeDeleted, path));
            }
            let_some_time_pass(&client, &mut rng).await;
        }
        proxy.calm();
        writer.create(END, b"", CreateMode::Persistent).await.unwrap();
        happened.push((EventType::NodeCreated, END.to_owned()));
        let segments = within("the end is told", told).await.unwrap();
        let told = compare(&happened, &segments);
        assert!(segments.len() > 2 && told > 30, "{} gaps, {told} events", segments.len());
    }
}

#[tokio::test]
async fn a_persistent_watch_tells_each_change_once_or_that_there_is_a_gap() {
    for seed in 10..12 {
        let target = Target::start().await;
        let writer = target.client().await;
        writer.create("/t", b"", CreateMode::Persistent).await.unwrap();
        let (client, proxy) = watcher(&target, seed).await;
        let told = segments(&client, "/t/gone", WatchMode::Persistent).await;
        let happened = write_one_node(&writer, &client, &proxy, seed).await;
        proxy.calm();
        writer.create(END, b"", CreateMode::Persistent).await.unwrap();
        writer.delete("/t/gone").await.unwrap();
        let happened: Vec<_> =
            happened.into_iter().map(|kind| (kind, "/t/gone".to_owned())).collect();
        let segments = within("the end is told", told).await.unwrap();
        let told = compare(&happened, &segments);
        assert!(segments.len() > 2 && told > 30, "{} gaps, {told} events", segments.len());
    }
}

/// Changes the data of a node and its children at random, and deletes it at last.
async fn write_one_node(
    writer: &Client,
    watcher: &Client,
    proxy: &CuttingProxy,
    seed: u64,
) -> Vec<EventType> {
    let mut rng = Rng::with_seed(seed);
    writer.create("/t/gone", b"", CreateMode::Persistent).await.unwrap();
    let mut happened = vec![EventType::NodeCreated];
    let mut has_child = false;
    while is_too_early(happened.len(), proxy) {
        if rng.bool() {
            writer.set("/t/gone", b"1").await.unwrap();
            happened.push(EventType::NodeDataChanged);
        } else {
            match has_child {
                true => writer.delete("/t/gone/child").await.unwrap(),
                false => {
                    drop(writer.create("/t/gone/child", b"", CreateMode::Persistent).await.unwrap())
                }
            }
            has_child = !has_child;
            happened.push(EventType::NodeChildrenChanged);
        }
        let_some_time_pass(watcher, &mut rng).await;
    }
    if has_child {
        writer.delete("/t/gone/child").await.unwrap();
        happened.push(EventType::NodeChildrenChanged);
    }
    happened.push(EventType::NodeDeleted);
    happened
}

/// What the last write puts into a node.
const LAST: &[u8] = b"last";

/// An event is for what was read along with the watch, and says how that changed.
async fn fires(watch: OneshotWatch, expected: &[EventType]) -> EventType {
    let event = within("the watch fires", watch).await.unwrap();
    assert!(expected.contains(&event.kind), "{event:?}, expected {expected:?}");
    event.kind
}

/// Reads and waits in turn, until it reads the last that was written; how often a watch fired.
async fn follow_data(client: Client) -> usize {
    let mut read: Option<Stat> = None;
    for fired in 0.. {
        let got = within("a read", client.get("/t/data").watch()).await.unwrap();
        let (data, stat, watch) = got;
        assert!(read.is_none_or(|read| read.version < stat.version), "it fired for nothing");
        if &data[..] == LAST {
            return fired;
        }
        read = Some(stat);
        fires(watch, &[EventType::NodeDataChanged]).await;
    }
    unreachable!("nothing else ends the loop")
}

async fn follow_children(client: Client) -> usize {
    let mut read: Option<Stat> = None;
    for fired in 0.. {
        let listed = within("a list", client.children("/t/parent").watch()).await.unwrap();
        let (names, stat, watch) = listed;
        assert!(read.is_none_or(|read| read.cversion < stat.cversion), "it fired for nothing");
        if names.iter().any(|name| name == "last") {
            return fired;
        }
        read = Some(stat);
        fires(watch, &[EventType::NodeChildrenChanged]).await;
    }
    unreachable!("nothing else ends the loop")
}

async fn follow_existence(client: Client) -> usize {
    use EventType::{NodeCreated, NodeDataChanged, NodeDeleted};
    for fired in 0.. {
        let (was, watch) = within("a read", client.exists("/t/node").watch()).await.unwrap();
        if was.is_some_and(|stat| usize::try_from(stat.data_length) == Ok(LAST.len())) {
            return fired;
        }
        let kinds: &[_] =
            if was.is_some() { &[NodeDataChanged, NodeDeleted] } else { &[NodeCreated] };
        let kind = fires(watch, kinds).await;
        let is = within("a read", client.exists("/t/node")).await.unwrap();
        match (kind, was, is) {
            (NodeDeleted, Some(was), Some(is)) => assert!(was.czxid < is.czxid),
            (NodeDataChanged, Some(was), Some(is)) => assert!(was.mzxid < is.mzxid),
            // It was created or deleted, and may have been the opposite since.
            _ => {}
        }
    }
    unreachable!("nothing else ends the loop")
}

async fn observe(client: Client) -> usize {
    let mut states = std::pin::pin!(client.observe("/t/node"));
    let mut shown = None;
    for news in 0.. {
        let state = within("a state", states.next()).await.expect("it goes on").unwrap();
        let stat = state.as_ref().map(|(_, stat)| (stat.czxid, stat.mzxid));
        assert_ne!(shown.replace(stat), Some(stat), "shown twice");
        if state.is_some_and(|(data, _)| &data[..] == LAST) {
            return news;
        }
    }
    unreachable!("nothing else ends the loop")
}

#[tokio::test]
async fn one_shot_watches_fire_for_each_change_they_waited_for_and_for_nothing_else() {
    let target = Target::start().await;
    let writer = target.client().await;
    for path in ["/t", "/t/data", "/t/parent"] {
        writer.create(path, b"", CreateMode::Persistent).await.unwrap();
    }
    let (client, proxy) = watcher(&target, 20).await;
    let following = [
        tokio::spawn(follow_data(client.clone())),
        tokio::spawn(follow_children(client.clone())),
        tokio::spawn(follow_existence(client.clone())),
        tokio::spawn(observe(client.clone())),
    ];
    let mut rng = Rng::with_seed(20);
    let mut changes = 0;
    while is_too_early(changes, &proxy) {
        changes += 1;
        match rng.u8(..4) {
            0 => drop(writer.set("/t/data", b"1").await.unwrap()),
            1 => {
                let path = format!("/t/parent/{changes}");
                writer.create(&path, b"", CreateMode::Ephemeral).await.unwrap();
            }
            2 => drop(writer.set("/t/node", b"1").await),
            // Whichever of the two is possible.
            _ => {
                if writer.delete("/t/node").await.is_err() {
                    writer.create("/t/node", b"", CreateMode::Persistent).await.unwrap();
                }
            }
        }
        let_some_time_pass(&client, &mut rng).await;
    }
    proxy.calm();
    let _ = writer.delete("/t/node").await;
    writer.create("/t/node", LAST, CreateMode::Persistent).await.unwrap();
    writer.set("/t/data", LAST).await.unwrap();
    writer.create("/t/parent/last", b"", CreateMode::Persistent).await.unwrap();
    for follower in following {
        let fired = within("the last change is seen", follower).await.unwrap();
        assert!(fired > 10, "it saw {fired} changes");
    }
}
