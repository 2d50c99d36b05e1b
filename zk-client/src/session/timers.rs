//! When the machine wants to be woken.

use std::time::{Duration, Instant};

/// What can come due, the most telling first: a session that is over is declared over before
/// anything else is done in its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The session must be over: nothing was heard for 4/3 of its timeout.
    Expiry,
    /// There is no session yet, and those who wait for one have waited long enough.
    NoSession,
    /// Closing takes too long.
    Close,
    /// The deadline of a request.
    Request,
    /// An attempt to connect takes too long, from its start to the server's answer.
    Attempt,
    /// The server has been silent for 2/3 of the session timeout.
    Read,
    /// Nothing was sent for a third of the session timeout.
    Ping,
    /// The pause before the next attempt is over.
    Reconnect,
    /// A server that is to be left has not answered everything in time.
    Leave,
    /// On a read-only server: the pause before another is asked whether it takes writes is over.
    Probe,
}

impl Timer {
    const ALL: [Self; 10] = [
        Self::Expiry,
        Self::NoSession,
        Self::Close,
        Self::Request,
        Self::Attempt,
        Self::Read,
        Self::Ping,
        Self::Reconnect,
        Self::Leave,
        Self::Probe,
    ];
}

/// One slot per [`Timer`].
///
/// Invariant: `next` is the earliest of `slots`. It is asked for several times per request, and set
/// anew at most twice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    slots: [Option<Instant>; Timer::ALL.len()],
    next: Option<Instant>,
}

impl Timers {
    /// Sets a timer, whatever it was set to.
    pub(crate) fn set(&mut self, timer: Timer, at: Instant) {
        self.put(timer, Some(at));
    }

    /// Sets a timer to so long after `from`; a time beyond the clock's reach never comes.
    pub(crate) fn set_after(&mut self, timer: Timer, from: Instant, after: Duration) {
        self.put(timer, from.checked_add(after));
    }

    /// Sets a timer unless it is set to something earlier.
    pub(crate) fn set_earlier(&mut self, timer: Timer, at: Instant) {
        let set = self.slots[timer as usize];
        self.put(timer, Some(set.map_or(at, |set| set.min(at))));
    }

    /// Unsets a timer.
    pub(crate) fn clear(&mut self, timer: Timer) {
        self.put(timer, None);
    }

    /// Unsets all timers.
    pub(crate) fn clear_all(&mut self) {
        *self = Self::default();
    }

    /// Whether a timer is set.
    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.slots[timer as usize].is_some()
    }

    /// Whether a timer is set and due.
    pub(crate) fn is_due(&self, timer: Timer, now: Instant) -> bool {
        self.slots[timer as usize].is_some_and(|at| at <= now)
    }

    /// Unsets a timer if it is due, and says whether it was.
    pub(crate) fn take_if_due(&mut self, timer: Timer, now: Instant) -> bool {
        let is_due = self.is_due(timer, now);
        if is_due {
            self.clear(timer);
        }
        is_due
    }

    /// Unsets the first timer that is due, in the order of [`Timer`].
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Timer> {
        Timer::ALL.into_iter().find(|timer| self.take_if_due(*timer, now))
    }

    /// When the next timer comes due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.next
    }

    fn put(&mut self, timer: Timer, at: Option<Instant>) {
        let was = std::mem::replace(&mut self.slots[timer as usize], at);
        if at.is_some_and(|at| self.next.is_none_or(|next| at <= next)) {
            self.next = at;
        } else if was.is_some() && was == self.next {
            self.next = self.slots.iter().flatten().min().copied();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_timer_has_its_own_slot() {
        for (slot, timer) in Timer::ALL.into_iter().enumerate() {
            assert_eq!(timer as usize, slot);
        }
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "an origin for the fake clock")]
    fn due_timers_come_in_the_order_of_their_weight_not_of_their_time() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut timers = Timers::default();
        timers.set(Timer::Ping, start);
        timers.set(Timer::Expiry, start + second);
        timers.set(Timer::Reconnect, start + 3 * second);
        assert_eq!(timers.next(), Some(start));
        assert_eq!(timers.take_due(start + 2 * second), Some(Timer::Expiry));
        assert_eq!(timers.take_due(start + 2 * second), Some(Timer::Ping));
        assert_eq!(timers.take_due(start + 2 * second), None);
        assert_eq!(timers.next(), Some(start + 3 * second));
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "an origin for the fake clock")]
    fn the_next_one_is_the_earliest_whatever_was_set_and_unset() {
        let start = Instant::now();
        let mut rng = fastrand::Rng::with_seed(1);
        let mut timers = Timers::default();
        for _ in 0..10_000 {
            let timer = Timer::ALL[rng.usize(..Timer::ALL.len())];
            // Few distinct times, so that some are set twice.
            let at = start + Duration::from_secs(rng.u64(..20));
            match rng.u8(..5) {
                0 => timers.clear(timer),
                1 => _ = timers.take_due(at),
                2 => timers.set_earlier(timer, at),
                3 => _ = timers.take_if_due(timer, at),
                _ => timers.set(timer, at),
            }
            assert_eq!(timers.next(), timers.slots.iter().flatten().min().copied());
        }
    }
}
