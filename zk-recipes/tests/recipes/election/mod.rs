//! Elections.

mod hand_over;
mod latch;
