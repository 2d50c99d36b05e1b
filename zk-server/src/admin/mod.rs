//! PURE: what the HTTP ports answer, from the parts of a request to the answer.
//!
//! | module | what it does |
//! | --- | --- |
//! | `route` | which resource a request is for |
//! | `command` | AdminServer's commands, by Apache's names and aliases |
//! | `answer` | what a command answers, in Apache's JSON |
//! | `gate` | who may take all data as a snapshot, or restore one, and how often |

mod answer;
mod command;
mod gate;
mod route;

pub(crate) use answer::{Body, answer, failed, imok, index, restored, succeeded};
pub use command::AdminCommand;
pub(crate) use gate::{Gate, RESTORE_LEN_MAX, Refusal, authorize};
pub use route::{AdminRoute, Resource};
