//! What a lease's node says, as kazoo writes it.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The only version of the format there is.
const VERSION: u32 = 1;

const MS_PER_SECOND: i64 = 1000;

const SECONDS_PER_DAY: i64 = 86_400;

/// After 400 years the calendar repeats itself.
const DAYS_PER_ERA: i64 = 146_097;

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

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
    let seconds = ms.div_euclid(MS_PER_SECOND);
    let (year, month, day) = date(seconds.div_euclid(SECONDS_PER_DAY));
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    (0..=9999)
        .contains(&year)
        .then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
}

fn parse_utc(text: &str) -> Option<i64> {
    let (day, time) = text.split_once('T')?;
    let [year, month, day] = numbers(day, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let days = days(year, month, day);
    // A day that there is not turns into another one.
    let is_real = date(days) == (year, month, day) && hour < 24 && minute < 60 && second < 60;
    let seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    is_real.then_some(seconds * MS_PER_SECOND)
}

/// Three numbers of so many digits each.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
///
/// Years are counted from March, so that the day that comes and goes is the last one of a year, and
/// all months but the last have a fixed place in it.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let leap_days = of_era / 4 - of_era / 100;
    era * DAYS_PER_ERA + of_era * 365 + leap_days + days_before(month) + day - 1 - DAYS_TO_1970
}

/// The day of the Gregorian calendar so many days after 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_TO_1970;
    let (era, of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    // Without the leap days before it, counted from the end of 4, 100 and 400 years.
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (year * 365 + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - days_before(month) + 1;
    let year = era * 400 + year;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

/// The days of a year that begins in March before its month, from 0.
fn days_before(month: i64) -> i64 {
    (153 * month + 2) / 5
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
            ("0000-01-01T00:00:00", -62_167_219_200),
        ] {
            assert_eq!(parse_utc(text), Some(seconds * MS_PER_SECOND), "{text}");
            assert_eq!(format(seconds * MS_PER_SECOND).as_deref(), Some(text));
        }
        assert_eq!(format(253_402_300_800 * MS_PER_SECOND), None);
    }

    #[test]
    fn every_day_of_800_years_follows_the_one_before() {
        let first = days(1600, 1, 1);
        for days_since in first..first + 2 * DAYS_PER_ERA {
            let (year, month, day) = date(days_since);
            assert_eq!(days(year, month, day), days_since);
            assert!((1..=12).contains(&month) && (1..=31).contains(&day));
            assert!(date(days_since - 1) < (year, month, day));
        }
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
