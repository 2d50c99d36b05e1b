//! The names of contenders, and the order in which they stand in line.
//!
//! A contender of a lock or an election is a child whose name ends in a *mark* (`lock-`, `latch-`)
//! and the sequence number the server appended. Curator and this library write
//! `_c_<uuid>-lock-0000000007`, Go writes `_c_<32 hex>-lock-0000000007`, and both accept a bare
//! `lock-0000000007`. All of them stand in one line; whatever else lies under the parent (an
//! operator's note, a kazoo lock) is no contender and blocks nobody.
//!
//! Order is by the sequence number as an integer, ties by the whole name. Text order would be wrong
//! twice: the tag before the mark is random, and numbers turn negative after 2^31 creates.

use std::cmp::Ordering;

/// Contenders are refused once the parent's counter is this close to its end at `i32::MAX`: enough
/// room for everybody who is in line at that time to be served in the right order.
pub(crate) const SEQUENCE_MARGIN: i64 = 1_000_000;

/// From here on (three quarters of the range) every new contender logs a warning.
pub(crate) const SEQUENCE_WARNING: i64 = (i32::MAX as i64) / 4 * 3;

/// The longest suffix a server can write: a minus sign and ten digits.
const SEQUENCE_TEXT_MAX: usize = 11;

/// What stands between the tag and the sequence number in a contender's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(pub(crate) &'static str);

impl Mark {
    /// Curator's `InterProcessMutex` and `LeaderSelector`, and Go's lock.
    pub(crate) const LOCK: Mark = Mark("lock-");
    /// Curator's `LeaderLatch`.
    pub(crate) const LATCH: Mark = Mark("latch-");

    /// The name to create for the attempt tagged `tag`; the server appends the number.
    pub(crate) fn protected_name(self, tag: &str) -> String {
        format!("{tag}-{}", self.0)
    }

    /// The sequence number of `name`, or `None` when `name` is no contender.
    ///
    /// It is what follows the *last* mark, as in Curator, and it must be a number to the end.
    pub(crate) fn sequence(self, name: &str) -> Option<i64> {
        let start = name.rfind(self.0)? + self.0.len();
        let text = &name[start..];
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_number = !digits.is_empty()
            && text.len() <= SEQUENCE_TEXT_MAX
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { text.parse().ok() } else { None }
    }
}

/// One child that stands in line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contender {
    pub(crate) sequence: i64,
    pub(crate) name: String,
}

impl Ord for Contender {
    fn cmp(&self, other: &Self) -> Ordering {
        // The names as a second key: Curator's lock downgrade makes two nodes with one number.
        self.sequence.cmp(&other.sequence).then_with(|| self.name.cmp(&other.name))
    }
}

impl PartialOrd for Contender {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The line as one list of children shows it: first is the holder.
pub(crate) fn line(mark: Mark, children: Vec<String>) -> Vec<Contender> {
    let mut line: Vec<Contender> = children
        .into_iter()
        .filter_map(|name| mark.sequence(&name).map(|sequence| Contender { sequence, name }))
        .collect();
    line.sort_unstable();
    line
}

/// Where a contender stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nobody is ahead.
    First,
    /// Somebody is: this one directly, `ahead` in all.
    Behind { predecessor: String, ahead: usize },
    /// The contender's own node is not there.
    Missing,
}

/// Where the contender called `own` stands among `children`.
pub(crate) fn place(mark: Mark, own: &str, children: Vec<String>) -> Place {
    let line = line(mark, children);
    match line.iter().position(|contender| contender.name == own) {
        None => Place::Missing,
        Some(0) => Place::First,
        Some(ahead) => Place::Behind { predecessor: line[ahead - 1].name.clone(), ahead },
    }
}

/// What the number of a new contender says about the parent's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Headroom {
    Ample,
    /// Past three quarters of the range: say so, and go on.
    Low,
    /// At the end, or already wrapped: the order can't be relied on any more.
    Exhausted,
}

/// Judges the number of a contender just created.
pub(crate) fn headroom(sequence: i64) -> Headroom {
    if sequence < 0 || sequence > i64::from(i32::MAX) - SEQUENCE_MARGIN {
        Headroom::Exhausted
    } else if sequence >= SEQUENCE_WARNING {
        Headroom::Low
    } else {
        Headroom::Ample
    }
}

#[cfg(test)]
#[path = "sequence_tests.rs"]
mod tests;
