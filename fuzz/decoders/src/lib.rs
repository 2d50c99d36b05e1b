//! One function per decoder: bytes in, a panic out if the decoder breaks a promise.
//!
//! The promises: no input panics, none makes it allocate more than the input justifies, and what
//! was decoded, encoded and decoded again is the same value.
//!
//! The libFuzzer targets beside this crate call these functions on a nightly toolchain; the test
//! `tests/corpus.rs` calls them on any toolchain, over the seeds and over mutations of them.

mod key_store;
mod seeds;
mod server;
mod storage;
mod text;
mod wire;

pub use seeds::seeds;

/// A decoder under test.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of the libFuzzer target and of its corpus.
    pub name: &'static str,
    /// Takes any input and panics only if a promise is broken.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "frame", run: wire::frame },
    Target { name: "connect_request", run: wire::connect_request },
    Target { name: "connect_response", run: wire::connect_response },
    Target { name: "request", run: wire::request },
    Target { name: "reply", run: wire::reply },
    Target { name: "multi_request", run: wire::multi_request },
    Target { name: "multi_response", run: wire::multi_response },
    Target { name: "watcher_event", run: wire::watcher_event },
    Target { name: "set_watches", run: wire::set_watches },
    Target { name: "acl", run: wire::acl },
    Target { name: "txn", run: wire::txn },
    Target { name: "connect_string", run: text::connect_string },
    Target { name: "ensemble_config", run: text::ensemble_config },
    Target { name: "path", run: text::path },
    Target { name: "four_letter", run: text::four_letter },
    Target { name: "http_route", run: text::http_route },
    Target { name: "zoo_cfg", run: text::zoo_cfg },
    Target { name: "login_file", run: text::login_file },
    Target { name: "digest_md5", run: wire::digest_md5 },
    Target { name: "service_instance", run: text::service_instance },
    Target { name: "server", run: server::server },
    Target { name: "log_file", run: storage::log_file },
    Target { name: "snapshot_file", run: storage::snapshot_file },
    Target { name: "whole_snapshot", run: storage::whole_snapshot },
    Target { name: "key_store", run: key_store::key_store },
];

/// The target of this name, for the libFuzzer binaries.
///
/// # Panics
///
/// If there is none: the binary and [`TARGETS`] disagree.
#[must_use]
pub fn target(name: &str) -> Target {
    *TARGETS.iter().find(|target| target.name == name).expect("every binary has its target")
}
