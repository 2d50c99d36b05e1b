//! Points in time as Java prints them.

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Sat Nov 21 13:20:27 UTC 2026`. Years before 1970 are shown as its first second.
pub(super) fn java_date(wall_ms: i64) -> String {
    let seconds = u64::try_from(wall_ms / 1000).unwrap_or(0);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let name = |names: &[&'static str], at: u64| {
        usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
    };
    format!(
        "{} {} {day:02} {:02}:{:02}:{:02} UTC {year}",
        name(&DAYS, days % 7),
        name(&MONTHS, month - 1),
        second / 3600,
        second / 60 % 60,
        second % 60,
    )
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar: counted in
/// years that begin with March, so that leap days come last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
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
