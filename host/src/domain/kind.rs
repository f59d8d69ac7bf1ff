//! The name of a kind: the word that users write, which stands in commands, metrics and file names.

const CHARACTERS_MAX: usize = 40;

/// Said where a name is none.
pub const KIND_RULE: &str = "a kind of a-z, 0-9 and `-`, beginning with a letter, of at most 40 characters";

pub fn is_kind(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= CHARACTERS_MAX
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && name.bytes().all(plain)
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_plain() {
        for kind in ["kafka", "s3-store", "a1"] {
            assert!(is_kind(kind), "{kind}");
        }
        for kind in ["", "Kafka", "1a", "-a", "a-", "a_b", "a/b", &"a".repeat(41)] {
            assert!(!is_kind(kind), "{kind}");
        }
    }
}
