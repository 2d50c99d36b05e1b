//! Members that take what they get, and somebody who watches that nothing is held twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;
use zk_client::{Client, Error};
use zk_recipes::partitioner::{PartitionerBuilder, Share};
use zk_recipes::{FencingToken, Partitioner};

use crate::support::{children, soon, until};

pub(crate) const PATH: &str = "/shards";

/// Who works on what, seen from everywhere at once.
#[derive(Clone, Default)]
pub(crate) struct Board(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Who has an item, and by which token.
    holders: BTreeMap<String, (String, FencingToken)>,
    /// Whether sessions end and locks are deleted: the server knows that before who is concerned.
    lossy: bool,
    tokens: BTreeMap<String, FencingToken>,
    /// How often an item has got a holder.
    starts: usize,
}

impl Board {
    /// For tests in which sessions end: the tokens have to grow, that is all.
    pub(crate) fn lossy() -> Self {
        let board = Self::default();
        board.with(|state| state.lossy = true);
        board
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn enter(&self, member: &str, share: &Share) {
        let (item, token) = (share.item().to_owned(), share.fencing_token());
        self.with(|state| {
            let before = state.holders.insert(item.clone(), (member.to_owned(), token));
            assert!(
                state.lossy || before.is_none(),
                "{member} gets {item} while another has it: {before:?}"
            );
            let before = state.tokens.insert(item, token);
            assert!(before < Some(token), "{token} comes after {before:?}");
            state.starts += 1;
        });
    }

    fn leave(&self, member: &str, share: &Share) {
        let held = (member.to_owned(), share.fencing_token());
        self.with(|state| {
            if state.holders.get(share.item()) == Some(&held) {
                state.holders.remove(share.item());
            } else {
                assert!(state.lossy, "{member} has {} no longer", share.item());
            }
        });
    }

    pub(crate) fn starts(&self) -> usize {
        self.with(|state| state.starts)
    }

    pub(crate) fn of(&self, member: &str) -> BTreeSet<String> {
        self.with(|state| {
            let held = state.holders.iter().filter(|(_, (holder, _))| holder == member);
            held.map(|(item, _)| item.clone()).collect()
        })
    }

    /// Waits until all of `items` are held, by `members`, none by more than one more than another.
    pub(crate) async fn settled(&self, client: &Client, members: &[&str], items: usize) {
        let (least, most) = (items / members.len(), items.div_ceil(members.len()));
        until(|| async {
            // Paces the loop, whatever comes of it.
            let _ = client.exists("/").await;
            let loads: Vec<usize> = members.iter().map(|member| self.of(member).len()).collect();
            loads.iter().sum::<usize>() == items
                && loads.iter().all(|load| (least..=most).contains(load))
        })
        .await;
    }
}

/// A member that works on what it gets until that is revoked.
pub(crate) struct Member {
    pub(crate) partitioner: Arc<Partitioner>,
    worker: JoinHandle<()>,
}

pub(crate) fn items(count: usize) -> Vec<String> {
    (0..count).map(|item| format!("item-{item:02}")).collect()
}

pub(crate) async fn join(client: &Client, id: &str, count: usize, board: &Board) -> Member {
    join_as(client, Partitioner::builder(PATH, id), count, board).await
}

pub(crate) async fn join_as(
    client: &Client,
    builder: PartitionerBuilder,
    count: usize,
    board: &Board,
) -> Member {
    let partitioner = soon(builder.items(items(count)).join(client)).await.unwrap();
    let partitioner = Arc::new(partitioner);
    let worker = tokio::spawn(work(partitioner.clone(), board.clone()));
    Member { partitioner, worker }
}

async fn work(partitioner: Arc<Partitioner>, board: Board) {
    let mut working = tokio::task::JoinSet::new();
    loop {
        let share = tokio::select! {
            share = partitioner.next() => share,
            Some(done) = working.join_next() => {
                done.unwrap();
                continue;
            }
        };
        let Some(share) = share else { break };
        let (board, id) = (board.clone(), partitioner.id().to_owned());
        working.spawn(async move {
            board.enter(&id, &share);
            share.revoked().await;
            board.leave(&id, &share);
            drop(share.release().await);
        });
    }
    while let Some(done) = working.join_next().await {
        done.unwrap();
    }
}

impl Member {
    pub(crate) async fn leave(self) {
        soon(self.partitioner.leave()).await.unwrap();
        soon(self.worker).await.unwrap();
    }
}

/// Waits until no member, no lock and no plan is left.
pub(crate) async fn nothing_is_left(client: &Client) {
    until(|| async {
        let mut left = children(client, &format!("{PATH}/members")).await.len();
        for item in children(client, &format!("{PATH}/locks")).await {
            left += children(client, &format!("{PATH}/locks/{item}")).await.len();
        }
        match client.get(&format!("{PATH}/plan")).await {
            Err(Error::NoNode { .. }) => left == 0,
            _ => false,
        }
    })
    .await;
}
