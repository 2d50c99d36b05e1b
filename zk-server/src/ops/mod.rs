//! PURE: views of the server for operators, rendered as text. They own no state.

pub(crate) mod four_letter;
mod view;

pub use view::ProcessGauges;
pub(crate) use view::{ConnectionView, ServerView};
