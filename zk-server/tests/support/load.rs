//! Clients that write, and remember what they were told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use zk_proto::{CreateMode, ErrorCode, ExistsRequest, Request, SetDataRequest};

use super::{RawClient, stat_of};

/// Far longer than anything takes; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What clients were told, and how many of them are left.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) state: Mutex<Acknowledged>,
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct Acknowledged {
    pub(crate) nodes: Vec<String>,
    /// The last value that was set, and acknowledged, for each counter.
    counters: BTreeMap<String, u32>,
    pub(crate) writes: usize,
}

impl Told {
    fn note(&self, change: impl FnOnce(&mut Acknowledged)) {
        let mut state = self.state.lock().expect("no client panics");
        change(&mut state);
        state.writes += 1;
        self.changed.notify_all();
    }

    /// Waits until so many writes were acknowledged.
    pub(crate) fn wait_for(&self, writes: usize) {
        let state = self.state.lock().expect("no client panics");
        let waited = self.changed.wait_timeout_while(state, PATIENCE, |told| told.writes < writes);
        let (state, timeout) = waited.expect("no client panics");
        assert!(!timeout.timed_out(), "only {} of {writes} writes", state.writes);
    }
}

/// Writes until the server is gone.
pub(crate) fn write_on(
    addr: SocketAddr,
    round: usize,
    number: usize,
    told: Arc<Told>,
) -> JoinHandle<()> {
    let mut client = RawClient::connect(addr);
    let counter = format!("/counter-{number}");
    client.create(&counter, b"0", CreateMode::Persistent);
    std::thread::spawn(move || {
        let mut value =
            told.state.lock().expect("no panic").counters.get(&counter).map_or(0, |v| *v);
        for i in 0_u32.. {
            let path = format!("/node-{round}-{number}-{i}");
            let create = zk_proto::CreateRequest {
                path: &path,
                data: Some(path.as_bytes()),
                acl: zk_proto::Acl::open(),
                flags: CreateMode::Persistent.flags(),
            };
            let Ok(reply) = client.try_call(&Request::Create(create)) else { return };
            assert_eq!(reply.header.err, ErrorCode::Ok);
            told.note(|told| told.nodes.push(path));
            value += 1;
            let data = value.to_string();
            let set = SetDataRequest { path: &counter, data: Some(data.as_bytes()), version: -1 };
            let Ok(reply) = client.try_call(&Request::SetData(set)) else { return };
            assert_eq!(reply.header.err, ErrorCode::Ok);
            told.note(|told| {
                told.counters.insert(counter.clone(), value);
            });
        }
    })
}

/// Holds the server to have everything that was acknowledged.
pub(crate) fn check(addr: SocketAddr, told: &Told) {
    let mut client = RawClient::connect(addr);
    let state = told.state.lock().expect("no panic");
    for path in &state.nodes {
        let reply = client.call(&Request::Exists(ExistsRequest { path, watch: false }));
        assert_eq!(reply.header.err, ErrorCode::Ok, "{path} was acknowledged");
    }
    for (path, told) in &state.counters {
        let found = stat_of(&mut client, path).expect("a counter");
        let text = String::from_utf8(found.data.expect("data").to_vec()).expect("a number");
        let found: u32 = text.parse().expect("a number");
        // The write on its way when the server died may have made it.
        assert!(
            found == *told || found == told + 1,
            "{path}: {told} was acknowledged, not {found}"
        );
    }
}
