//! A simulated world: processes, a network, a server, and one clock.
//!
//! | file | what |
//! | --- | --- |
//! | `executor` | the tasks of all processes; which of them runs next is drawn from the seed |
//! | `network` | the server and the connections to it; what is lost and when who hears of it |
//! | `weather` | how bad things are, and the faults to come |
//! | `stream` | a client's end of a connection |
//! | `process` | what a process of a scenario can do |
//! | `trace`, `wire` | what happened: a fingerprint, and words for people |
//!
//! What is modelled: connections that are refused, slow, cut (before a request arrives, within it,
//! after it was carried out and before its answer), cut without either side hearing of it, networks
//! that are gone for longer than a session lives, processes that do not run for a while, that crash,
//! a server that restarts, futures that are dropped at any of their steps. What is not: several
//! servers of which one lags behind, and threads of one process that run at the same moment.

pub(crate) mod executor;
mod network;
mod process;
mod stream;
mod trace;
mod weather;
mod wire;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use tokio::time::{Instant, sleep_until};
use zk_client::SessionId;
use zk_server::tree::DataTree;

use crate::invariant::{Holders, Invariant};
use executor::{Executor, ProcessId};
use network::Network;
use trace::Trace;
use weather::{Fault, STORM_MS, Weather};

pub(crate) use process::Process;
pub(crate) use weather::Allowed;

/// How long it may take, once nothing breaks any more, until everybody has done their work.
const PATIENCE_MS: u64 = 120_000;

/// What a process does, in each of its lives.
pub(crate) type Main = Arc<dyn Fn(Process) + Send + Sync>;

/// What an invariant may look at.
pub(crate) struct Scene<'a> {
    pub(crate) tree: &'a DataTree,
    /// Sessions that an operator ended: their clients cannot know yet.
    pub(crate) killed: &'a BTreeSet<SessionId>,
    /// Whether all faults are over, and everybody is done.
    pub(crate) is_over: bool,
    world: &'a World,
}

impl Scene<'_> {
    /// Whether a process runs: one that is held still, or was ended, claims nothing.
    pub(crate) fn runs(&self, process: ProcessId) -> bool {
        self.world.executor.is_alive(process) && !self.world.executor.is_held(process.number)
    }
}

pub(crate) struct World {
    pub(crate) executor: Executor,
    network: Arc<Mutex<Network>>,
    mains: Mutex<Vec<Main>>,
    /// Work that has to be done before the end: how often each process has begun and ended some.
    pub(crate) working: Mutex<BTreeSet<(ProcessId, u64)>>,
    invariants: Mutex<Vec<Box<dyn Invariant>>>,
    /// What a process found wrong by itself.
    pub(crate) complaint: Mutex<Option<String>>,
    /// Whoever holds something.
    pub(crate) holders: Holders,
    session_timeout_ms: u64,
}

/// What one schedule has come to.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) fingerprint: u64,
    pub(crate) events: usize,
    pub(crate) virtual_ms: u64,
    pub(crate) violation: Option<String>,
    pub(crate) lines: Vec<String>,
}

impl World {
    pub(crate) fn new(seed: u64, processes: usize, allowed: Allowed, traced: bool) -> Arc<Self> {
        let mut rng = Rng::with_seed(seed);
        let weather = Weather::new(&mut rng, processes, allowed);
        let session_timeout_ms = weather.session_timeout_ms;
        let network = Network::new(weather, rng.fork(), Trace::new(traced));
        let holders = Holders::default();
        Arc::new(Self {
            executor: Executor::new(rng.fork()),
            network: Arc::new(Mutex::new(network)),
            mains: Mutex::default(),
            working: Mutex::default(),
            invariants: Mutex::new(vec![Box::new(holders.clone())]),
            holders,
            complaint: Mutex::default(),
            session_timeout_ms,
        })
    }

    /// A process that runs `main`, and runs it anew after each crash.
    pub(crate) fn start(self: &Arc<Self>, main: impl Fn(Process) + Send + Sync + 'static) {
        let mut mains = self.mains.lock().unwrap();
        let (number, main): (_, Main) = (mains.len(), Arc::new(main));
        mains.push(Arc::clone(&main));
        drop(mains);
        main(Process::new(self, ProcessId { number, life: 0 }));
    }

    pub(crate) fn watch_over(&self, invariant: impl Invariant + 'static) {
        self.invariants.lock().unwrap().push(Box::new(invariant));
    }

    /// Plays the whole schedule.
    pub(crate) async fn play(self: &Arc<Self>) -> Report {
        let violation = self.acts().await.err();
        self.executor.end();
        let network = self.network.lock().unwrap();
        Report {
            fingerprint: network.trace.fingerprint(),
            events: network.trace.count(),
            virtual_ms: network.now_ms(),
            violation,
            lines: network.trace.lines().to_vec(),
        }
    }

