//! Whether the world has moved since a plan was made, in what the plan touches.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::fields;
use crate::domain::plan::{Base, Plan};
use crate::domain::resource::{Lookup, Observed, ResourceKey};

/// Why the plan's base no longer holds; `None`: it does. A failed look proves nothing and is the caller's to handle.
pub fn stale(plan: &Plan, now: &BTreeMap<ResourceKey, Lookup>) -> Option<String> {
    plan.base.iter().find_map(|base| {
        let what = moved(base, now.get(&base.key)?)?;
        Some(format!(
            "{} `{}` {what} since the plan was made; plan again",
            base.key.metadata_type, base.key.id
        ))
    })
}

/// What became of one resource since its base was taken.
pub(super) fn moved(base: &Base, lookup: &Lookup) -> Option<String> {
    match (&base.observed, lookup) {
        (_, Lookup::Failed(_)) | (None, Lookup::Absent) => None,
        (None, Lookup::Found(_)) => Some("appeared".to_owned()),
        (Some(_), Lookup::Absent) => Some("is gone".to_owned()),
        (Some(observed), Lookup::Found(found)) => changed(base, observed, found),
    }
}

fn changed(base: &Base, observed: &Value, found: &Observed) -> Option<String> {
    if let (Some(was), Some(is)) = (&base.incarnation, &found.incarnation)
        && was != is
    {
        return Some("was deleted and made again".to_owned());
    }
    base.fields.iter().find_map(|path| {
        let (was, is) = (value(observed, path), value(&found.spec, path));
        // What was not read this time is not known to have changed.
        let is_unread = found.partial && is.is_none();
        (was != is && !is_unread).then(|| format!("changed in {path} ({} → {})", shown(was), shown(is)))
    })
}

fn value<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    fields::at(document, path).filter(|value| !value.is_null())
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "default".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
