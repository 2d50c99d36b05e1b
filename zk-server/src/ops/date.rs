//! Points in time as Java prints them.

use jiff::Timestamp;

/// `Sat Nov 21 13:20:27 UTC 2026`. What is not between the years 1970 and 9999 is shown as 1970.
pub(super) fn java_date(wall_ms: i64) -> String {
    let moment = Timestamp::from_millisecond(wall_ms.max(0)).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.strftime("%a %b %d %H:%M:%S UTC %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::java_date;

    #[test]
    fn dates_are_printed_as_java_does() {
        let shown = [0, 1_795_267_227_999, 951_782_400_000, 4_107_542_399_000, -1].map(java_date);
        assert_eq!(
            shown,
            [
                "Thu Jan 01 00:00:00 UTC 1970",
                "Sat Nov 21 13:20:27 UTC 2026",
                "Tue Feb 29 00:00:00 UTC 2000",
                "Sun Feb 28 23:59:59 UTC 2100",
                "Thu Jan 01 00:00:00 UTC 1970",
            ]
        );
    }
}
