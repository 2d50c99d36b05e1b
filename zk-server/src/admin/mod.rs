//! PURE: what the HTTP ports answer, from the parts of a request to the answer.
//!
//! | module | what it does |
//! | --- | --- |
//! | `route` | which resource a request is for |
//! | `command` | AdminServer's commands, by Apache's names and aliases |
//! | `answer` | what a command answers, in Apache's JSON |
//!
//! Apache's `snapshot` and `restore` are not there: a snapshot that is taken while clients write is
//! only whole with the log that belongs to it.

mod answer;
mod command;
mod route;

pub(crate) use answer::{Body, answer, failed, imok, index};
pub use command::AdminCommand;
pub use route::{AdminRoute, Resource};
