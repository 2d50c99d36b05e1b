//! The names of contenders, and the order in which they stand in line.
//!
//! A contender is a child whose name ends in a *mark* (`lock-`, `latch-`) and the sequence number
//! the server appended. Curator and this library write `_c_<uuid>-lock-0000000007`, Go writes
//! `_c_<32 hex>-lock-0000000007`, and both accept a bare `lock-0000000007`. All of them stand in one
//! line; whatever else lies under the parent (an operator's note, a kazoo lock) is no contender and
//! blocks nobody. kazoo writes `<32 hex>__lock__0000000007`.
//!
//! | contender | Curator | kazoo | waits for those before it that are |
//! | --- | --- | --- | --- |
//! | lock | `lock-` | `__lock__` | locks |
//! | participant of an election | `latch-` | - | participants |
//! | writer | `__WRIT__` | `__lock__` | writers and readers |
//! | reader | `__READ__` | `__rlock__` | writers |
//!
//! Order is by the sequence number as an integer, ties by the whole name. Text order would be wrong
//! twice: the tag before the mark is random, and numbers turn negative after 2^31 creates.
//!
//! A reader with the number of a writer is that writer after a downgrade: neither waits for the
//! other, and both are before every later number.

/// Contenders are refused once the parent's counter is this close to its end at `i32::MAX`: enough
/// room for everybody who is in line at that time to be served in the right order.
pub(crate) const SEQUENCE_MARGIN: i64 = 1_000_000;

/// From here on (three quarters of the range) every new contender logs a warning.
pub(crate) const SEQUENCE_WARNING: i64 = (i32::MAX as i64) / 4 * 3;

/// The digits that a server writes at least, and at most.
const SEQUENCE_DIGITS: usize = 10;

/// The longest suffix a server can write: a minus sign and ten digits.
const SEQUENCE_TEXT_MAX: usize = SEQUENCE_DIGITS + 1;

/// The marks of those who share with their like.
const READERS: [&str; 2] = ["__READ__", "__rlock__"];

/// How the random tag in front of a mark is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// `_c_<uuid>-`
    Curator,
    /// 32 hexadecimal digits.
    Kazoo,
}

/// How one kind of contender is named, and for whom it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// What stands between the tag and the sequence number.
    pub(crate) text: &'static str,
    pub(crate) tag: Tag,
    /// The marks of those for whom it waits if they are before it.
    waits_for: &'static [&'static str],
}

impl Mark {
    /// Curator's `InterProcessMutex` and `LeaderSelector`, and Go's lock.
    pub(crate) const LOCK: Mark = Mark { text: "lock-", tag: Tag::Curator, waits_for: &["lock-"] };
    /// Curator's `LeaderLatch`.
    pub(crate) const LATCH: Mark =
        Mark { text: "latch-", tag: Tag::Curator, waits_for: &["latch-"] };
    /// kazoo's `Lock` and `Election`, and the lock of its `Semaphore`.
    pub(crate) const KAZOO_LOCK: Mark =
        Mark { text: "__lock__", tag: Tag::Kazoo, waits_for: &["__lock__"] };
    /// The write lock of Curator's `InterProcessReadWriteLock`.
    pub(crate) const CURATOR_WRITE: Mark =
        Mark { text: "__WRIT__", tag: Tag::Curator, waits_for: &["__WRIT__", "__READ__"] };
    /// The read lock of Curator's `InterProcessReadWriteLock`.
    pub(crate) const CURATOR_READ: Mark =
        Mark { text: "__READ__", tag: Tag::Curator, waits_for: &["__WRIT__"] };
    /// kazoo's `WriteLock`.
    pub(crate) const KAZOO_WRITE: Mark =
        Mark { text: "__lock__", tag: Tag::Kazoo, waits_for: &["__lock__", "__rlock__"] };
    /// kazoo's `ReadLock`.
    pub(crate) const KAZOO_READ: Mark =
        Mark { text: "__rlock__", tag: Tag::Kazoo, waits_for: &["__lock__"] };

    /// The sequence number of `name`, or `None` when `name` has another mark.
    pub(crate) fn sequence(self, name: &str) -> Option<i64> {
        number_behind(self.text, name)
    }

    /// The name with this mark in the place of the mark of one for whom this kind waits.
    pub(crate) fn in_place_of(self, name: &str) -> String {
        let parts = self.waits_for.iter().find_map(|mark| name.rsplit_once(mark));
        parts.map_or_else(|| name.to_owned(), |(tag, number)| format!("{tag}{}{number}", self.text))
    }

