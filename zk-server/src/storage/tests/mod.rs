//! What the tests of storage share.

pub(crate) mod sim;
mod whole_snapshot;
