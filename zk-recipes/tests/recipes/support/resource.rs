//! What a lock protects, with an eye on who uses it.

use std::sync::{Mutex, PoisonError};

use zk_recipes::FencingToken;

/// Panics when two holders are in at once, or when one comes with an older token than was seen.
#[derive(Default)]
pub(crate) struct Resource {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    inside: Option<FencingToken>,
    seen: Vec<FencingToken>,
}

impl Resource {
    pub(crate) fn enter(&self, token: FencingToken) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(state.inside, None, "{token} comes in while another holder is inside");
        if let Some(last) = state.seen.last() {
            assert!(token > *last, "{token} comes after {last}");
        }
        state.inside = Some(token);
        state.seen.push(token);
    }

    pub(crate) fn leave(&self, token: FencingToken) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(state.inside.take(), Some(token));
    }

    pub(crate) fn visits(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).seen.len()
    }
}
