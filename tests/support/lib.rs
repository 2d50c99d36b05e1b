//! Support of the cross-crate suites.
