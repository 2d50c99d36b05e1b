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
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers([Option<Instant>; Timer::ALL.len()]);

impl Timers {
    /// Sets a timer, whatever it was set to.
    pub(crate) fn set(&mut self, timer: Timer, at: Instant) {
        self.0[timer as usize] = Some(at);
    }

    /// Sets a timer to so long after `from`; a time beyond the clock's reach never comes.
    pub(crate) fn set_after(&mut self, timer: Timer, from: Instant, after: Duration) {
        self.0[timer as usize] = from.checked_add(after);
    }

    /// Sets a timer unless it is set to something earlier.
    pub(crate) fn set_earlier(&mut self, timer: Timer, at: Instant) {
        let slot = &mut self.0[timer as usize];
        *slot = Some(slot.map_or(at, |set| set.min(at)));
    }

    /// Unsets a timer.
    pub(crate) fn clear(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    /// Unsets all timers.
    pub(crate) fn clear_all(&mut self) {
        *self = Self::default();
    }

    /// Whether a timer is set.
    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.0[timer as usize].is_some()
    }

    /// Whether a timer is set and due.
    pub(crate) fn is_due(&self, timer: Timer, now: Instant) -> bool {
        self.0[timer as usize].is_some_and(|at| at <= now)
    }

    /// Unsets a timer if it is due, and says whether it was.
    pub(crate) fn take_if_due(&mut self, timer: Timer, now: Instant) -> bool {
        self.0[timer as usize].take_if(|at| *at <= now).is_some()
    }

    /// Unsets the first timer that is due, in the order of [`Timer`].
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Timer> {
        Timer::ALL.into_iter().find(|timer| self.take_if_due(*timer, now))
    }

    /// When the next timer comes due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
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
}
