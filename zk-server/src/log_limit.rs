//! Lines in the log that anybody may cause, told at most once a second.

use std::fmt::Display;

/// Milliseconds between two of them.
const INTERVAL_MS: i64 = 1000;

/// Passes one a second, and counts the others. Pure: the time is an argument.
#[derive(Debug, Default)]
pub(crate) struct LogLimit {
    last_ms: Option<i64>,
    left_out: u64,
}

impl LogLimit {
    /// Logs the warning, unless there was one less than a second ago. `now_ms` is of any clock,
    /// which may be set back.
    pub(crate) fn warn(&mut self, now_ms: i64, warning: &impl Display) {
        if let Some(line) = self.line(now_ms, warning) {
            tracing::warn!("{line}");
        }
    }

    /// The same for what is to be expected now and then.
    pub(crate) fn info(&mut self, now_ms: i64, news: &impl Display) {
        if let Some(line) = self.line(now_ms, news) {
            tracing::info!("{line}");
        }
    }

    fn line(&mut self, now_ms: i64, text: &impl Display) -> Option<String> {
        self.admit(now_ms).map(|left_out| match left_out {
            0 => text.to_string(),
            _ => format!("{text} (and {left_out} like it since the last one told)"),
        })
    }

    /// How many were left out since the last one; `None` if this is left out too.
    fn admit(&mut self, now_ms: i64) -> Option<u64> {
        let too_soon = |last: i64| now_ms.abs_diff(last) < INTERVAL_MS.unsigned_abs();
        if self.last_ms.is_some_and(too_soon) {
            self.left_out += 1;
            return None;
        }
        self.last_ms = Some(now_ms);
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_second_passes_and_says_how_many_did_not() {
        let mut limit = LogLimit::default();
        let times = [5000, 5001, 5999, 6000, 6001, 100, 101, 1100];
        let told = times.map(|now_ms| limit.admit(now_ms));
        assert_eq!(told, [Some(0), None, None, Some(2), None, Some(1), None, Some(1)]);
    }
}
