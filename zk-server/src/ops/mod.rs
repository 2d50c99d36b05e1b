//! PURE: views of the server for operators, rendered as text. They own no state but for how far an
//! answer in pieces has come.
//!
//! | module | what it does |
//! | --- | --- |
//! | `four_letter` | answers to four-letter words, line by line as Apache writes them |
//! | `report` | answers that grow with the number of clients, sessions or watches, in pieces |
//! | `metrics` | every figure with its name and kind, for `mntr`, AdminServer and Prometheus |
//! | `view` | what there is to show |

mod date;
pub(crate) mod four_letter;
pub(crate) mod metrics;
mod report;
mod view;

pub(crate) use report::{Format, Report};
pub(crate) use view::{ConnectionView, ServerView};
pub use view::{DirectorySizes, ProcessGauges, ProcessProbe};
