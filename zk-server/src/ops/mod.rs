//! PURE: views of the server for operators, rendered as text. They own no state.

pub(crate) mod four_letter;
mod view;

pub(crate) use view::{ConnectionView, ServerView};
