//! Times for people: how long ago, and when in UTC; and how long ago, as people write it.

/// `12s`, `5m`, `3h`, `2d`: as short as a column wants it.
pub(crate) fn age(at_ms: i64, now_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(at_ms).max(0) / 1_000;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// `2026-11-21 04:10:36Z`
pub(crate) fn moment(at_ms: i64) -> String {
    let seconds = at_ms.div_euclid(1_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
}

/// `90s`, `30m`, `24h`, `7d` as an option takes it.
pub(crate) fn milliseconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no time; write 90s, 30m, 24h or 7d");
    let number = text.trim_end_matches(char::is_alphabetic);
    let unit_s = match text.strip_prefix(number) {
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 3_600,
        Some("d") => 86_400,
        Some(_) | None => return Err(wrong()),
    };
    let number: i64 = number.parse().map_err(|_error| wrong())?;
    number.checked_mul(unit_s * 1_000).filter(|time| *time >= 0).ok_or_else(wrong)
}

/// From days since 1970, in the Gregorian calendar: Howard Hinnant's `civil_from_days`.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_in_utc() {
        assert_eq!(moment(0), "1970-01-01 00:00:00Z");
        assert_eq!(moment(951_782_400_000), "2000-02-29 00:00:00Z");
        assert_eq!(moment(1_795_234_236_789), "2026-11-21 04:10:36Z");
        assert_eq!(moment(-1), "1969-12-31 23:59:59Z");
    }

    #[test]
    fn an_age_is_short() {
        let ages: Vec<_> =
            [-5, 0, 119, 120, 7_200, 172_800].iter().map(|age_s| age(0, age_s * 1_000)).collect();
        assert_eq!(ages, ["0s", "0s", "119s", "2m", "2h", "2d"]);
    }
}
