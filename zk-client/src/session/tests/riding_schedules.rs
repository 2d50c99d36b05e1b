//! Random schedules of watches, changes and faults: each watcher is told what it would be told if it
//! were alone on its path, by servers that have room for all kinds on a path and by those that do
//! not.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use zk_proto::{ErrorCode, EventType, path};

use super::pair::Pair;
use crate::session::{Failure, Notice, SessionState, WatchKind};

#[derive(Clone, Debug)]
enum Step {
    Watch(usize, usize),
    Unwatch(usize),
    Change(usize),
    Delete(usize),
    Cut,
    CutToServerAfter(usize),
    CutToClientAfter(usize),
    StallToServer(bool),
    StallToClient(bool),
    ReadLen(usize),
    Settle,
    Run(u64),
}

const PATHS: [&str; 5] = ["/", "/a", "/a/b", "/a/b/c", "/d"];
const KINDS: [WatchKind; 5] = [
    WatchKind::Data,
    WatchKind::Exist,
    WatchKind::Child,
    WatchKind::Persistent,
    WatchKind::Recursive,
];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        9 => (0..KINDS.len(), 0..PATHS.len()).prop_map(|(kind, path)| Step::Watch(kind, path)),
        4 => (0_usize..20).prop_map(Step::Unwatch),
        8 => (1..PATHS.len()).prop_map(Step::Change),
        4 => (1..PATHS.len()).prop_map(Step::Delete),
        1 => Just(Step::Cut),
        1 => (1_usize..300).prop_map(Step::CutToServerAfter),
        1 => (1_usize..300).prop_map(Step::CutToClientAfter),
        2 => any::<bool>().prop_map(Step::StallToServer),
        2 => any::<bool>().prop_map(Step::StallToClient),
        1 => prop_oneof![Just(usize::MAX), 1_usize..40].prop_map(Step::ReadLen),
        6 => Just(Step::Settle),
        2 => (1_u64..300).prop_map(Step::Run),
    ]
}

struct Watcher {
    id: u64,
    request: u32,
    kind: WatchKind,
    path: &'static str,
    /// How many changes had happened when it was asked for.
    submitted: usize,
    gone: bool,
}

/// A change as a watcher is told of it; without the transaction where servers do not say.
type Told = (EventType, String, Option<i64>);

struct Run {
    pair: Pair,
    watchers: Vec<Watcher>,
}

impl Run {
    fn new(before_3_9: bool, says_no_zxid: bool) -> Self {
        let mut pair = Pair::established();
        (pair.ensemble.before_3_9, pair.ensemble.says_no_zxid) = (before_3_9, says_no_zxid);
        for path in &PATHS[..3] {
            pair.ensemble.set(path, b"");
        }
        Self { pair, watchers: Vec::new() }
    }

    fn step(&mut self, step: &Step) {
        let pair = &mut self.pair;
        match *step {
            Step::Watch(kind, path) => {
                let (kind, path, submitted) =
                    (KINDS[kind], PATHS[path], pair.ensemble.happened.len());
                let (request, id) = pair.watch(kind, path);
                self.watchers.push(Watcher { id, request, kind, path, submitted, gone: false });
            }
            Step::Unwatch(at) => {
                if let Some(watcher) = self.watchers.get_mut(at) {
                    watcher.gone = true;
                    pair.unwatch(watcher.id);
                }
            }
            Step::Change(at) => self.change(PATHS[at]),
            Step::Delete(at) => self.delete(PATHS[at]),
            Step::Cut => pair.cut(),
            Step::CutToServerAfter(bytes) => pair.cut_to_server_after = Some(bytes),
            Step::CutToClientAfter(bytes) => pair.cut_to_client_after = Some(bytes),
            Step::StallToServer(stalled) => pair.stalled_to_server = stalled,
            Step::StallToClient(stalled) => pair.stalled_to_client = stalled,
            Step::ReadLen(len) => pair.read_len = len,
            Step::Settle => pair.settle(),
            Step::Run(ms) => pair.run(Duration::from_millis(ms)),
        }
    }

    fn change(&mut self, path: &str) {
        let ensemble = &mut self.pair.ensemble;
        if path::parent(path).is_none_or(|parent| ensemble.nodes.contains_key(parent)) {
            ensemble.set(path, b"");
        }
    }

    fn delete(&mut self, path: &str) {
        let ensemble = &mut self.pair.ensemble;
        let below = format!("{path}/");
        let is_leaf = !ensemble.nodes.keys().any(|node| node.starts_with(&below));
        if is_leaf && ensemble.nodes.contains_key(path) {
            ensemble.delete(path);
        }
    }

