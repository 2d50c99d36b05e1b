//! The SASL mechanism at work: beside the driver, since it may block.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use fastrand::Rng;
use tokio::task::JoinHandle;

use crate::sasl::{Exchange, Sasl, SaslError, Step};
use crate::session::SaslStep;

/// The exchange of the current connection, if it has one.
pub(crate) struct Authenticator {
    sasl: Option<Sasl>,
    nonces: Nonces,
    exchange: Option<Arc<Mutex<Box<dyn Exchange>>>>,
    working: Option<(u64, JoinHandle<SaslStep>)>,
}

/// Where the mechanism's randomness comes from.
enum Nonces {
    /// A test wants the same again.
    Seeded(Box<Rng>),
    /// The system's, by way of the keys that it gives to hash tables.
    System,
}

impl Nonces {
    fn next(&mut self) -> u128 {
        match self {
            Self::Seeded(rng) => rng.u128(..),
            Self::System => {
                let half = |half: u8| u128::from(RandomState::new().hash_one(half));
                half(0) << 64 | half(1)
            }
        }
    }
}

impl Authenticator {
    pub(crate) fn new(sasl: Option<Sasl>, seed: Option<u64>) -> Self {
        let nonces =
            seed.map_or(Nonces::System, |seed| Nonces::Seeded(Box::new(Rng::with_seed(seed))));
        Self { sasl, nonces, exchange: None, working: None }
    }

    /// Puts the mechanism to work on what the server has said; `None`: on a new exchange.
    pub(super) fn ask(&mut self, exchange: u64, host: &str, challenge: Option<Bytes>) {
        let Some(sasl) = &self.sasl else { return };
        if challenge.is_none() {
            let fresh = sasl.mechanism().start(host, self.nonces.next());
            self.exchange = Some(Arc::new(Mutex::new(fresh)));
        }
        if let Some(current) = self.exchange.clone() {
            let work = move || step(&current, challenge.as_deref());
            self.working = Some((exchange, tokio::task::spawn_blocking(work)));
        }
    }

    /// The connection is gone, and the exchange with it. Work that cannot be stopped goes on for
    /// nobody.
    pub(super) fn forget(&mut self) {
        self.exchange = None;
        self.working = None;
    }

    /// Ready when the mechanism has done a step.
    pub(super) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<(u64, SaslStep)> {
        let Some((exchange, work)) = &mut self.working else {
            return Poll::Pending;
        };
        let step = ready!(Pin::new(work).poll(cx))
            .unwrap_or_else(|error| SaslStep::Refused(error.to_string()));
        let exchange = *exchange;
        self.working = None;
        Poll::Ready((exchange, step))
    }
}

fn step(exchange: &Mutex<Box<dyn Exchange>>, challenge: Option<&[u8]>) -> SaslStep {
    // A poisoned lock is one whose mechanism has panicked, which ended that exchange.
    let mut exchange = exchange.lock().unwrap_or_else(PoisonError::into_inner);
    match exchange.step(challenge) {
        Ok(Step::Send(token)) => SaslStep::Send(token.into()),
        Ok(Step::SendLast(token)) => SaslStep::SendLast(token.into()),
        Ok(Step::Done) => SaslStep::Done,
        Err(SaslError::Refused(reason)) => SaslStep::Refused(reason),
        Err(SaslError::Unavailable(reason)) => SaslStep::Unavailable(reason),
    }
}
