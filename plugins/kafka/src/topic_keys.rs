//! The configuration keys of topics in Kafka 3.9 to 4.3: what each takes, its one way of writing, and the nearest to a misspelt one.

use std::fmt::{self, Display};

use headgate_sdk::json::Value;

/// A newer Kafka may know keys that are not in the table.
const NEWEST: Version = Version(4, 3);

const V4: Version = Version(4, 0);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u32, u32);

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Boolean,
    /// Whole numbers from and to, both included.
    Integer(i64, i64),
    Fraction(f64, f64),
    Choice(&'static [&'static str]),
    /// Words of these, or any where empty, with commas between.
    List(&'static [&'static str]),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Gone from this version on.
    pub(crate) until: Option<Version>,
}

const INT_MAX: i64 = i32::MAX as i64;
const CODECS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
const POLICIES: &[&str] = &["compact", "delete"];
const TIMES: &[&str] = &["CreateTime", "LogAppendTime"];

/// From `LogConfig` of the two releases, in order of name.
const KEYS: [Key; 36] = [
    key("cleanup.policy", Kind::List(POLICIES)),
    key("compression.gzip.level", Kind::Integer(-1, 9)),
    key("compression.lz4.level", Kind::Integer(1, 17)),
    key("compression.type", Kind::Choice(CODECS)),
    key("compression.zstd.level", Kind::Integer(-131_072, 22)),
    key("delete.retention.ms", Kind::Integer(0, i64::MAX)),
    key("file.delete.delay.ms", Kind::Integer(0, i64::MAX)),
    key("flush.messages", Kind::Integer(1, i64::MAX)),
    key("flush.ms", Kind::Integer(0, i64::MAX)),
    key("follower.replication.throttled.replicas", Kind::List(&[])),
    key("index.interval.bytes", Kind::Integer(0, INT_MAX)),
    key("leader.replication.throttled.replicas", Kind::List(&[])),
    key("local.retention.bytes", Kind::Integer(-2, i64::MAX)),
    key("local.retention.ms", Kind::Integer(-2, i64::MAX)),
    key("max.compaction.lag.ms", Kind::Integer(1, i64::MAX)),
    key("max.message.bytes", Kind::Integer(0, INT_MAX)),
    before_4("message.downconversion.enable", Kind::Boolean),
    before_4("message.format.version", Kind::List(&[])),
    key("message.timestamp.after.max.ms", Kind::Integer(0, i64::MAX)),
    key("message.timestamp.before.max.ms", Kind::Integer(0, i64::MAX)),
    before_4("message.timestamp.difference.max.ms", Kind::Integer(0, i64::MAX)),
    key("message.timestamp.type", Kind::Choice(TIMES)),
    key("min.cleanable.dirty.ratio", Kind::Fraction(0.0, 1.0)),
    key("min.compaction.lag.ms", Kind::Integer(0, i64::MAX)),
    key("min.insync.replicas", Kind::Integer(1, INT_MAX)),
    key("preallocate", Kind::Boolean),
    key("remote.log.copy.disable", Kind::Boolean),
    key("remote.log.delete.on.disable", Kind::Boolean),
    key("remote.storage.enable", Kind::Boolean),
    key("retention.bytes", Kind::Integer(i64::MIN, i64::MAX)),
    key("retention.ms", Kind::Integer(-1, i64::MAX)),
    key("segment.bytes", Kind::Integer(14, INT_MAX)),
    key("segment.index.bytes", Kind::Integer(4, INT_MAX)),
    key("segment.jitter.ms", Kind::Integer(0, i64::MAX)),
    key("segment.ms", Kind::Integer(1, i64::MAX)),
    key("unclean.leader.election.enable", Kind::Boolean),
];

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, until: None }
}

const fn before_4(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, until: Some(V4) }
}

/// What is wrong with a key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    Wrong(String),
    /// The cluster is newer than the table: the key may well be there.
    Doubtful(String),
}

/// The keys that a cluster with these facts knows.
pub(crate) fn known(facts: &Value) -> impl Iterator<Item = &'static Key> {
    let version = version_of(facts);
    KEYS.iter().filter(move |key| lives(key, version))
}

/// Keys that a later release dropped, and which.
pub(crate) fn gone() -> impl Iterator<Item = (&'static str, Version)> {
    KEYS.iter().filter_map(|key| Some((key.name, key.until?)))
}

pub(crate) fn check(name: &str, value: &str, facts: &Value) -> Result<(), Fault> {
    let version = version_of(facts);
    match find(name) {
        Some(key) if !lives(key, version) => {
            Err(Fault::Wrong(format!("{name} is gone since Kafka 4.0: leave it out")))
        }
        Some(key) => {
            key.kind.check(value).map_err(|wants| Fault::Wrong(format!("{name} is {value:?}: {wants}")))
        }
        None if version.is_some_and(|version| version > NEWEST) => {
            let message =
                format!("{name} is not a key of Kafka up to {NEWEST}; the cluster is newer and may know it");
            Err(Fault::Doubtful(message))
        }
        None => Err(Fault::Wrong(match nearest(name) {
            Some(near) => format!("{name} is no configuration key of topics: did you mean {near}?"),
            None => format!("{name} is no configuration key of topics"),
        })),
    }
}

/// The one way to write a value, which is also how the broker writes it.
pub(crate) fn normal(name: &str, value: &str) -> String {
    let value = value.trim();
    match find(name).map(|key| key.kind) {
        Some(Kind::Boolean) => value.to_ascii_lowercase(),
        Some(Kind::Integer(..)) => {
            value.parse::<i64>().map_or_else(|_| value.to_owned(), |number| number.to_string())
        }
        Some(Kind::Fraction(..)) => {
            value.parse::<f64>().map_or_else(|_| value.to_owned(), |number| number.to_string())
        }
        Some(Kind::List(_)) => value.split(',').map(str::trim).collect::<Vec<_>>().join(","),
        Some(Kind::Choice(_)) | None => value.to_owned(),
    }
}

