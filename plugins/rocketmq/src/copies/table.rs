//! The table of objects in a master's answer, read in one pass: of what nobody wants nothing is made.

use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

use headgate_sdk::json::{self, Value};
use headgate_sdk::{Error, Result};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::Object;
use crate::fields::text::SpecText;
use crate::wire::loose;

/// What stays of each object.
pub(crate) trait Keep {
    type Kept;

    /// None lets it go.
    fn keep<'de, D: Deserializer<'de>>(
        &self,
        name: &str,
        object: D,
    ) -> std::result::Result<Option<Self::Kept>, D::Error>;
}

/// That it is there.
pub(crate) struct Names;

/// That those among these are there.
pub(crate) struct NamesAmong<'a>(pub(crate) BTreeSet<&'a str>);

/// Those among these, whole.
pub(super) struct Objects<'a>(pub(super) &'a BTreeSet<&'a str>);

/// Each as a wish would say it.
pub(super) struct Specs(pub(super) SpecText);

impl Keep for Names {
    type Kept = ();

    fn keep<'de, D: Deserializer<'de>>(
        &self,
        _: &str,
        object: D,
    ) -> std::result::Result<Option<()>, D::Error> {
        IgnoredAny::deserialize(object).map(|_| Some(()))
    }
}

impl Keep for NamesAmong<'_> {
    type Kept = ();

    fn keep<'de, D: Deserializer<'de>>(
        &self,
        name: &str,
        object: D,
    ) -> std::result::Result<Option<()>, D::Error> {
        IgnoredAny::deserialize(object).map(|_| self.0.contains(name).then_some(()))
    }
}

impl Keep for Objects<'_> {
    type Kept = Object;

    fn keep<'de, D: Deserializer<'de>>(
        &self,
        name: &str,
        object: D,
    ) -> std::result::Result<Option<Object>, D::Error> {
        if self.0.contains(name) {
            Object::deserialize(object).map(Some)
        } else {
            IgnoredAny::deserialize(object).map(|_| None)
        }
    }
}

impl Keep for Specs {
    type Kept = Rc<str>;

    fn keep<'de, D: Deserializer<'de>>(
        &self,
        _: &str,
        object: D,
    ) -> std::result::Result<Option<Rc<str>>, D::Error> {
        self.0.read(object).map(Some)
    }
}

/// What one answer told.
#[derive(Debug)]
pub(super) struct Table<T> {
    /// As it is sent back with the next question.
    pub(super) version: String,
    /// All objects, those that nobody wants as well.
    pub(super) told: u64,
    pub(super) kept: Vec<(String, T)>,
}

/// None where the answer holds no such table.
pub(super) fn read<K: Keep>(body: &[u8], table: &str, keep: &K) -> Result<Option<Table<K::Kept>>> {
    let mut strict = serde_json::Deserializer::from_slice(body);
    if let Ok(read) = (Whole { table, keep }).deserialize(&mut strict)
        && strict.end().is_ok()
    {
        return Ok(read);
    }
    // Nearly JSON, or a table with something else among its objects, which is passed over.
    let mut whole = loose::parse(body)?;
    if let Some(Value::Object(objects)) = whole.get_mut(table) {
        objects.retain(|_, object| object.is_object());
    }
    Whole { table, keep }.deserialize(whole).map_err(|error| Error::protocol(error.to_string()))
}

struct Whole<'a, K> {
    table: &'a str,
    keep: &'a K,
}

impl<'de, K: Keep> DeserializeSeed<'de> for Whole<'_, K> {
    type Value = Option<Table<K::Kept>>;

    fn deserialize<D: Deserializer<'de>>(self, whole: D) -> std::result::Result<Self::Value, D::Error> {
        whole.deserialize_map(self)
    }
}

impl<'de, K: Keep> Visitor<'de> for Whole<'_, K> {
    type Value = Option<Table<K::Kept>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let (mut version, mut found) = (String::new(), None);
        while let Some(key) = map.next_key::<String>()? {
            if key == self.table {
                found = Some(map.next_value_seed(Rows(self.keep))?);
            } else if key == "dataVersion" {
                version = json::text(&map.next_value::<Value>()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found.map(|(told, kept)| Table { version, told, kept }))
    }
}

struct Rows<'a, K>(&'a K);

impl<'de, K: Keep> DeserializeSeed<'de> for Rows<'_, K> {
    type Value = (u64, Vec<(String, K::Kept)>);

    fn deserialize<D: Deserializer<'de>>(self, rows: D) -> std::result::Result<Self::Value, D::Error> {
        rows.deserialize_map(self)
    }
}

impl<'de, K: Keep> Visitor<'de> for Rows<'_, K> {
    type Value = (u64, Vec<(String, K::Kept)>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let (mut told, mut kept) = (0, Vec::new());
        while let Some(name) = map.next_key::<String>()? {
            told += 1;
            if let Some(object) = map.next_value_seed(One { name: &name, keep: self.0 })? {
                kept.push((name, object));
            }
        }
        Ok((told, kept))
    }
}

struct One<'a, K> {
    name: &'a str,
    keep: &'a K,
}

impl<'de, K: Keep> DeserializeSeed<'de> for One<'_, K> {
    type Value = Option<K::Kept>;

    fn deserialize<D: Deserializer<'de>>(self, object: D) -> std::result::Result<Self::Value, D::Error> {
        self.keep.keep(self.name, object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields;

    const BODY: &str = r#"{"dataVersion": {"counter": 3}, "other": [1],
        "topicConfigTable": {"a": {"perm": 6, "order": true}, "b": {"perm": 4}}}"#;

    fn names<T>(table: Table<T>) -> Vec<String> {
        table.kept.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn what_is_wanted_stays_and_all_is_counted() {
        let wanted = BTreeSet::from(["b", "z"]);
        let table = read(BODY.as_bytes(), "topicConfigTable", &Objects(&wanted)).unwrap().unwrap();
        assert_eq!((table.version.as_str(), table.told), (r#"{"counter":3}"#, 2));
        assert_eq!(table.kept, [("b".to_owned(), json::json!({"perm": 4}).as_object().unwrap().clone())]);
        let table = read(BODY.as_bytes(), "topicConfigTable", &Names).unwrap().unwrap();
        assert_eq!(names(table), ["a", "b"]);
        let table = read(BODY.as_bytes(), "topicConfigTable", &NamesAmong(wanted)).unwrap().unwrap();
        assert_eq!((table.told, names(table)), (2, vec!["b".to_owned()]));
    }

    #[test]
    fn what_is_only_nearly_json_is_read_too() {
        let specs = Specs(SpecText::of(fields::TOPIC));
        let body = r#"{"topicConfigTable": {"a": {"perm": 6, "queues": {0: 1}}, "b": 7, "c": {}}}"#;
        let table = read(body.as_bytes(), "topicConfigTable", &specs).unwrap().unwrap();
        let expected = [("a", r#"{"permission":"RW"}"#), ("c", "{}")];
        assert_eq!(table.kept, expected.map(|(name, spec)| (name.to_owned(), Rc::from(spec))));
    }

    #[test]
    fn an_answer_without_the_table_has_none() {
        assert!(read(b"{}", "topicConfigTable", &Names).unwrap().is_none());
        for bad in ["[]", "7", "{", r#"{"topicConfigTable": []}"#, r#"{"topicConfigTable": {}} x"#] {
            assert!(read(bad.as_bytes(), "topicConfigTable", &Names).is_err(), "{bad} was taken");
        }
    }
}
