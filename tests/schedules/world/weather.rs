//! How bad things are: drawn from the seed once, and played out over the first minute.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::network::Fate;

/// What may happen to whom, as far as a scenario can bear it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    /// Processes may end without a word, and are started anew.
    pub(crate) crashes: bool,
    /// An operator may end sessions, whose clients hear of it later.
    pub(crate) kills: bool,
}

/// Something that happens at a certain time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Its connections are cut.
    Cut(usize),
    /// For so many ms it reaches nobody, and what it has on its way is lost.
    CutOff(usize, u64),
    /// For so many ms nothing moves, either way, and then all of it arrives.
    Stall(usize, u64),
    /// For so many ms the process does not run.
    Pause(usize, u64),
    Crash(usize),
    RestartServer,
    KillSomeSession,
}

pub(crate) struct Weather {
    pub(crate) session_timeout_ms: u64,
    /// The share of connections that are refused.
    pub(crate) refusals: f64,
    /// The share of messages at which a connection breaks.
    breaks: f64,
    latency_max_ms: u64,
    /// The share of messages that take a hundred times as long.
    slow: f64,
    /// Until when a process is cut off.
    cut_off: BTreeMap<usize, u64>,
    stalled: BTreeMap<usize, u64>,
    /// What is to come, by time.
    pub(crate) faults: BTreeMap<u64, Fault>,
}

/// Faults come within the first so many ms.
pub(crate) const STORM_MS: u64 = 30_000;

impl Weather {
    pub(crate) fn new(rng: &mut Rng, processes: usize, allowed: Allowed) -> Self {
        let any = |rng: &mut Rng, options: &[f64]| options[rng.usize(..options.len())];
        let mut weather = Self {
            session_timeout_ms: [1000, 2000, 4000][rng.usize(..3)],
            refusals: any(rng, &[0.0, 0.1, 0.4]),
            breaks: any(rng, &[0.0, 0.002, 0.01, 0.05]),
            latency_max_ms: [1, 5, 40][rng.usize(..3)],
            slow: any(rng, &[0.0, 0.0, 0.01]),
            cut_off: BTreeMap::new(),
            stalled: BTreeMap::new(),
            faults: BTreeMap::new(),
        };
        for _ in 0..rng.usize(..16) {
            let (at, fault) = (rng.u64(..STORM_MS), weather.some_fault(rng, processes, allowed));
            weather.faults.extend(fault.map(|fault| (at, fault)));
        }
        weather
    }

    fn some_fault(&self, rng: &mut Rng, processes: usize, allowed: Allowed) -> Option<Fault> {
        let process = rng.usize(..processes);
        // Around the session's timeout is where it gets interesting.
        let long = rng.u64(1..=3 * self.session_timeout_ms);
        Some(match rng.u8(..16) {
            0..3 => Fault::Cut(process),
            3..6 => Fault::CutOff(process, long),
            6..9 => Fault::Stall(process, long),
            9..12 => Fault::Pause(process, long),
            12..14 if allowed.crashes => Fault::Crash(process),
            14 => Fault::RestartServer,
            15 if allowed.kills => Fault::KillSomeSession,
            _ => return None,
        })
    }

    /// How long a message takes.
    pub(crate) fn latency_ms(&self, rng: &mut Rng) -> u64 {
        let factor = if rng.f64() < self.slow { 100 } else { 1 };
        rng.u64(1..=self.latency_max_ms) * factor
    }

    pub(crate) fn fate(&self, rng: &mut Rng) -> Fate {
        if rng.f64() >= self.breaks {
            return Fate::Arrives;
        }
        match rng.u8(..8) {
            0..3 => Fate::Lost,
            3 => Fate::Torn,
            _ => Fate::AnswerLost,
        }
    }

    pub(crate) fn cut_off(&mut self, process: usize, until: u64) {
        self.cut_off.insert(process, until);
    }

    pub(crate) fn cut_off_until(&self, process: usize, now: u64) -> Option<u64> {
        self.cut_off.get(&process).copied().filter(|until| *until > now)
    }

    pub(crate) fn stall(&mut self, process: usize, until: u64) {
        self.stalled.insert(process, until);
    }

    /// The earliest time at which something from or to the process arrives.
    pub(crate) fn stalled_until(&self, process: usize) -> u64 {
        self.stalled.get(&process).copied().unwrap_or(0)
    }

    /// Nothing breaks any more.
    pub(crate) fn clear_up(&mut self) {
        (self.breaks, self.refusals) = (0.0, 0.0);
        self.faults.clear();
        self.cut_off.clear();
        self.stalled.clear();
    }
}
