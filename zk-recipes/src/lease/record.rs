//! What a lease's node says, as kazoo writes it.

use std::ops::RangeInclusive;

use jiff::SignedDuration;
use jiff::civil::{DateTime, date};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The only version of the format there is.
const VERSION: u32 = 1;

const MS_PER_SECOND: i64 = 1000;

const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

/// How Python's `strptime` is told to read the end, which is in UTC.
const END_FORMAT: &str = "%Y-%m-%dT%H:%M:%S";

/// The years that the format has room for, and Python.
const YEARS: RangeInclusive<i16> = 1..=9999;

/// Who holds a lease, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) holder: String,
    /// In milliseconds since the epoch, and whole seconds.
    pub(super) end_ms: i64,
}

#[derive(Serialize, Deserialize)]
struct Json {
    version: u32,
    holder: String,
    end: String,
}

/// Only the version, to tell another format from a broken one.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Record {
    /// The end is cut down to whole seconds, which is what the format has room for.
    pub(super) fn new(holder: &str, end_ms: i64) -> Self {
        let end_ms = end_ms.div_euclid(MS_PER_SECOND) * MS_PER_SECOND;
        Self { holder: holder.to_owned(), end_ms }
    }

    pub(super) fn encode(&self, path: &str) -> Result<Vec<u8>> {
        let malformed = |reason: String| Error::Malformed { path: path.to_owned(), reason };
        let end = format(self.end_ms).ok_or_else(|| malformed("no such year".to_owned()))?;
        let json = Json { version: VERSION, holder: self.holder.clone(), end };
        serde_json::to_vec(&json).map_err(|error| malformed(error.to_string()))
    }

    /// The record in the data of the node at `path`; `None` if it is of another version, which is
    /// somebody else's to judge.
    pub(super) fn decode(path: &str, data: &[u8]) -> Result<Option<Self>> {
        let malformed = |reason: String| Error::Malformed { path: path.to_owned(), reason };
        let parse = |error: serde_json::Error| malformed(error.to_string());
        let Versioned { version } = serde_json::from_slice(data).map_err(parse)?;
        if version != VERSION {
            return Ok(None);
        }
        let Json { holder, end, .. } = serde_json::from_slice(data).map_err(parse)?;
        match parse_utc(&end) {
            Some(end_ms) => Ok(Some(Self { holder, end_ms })),
            None => Err(malformed(format!("{end:?} is not like 2026-01-31T23:59:59"))),
        }
    }
}

/// `YYYY-MM-DDTHH:MM:SS`, UTC; `None` for years of other than four digits.
fn format(ms: i64) -> Option<String> {
    let end = EPOCH.checked_add(SignedDuration::from_millis(ms)).ok()?;
    YEARS.contains(&end.year()).then(|| end.strftime(END_FORMAT).to_string())
}

fn parse_utc(text: &str) -> Option<i64> {
    let end = DateTime::strptime(END_FORMAT, text).ok()?;
    let since_epoch = i64::try_from(end.duration_since(EPOCH).as_millis()).ok()?;
    YEARS.contains(&end.year()).then_some(since_epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KAZOO: &[u8] = br#"{"version": 1, "holder": "worker-1", "end": "2026-02-28T23:59:59"}"#;

    #[test]
    fn what_kazoo_writes_is_read() {
        let record = Record::decode("/a", KAZOO).unwrap().unwrap();
        assert_eq!(record, Record { holder: "worker-1".to_owned(), end_ms: 1_772_323_199_000 });
    }

    #[test]
    fn what_is_written_is_read_and_has_whole_seconds() {
        let record = Record::new("me", 1_772_323_199_999);
        let data = record.encode("/a").unwrap();
        let text = std::str::from_utf8(&data).unwrap();
        assert_eq!(text, r#"{"version":1,"holder":"me","end":"2026-02-28T23:59:59"}"#);
        assert_eq!(Record::decode("/a", &data).unwrap().unwrap(), record);
        assert!(Record::new("me", i64::MAX).encode("/a").is_err());
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00", 0),
            ("1969-12-31T23:59:59", -1),
            ("2000-02-29T12:00:00", 951_825_600),
            ("2000-03-01T00:00:00", 951_868_800),
            ("2100-02-28T23:59:59", 4_107_542_399),
            ("2100-03-01T00:00:00", 4_107_542_400),
            ("9999-12-31T23:59:59", 253_402_300_799),
            ("0001-01-01T00:00:00", -62_135_596_800),
        ] {
            assert_eq!(parse_utc(text), Some(seconds * MS_PER_SECOND), "{text}");
            assert_eq!(format(seconds * MS_PER_SECOND).as_deref(), Some(text));
        }
        assert_eq!(format(253_402_300_800 * MS_PER_SECOND), None);
        assert_eq!(format(-62_135_596_801 * MS_PER_SECOND), None);
    }

    #[test]
    fn other_versions_are_left_to_others_and_nonsense_is_an_error() {
        assert_eq!(Record::decode("/a", br#"{"version": 2, "until": 7}"#), Ok(None));
        for end in [
            "",
            "soon",
            "2026-02-30T00:00:00",
            "2026-01-01T24:00:00",
            "2026-01-01T00:00",
            "2100-02-29T00:00:00",
            "2026-13-01T00:00:00",
        ] {
            let data = format!(r#"{{"version": 1, "holder": "x", "end": "{end}"}}"#);
            assert!(Record::decode("/a", data.as_bytes()).is_err(), "{end}");
        }
        assert!(Record::decode("/a", b"").is_err());
    }
}
