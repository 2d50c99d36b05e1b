//! The session machine against a scripted ensemble: [`server`] is the ensemble, [`pair`] puts the
//! two back to back and owns the clock, each other file is a topic.

mod pair;
mod server;

mod auth;
mod close;
mod expiry;
mod frames;
mod lost_replies;
mod requests;
mod schedules;
mod servers;
mod silence;
mod watches;
