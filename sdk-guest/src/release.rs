//! Releases of a backend, and what they have: numbers with dots between, as `5.3.1`.

/// Whether a release is at or past `since`, and before `until`.
pub fn has(release: &str, since: Option<&str>, until: Option<&str>) -> bool {
    let before = |bound: &str| numbers(release).zip(numbers(bound)).map(|(release, bound)| release < bound);
    !since.and_then(before).unwrap_or(false) && until.and_then(before).unwrap_or(true)
}

/// `5.3.1` and `5.3.1-SNAPSHOT` alike; `None` where it begins with no number.
fn numbers(release: &str) -> Option<Vec<u32>> {
    let digits = |part: &str| part.split(|sign: char| !sign.is_ascii_digit()).next()?.parse().ok();
    let numbers: Vec<u32> = release.split('.').map_while(digits).collect();
    (!numbers.is_empty()).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_has_what_came_before_it_and_is_not_gone() {
        assert!(
            has("5.3.0", Some("5.3"), None)
                && has("5.10.1", Some("5.3"), None)
                && has("6.0", Some("5.3"), None)
        );
        assert!(!has("5.2.9", Some("5.3"), None) && !has("4.9.7", Some("5.3"), None));
        assert!(
            has("3.9", None, Some("4.0"))
                && !has("4.0.1", None, Some("4.0"))
                && !has("4.0", None, Some("4.0"))
        );
        assert!(has("?", Some("5.3"), Some("6")) && has("5.3.0-SNAPSHOT", Some("5.3"), None));
    }
}
