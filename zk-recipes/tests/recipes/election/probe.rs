//! Work that tells when it runs.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use zk_client::Client;
use zk_recipes::election::{ElectionBuilder, Term};
use zk_recipes::{FencingToken, LeaderElection};

use crate::support::soon;

pub(crate) const PATH: &str = "/masters";

/// Sees the work of one participant.
#[derive(Clone)]
pub(crate) struct Probe(Arc<watch::Sender<Seen>>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) started: Vec<FencingToken>,
    pub(crate) ended: Vec<FencingToken>,
}

/// Tells of the end of the work also when that is dropped.
pub(crate) struct Running {
    probe: Probe,
    token: FencingToken,
}

impl Probe {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Seen::default())))
    }

    pub(crate) fn run(&self, term: &Term) -> Running {
        let token = term.fencing_token();
        self.0.send_modify(|seen| {
            assert_eq!(seen.started.len(), seen.ended.len(), "one work at a time");
            seen.started.push(token);
        });
        Running { probe: self.clone(), token }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.0.borrow().clone()
    }

    /// Waits until the work has been started `times` times; the token of the last start.
    pub(crate) async fn started(&self, times: usize) -> FencingToken {
        let mut seen = self.0.subscribe();
        soon(seen.wait_for(|seen| seen.started.len() >= times)).await.unwrap().started[times - 1]
    }

    pub(crate) async fn ended(&self, times: usize) {
        let mut seen = self.0.subscribe();
        drop(soon(seen.wait_for(|seen| seen.ended.len() >= times)).await.unwrap());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.probe.0.send_modify(|seen| seen.ended.push(self.token));
    }
}

/// Joins with work that goes on until it is dropped.
pub(crate) async fn join(client: &Client, id: &str) -> (LeaderElection, Probe) {
    join_as(client, LeaderElection::builder(PATH, id)).await
}

pub(crate) async fn join_as(client: &Client, builder: ElectionBuilder) -> (LeaderElection, Probe) {
    let probe = Probe::new();
    let work = endless(probe.clone());
    (soon(builder.start(client, work)).await.unwrap(), probe)
}

pub(crate) fn endless(
    probe: Probe,
) -> impl Fn(Term) -> futures_util::future::BoxFuture<'static, ()> + Send + Sync + 'static {
    move |term| {
        let running = probe.run(&term);
        Box::pin(async move {
            let _running = running;
            std::future::pending::<()>().await;
        })
    }
}

/// Work that ends when it is told to, and only after `gate` is cancelled.
pub(crate) fn slow_to_end(
    probe: Probe,
    gate: CancellationToken,
) -> impl Fn(Term) -> futures_util::future::BoxFuture<'static, ()> + Send + Sync + 'static {
    move |term| {
        let (running, gate) = (probe.run(&term), gate.clone());
        Box::pin(wait_for_both(running, term.cancellation(), gate))
    }
}

async fn wait_for_both(running: Running, told: CancellationToken, gate: CancellationToken) {
    let _running = running;
    told.cancelled().await;
    gate.cancelled().await;
}
