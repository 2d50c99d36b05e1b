//! What a waiting thread sleeps by.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Wake;
use std::time::Instant;

use crate::driver;

/// A waker that wakes the thread that waits. Unlike [`std::thread::park`] it also works in the
/// destructors of a thread's local values, and nobody else's wake-ups are mistaken for it.
#[derive(Default)]
pub(super) struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    /// Sleeps until the bell was rung since the last time; false if `deadline` comes first.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut rung = self.lock();
        while !*rung {
            rung = match deadline {
                None => self.changed.wait(rung).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(driver::now());
                    if left.is_zero() {
                        return false;
                    }
                    let woken = self.changed.wait_timeout(rung, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        *rung = false;
        true
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.lock() = true;
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_ring_is_heard_once_and_by_whoever_comes_later_too() {
        let bell = Arc::new(Bell::default());
        let at_once = Some(driver::now());
        assert!(!bell.wait(at_once));
        bell.wake_by_ref();
        bell.wake_by_ref();
        assert!(bell.wait(None));
        assert!(!bell.wait(at_once));
    }

    #[test]
    fn a_wait_ends_at_its_deadline() {
        let bell = Bell::default();
        let deadline = driver::now() + Duration::from_millis(20);
        assert!(!bell.wait(Some(deadline)));
        assert!(driver::now() >= deadline);
    }
}
