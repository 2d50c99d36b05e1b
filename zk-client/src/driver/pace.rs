//! Pauses between attempts, and names nobody else has.

use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Sleep;

use crate::shared::Shared;
use crate::states::SessionEnded;

/// The first pause before something that failed for now is tried again.
pub(crate) const PAUSE_MIN: Duration = Duration::from_millis(20);

/// The longest such pause.
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Growing pauses with jitter between attempts of one kind.
///
/// Requests wait inside the client while there is no connection, so these pauses matter only when
/// a server answers and keeps refusing: it is shedding load, say, or read-only for now.
#[derive(Debug)]
pub(crate) struct Pauses(ExponentialBackoff);

impl Pauses {
    pub(crate) fn new() -> Self {
        Self::between(PAUSE_MIN, PAUSE_MAX)
    }

    pub(crate) fn between(min: Duration, max: Duration) -> Self {
        Self(
            ExponentialBuilder::new()
                .with_min_delay(min)
                .with_max_delay(max.max(min))
                .with_jitter()
                .with_jitter_seed(super::entropy())
                .without_max_times()
                .build(),
        )
    }

    /// Waits before the next attempt, but not beyond `deadline`.
    pub(crate) async fn pause(&mut self, deadline: Option<Instant>) {
        let wake = super::now().checked_add(self.0.next().unwrap_or(PAUSE_MAX));
        super::alarm::reached(wake.into_iter().chain(deadline).min()).await;
    }
}

/// The pauses of something that is polled: one after each failure, until something works.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    pauses: Option<Box<Pauses>>,
    pause: Option<Box<(Pin<Box<Sleep>>, SessionEnded)>>,
}

impl Pace {
    /// It failed for now: a pause comes before the next attempt, unless the client ends before.
    pub(crate) fn failed(&mut self, shared: &Shared) {
        let pauses = self.pauses.get_or_insert_with(|| Box::new(Pauses::new()));
        let pause = pauses.0.next().unwrap_or(PAUSE_MAX);
        self.pause = Some(Box::new((Box::pin(tokio::time::sleep(pause)), shared.ended())));
    }

    /// It worked: the next pause is a short one again.
    pub(crate) fn worked(&mut self) {
        self.pauses = None;
    }

    /// Whether the next attempt may be made.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(waiting) = &mut self.pause else {
            return Poll::Ready(());
        };
        let (pause, ended) = &mut **waiting;
        if pause.as_mut().poll(cx).is_pending() {
            ready!(Pin::new(ended).poll(cx));
        }
        self.pause = None;
        Poll::Ready(())
    }
}

/// A random UUID in its usual form: lower case, 36 characters.
///
/// The standard library seeds its hashers from the system's source of randomness, which is what
/// makes two processes that start at the same moment differ.
pub(crate) fn fresh_guid() -> String {
    const VERSION_4: u128 = 4 << 76;
    const VARIANT: u128 = 2 << 62;
    let random = || u128::from(RandomState::new().build_hasher().finish());
    let bits = match super::simulation::is_on() {
        false => random() << 64 | random(),
        true => fastrand::u128(..),
    };
    let bits = bits & !(0xf << 76) & !(3 << 62) | VERSION_4 | VARIANT;
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_have_the_form_that_curator_recognises_and_never_come_twice() {
        let guids: std::collections::BTreeSet<_> = (0..1000).map(|_| fresh_guid()).collect();
        assert_eq!(guids.len(), 1000);
        for guid in guids {
            let groups: Vec<_> = guid.split('-').map(str::len).collect();
            assert_eq!(groups, [8, 4, 4, 4, 12], "{guid}");
            assert!(
                guid.chars().all(|c| c == '-' || c.is_ascii_digit() || ('a'..='f').contains(&c))
            );
            assert_eq!(&guid[14..15], "4", "{guid}");
            assert!("89ab".contains(&guid[19..20]), "{guid}");
        }
    }
}
