//! Users with their roles, and roles with their permissions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headgate_sdk::json::{Map, Value, json};
use headgate_sdk::{Error, ErrorKind, Lookup, Resource, Result};

use crate::fields;
use crate::gateway::Gateway;
use crate::types::{self, LISTED_MAX, ROLE, USER};

/// Whoever has it may do all; it cannot be changed.
const ROOT: &str = "root";

/// One of the two.
pub(crate) struct Access {
    metadata_type: &'static str,
    list: (&'static str, &'static str),
    get: (&'static str, &'static str),
    spec: fn(&Value) -> Value,
}

pub(crate) const USERS: Access = Access {
    metadata_type: USER,
    list: ("auth/user/list", "/users"),
    get: ("auth/user/get", "name"),
    spec: |answer| json!({"roles": sorted(fields::texts(answer, "/roles"))}),
};

pub(crate) const ROLES: Access = Access {
    metadata_type: ROLE,
    list: ("auth/role/list", "/roles"),
    get: ("auth/role/get", "role"),
    spec: |answer| json!({"permissions": fields::items(answer, "/perm").iter().map(permission).collect::<Vec<_>>()}),
};

impl Access {
    /// In bytewise order.
    pub(crate) fn names(&self, gateway: &mut Gateway) -> Result<Vec<String>> {
        let names = sorted(fields::texts(&gateway.ask(self.list.0, &json!({}))?, self.list.1));
        if names.len() > LISTED_MAX {
            let message = format!(
                "{} {}s are more than the {LISTED_MAX} that are listed",
                names.len(),
                self.metadata_type
            );
            return Err(Error::new(ErrorKind::Exhausted, message));
        }
        Ok(names)
    }

    pub(crate) fn get(&self, gateway: &mut Gateway, names: &[String]) -> Result<Vec<Lookup>> {
        let bodies: Vec<Value> = names.iter().map(|name| json!({self.get.1: name})).collect();
        let answers = gateway.ask_all(self.get.0, &bodies)?;
        let lookup = |(name, answer): (&String, Result<Value>)| match answer {
            Ok(answer) => Lookup::Found(self.resource(name, &answer)),
            Err(error) if error.kind == ErrorKind::NotFound => Lookup::Absent,
            Err(error) => Lookup::Failed(error),
        };
        Ok(names.iter().zip(answers).map(lookup).collect())
    }

    fn resource(&self, name: &str, answer: &Value) -> Resource {
        let resource = types::resource(self.metadata_type, name, &(self.spec)(answer), Map::new());
        Resource { internal: self.metadata_type == ROLE && name == ROOT, ..resource }
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names
}

/// What the rights are is left out by the gateway where they are the first of them, to read.
fn permission(told: &Value) -> Value {
    let rights = fields::text(told, "/permType").unwrap_or("READ").to_lowercase();
    let (key, end) = (bytes(told, "/key"), bytes(told, "/range_end"));
    let (scope, key, end) = match (key.as_slice(), end.as_slice()) {
        (_, []) => ("key", key, None),
        ([] | [0], [0]) => ("prefix", Vec::new(), None),
        (_, [0]) => ("from-key", key, None),
        (start, end) if after(start) == end => ("prefix", key, None),
        (_, _) => ("range", key, Some(end)),
    };
    let mut shown = json!({"rights": rights, "scope": scope, "key": text(&key)});
    if let (Some(end), Some(object)) = (end, shown.as_object_mut()) {
        object.insert("end".to_owned(), text(&end).into());
    }
    shown
}

/// The first key behind all that begin with this one.
fn after(prefix: &[u8]) -> Vec<u8> {
    let kept = prefix.iter().rposition(|byte| *byte < u8::MAX).map_or(0, |last| last + 1);
    let mut end: Vec<u8> = prefix.iter().take(kept).copied().collect();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

fn bytes(told: &Value, pointer: &str) -> Vec<u8> {
    STANDARD.decode(fields::text(told, pointer).unwrap_or_default()).unwrap_or_default()
}

/// Keys are bytes; those that are no text are shown with escapes.
fn text(key: &[u8]) -> String {
    std::str::from_utf8(key).map_or_else(|_| key.escape_ascii().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rights: Option<&str>, key: &[u8], end: &[u8]) -> String {
        let told =
            json!({"permType": rights, "key": STANDARD.encode(key), "range_end": STANDARD.encode(end)});
        permission(&told).to_string()
    }

    #[test]
    fn a_permission_is_shown_as_it_was_granted() {
        let expect =
            |scope: &str, key: &str| format!(r#"{{"key":"{key}","rights":"read","scope":"{scope}"}}"#);
        assert_eq!(shown(None, b"/one", b""), expect("key", "/one"));
        assert_eq!(shown(None, b"/app/", b"/app0"), expect("prefix", "/app/"));
        assert_eq!(shown(None, b"a\xff", b"b"), expect("prefix", r"a\\xff"));
        assert_eq!(shown(None, b"/z", b"\0"), expect("from-key", "/z"));
        assert_eq!(shown(None, b"\0", b"\0"), expect("prefix", ""));
        let range = r#"{"end":"c","key":"a","rights":"readwrite","scope":"range"}"#;
        assert_eq!(shown(Some("READWRITE"), b"a", b"c"), range);
        assert_eq!(permission(&json!({"key": "?", "range_end": 7})).to_string(), expect("key", ""));
    }
}