    /// The storm, the calm in which everybody must finish, and the end at which nothing is left.
    async fn acts(self: &Arc<Self>) -> Result<(), String> {
        self.storm().await?;
        self.note(format_args!("nothing breaks any more"));
        self.clear_up();
        let until = self.now_ms() + PATIENCE_MS;
        if !self.drive(until, |world| world.working.lock().unwrap().is_empty()).await? {
            let stuck = self.working.lock().unwrap().clone();
            return Err(format!("stuck: {stuck:?} never got done\n{}", self.show_tree()));
        }
        self.note(format_args!("everybody is done"));
        let until = self.now_ms() + PATIENCE_MS;
        let swept = |world: &Self| world.check(true).is_ok();
        if !self.drive(until, swept).await? {
            let error = self.check(true).err().unwrap_or_default();
            return Err(format!("{error}\n{}", self.show_tree()));
        }
        Ok(())
    }

    async fn storm(self: &Arc<Self>) -> Result<(), String> {
        let faults = self.network.lock().unwrap().weather.faults.clone();
        for (at, fault) in faults {
            let done = |world: &Self| world.working.lock().unwrap().is_empty();
            if self.drive(at, done).await? {
                return Ok(());
            }
            self.befall(fault);
        }
        self.drive(STORM_MS, |world| world.working.lock().unwrap().is_empty()).await?;
        Ok(())
    }

    fn befall(self: &Arc<Self>, fault: Fault) {
        self.note(format_args!("{fault:?}"));
        let now_ms = self.now_ms();
        match fault {
            Fault::Cut(process) => self.network.lock().unwrap().cut_all_of(process),
            Fault::CutOff(process, ms) => {
                let mut network = self.network.lock().unwrap();
                network.weather.cut_off(process, now_ms + ms);
                network.cut_all_of(process);
            }
            Fault::Stall(process, ms) => {
                self.network.lock().unwrap().weather.stall(process, now_ms + ms);
            }
            Fault::Pause(process, ms) => {
                self.executor.hold(process, true);
                self.network.lock().unwrap().wake_process(process, now_ms + ms);
            }
            Fault::Crash(process) => self.crash(process),
            Fault::RestartServer => self.network.lock().unwrap().restart_server(),
            Fault::KillSomeSession => self.network.lock().unwrap().kill_some_session(),
        }
    }

    fn crash(self: &Arc<Self>, process: usize) {
        // Half of the time the machine goes with it, and tells nobody.
        let mut network = self.network.lock().unwrap();
        if network.rng.bool() {
            network.cut_all_of(process);
        }
        drop(network);
        let next = self.executor.crash(process);
        self.working.lock().unwrap().retain(|(of, _)| of.number != process);
        let main = Arc::clone(&self.mains.lock().unwrap()[process]);
        main(Process::new(self, next));
    }

    fn clear_up(&self) {
        self.network.lock().unwrap().weather.clear_up();
        for process in 0..self.mains.lock().unwrap().len() {
            self.executor.hold(process, false);
        }
    }

    /// Lets the world go on until `done` or until that time; whether it was done.
    async fn drive(&self, until: u64, mut done: impl FnMut(&Self) -> bool) -> Result<bool, String> {
        loop {
            while self.executor.step() {
                self.check(false)?;
            }
            let stepped = self.network.lock().unwrap().step();
            if stepped {
                self.let_go();
                self.check(false)?;
                continue;
            }
            if done(self) {
                return Ok(true);
            }
            if self.now_ms() >= until {
                return Ok(false);
            }
            self.pass_time(until).await;
        }
    }

    async fn pass_time(&self, until: u64) {
        let next = {
            let network = self.network.lock().unwrap();
            network.instant_of(network.next_ms().min(until))
        };
        tokio::select! {
            biased;
            () = self.executor.some_ready() => {}
            () = sleep_until(next) => {}
        }
    }

    /// Processes whose pause is over go on.
    fn let_go(&self) {
        let over = std::mem::take(&mut self.network.lock().unwrap().awake);
        for process in over {
            self.note(format_args!("process {process} goes on"));
            self.executor.hold(process, false);
        }
    }

    /// Whether everything is as it should be.
    fn check(&self, is_over: bool) -> Result<(), String> {
        if let Some(complaint) = self.complaint.lock().unwrap().take() {
            return Err(complaint);
        }
        let network = self.network.lock().unwrap();
        let scene =
            Scene { tree: network.server.tree(), killed: &network.killed, is_over, world: self };
        let mut invariants = self.invariants.lock().unwrap();
        invariants.iter_mut().try_for_each(|invariant| invariant.check(&scene))
    }

    pub(crate) fn note(&self, what: std::fmt::Arguments<'_>) {
        let mut network = self.network.lock().unwrap();
        let now_ms = network.now_ms();
        network.trace.note(now_ms, what);
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.network.lock().unwrap().now_ms()
    }

    fn show_tree(&self) -> String {
        let network = self.network.lock().unwrap();
        let mut paths = Vec::new();
        crate::invariant::walk(network.server.tree(), "/", &mut |path| paths.push(path.to_owned()));
        format!("the tree: {}", paths.join(" "))
    }

    pub(crate) fn instant_in(&self, ms: u64) -> Instant {
        let network = self.network.lock().unwrap();
        network.instant_of(network.now_ms() + ms)
    }
}
