//! The tasks of all simulated processes, on one thread.
//!
//! Which of the tasks that could run runs next is drawn from the seed, so that no order of wake-ups
//! is taken for granted, least of all one that tokio draws by chance. A process that is held still
//! is one whose tasks are not polled; one that has crashed has none any more.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use fastrand::Rng;

/// One life of one simulated process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProcessId {
    pub(crate) number: usize,
    /// How often it has crashed before.
    pub(crate) life: usize,
}

pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls without the sun or the moon moving in between: more is a loop.
const POLLS_AT_ONE_TIME_MAX: usize = 200_000;

pub(crate) struct Executor {
    state: Mutex<State>,
    ready: Arc<Ready>,
}

struct State {
    tasks: BTreeMap<u64, Slot>,
    next: u64,
    held: BTreeSet<usize>,
    /// The current life of each process.
    lives: BTreeMap<usize, usize>,
    rng: Rng,
    polls_at_this_time: usize,
}

struct Slot {
    process: ProcessId,
    /// Taken out while it is polled.
    task: Option<Task>,
}

#[derive(Default)]
struct Ready {
    tasks: Mutex<BTreeSet<u64>>,
    /// Whoever waits for a task to become ready.
    main: Mutex<Option<Waker>>,
}

struct TaskWaker {
    id: u64,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.push(self.id);
    }
}

impl Ready {
    fn push(&self, id: u64) {
        self.tasks.lock().unwrap().insert(id);
        let main = self.main.lock().unwrap().take();
        if let Some(main) = main {
            main.wake();
        }
    }
}

impl Executor {
    pub(crate) fn new(rng: Rng) -> Self {
        let state = State {
            tasks: BTreeMap::new(),
            next: 0,
            held: BTreeSet::new(),
            lives: BTreeMap::new(),
            rng,
            polls_at_this_time: 0,
        };
        Self { state: Mutex::new(state), ready: Arc::default() }
    }

    /// Runs `task` in a process. One that has crashed runs nothing any more.
    pub(crate) fn spawn(&self, process: ProcessId, task: Task) {
        let mut state = self.state.lock().unwrap();
        if !state.is_alive(process) {
            drop(state);
            return;
        }
        let id = state.next;
        state.next += 1;
        // What tokio lets one task do at once is meant for tasks of its own.
        let task: Task = Box::pin(tokio::task::coop::unconstrained(task));
        state.tasks.insert(id, Slot { process, task: Some(task) });
        drop(state);
        self.ready.push(id);
    }

    pub(crate) fn is_alive(&self, process: ProcessId) -> bool {
        self.state.lock().unwrap().is_alive(process)
    }

    pub(crate) fn is_held(&self, process: usize) -> bool {
        self.state.lock().unwrap().held.contains(&process)
    }

    /// Holds a process still, or lets it go on.
    pub(crate) fn hold(&self, process: usize, still: bool) {
        let mut state = self.state.lock().unwrap();
        if still {
            state.held.insert(process);
        } else {
            state.held.remove(&process);
        }
    }

    /// Drops all tasks of a process, as its end would. Its next life has another id.
    pub(crate) fn crash(&self, process: usize) -> ProcessId {
        let mut state = self.state.lock().unwrap();
        state.held.remove(&process);
        let life = state.lives.entry(process).or_default();
        *life += 1;
        let next = ProcessId { number: process, life: *life };
        let (gone, left) = std::mem::take(&mut state.tasks)
            .into_iter()
            .partition(|(_, slot)| slot.process.number == process);
        state.tasks = left;
        drop(state);
        // Their destructors may want to spawn.
        drop::<BTreeMap<_, _>>(gone);
        next
    }

    /// Polls one of the tasks that are ready; false if there is none.
    pub(crate) fn step(&self) -> bool {
        let Some((id, mut task)) = self.choose() else { return false };
        let waker = Waker::from(Arc::new(TaskWaker { id, ready: Arc::clone(&self.ready) }));
        let polled = task.as_mut().poll(&mut Context::from_waker(&waker));
        let mut state = self.state.lock().unwrap();
        let mut finished = None;
        if polled.is_pending() {
            // It is gone if its process has crashed meanwhile.
            match state.tasks.get_mut(&id) {
                Some(slot) => slot.task = Some(task),
                None => finished = Some(task),
            }
        } else {
            state.tasks.remove(&id);
            finished = Some(task);
        }
        drop(state);
        drop(finished);
        true
    }

    fn choose(&self) -> Option<(u64, Task)> {
        let mut state = self.state.lock().unwrap();
        let mut ready = self.ready.tasks.lock().unwrap();
        ready.retain(|id| state.tasks.contains_key(id));
        let may_run = |id: &&u64| !state.held.contains(&state.tasks[id].process.number);
        let candidates: Vec<u64> = ready.iter().filter(may_run).copied().collect();
        if candidates.is_empty() {
            return None;
        }
        let id = candidates[state.rng.usize(..candidates.len())];
        ready.remove(&id);
        state.polls_at_this_time += 1;
        assert!(state.polls_at_this_time < POLLS_AT_ONE_TIME_MAX, "tasks run in circles");
        let slot = state.tasks.get_mut(&id)?;
        Some((id, slot.task.take()?))
    }

    /// Waits until a task may be ready.
    pub(crate) async fn some_ready(&self) {
        self.state.lock().unwrap().polls_at_this_time = 0;
        poll_fn(|cx| {
            *self.ready.main.lock().unwrap() = Some(cx.waker().clone());
            if self.has_ready() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn has_ready(&self) -> bool {
        let state = self.state.lock().unwrap();
        let ready = self.ready.tasks.lock().unwrap();
        let may_run = |id: &u64| {
            state.tasks.get(id).is_some_and(|slot| !state.held.contains(&slot.process.number))
        };
        ready.iter().any(may_run)
    }

    /// Drops everything, one process after the other.
    pub(crate) fn end(&self) {
        let mut numbers: Vec<usize> = Vec::new();
        numbers.extend(self.state.lock().unwrap().tasks.values().map(|slot| slot.process.number));
        numbers.dedup();
        for number in numbers {
            self.crash(number);
        }
    }
}

impl State {
    fn is_alive(&self, process: ProcessId) -> bool {
        self.lives.get(&process.number).copied().unwrap_or(0) == process.life
    }
}
