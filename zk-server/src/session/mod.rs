//! PURE: who is alive.

mod ids;
mod tracker;

pub use ids::first_session_id;
pub use tracker::{EXPIRY_BATCH, SessionTracker};