    /// The contender called `name`, if it is of this kind or one for whom this kind waits.
    fn contender(self, name: &str) -> Option<Contender<'_>> {
        marked(std::iter::once(&self.text).chain(self.waits_for), name)
    }
}

/// The number at the end of `name`, if `mark` stands right before it.
///
/// It is what follows the *last* mark, as in Curator, and it must be a number to the end.
fn number_behind(mark: &str, name: &str) -> Option<i64> {
    let (mark, name) = (mark.as_bytes(), name.as_bytes());
    let last = mark.last()?;
    // A thousand names are looked at whenever one of a thousand in line is woken, and nearly all of
    // them end in ten digits. No mark ends within those, unless it does so in a digit.
    if let Some((head, digits)) = name.split_last_chunk::<SEQUENCE_DIGITS>()
        && !last.is_ascii_digit()
        && head.ends_with(mark)
        && let Some(number) = number(digits)
    {
        return Some(number);
    }
    // From the end, so that the last mark is met first.
    for len in 0..=SEQUENCE_TEXT_MAX.min(name.len()) {
        let (head, text) = name.split_at(name.len() - len);
        if head.ends_with(mark) {
            return match text.strip_prefix(b"-") {
                Some(digits) => number(digits).map(|number| -number),
                None => number(text),
            };
        }
    }
    None
}

/// What `digits` stand for, if that is what they are: no more than fit into a name.
fn number(digits: &[u8]) -> Option<i64> {
    let are_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let append = |value: i64, digit: &u8| value * 10 + i64::from(digit - b'0');
    are_digits.then(|| digits.iter().fold(0, append))
}

/// Whether `name` is that of one who shares with its like.
pub(crate) fn is_reader(name: &str) -> bool {
    READERS.iter().any(|mark| number_behind(mark, name).is_some())
}

/// The contender called `name`, if it has one of `marks`.
fn marked<'a, 'n>(
    marks: impl IntoIterator<Item = &'a &'a str>,
    name: &'n str,
) -> Option<Contender<'n>> {
    marks
        .into_iter()
        .find_map(|mark| Some((mark, number_behind(mark, name)?)))
        .map(|(mark, sequence)| Contender { sequence, is_reader: READERS.contains(mark), name })
}

/// One child that stands in line. The order is that of the line; a reader stands behind the writer
/// it once was, since it goes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Contender<'n> {
    pub(crate) sequence: i64,
    pub(crate) is_reader: bool,
    pub(crate) name: &'n str,
}

impl Contender<'_> {
    /// Whether `other`, which waits for ones like this, has to wait for this one.
    fn is_before(&self, other: &Contender<'_>) -> bool {
        let is_downgraded = self.sequence == other.sequence && self.is_reader != other.is_reader;
        self < other && !is_downgraded
    }
}

/// The line as one list of children shows it, with all for whom contenders of this kind wait.
pub(crate) fn line<'n>(
    mark: Mark,
    children: impl IntoIterator<Item = &'n str>,
) -> Vec<Contender<'n>> {
    let mut line: Vec<Contender<'n>> =
        children.into_iter().filter_map(|name| mark.contender(name)).collect();
    line.sort_unstable();
    line
}

/// The first in that line.
pub(crate) fn first<'n>(
    mark: Mark,
    children: impl IntoIterator<Item = &'n str>,
) -> Option<Contender<'n>> {
    children.into_iter().filter_map(|name| mark.contender(name)).min()
}

/// Where a contender stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It waits for nobody.
    First,
    /// It waits for `ahead` others, of whom this one goes last if all keep their order.
    Behind { predecessor: String, ahead: usize },
    /// The contender's own node is not there.
    Missing,
}

/// Where the contender called `own` stands among `children`: who must go before it may.
///
/// `extra_marks` are marks of others for whom it waits as well.
pub(crate) fn place<'n>(
    mark: Mark,
    extra_marks: &[String],
    own: &str,
    children: impl IntoIterator<Item = &'n str>,
) -> Place {
    let Some(own) = mark.contender(own) else { return Place::Missing };
    let marks: Vec<&str> =
        mark.waits_for.iter().copied().chain(extra_marks.iter().map(String::as_str)).collect();
    let (mut is_listed, mut ahead, mut nearest) = (false, 0, None);
    for name in children {
        is_listed |= name == own.name;
        let other = marked(&marks, name).filter(|other| other.is_before(&own));
        ahead += usize::from(other.is_some());
        nearest = nearest.max(other);
    }
    match nearest {
        _ if !is_listed => Place::Missing,
        None => Place::First,
        Some(nearest) => Place::Behind { predecessor: nearest.name.to_owned(), ahead },
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

#[cfg(test)]
#[path = "sequence_lines_tests.rs"]
mod lines_tests;
