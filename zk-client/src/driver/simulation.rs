//! Clients in a simulated world: for tests that must come out the same each time.
//!
//! A simulation is one thread with a tokio runtime whose clock is paused
//! (`tokio::runtime::Builder::start_paused`), in which clients talk to a server in memory by a
//! [`Connector`](crate::world::Connector), on tasks that a [`Spawner`](crate::world::Spawner) runs. While a
//! [`Simulation`] lives on that thread,
//!
//! - the clock of clients and recipes is that of the runtime, and so is their wall clock, which
//!   begins at the same time in every simulation;
//! - what they do by chance comes from the thread's generator: `fastrand::seed` seeds it. A client
//!   needs a [`seed`](crate::ClientBuilder::seed) of its own as well, or takes one from there.
//!
//! Never in production: names that nobody can guess or use twice are neither here.

use std::cell::Cell;
use std::marker::PhantomData;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The wall time at which simulations begin: some day in 2020.
const WALL_START: Duration = Duration::from_secs(1_600_000_000);

thread_local! {
    /// When the simulation of this thread began, by its clock.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Makes this thread's world a simulated one, until it is dropped.
#[derive(Debug)]
#[must_use = "the simulation ends when it is dropped"]
pub struct Simulation {
    before: Option<Instant>,
    /// It is about the thread it was made on.
    _here: PhantomData<*const ()>,
}

/// Begins a simulation on this thread. Where the clock is not paused, time is the machine's all the
/// same.
pub fn begin() -> Simulation {
    let before = BEGAN.replace(Some(tokio::time::Instant::now().into_std()));
    Simulation { before, _here: PhantomData }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        BEGAN.set(self.before);
    }
}

/// The monotonic time by which clients of this thread go.
#[must_use]
pub fn now() -> Instant {
    match BEGAN.get() {
        None => Instant::now(),
        Some(_) => tokio::time::Instant::now().into_std(),
    }
}

/// The wall time by which recipes of this thread go.
#[must_use]
pub fn wall_time() -> SystemTime {
    match BEGAN.get() {
        None => SystemTime::now(),
        Some(began) => UNIX_EPOCH + WALL_START + now().saturating_duration_since(began),
    }
}

/// Whether this thread is in a simulation.
#[must_use]
pub fn is_on() -> bool {
    BEGAN.get().is_some()
}
