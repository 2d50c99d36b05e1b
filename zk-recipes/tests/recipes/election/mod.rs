//! Elections.

mod hand_over;
mod latch;
mod observer;
mod probe;
mod work;
mod work_cost;
mod work_failures;
