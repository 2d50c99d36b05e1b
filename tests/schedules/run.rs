//! Playing schedules: one by its seed, or thousands.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::world::{Allowed, Report, World};

/// Something for processes to do, and what must hold meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) processes: usize,
    pub(crate) allowed: Allowed,
    pub(crate) begin: fn(&Arc<World>),
}

/// How many schedules of each scenario are played unless `ZK_SCHEDULES` says otherwise.
const SCHEDULES_DEFAULT: u64 = 5;

/// Of so many schedules of each scenario it is shown that they can be repeated, if somebody asks for
/// many of them.
const PLAYED_TWICE: u64 = 2;

/// So many schedules are looked through for a planted bug that does not show any more where it did.
const SEARCHED: u64 = 300;

/// The number of schedules of each scenario, one alone if a seed is asked for, and the first seed.
pub(crate) fn wanted() -> (u64, u64) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let (count, seed) = (number("ZK_SCHEDULES"), number("ZK_SEED"));
    let default = if seed.is_some() { 1 } else { SCHEDULES_DEFAULT };
    (count.unwrap_or(default), seed.unwrap_or(1))
}

/// Plays one schedule.
pub(crate) fn play(scenario: &Scenario, seed: u64, traced: bool) -> Report {
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread needs nothing");
    let _in_it = runtime.enter();
    let _simulation = zk_client::simulation::begin();
    let played = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let world = World::new(seed, scenario.processes, scenario.allowed, traced);
            (scenario.begin)(&world);
            world.play().await
        })
    }));
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        Report {
            fingerprint: 0,
            events: 0,
            virtual_ms: 0,
            violation: Some(format!("panic: {text}")),
            lines: Vec::new(),
        }
    })
}

/// Of a scenario with long schedules, one in so many is played.
pub(crate) const LONG: u64 = 5;

/// Of one that is like another but for a detail (the layout of nodes, the order of items), or with
/// very long schedules, one in so many is played.
pub(crate) const ALIKE: u64 = 10;

/// Plays as many schedules as are wanted; fails with the line that repeats the first bad one.
pub(crate) fn explore(scenario: &Scenario) {
    explore_one_in(1, scenario);
}

/// As [`explore`], but of the schedules that are wanted, only one in `share`: so that all scenarios
/// take about as long. With `ZK_SCHEDULES_WHOLE`, all of them.
pub(crate) fn explore_one_in(share: u64, scenario: &Scenario) {
    let (count, first) = wanted();
    let whole = std::env::var_os("ZK_SCHEDULES_WHOLE").is_some();
    let count = if whole { count } else { count.div_ceil(share) };
    let played_twice = if count > SCHEDULES_DEFAULT { PLAYED_TWICE } else { 0 };
    let next = AtomicU64::new(first);
    let worst = AtomicU64::new(u64::MAX);
    let (events, virtual_s) = (AtomicUsize::new(0), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || worst.load(Ordering::Relaxed) < seed {
                        return;
                    }
                    let report = play(scenario, seed, false);
                    if seed - first < played_twice {
                        let again = play(scenario, seed, true).fingerprint;
                        assert_eq!(again, report.fingerprint, "seed {seed} went another way");
                    }
                    events.fetch_add(report.events, Ordering::Relaxed);
                    virtual_s.fetch_add(report.virtual_ms / 1000, Ordering::Relaxed);
                    if report.violation.is_some() {
                        worst.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    match worst.into_inner() {
        u64::MAX => println!(
            "{}: {count} schedules, {} events, {} s of virtual time",
            scenario.name,
            events.into_inner(),
            virtual_s.into_inner(),
        ),
        seed => fail(scenario, seed),
    }
}

fn fail(scenario: &Scenario, seed: u64) -> ! {
    let report = play(scenario, seed, true);
    let lines = &report.lines[report.lines.len().saturating_sub(wanted_lines())..];
    panic!(
        "{}\n\n{}\n\nto see it again: ZK_SEED={seed} cargo test -p tests --test schedules \
         {}\n",
        report.violation.as_deref().unwrap_or("it did not happen again"),
        lines.join("\n"),
        scenario.name,
    );
}

fn wanted_lines() -> usize {
    std::env::var("ZK_TRACE_LINES").ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

/// A seed under which a planted bug shows, by what is said of it. `known` is one under which it did
/// at last; a recipe that works otherwise now goes other ways, and then it has to show somewhere.
pub(crate) fn caught(scenario: &Scenario, known: u64, what: &str) -> u64 {
    let mut others = Vec::new();
    for seed in std::iter::once(known).chain(1..=SEARCHED) {
        match play(scenario, seed, false).violation {
            Some(said) if said.contains(what) => {
                println!("{}: {what:?} was said of schedule {seed}", scenario.name);
                return seed;
            }
            Some(said) => others.push(said),
            None => {}
        }
    }
    panic!("{}: nobody said {what:?} in {SEARCHED} schedules, but {others:?}", scenario.name);
}
