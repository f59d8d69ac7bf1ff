//! Fields of a document: the leaves of its objects, named by JSON Pointers.
//!
//! Arrays are leaves: they are compared and replaced whole. An empty object has no leaf: it speaks of nothing.

use serde_json::{Map, Value};

/// Every leaf with its JSON Pointer, in the order of the document's keys. A bare scalar or array is one leaf, named "".
pub fn leaves(document: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    walk(document, &mut String::new(), &mut found);
    found
}

fn walk<'a>(value: &'a Value, path: &mut String, found: &mut Vec<(String, &'a Value)>) {
    let Value::Object(keys) = value else {
        found.push((path.clone(), value));
        return;
    };
    if is_secret(value) {
        found.push((path.clone(), value));
        return;
    }
    for (key, inner) in keys {
        let length = path.len();
        path.push('/');
        path.push_str(&escape(key));
        walk(inner, path, found);
        path.truncate(length);
    }
}

/// `{"$secret": …}`: a reference, with its version. One leaf, never observed.
pub fn is_secret(value: &Value) -> bool {
    value.as_object().is_some_and(|keys| keys.contains_key("$secret"))
}

pub fn at<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = document;
    for key in segments(path) {
        value = value.as_object()?.get(&key)?;
    }
    Some(value)
}

/// Puts the value there. What lies in the way and is no object is replaced by one.
pub fn set(document: &mut Value, path: &str, value: Value) {
    let mut place = document;
    for key in segments(path) {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(keys) = place else { return };
        place = keys.entry(key).or_insert(Value::Null);
    }
    *place = value;
}

/// Takes the value out, and the objects that are empty without it. `None`: it was not there.
pub fn remove(document: &mut Value, path: &str) -> Option<Value> {
    let keys: Vec<String> = segments(path).collect();
    remove_below(document, &keys)
}

fn remove_below(value: &mut Value, keys: &[String]) -> Option<Value> {
    let (first, rest) = keys.split_first()?;
    let object = value.as_object_mut()?;
    if rest.is_empty() {
        return object.remove(first);
    }
    let inner = object.get_mut(first)?;
    let removed = remove_below(inner, rest)?;
    if inner.as_object().is_some_and(Map::is_empty) {
        object.remove(first);
    }
    Some(removed)
}

/// A document of only those paths that are there.
pub fn pick(document: &Value, paths: &[impl AsRef<str>]) -> Value {
    let mut picked = Value::Object(Map::new());
    for path in paths {
        if let Some(value) = at(document, path.as_ref()) {
            set(&mut picked, path.as_ref(), value.clone());
        }
    }
    picked
}

/// Lays the leaves of one document over another: what `over` does not speak of stays.
pub fn overlay(under: &Value, over: &Value) -> Value {
    let mut document = under.clone();
    for (path, value) in leaves(over) {
        set(&mut document, &path, value.clone());
    }
    document
}

/// The JSON Pointers of all leaves.
pub fn paths(document: &Value) -> Vec<String> {
    leaves(document).into_iter().map(|(path, _)| path).collect()
}

/// Whether the pointer is what the pattern names or lies below it; `*` in a pattern is any one key.
pub fn matches(pattern: &str, path: &str) -> bool {
    let mut keys = segments(path);
    segments(pattern).all(|wanted| keys.next().is_some_and(|key| wanted == "*" || wanted == key))
}

fn segments(path: &str) -> impl Iterator<Item = String> + '_ {
    path.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~"))
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn leaves_are_scalars_arrays_and_secrets_but_no_objects() {
        let document =
            json!({"a": {"b": 1, "c/d": [1, 2], "e": {}}, "f": null, "g": {"$secret": "x", "version": 2}});
        let found: Vec<String> = paths(&document);
        assert_eq!(found, ["/a/b", "/a/c~1d", "/f", "/g"]);
        assert_eq!(at(&document, "/a/c~1d"), Some(&json!([1, 2])));
    }

    #[test]
    fn what_is_set_can_be_removed_without_a_trace() {
        let mut document = json!({"keep": 1});
        set(&mut document, "/config/x~1y", json!("v"));
        assert_eq!(document, json!({"keep": 1, "config": {"x/y": "v"}}));
        assert_eq!(remove(&mut document, "/config/x~1y"), Some(json!("v")));
        assert_eq!(remove(&mut document, "/config/x~1y"), None);
        assert_eq!(document, json!({"keep": 1}));
    }

    #[test]
    fn an_overlay_keeps_what_it_does_not_speak_of() {
        let under = json!({"partitions": 3, "config": {"a": "1", "b": "2"}});
        assert_eq!(
            overlay(&under, &json!({"config": {"b": null, "c": "3"}})),
            json!({"partitions": 3, "config": {"a": "1", "b": null, "c": "3"}})
        );
        assert_eq!(pick(&under, &["/config/a", "/missing"]), json!({"config": {"a": "1"}}));
    }

    #[test]
    fn a_star_stands_for_one_key_and_a_pattern_covers_what_lies_below() {
        assert!(matches("/config/*", "/config/retention.ms"));
        assert!(matches("/config", "/config/retention.ms"));
        assert!(matches("", "/anything"));
        assert!(!matches("/config/*", "/config"));
        assert!(!matches("/config/a", "/config/b"));
    }
}
