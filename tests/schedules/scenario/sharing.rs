//! Members who come and go, and share out a set of items.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use zk_client::{Client, SessionId};
use zk_recipes::Error;

use super::may_pass;
use super::mutex::Boxed;
use crate::invariant::{AtTheEnd, Claim, NothingLeft};
use crate::world::{Process, World};

pub(crate) const PATH: &str = "/shards";

/// What is shared out.
pub(crate) const ITEMS: [&str; 5] = ["a", "b", "c", "d", "e"];

const MEMBERS: usize = 3;

/// How often each comes.
const STAYS: usize = 3;

/// A way to share them out.
pub(crate) trait Sharing: Send + Sync {
    fn join(&self, client: &Client, id: &str) -> Boxed<Result<Arc<dyn Member>, Error>>;
}

/// Who has joined. Dropped, it leaves.
pub(crate) trait Member: Send + Sync {
    /// The next item that it has; `None` when it has left.
    fn next(self: Arc<Self>) -> Boxed<Option<Box<dyn Piece>>>;
    fn leave(self: Arc<Self>) -> Boxed<Result<(), Error>>;
}

/// An item while a member has it.
pub(crate) trait Piece: Send + Sync {
    fn item(&self) -> String;
    fn token(&self) -> i64;
    fn is_held(&self) -> bool;
    /// Resolves when it is to be let go.
    fn revoked(&self) -> Boxed<()>;
    fn release(self: Box<Self>) -> Boxed<Result<(), Error>>;
}

/// Who works on which items.
type Board = Arc<Mutex<BTreeMap<usize, Vec<String>>>>;

/// What becomes of the members in the end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtLast {
    /// They stay, and each item is worked on by one of them.
    Stay,
    /// They leave, and with them all they have made but these nodes.
    Leave(&'static [&'static str]),
}

/// Lets three members come and go.
pub(crate) fn share(world: &Arc<World>, sharing: impl Sharing + 'static, at_last: AtLast) {
    let (sharing, board) = (Arc::new(sharing), Board::default());
    match at_last {
        AtLast::Leave(left) => world.watch_over(NothingLeft::but(left.iter().copied())),
        AtLast::Stay => {
            let looking = Arc::clone(&board);
            world.watch_over(AtTheEnd(move |_: &_| check(&looking.lock().unwrap())));
        }
    }
    for _ in 0..MEMBERS {
        let (sharing, board) = (Arc::clone(&sharing), Arc::clone(&board));
        world.start(move |process| {
            // What it worked on before it crashed, it does no more.
            board.lock().unwrap().insert(process.id().number, Vec::new());
            let (sharing, board) = (Arc::clone(&sharing), Arc::clone(&board));
            process.work(come_and_go(process.clone(), sharing, board, at_last));
        });
    }
}

/// Whether each item has somebody, and nobody has two more than another.
fn check(board: &BTreeMap<usize, Vec<String>>) -> Result<(), String> {
    for item in ITEMS {
        let workers = board.values().flatten().filter(|one| *one == item).count();
        if workers != 1 {
            return Err(format!("{workers} work on {item} in the end: {board:?}"));
        }
    }
    let counts = || board.values().map(Vec::len);
    let (least, most) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
    if most > least + 1 { Err(format!("shared out unevenly: {board:?}")) } else { Ok(()) }
}

async fn come_and_go(
    process: Process,
    sharing: Arc<dyn Sharing>,
    board: Board,
    at_last: AtLast,
) -> Result<(), String> {
    let (client, mut rng) = (process.client(), process.rng());
    process.keep(client.clone());
    let id = format!("worker-{}", process.id().number);
    let mut stays = 0;
    while stays < STAYS {
        process.idle(rng.u64(1..3000)).await;
        let polls = if rng.u8(..6) == 0 { rng.usize(1..12) } else { usize::MAX };
        let member = match process.abandon(polls, sharing.join(&client, &id)).await {
            Err(_) => continue,
            Ok(Err(error)) if may_pass(&error) => continue,
            Ok(Err(error)) => return Err(format!("joining failed: {error}")),
            Ok(Ok(member)) => member,
        };
        stays += 1;
        process.note(format_args!("has joined"));
        process.spawn(serve(
            process.clone(),
            client.clone(),
            Arc::clone(&member),
            Arc::clone(&board),
        ));
        if stays == STAYS && at_last == AtLast::Stay {
            // To the end of the schedule: the task that serves has it.
            return Ok(());
        }
        process.idle(rng.u64(1..10_000)).await;
        process.note(format_args!("leaves"));
        match member.leave().await {
            Err(error) if !may_pass(&error) => return Err(format!("leaving failed: {error}")),
            _ => {}
        }
    }
    Ok(())
}

async fn serve(process: Process, client: Client, member: Arc<dyn Member>, board: Board) {
    while let Some(piece) = Arc::clone(&member).next().await {
        let session = client.session_id().unwrap_or(SessionId::NONE);
        process.spawn(work_on(process.clone(), session, piece, Arc::clone(&board)));
    }
}

async fn work_on(process: Process, session: SessionId, piece: Box<dyn Piece>, board: Board) {
    let (mut rng, item) = (process.rng(), piece.item());
    process.note(format_args!("works on {item}"));
    let piece = Arc::new(piece);
    let asked = Arc::clone(&piece);
    let entry = process.holders().enter(Claim {
        what: item.clone(),
        limit: 1,
        process: process.id(),
        session,
        node: None,
        token: Some(piece.token()),
        is_held: Box::new(move || asked.is_held()),
    });
    let number = process.id().number;
    board.lock().unwrap().entry(number).or_default().push(item.clone());
    // Some end by themselves.
    let ms = if rng.u8(..4) == 0 { rng.u64(1..4000) } else { u64::from(u32::MAX) };
    tokio::select! {
        biased;
        () = piece.revoked() => {}
        () = process.idle(ms) => {}
    }
    // What remains to be done.
    process.idle(rng.u64(..300)).await;
    process.note(format_args!("works on {item} no more"));
    if let Some(items) = board.lock().unwrap().get_mut(&number)
        && let Some(at) = items.iter().position(|one| *one == item)
    {
        // One of them: it may have lost the item and got it again.
        items.remove(at);
    }
    process.holders().leave(entry);
    if let Some(piece) = Arc::into_inner(piece)
        && rng.bool()
    {
        let _ = piece.release().await;
    }
}
