//! What the machine has told: to each request, to each watcher, of the session.

use std::time::Instant;

use super::pair::{Pair, Told};
use crate::handover::SessionHandover;
use crate::session::{Failure, Loss, Notice, Outcome, SessionState};

impl Pair {
    /// All outcomes of a request: exactly one, in the end.
    pub(super) fn outcomes(&self, number: u32) -> Vec<&Outcome> {
        self.told
            .iter()
            .filter_map(|(_, told)| match told {
                Told::Complete(of, outcome) if *of == number => Some(outcome),
                _ => None,
            })
            .collect()
    }

    /// The one outcome of a request.
    pub(super) fn outcome(&self, number: u32) -> &Outcome {
        let outcomes = self.outcomes(number);
        assert_eq!(outcomes.len(), 1, "request {number} ends once: {:#?}", self.told);
        outcomes[0]
    }

    pub(super) fn failure(&self, number: u32) -> Failure {
        self.outcome(number).clone().expect_err("the request fails")
    }

    /// Everything a watcher was told.
    pub(super) fn notices(&self, watcher: u64) -> Vec<&Notice> {
        self.told
            .iter()
            .filter_map(|(_, told)| match told {
                Told::Watch(of, notice) if *of == watcher => Some(notice),
                _ => None,
            })
            .collect()
    }

    pub(super) fn states(&self) -> Vec<(SessionState, u64)> {
        self.told
            .iter()
            .filter_map(|(_, told)| match told {
                Told::State(state, epoch) => Some((*state, *epoch)),
                _ => None,
            })
            .collect()
    }

    /// When the machine asked for connections, and to where.
    pub(super) fn attempts(&self) -> Vec<(Instant, u16)> {
        self.told
            .iter()
            .filter_map(|(at, told)| match told {
                Told::Connect(port) => Some((*at, *port)),
                _ => None,
            })
            .collect()
    }

    pub(super) fn losses(&self) -> Vec<&Loss> {
        self.told
            .iter()
            .filter_map(|(_, told)| match told {
                Told::Disconnect(why) => Some(why),
                _ => None,
            })
            .collect()
    }

    /// Which servers were asked whether they take writes, and when.
    pub(super) fn probes(&self) -> Vec<(Instant, u16)> {
        self.told
            .iter()
            .filter_map(|(at, told)| match told {
                Told::Probe(port) => Some((*at, *port)),
                _ => None,
            })
            .collect()
    }

    /// The session that was left to a successor.
    pub(super) fn detached(&self) -> Option<&SessionHandover> {
        self.told.iter().find_map(|(_, told)| match told {
            Told::Detached(handover) => Some(handover),
            _ => None,
        })
    }
}