impl Kind {
    /// What is wanted instead, where the value does not fit.
    fn check(self, value: &str) -> Result<(), String> {
        let fits = match self {
            Self::Boolean => matches!(value, "true" | "false"),
            Self::Integer(min, max) => value.parse().is_ok_and(|number: i64| (min..=max).contains(&number)),
            Self::Fraction(min, max) => value.parse().is_ok_and(|number: f64| (min..=max).contains(&number)),
            Self::Choice(words) => words.contains(&value),
            Self::List(words) => {
                words.is_empty() || value.is_empty() || value.split(',').all(|word| words.contains(&word))
            }
        };
        if fits { Ok(()) } else { Err(format!("it takes {self}")) }
    }
}

impl Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => formatter.write_str("true or false"),
            Self::Integer(i64::MIN, i64::MAX) => formatter.write_str("a whole number"),
            Self::Integer(min, i64::MAX) => write!(formatter, "a whole number from {min}"),
            Self::Integer(min, max) => write!(formatter, "a whole number from {min} to {max}"),
            Self::Fraction(min, max) => write!(formatter, "a number from {min} to {max}"),
            Self::Choice(words) => write!(formatter, "one of {}", words.join(", ")),
            Self::List([]) => formatter.write_str("words with commas between"),
            Self::List(words) => write!(formatter, "any of {}, with commas between", words.join(", ")),
        }
    }
}

impl Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.0, self.1)
    }
}

fn find(name: &str) -> Option<&'static Key> {
    KEYS.binary_search_by(|key| key.name.cmp(name)).ok().and_then(|index| KEYS.get(index))
}

fn lives(key: &Key, version: Option<Version>) -> bool {
    match (key.until, version) {
        (Some(until), Some(version)) => version < until,
        _ => true,
    }
}

/// `{"version": "4.3"}`, also `4.3.1`.
fn version_of(facts: &Value) -> Option<Version> {
    let mut parts = facts.get("version")?.as_str()?.split(|sign: char| !sign.is_ascii_digit());
    Some(Version(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The key with the fewest letters to change, if these are few.
fn nearest(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase().replace(['_', '-'], ".");
    let ranked = KEYS.iter().map(|key| (distance(&lower, key.name), key.name));
    ranked.min().filter(|(distance, _)| *distance <= 2 + name.len() / 5).map(|(_, key)| key)
}

/// Letters to add, drop or change (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.bytes().enumerate() {
        let mut left = index + 1;
        let mut above_left = index;
        for (place, other) in row.iter_mut().skip(1).zip(to.bytes()) {
            let changed = above_left + usize::from(letter != other);
            above_left = *place;
            left = changed.min(left + 1).min(*place + 1);
            *place = left;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;

    use super::*;

    fn wrong(name: &str, value: &str, facts: &Value) -> String {
        match check(name, value, facts) {
            Err(Fault::Wrong(message) | Fault::Doubtful(message)) => message,
            Ok(()) => String::new(),
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(KEYS.is_sorted_by_key(|key| key.name));
    }

    #[test]
    fn values_are_checked() {
        let facts = json!({"version": "4.3"});
        for (name, value) in [
            ("retention.ms", "-1"),
            ("cleanup.policy", "compact,delete"),
            ("min.cleanable.dirty.ratio", "0.5"),
            ("preallocate", "true"),
            ("compression.type", "zstd"),
        ] {
            assert_eq!(check(name, value, &facts), Ok(()));
        }
        assert_eq!(
            wrong("retention.ms", "soon", &facts),
            "retention.ms is \"soon\": it takes a whole number from -1"
        );
        assert_eq!(
            wrong("cleanup.policy", "compact,remove", &facts),
            "cleanup.policy is \"compact,remove\": it takes any of compact, delete, with commas between"
        );
        assert_eq!(
            wrong("min.insync.replicas", "0", &facts),
            "min.insync.replicas is \"0\": it takes a whole number from 1 to 2147483647"
        );
    }

    #[test]
    fn a_misspelt_key_finds_its_neighbour() {
        let facts = json!({"version": "4.3"});
        assert_eq!(
            wrong("retention_ms", "1", &facts),
            "retention_ms is no configuration key of topics: did you mean retention.ms?"
        );
        assert!(wrong("min.insync.replica", "1", &facts).ends_with("did you mean min.insync.replicas?"));
        assert_eq!(wrong("colour", "red", &facts), "colour is no configuration key of topics");
    }

    #[test]
    fn versions_decide() {
        let old = json!({"version": "3.9.1"});
        assert_eq!(check("message.downconversion.enable", "true", &old), Ok(()));
        assert!(
            wrong("message.downconversion.enable", "true", &json!({"version": "4.0"}))
                .contains("gone since Kafka 4.0")
        );
        assert!(matches!(check("brand.new", "1", &json!({"version": "4.4"})), Err(Fault::Doubtful(_))));
        assert!(matches!(check("brand.new", "1", &Value::Null), Err(Fault::Wrong(_))));
    }

    #[test]
    fn values_have_one_way_of_writing() {
        assert_eq!(normal("cleanup.policy", " compact , delete "), "compact,delete");
        assert_eq!(normal("retention.ms", "007"), "7");
        assert_eq!(normal("min.cleanable.dirty.ratio", "1.0"), "1");
        assert_eq!(normal("preallocate", "TRUE"), "true");
        assert_eq!(normal("unknown.key", " x "), "x");
    }
}
