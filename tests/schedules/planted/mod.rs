//! Recipes with a mistake in them, which the schedules must find: what finds nothing proves nothing.

mod barrier;
mod counter;
mod gate;
mod guards;
mod lease;
mod lock;
mod observer;
mod order;
mod queue;
mod rendezvous;
mod rw_lock;
mod sharing;
mod transaction;
mod views;
