//! The protocol's numbers of access rules, and their words in lower case with dashes between.

pub(crate) type Words = [(i8, &'static str)];

pub(crate) const RESOURCE_CLUSTER: i8 = 4;
pub(crate) const PATTERN_PREFIXED: i8 = 4;
pub(crate) const PERMISSION_DENY: i8 = 2;

/// In a filter: any of them.
pub(crate) const ANY: i8 = 1;

pub(crate) const RESOURCE_TYPES: [(i8, &str); 6] = [
    (2, "topic"),
    (3, "group"),
    (RESOURCE_CLUSTER, "cluster"),
    (5, "transactional-id"),
    (6, "delegation-token"),
    (7, "user"),
];

pub(crate) const PATTERN_TYPES: [(i8, &str); 2] = [(3, "literal"), (PATTERN_PREFIXED, "prefixed")];

pub(crate) const PERMISSIONS: [(i8, &str); 2] = [(PERMISSION_DENY, "deny"), (3, "allow")];

pub(crate) const OPERATIONS: [(i8, &str); 14] = [
    (2, "all"),
    (3, "read"),
    (4, "write"),
    (5, "create"),
    (6, "delete"),
    (7, "alter"),
    (8, "describe"),
    (9, "cluster-action"),
    (10, "describe-configs"),
    (11, "alter-configs"),
    (12, "idempotent-write"),
    (13, "create-tokens"),
    (14, "describe-tokens"),
    (15, "two-phase-commit"),
];

/// The operations that Kafka asks for on a type of resource; `all` goes everywhere.
pub(crate) fn operations_on(resource_type: &str) -> &'static [&'static str] {
    match resource_type {
        "topic" => {
            &["alter", "alter-configs", "create", "delete", "describe", "describe-configs", "read", "write"]
        }
        "group" => &["alter-configs", "delete", "describe", "describe-configs", "read"],
        "cluster" => &[
            "alter",
            "alter-configs",
            "cluster-action",
            "create",
            "describe",
            "describe-configs",
            "idempotent-write",
        ],
        "transactional-id" => &["describe", "two-phase-commit", "write"],
        "delegation-token" => &["describe"],
        "user" => &["create-tokens", "describe-tokens"],
        _ => &[],
    }
}

/// The word of a number; one that nobody knew when this was written keeps it: `unknown(17)`.
pub(crate) fn word(words: &Words, code: i8) -> String {
    let known = words.iter().find(|(known, _)| *known == code);
    known.map_or_else(|| format!("unknown({code})"), |(_, word)| (*word).to_owned())
}

/// The other way round. A number that has a word has no second way of writing.
pub(crate) fn code(words: &Words, text: &str) -> Option<i8> {
    if let Some((code, _)) = words.iter().find(|(_, word)| *word == text) {
        return Some(*code);
    }
    unknown(text).filter(|code| !knows(words, *code))
}

pub(crate) fn knows(words: &Words, code: i8) -> bool {
    words.iter().any(|(known, _)| *known == code)
}

pub(crate) fn unknown(text: &str) -> Option<i8> {
    text.strip_prefix("unknown(")?.strip_suffix(')')?.parse().ok()
}

/// What is wrong with a word that has no number.
pub(crate) fn fault(name: &str, words: &Words, text: &str) -> String {
    let known: Vec<&str> = words.iter().map(|(_, word)| *word).collect();
    format!("{name} is {text:?}: it can be {}", known.join(", "))
}

/// `DESCRIBE_CONFIGS`, `DescribeConfigs` and `describe configs` are `describe-configs`.
pub(crate) fn kebab(text: &str) -> String {
    let mut word = String::new();
    let mut after_small = false;
    for sign in text.trim().chars() {
        if sign.is_ascii_uppercase() && after_small {
            word.push('-');
        }
        after_small = sign.is_ascii_lowercase();
        word.push(if matches!(sign, '_' | ' ') { '-' } else { sign.to_ascii_lowercase() });
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_to_write_a_word_are_one() {
        for text in ["DESCRIBE_CONFIGS", "DescribeConfigs", " describe configs ", "describe-configs"] {
            assert_eq!(kebab(text), "describe-configs");
        }
        assert_eq!(kebab("TransactionalId"), "transactional-id");
        assert_eq!(kebab("unknown(17)"), "unknown(17)");
    }

    #[test]
    fn operations_have_words() {
        for (_, resource_type) in RESOURCE_TYPES {
            let operations = operations_on(resource_type);
            assert!(!operations.is_empty());
            assert!(operations.iter().all(|word| code(&OPERATIONS, word).is_some()), "{operations:?}");
        }
    }
}