    /// Faults off; then each node changes, and each list of children.
    fn heal(&mut self) {
        let pair = &mut self.pair;
        (pair.cut_to_server_after, pair.cut_to_client_after) = (None, None);
        (pair.stalled_to_server, pair.stalled_to_client) = (false, false);
        pair.run(Duration::from_secs(10));
        assert_eq!(pair.session.state(), SessionState::Connected);
        assert_eq!(pair.session.request_count(), 0, "nothing is left waiting");
        for path in PATHS {
            self.change(path);
            self.change(&path::join(path, "new"));
        }
        self.pair.settle();
    }

    fn check(&mut self) {
        let watchers = std::mem::take(&mut self.watchers);
        for watcher in &watchers {
            self.check_watcher(watcher);
            self.pair.unwatch(watcher.id);
        }
        self.pair.settle();
        let [.., persistent, recursive] = self.pair.ensemble.watches();
        assert_eq!((persistent, recursive), (0, 0), "nothing that lasts stays on the server");
        assert_eq!(self.pair.session.watch_count(), 0);
    }

    fn check_watcher(&self, watcher: &Watcher) {
        let pair = &self.pair;
        let notices = pair.notices(watcher.id);
        let is_over = notices.iter().any(|notice| matches!(notice, Notice::Ended(_)));
        if watcher.gone || is_over {
            return;
        }
        let after = match pair.outcome(watcher.request) {
            Ok(reply) => Some(reply.zxid.0),
            Err(Failure::Code(ErrorCode::NoNode)) if watcher.kind == WatchKind::Exist => None,
            Err(_) => return assert!(notices.is_empty(), "no watch was set: {notices:?}"),
        };
        let expected = self.expected(watcher, after);
        let told: Vec<Told> = notices
            .iter()
            .filter_map(|notice| match notice {
                Notice::Event(event) => {
                    Some((event.kind, event.path.to_string(), event.zxid.map(|zxid| zxid.0)))
                }
                _ => None,
            })
            .collect();
        let what = format!("{:?} on {}", watcher.kind, watcher.path);
        if watcher.kind.is_persistent() {
            let since = notices.iter().rev().take_while(|told| ***told != Notice::Rearmed).count();
            let tail = &told[told.len() - since..];
            assert!(expected.ends_with(tail), "{what}: {tail:?} of {expected:?}");
            assert!(since == notices.len() || !tail.is_empty(), "{what}: the last changes");
            assert!(since < notices.len() || told == expected, "{what}: {told:?}, {expected:?}");
            // What others missed while away is told without saying when it was.
            assert!(told.iter().filter_map(|(.., zxid)| *zxid).is_sorted(), "{what}: {told:?}");
            return;
        }
        let [told] = &told[..] else { panic!("{what} is told {told:?} instead of {expected:?}") };
        if pair.session.connections() == 1 && after.is_some() {
            assert_eq!(told, &expected[0], "{what}");
        } else if told.2.is_some() {
            assert!(expected.contains(told), "{what}: {told:?} of {expected:?}");
        }
        assert!(!expected.is_empty(), "{what}: {told:?}");
    }

    /// What a watcher is told that is alone and never disconnected, from that transaction on.
    fn expected(&self, watcher: &Watcher, after: Option<i64>) -> Vec<Told> {
        let ensemble = &self.pair.ensemble;
        let below = |node: &str| {
            watcher.path == "/"
                || node
                    .strip_prefix(watcher.path)
                    .is_some_and(|rest| matches!(rest.as_bytes(), [] | [b'/', ..]))
        };
        let here = |node: &str| node == watcher.path;
        let known = after.is_some();
        let (from, after) = if known { (0, after) } else { (watcher.submitted, None) };
        let since = ensemble.happened[from..].iter();
        since
            .filter(|(.., zxid)| after.is_none_or(|after| *zxid > after))
            .filter(|(event, node, _)| match (watcher.kind, event) {
                (WatchKind::Data | WatchKind::Exist, event) => {
                    here(node) && *event != EventType::NodeChildrenChanged
                }
                (WatchKind::Child, EventType::NodeChildrenChanged | EventType::NodeDeleted) => {
                    here(node)
                }
                (WatchKind::Child, _) => false,
                (WatchKind::Persistent, _) => here(node),
                (WatchKind::Recursive, EventType::NodeChildrenChanged) => false,
                (WatchKind::Recursive, _) => below(node),
            })
            .map(|(event, node, zxid)| {
                (*event, node.clone(), (!ensemble.says_no_zxid).then_some(*zxid))
            })
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..Default::default() })]

    #[test]
    fn each_watcher_is_told_what_it_would_be_told_alone(
        before_3_9 in any::<bool>(),
        says_no_zxid in any::<bool>(),
        steps in vec(step(), 1..80),
    ) {
        let mut run = Run::new(before_3_9, says_no_zxid);
        for step in &steps {
            run.step(step);
        }
        run.heal();
        run.check();
    }
}
