//! Values of settings in the one form in which Redis tells them: bytes as a number, words in lower case, flags in their order.

/// Settings of bytes, which Redis takes as `64mb` as well.
const BYTES: [&str; 14] = [
    "active-defrag-ignore-bytes",
    "auto-aof-rewrite-min-size",
    "client-query-buffer-limit",
    "cluster-link-sendbuf-limit",
    "hash-max-listpack-value",
    "hash-max-ziplist-value",
    "hll-sparse-max-bytes",
    "loading-process-events-interval-bytes",
    "maxmemory",
    "proto-max-bulk-len",
    "repl-backlog-size",
    "stream-node-max-bytes",
    "zset-max-listpack-value",
    "zset-max-ziplist-value",
];

/// Settings of one word of several.
const WORDS: [&str; 11] = [
    "acl-pubsub-default",
    "appendfsync",
    "cluster-preferred-endpoint-type",
    "loglevel",
    "maxmemory-policy",
    "oom-score-adj",
    "propagation-error-behavior",
    "repl-diskless-load",
    "sanitize-dump-payload",
    "tls-auth-clients",
    "tls-protocols",
];

pub(crate) const OUTPUT_LIMITS: &str = "client-output-buffer-limit";
const EVENTS: &str = "notify-keyspace-events";
const CLIENT_MEMORY: &str = "maxmemory-clients";

/// As Redis tells them, in its order.
const CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];
const EVENT_KINDS: &str = "g$lshzxetd";

/// What is not understood stays for the check.
pub(crate) fn normal(key: &str, value: &str) -> String {
    let normal = match key {
        OUTPUT_LIMITS => output_limits(value).ok(),
        EVENTS => events(value),
        CLIENT_MEMORY => bytes(value).map(|bytes| bytes.to_string()),
        key if BYTES.contains(&key) => bytes(value).map(|bytes| bytes.to_string()),
        key if WORDS.contains(&key) => Some(value.trim().to_ascii_lowercase()),
        _ => switch(value),
    };
    normal.unwrap_or_else(|| value.to_owned())
}

/// What is wrong with a value, where that can be told without the server.
pub(crate) fn fault(key: &str, value: &str) -> Option<String> {
    match key {
        OUTPUT_LIMITS => output_limits(value).err(),
        EVENTS if events(value).is_none() => {
            Some(format!("{key} is made of letters out of KE{EVENT_KINDS}mnA, not {value:?}"))
        }
        // Redis takes it, and does not tell it.
        EVENTS if value.contains('A') && value.contains('n') => {
            Some(format!("{key}: beside A, Redis does not say whether n is set: leave it out"))
        }
        key if BYTES.contains(&key) && bytes(value).is_none() => {
            Some(format!("{key} is a number of bytes, as 67108864 or 64mb, not {value:?}"))
        }
        _ => None,
    }
}

/// Redis' own units: `k` is 1,000 and `kb` is 1,024.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let factor: u64 = match unit {
        "" | "b" => 1,
        "k" => 1_000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Documents say true and false.
fn switch(value: &str) -> Option<String> {
    let word = match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => "yes",
        "no" | "false" => "no",
        _ => return None,
    };
    Some(word.to_owned())
}

/// `CLASS HARD SOFT SECONDS` for each class. A class that is left out keeps what it has, so that the wish would say less
/// than counts.
fn output_limits(value: &str) -> Result<String, String> {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    let mut limits: Vec<(usize, String)> = Vec::new();
    for limit in words.chunks(4) {
        let [class, hard, soft, seconds] = limit else {
            return Err(format!("{OUTPUT_LIMITS} is CLASS HARD SOFT SECONDS for each class, not {value:?}"));
        };
        let class = if class.eq_ignore_ascii_case("replica") {
            "slave".to_owned()
        } else {
            class.to_ascii_lowercase()
        };
        let place = CLASSES.iter().position(|known| *known == class);
        let numbers = bytes(hard).zip(bytes(soft)).zip(seconds.parse::<u64>().ok());
        match (place, numbers) {
            (Some(place), Some(((hard, soft), seconds))) => {
                limits.push((place, format!("{class} {hard} {soft} {seconds}")));
            }
            (None, _) => {
                return Err(format!("{OUTPUT_LIMITS} has no class {class}: normal, replica, pubsub"));
            }
            (_, None) => return Err(format!("{} holds no limits of bytes and seconds", limit.join(" "))),
        }
    }
    limits.sort_unstable();
    let places: Vec<usize> = limits.iter().map(|(place, _)| *place).collect();
    if places != [0, 1, 2] {
        return Err(format!("{OUTPUT_LIMITS} names each of normal, replica and pubsub once"));
    }
    Ok(limits.into_iter().map(|(_, limit)| limit).collect::<Vec<_>>().join(" "))
}

/// `A` stands for all kinds but keys that were missed (`m`) and new ones (`n`).
fn events(value: &str) -> Option<String> {
    let value = value.trim();
    if !value.chars().all(|sign| EVENT_KINDS.contains(sign) || "KEAmn".contains(sign)) {
        return None;
    }
    let has = |sign: char| value.contains(sign);
    let all = has('A') || EVENT_KINDS.chars().all(has);
    let kinds = if all { "A".to_owned() } else { EVENT_KINDS.chars().filter(|sign| has(*sign)).collect() };
    Some(kinds + &"nKEm".chars().filter(|sign| has(*sign)).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str, expected: &str) {
        let once = normal(key, value);
        assert_eq!(once, expected, "{key} {value}");
        assert_eq!(normal(key, &once), once, "done twice, it changes nothing");
    }

    #[test]
    fn values_have_the_form_in_which_redis_tells_them() {
        check("maxmemory", "64MB", "67108864");
        check("maxmemory", "1k", "1000");
        check("maxmemory", "many", "many");
        check("maxmemory-clients", "5%", "5%");
        check("maxmemory-policy", "AllKeys-LRU", "allkeys-lru");
        check("activerehashing", "YES", "yes");
        check("activedefrag", "false", "no");
        check("save", "3600 1", "3600 1");
        check(
            OUTPUT_LIMITS,
            "pubsub 32mb 8mb 60 normal 0 0 0 replica 256mb 64mb 60",
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        );
        check("notify-keyspace-events", "EKA", "AKE");
        check("notify-keyspace-events", "KEtlgnm$", "g$ltnKEm");
        check("notify-keyspace-events", "", "");
    }

    #[test]
    fn what_is_not_understood_is_told() {
        for (key, value) in [
            ("maxmemory", "many"),
            ("maxmemory", "99999999999gb"),
            (OUTPUT_LIMITS, "normal 0 0 0"),
            (OUTPUT_LIMITS, "normal 0 0 0 odd 0 0 0 pubsub 0 0 0"),
            (OUTPUT_LIMITS, "normal 0 0"),
            ("notify-keyspace-events", "Q"),
            ("notify-keyspace-events", "AKn"),
        ] {
            assert!(fault(key, value).is_some(), "{key} {value} was taken");
        }
        assert_eq!(fault("maxmemory", "64mb"), None);
        assert_eq!(fault("timeout", "anything"), None);
    }
}
