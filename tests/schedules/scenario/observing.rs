//! Participants of an election who come and go, and observers who say who leads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use zk_client::Client;
use zk_recipes::Error;
use zk_server::tree::DataTree;

use super::mutex::Boxed;
use super::{insist, may_pass};
use crate::invariant::AtTheEnd;
use crate::world::{Process, World};

pub(crate) const PATH: &str = "/elections/one";

/// How often each process takes part.
const TERMS: usize = 4;

/// The path of the leader's node and its data, if there is a leader.
pub(crate) type Leader = Option<(String, Vec<u8>)>;

/// Somebody who takes part. Dropped, it leaves.
pub(crate) trait Participation: Send {
    fn leave(self: Box<Self>) -> Boxed<Result<(), Error>>;
}

/// Somebody who looks on.
pub(crate) trait Observer: Send + Sync {
    fn leader(&self) -> Leader;
    fn is_stale(&self) -> bool;
    /// The leaders, the present one first.
    fn changes(&self) -> BoxStream<'static, Leader>;
}

/// An election, and a way to follow it.
pub(crate) trait Electing: Send + Sync {
    fn join(&self, client: &Client, id: &str) -> Boxed<Result<Box<dyn Participation>, Error>>;
    fn observe(
        &self,
        process: &Process,
        client: &Client,
    ) -> Boxed<Result<Box<dyn Observer>, Error>>;
}

/// What the observers say, and what was last heard of each one's stream.
type Board = Arc<Mutex<BTreeMap<usize, (Arc<dyn Observer>, Option<Leader>)>>>;

/// Lets three processes take part now and then, and observe all the time.
pub(crate) fn observe(world: &Arc<World>, electing: impl Electing + 'static) {
    let (electing, board) = (Arc::new(electing), Board::default());
    let looking = Arc::clone(&board);
    world.watch_over(AtTheEnd(move |tree: &DataTree| {
        let leader = leader_of(tree);
        looking.lock().unwrap().iter().try_for_each(|(of, (observer, heard))| {
            let (says, stale) = (observer.leader(), observer.is_stale());
            if says != leader || stale || heard.as_ref() != Some(&leader) {
                return Err(format!(
                    "process {of} says {says:?} (stale: {stale}, heard: {heard:?}) for {leader:?}"
                ));
            }
            Ok(())
        })
    }));
    for number in 0..3 {
        let (electing, board) = (Arc::clone(&electing), Arc::clone(&board));
        world.start(move |process| {
            let (electing, client) = (Arc::clone(&electing), process.client());
            let (observing, board) = (Arc::clone(&electing), Arc::clone(&board));
            process.work(look_on(process.clone(), client.clone(), observing, board));
            // The first stays at last in some schedules, so that it does not always end with nobody.
            let stays = number == 0 && process.rng().bool();
            process.work(take_part(process.clone(), client, electing, stays));
        });
    }
}

/// The first who came of those who are there.
fn leader_of(tree: &DataTree) -> Leader {
    let directory = tree.node(PATH)?;
    let paths = directory.children().map(|name| format!("{PATH}/{name}"));
    let nodes = paths.filter_map(|path| tree.node(&path).map(|node| (path, node)));
    let (path, node) = nodes.min_by_key(|(_, node)| node.stat().czxid)?;
    Some((path, node.data().unwrap_or_default().to_vec()))
}

async fn look_on(
    process: Process,
    client: Client,
    electing: Arc<dyn Electing>,
    board: Board,
) -> Result<(), String> {
    let (number, mut rng) = (process.id().number, process.rng());
    // The former life's says nothing any more.
    board.lock().unwrap().remove(&number);
    process.idle(rng.u64(1..5000)).await;
    if rng.u8(..4) == 0 {
        let _ = process.abandon(rng.usize(1..8), electing.observe(&process, &client)).await;
    }
    let observer: Arc<dyn Observer> = insist(|| electing.observe(&process, &client)).await?.into();
    board.lock().unwrap().insert(number, (Arc::clone(&observer), None));
    let mut changes = observer.changes();
    process.spawn(async move {
        while let Some(leader) = changes.next().await {
            if let Some((_, heard)) = board.lock().unwrap().get_mut(&number) {
                *heard = Some(leader);
            }
        }
    });
    Ok(())
}

async fn take_part(
    process: Process,
    client: Client,
    electing: Arc<dyn Electing>,
    stays: bool,
) -> Result<(), String> {
    let mut rng = process.rng();
    process.keep(client.clone());
    for term in 0..TERMS {
        process.idle(rng.u64(1..3000)).await;
        let id = format!("node-{}-{term}", process.id().number);
        let polls = if rng.u8(..6) == 0 { rng.usize(1..8) } else { usize::MAX };
        let participation = match process.abandon(polls, electing.join(&client, &id)).await {
            Err(_) => continue,
            Ok(Err(error)) if may_pass(&error) => continue,
            Ok(Err(error)) => return Err(format!("joining failed: {error}")),
            Ok(Ok(participation)) => participation,
        };
        process.idle(rng.u64(1..6000)).await;
        if let Some((path, _)) = process.look(leader_of) {
            match rng.u8(..4) {
                // Somebody who should not.
                0 => drop(client.delete(&path).await),
                // The leader goes by another name from now on.
                1 => drop(client.set(&path, &id.to_uppercase()).await),
                _ => {}
            }
        }
        if stays && term + 1 == TERMS {
            process.keep(participation);
        } else if rng.bool() {
            match participation.leave().await {
                Err(error) if !may_pass(&error) => return Err(format!("leaving failed: {error}")),
                _ => {}
            }
        }
    }
    Ok(())
}
