//! The name of a client connection inside one server.

use std::fmt;

/// Names one accepted connection for as long as this server runs; never used twice.
///
/// The runtime gives them out in the order of `accept`, so they also order connections by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
