//! Recipes with a mistake in them, which the schedules must find: what finds nothing proves nothing.

mod barrier;
mod counter;
mod lock;
mod queue;
