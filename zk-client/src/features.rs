//! What the servers turned out to support. There is no negotiation in the protocol: one tries.

use std::sync::atomic::{AtomicU8, Ordering};

/// Whether the servers have an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Support {
    /// Not tried yet.
    Unknown,
    /// A server carried it out.
    Yes,
    /// A server refused it as unknown.
    No,
}

/// One operation's support. The latest answer counts, so an ensemble may be upgraded meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Feature(AtomicU8);

impl Feature {
    pub(crate) fn get(&self) -> Support {
        match self.0.load(Ordering::Relaxed) {
            0 => Support::Unknown,
            1 => Support::Yes,
            _ => Support::No,
        }
    }

    pub(crate) fn set(&self, support: Support) {
        let value = match support {
            Support::Unknown => 0,
            Support::Yes => 1,
            Support::No => 2,
        };
        self.0.store(value, Ordering::Relaxed);
    }
}

/// The operations that older servers lack and that have a substitute.
#[derive(Debug, Default)]
pub(crate) struct Features {
    /// A create that answers with metadata. Servers from 3.5 on.
    pub(crate) create2: Feature,
    /// Containers. Servers from 3.5.1 on.
    pub(crate) containers: Feature,
}
