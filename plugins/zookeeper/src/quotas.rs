//! Quotas: limits on the znodes and bytes of a subtree, which ZooKeeper keeps as znodes of its own below `/zookeeper/quota`.

use headgate_sdk::json::{self, Map, Value};
use headgate_sdk::{Error, ErrorKind, Lookup, Place, Resource, ResourceKey, Result};

use crate::ensemble::Ensemble;
use crate::types::QUOTA;
use crate::wire::{CHILDREN, DATA};
use crate::znodes::child;

const ROOT: &str = "/zookeeper/quota";
const LIMITS: &str = "zookeeper_limits";
const STATS: &str = "zookeeper_stats";

/// Znodes below the root that are looked at: a path to each quota, and two for itself.
const VISITED_MAX: usize = 10_000;

/// Our names for ZooKeeper's.
const LIMIT_KEYS: [(&str, &str); 4] = [
    ("znodes_soft", "count"),
    ("znodes_hard", "countHardLimit"),
    ("bytes_soft", "bytes"),
    ("bytes_hard", "byteHardLimit"),
];
const USED_KEYS: [(&str, &str); 2] = [("znodes_used", "count"), ("bytes_used", "bytes")];

/// In bytewise order of path.
pub(crate) fn list(ensemble: &mut Ensemble) -> Result<Vec<Resource>> {
    ensemble.catch_up()?;
    let mut paths = Vec::new();
    let (mut level, mut visited) = (vec![ROOT.to_owned()], 0);
    while !level.is_empty() {
        visited += level.len();
        if visited > VISITED_MAX {
            let message = format!("below {ROOT} are more than {VISITED_MAX} znodes: they are not listed");
            return Err(Error::new(ErrorKind::Exhausted, message));
        }
        let mut next = Vec::new();
        for (parent, names) in level.iter().zip(ensemble.ask(&CHILDREN, &level)?) {
            // It went away meanwhile. What may not be read fails the listing, or its quotas would look as if they were gone.
            let names = names.or_else(|error| absent(error, Vec::new()))?;
            if names.iter().any(|name| name == LIMITS) {
                paths.extend(parent.strip_prefix(ROOT).map(str::to_owned));
            }
            let deeper = names.iter().filter(|name| *name != LIMITS && *name != STATS);
            next.extend(deeper.map(|name| child(parent, name)));
        }
        level = next;
    }
    paths.sort_unstable();
    let limits = ensemble.ask(&DATA, &kept(&paths, LIMITS))?;
    let each = paths.iter().zip(limits).map(|(path, limits)| resource(path, limits, Map::new()));
    each.filter_map(Result::transpose).collect()
}

/// With what is used of each.
pub(crate) fn get(ensemble: &mut Ensemble, paths: &[String]) -> Result<Vec<Lookup>> {
    ensemble.catch_up()?;
    let limits = ensemble.ask(&DATA, &kept(paths, LIMITS))?;
    let used = ensemble.ask(&DATA, &kept(paths, STATS))?;
    let lookup = |((path, limits), used): ((&String, _), Result<Vec<u8>>)| {
        let used = numbers(&used.unwrap_or_default(), &USED_KEYS);
        match resource(path, limits, used) {
            Ok(Some(found)) => Lookup::Found(found),
            Ok(None) => Lookup::Absent,
            Err(error) => Lookup::Failed(error),
        }
    };
    Ok(paths.iter().zip(limits).zip(used).map(lookup).collect())
}

fn kept(paths: &[String], name: &str) -> Vec<String> {
    paths.iter().map(|path| format!("{ROOT}{path}/{name}")).collect()
}

fn absent<T>(error: Error, nothing: T) -> Result<T> {
    match error.kind {
        ErrorKind::NotFound | ErrorKind::InvalidArgument => Ok(nothing),
        _ => Err(error),
    }
}

/// None for what is not there; limits that may not be read are not known.
fn resource(path: &str, limits: Result<Vec<u8>>, status: Map<String, Value>) -> Result<Option<Resource>> {
    let (spec, partial) = match limits {
        Ok(limits) => (numbers(&limits, &LIMIT_KEYS), false),
        Err(error) if error.kind == ErrorKind::PermissionDenied => (Map::new(), true),
        Err(error) => return absent(error, None),
    };
    Ok(Some(Resource {
        key: ResourceKey { metadata_type: QUOTA.to_owned(), id: path.to_owned(), place: Place::Cluster },
        revision: None,
        incarnation: None,
        spec: json::text(&Value::Object(spec)),
        effective: None,
        status: json::text(&Value::Object(status)),
        internal: false,
        partial,
        extra: None,
    }))
}

/// `count=10,bytes=-1=;byteHardLimit=5000;countHardLimit=-1`, under our names. Below zero there is no limit.
fn numbers(text: &[u8], keys: &[(&str, &str)]) -> Map<String, Value> {
    let text = String::from_utf8_lossy(text);
    let parts = text.split([',', ';']).filter_map(|part| part.split_once('='));
    let number = |(key, value): (&str, &str)| {
        let (name, _) = keys.iter().find(|(_, theirs)| *theirs == key.trim())?;
        let value: u64 = value.trim_end_matches('=').trim().parse().ok()?;
        Some(((*name).to_owned(), value.into()))
    };
    parts.filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, keys: &[(&str, &str)]) -> String {
        Value::Object(numbers(text.as_bytes(), keys)).to_string()
    }

    #[test]
    fn limits_are_read_as_every_release_writes_them() {
        let hard = "count=10,bytes=-1=;byteHardLimit=5000;countHardLimit=-1";
        assert_eq!(read(hard, &LIMIT_KEYS), r#"{"bytes_hard":5000,"znodes_soft":10}"#);
        assert_eq!(read("count=-1,bytes=7", &LIMIT_KEYS), r#"{"bytes_soft":7}"#);
        assert_eq!(read("count=3,bytes=40", &USED_KEYS), r#"{"bytes_used":40,"znodes_used":3}"#);
        for odd in ["", "count", "count=,bytes=x", "=;=,", "count=99999999999999999999"] {
            assert_eq!(read(odd, &LIMIT_KEYS), "{}", "{odd}");
        }
    }
}
