//! A topic's permission: bits on the wire, letters for people.

const READ: i64 = 4;
const WRITE: i64 = 2;
/// Topics that are made by themselves take over from this one (`TBW102`).
const INHERIT: i64 = 1;

pub(crate) const DEFAULT: i64 = READ | WRITE;

/// What can be wished for.
pub(crate) const NAMES: [&str; 5] = ["RW", "R", "W", "NONE", "RWX"];

/// Bits that mean nothing stay a number.
pub(crate) fn name(bits: i64) -> String {
    match bits {
        0 => "NONE".to_owned(),
        1..=7 => {
            let letters = [(READ, 'R'), (WRITE, 'W'), (INHERIT, 'X')];
            letters.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, letter)| letter).collect()
        }
        other => other.to_string(),
    }
}

pub(crate) fn bits(name: &str) -> Option<i64> {
    (0..=7).find(|bits| self::name(*bits) == name)
}

/// The one way to write it: also `rw`, `RW-` and `6` are `RW`.
pub(crate) fn normal(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_uppercase();
    if let Ok(bits) = text.parse() {
        return (0..=7).contains(&bits).then(|| name(bits));
    }
    let letters: String = text.chars().filter(|sign| *sign != '-').collect();
    let letters = if letters.is_empty() && !text.is_empty() { "NONE".to_owned() } else { letters };
    bits(&letters).map(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_bits_agree() {
        for wire in 0..=7 {
            assert_eq!(bits(&name(wire)), Some(wire));
        }
        assert_eq!((name(6), name(7), name(99)), ("RW".to_owned(), "RWX".to_owned(), "99".to_owned()));
        assert!(NAMES.iter().all(|name| bits(name).is_some()));
    }

    #[test]
    fn other_spellings_are_understood() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(normal(text).as_deref(), expected, "{text}");
        [
            ("rw", "RW"),
            ("RW-", "RW"),
            ("R--", "R"),
            ("6", "RW"),
            ("0", "NONE"),
            ("---", "NONE"),
            ("none", "NONE"),
        ]
        .iter()
        .for_each(|(text, expected)| check(text, Some(expected)));
        ["", "99", "WR", "read"].iter().for_each(|text| check(text, None));
    }
}
