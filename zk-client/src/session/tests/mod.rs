//! The session machine against a scripted ensemble: [`server`] is the ensemble, [`pair`] puts the
//! two back to back and owns the clock, each other file is a topic.

mod greeting;
mod pair;
mod read_only;
mod server;
mod told;
mod watch_list;
mod writes;

mod auth;
mod close;
mod cuts;
mod events;
mod expiry;
mod frames;
mod handover;
mod kinds;
mod lost_replies;
mod moving;
mod rearming;
mod requests;
mod riding;
mod riding_schedules;
mod sasl;
mod schedules;
mod servers;
mod silence;
mod watches;
