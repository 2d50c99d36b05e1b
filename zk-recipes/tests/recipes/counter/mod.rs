//! Values, counters and numbers that many processes change.

mod counters;
mod failures;
mod ids;
mod values;
