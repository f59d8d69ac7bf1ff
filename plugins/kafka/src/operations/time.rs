//! Times as people write them (RFC 3339).

const MS_PER_DAY: i64 = 86_400_000;

/// Unix milliseconds; none for what is no time. What is finer than a millisecond is cut off.
pub(super) fn parse_ms(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let zone = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = rest.split_at_checked(zone)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
    let in_range = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !in_range || fraction.is_empty() || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let millis: String = fraction.chars().chain("00".chars()).take(3).collect();
    let of_day = ((hour * 60 + minute) * 60 + second) * 1_000 + millis.parse::<i64>().ok()?;
    Some(days_since_1970(year, month, day) * MS_PER_DAY + of_day - zone_ms(zone)?)
}

/// Numbers of exactly so many digits with a sign between.
fn fields(text: &str, between: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let parts: Vec<&str> = text.split(between).collect();
    let parts: [&str; 3] = parts.try_into().ok()?;
    let mut numbers = [0; 3];
    for ((part, digits), number) in parts.iter().zip(digits).zip(&mut numbers) {
        let whole = part.len() == digits && part.bytes().all(|digit| digit.is_ascii_digit());
        *number = part.parse().ok().filter(|_| whole)?;
    }
    Some(numbers)
}

/// `Z`, `+02:00`, `-05:30`.
fn zone_ms(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let [hours, minutes, _] = fields(&format!("{}:00", zone.get(1..)?), ':', [2, 2, 2])?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Of the calendar that every computer uses, by eras of 400 years that begin in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(parse_ms("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse_ms("2024-02-29T12:30:15.25Z"), Some(1_709_209_815_250));
        assert_eq!(parse_ms("2024-02-29T14:30:15.2509+02:00"), Some(1_709_209_815_250));
        assert_eq!(parse_ms("2000-01-01 00:00:00-05:30"), Some(946_704_600_000));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-1-1T00:00:00Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+0200",
            "2024-01-01T00:00:00Zoo",
        ] {
            assert_eq!(parse_ms(text), None, "{text}");
        }
    }
}
