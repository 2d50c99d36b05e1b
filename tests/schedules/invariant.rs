//! What must hold at each step of a schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use zk_client::SessionId;
use zk_proto::EphemeralOwner;
use zk_server::tree::DataTree;

use crate::world::Scene;
use crate::world::executor::ProcessId;

/// Looked at after each poll of a task and each event outside of the processes.
pub(crate) trait Invariant: Send {
    /// What is wrong, if something is.
    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String>;
}

/// Somebody who says to hold something.
pub(crate) struct Claim {
    /// What is held.
    pub(crate) what: String,
    /// How many may hold it at the same time as this one.
    pub(crate) limit: usize,
    pub(crate) process: ProcessId,
    pub(crate) session: SessionId,
    /// The ephemeral node that stands for it, if it is known.
    pub(crate) node: Option<String>,
    /// What tells it from those before, if something does.
    pub(crate) token: Option<i64>,
    pub(crate) is_held: Box<dyn Fn() -> bool + Send>,
}

/// Never more holders of one thing than there may be, each with its node on the server, with tokens
/// that grow.
#[derive(Clone, Default)]
pub(crate) struct Holders(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    claims: BTreeMap<u64, Claim>,
    next: u64,
    /// Entered since the last look.
    fresh: Vec<u64>,
    last_tokens: BTreeMap<String, i64>,
}

impl Holders {
    pub(crate) fn enter(&self, claim: Claim) -> u64 {
        let mut book = self.0.lock().unwrap();
        let id = book.next;
        book.next += 1;
        book.fresh.push(id);
        book.claims.insert(id, claim);
        id
    }

    /// Before the release begins.
    pub(crate) fn leave(&self, id: u64) {
        let claim = self.0.lock().unwrap().claims.remove(&id);
        drop(claim);
    }
}

/// What an operator took from somebody, that one cannot know yet; and who does not run says nothing.
fn is_believable(claim: &Claim, scene: &Scene<'_>) -> bool {
    scene.runs(claim.process) && !scene.killed.contains(&claim.session)
}

impl Book {
    fn check_tokens(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for id in std::mem::take(&mut self.fresh) {
            let claim = self.claims.get(&id).filter(|claim| is_believable(claim, scene));
            let Some((claim, token)) = claim.and_then(|claim| Some((claim, claim.token?))) else {
                continue;
            };
            let last = self.last_tokens.entry(claim.what.clone()).or_insert(i64::MIN);
            // Those who hold it together may have come in any order.
            if claim.limit == 1 && token <= *last {
                let what = &claim.what;
                return Err(format!("tokens do not grow: {token:#x} of {what} after {last:#x}"));
            }
            *last = token.max(*last);
        }
        Ok(())
    }

    /// Asking has effects of its own: a guard that finds itself lost is lost. So nobody is asked
    /// without need.
    fn check_holders(&self, scene: &Scene<'_>) -> Result<(), String> {
        let mut crowds: BTreeMap<&str, Vec<&Claim>> = BTreeMap::new();
        for claim in self.claims.values().filter(|claim| is_believable(claim, scene)) {
            crowds.entry(&claim.what).or_default().push(claim);
        }
        for (what, claims) in crowds {
            let least = claims.iter().map(|claim| claim.limit).min();
            let crowded = least.is_some_and(|limit| claims.len() > limit);
            let (mut holders, mut limit) = (Vec::new(), usize::MAX);
            for claim in claims {
                let is_there = claim.node.as_ref().is_none_or(|path| {
                    let owner = scene.tree.node(path).map(|node| node.stat().ephemeral_owner);
                    owner == Some(claim.session)
                });
                if (crowded || !is_there) && (claim.is_held)() {
                    if !is_there {
                        let process = claim.process;
                        return Err(format!("{process:?} claims to hold {what} by no node"));
                    }
                    holders.push(claim.process);
                    limit = limit.min(claim.limit);
                }
            }
            if holders.len() > limit {
                return Err(format!("{} holders at once of {what}: {holders:?}", holders.len()));
            }
        }
        Ok(())
    }
}

impl Invariant for Holders {
    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        let mut book = self.0.lock().unwrap();
        book.check_tokens(scene)?;
        book.check_holders(scene)
    }
}

/// Whether it is a container in which there never was anything but such: servers keep them.
fn is_unused(tree: &DataTree, path: &str) -> bool {
    tree.node(path).is_some_and(|node| {
        let is_container = node.owner() == EphemeralOwner::Container;
        let mut children = node.children();
        let is_fresh = node.child_count() > 0 || node.create_count() == 0;
        is_container && is_fresh && children.all(|name| is_unused(tree, &format!("{path}/{name}")))
    })
}

/// At the end there is no znode but these.
pub(crate) struct NothingLeft {
    /// Paths; one with a slash at its end means what is right below.
    pub(crate) but: BTreeSet<&'static str>,
}

impl NothingLeft {
    pub(crate) fn but(paths: impl IntoIterator<Item = &'static str>) -> Self {
        Self { but: paths.into_iter().collect() }
    }
}

impl Invariant for NothingLeft {
    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        if !scene.is_over {
            return Ok(());
        }
        let mut left = Vec::new();
        walk(scene.tree, "/", &mut |path| {
            let directory = path.rsplit_once('/').map_or("", |(parent, _)| &path[..=parent.len()]);
            let may_stay = self.but.contains(path) || self.but.contains(directory);
            if !may_stay && !is_unused(scene.tree, path) {
                left.push(path.to_owned());
            }
        });
        if left.is_empty() { Ok(()) } else { Err(format!("left behind: {}", left.join(", "))) }
    }
}

/// A check of the tree after each step.
pub(crate) struct AtEachStep<F>(pub(crate) F);

impl<F: FnMut(&DataTree) -> Result<(), String> + Send> Invariant for AtEachStep<F> {
    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        (self.0)(scene.tree)
    }
}

/// A check of the last state of the tree.
pub(crate) struct AtTheEnd<F>(pub(crate) F);

impl<F: FnMut(&DataTree) -> Result<(), String> + Send> Invariant for AtTheEnd<F> {
    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        if scene.is_over { (self.0)(scene.tree) } else { Ok(()) }
    }
}

/// All paths below `path`, the server's own aside.
pub(crate) fn walk(tree: &DataTree, path: &str, visit: &mut dyn FnMut(&str)) {
    let Some(node) = tree.node(path) else { return };
    for name in node.children() {
        let child = if path == "/" { format!("/{name}") } else { format!("{path}/{name}") };
        if child != "/zookeeper" {
            visit(&child);
            walk(tree, &child, visit);
        }
    }
}
