//! A value as a file holds it, each part with its line: what JSON's own value forgets.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, Spanned};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// From 1; 0 where the format tells none.
    pub(super) line: u64,
    /// Bytes of the source that the value was written in.
    pub(super) source: Option<(u64, u64)>,
    pub(super) branch: Branch,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Branch {
    Leaf(Value),
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<Entry>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: u64,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn of_value(value: Value, line: u64) -> Self {
        let branch = match value {
            Value::Array(items) => {
                Branch::List(items.into_iter().map(|item| Self::of_value(item, line)).collect())
            }
            Value::Object(map) => Branch::Map(
                map.into_iter()
                    .map(|(key, value)| Entry { key, line, value: Self::of_value(value, line) })
                    .collect(),
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Branch::Leaf(value),
        };
        Self { line, source: None, branch }
    }

    pub(super) fn to_value(&self) -> Value {
        match &self.branch {
            Branch::Leaf(value) => value.clone(),
            Branch::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Branch::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// The line of what a JSON Pointer names, or of the nearest part above it that is there.
    pub(super) fn line_at(&self, pointer: &str) -> u64 {
        let (mut node, mut line) = (self, self.line);
        for token in pointer.split('/').skip(1) {
            let name = token.replace("~1", "/").replace("~0", "~");
            let below = match &node.branch {
                Branch::Leaf(_) => None,
                Branch::List(items) => name
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| items.get(index))
                    .map(|item| (item.line, item)),
                Branch::Map(entries) => {
                    entries.iter().find(|entry| entry.key == name).map(|entry| (entry.line, &entry.value))
                }
            };
            let Some(below) = below else { break };
            (line, node) = below;
        }
        line
    }

    /// Every leaf below, with its pointer.
    pub(super) fn leaves(&self) -> Vec<(String, &Node)> {
        let mut found = Vec::new();
        self.collect(String::new(), &mut found);
        found
    }

    fn collect<'a>(&'a self, pointer: String, found: &mut Vec<(String, &'a Node)>) {
        match &self.branch {
            Branch::Leaf(_) => found.push((pointer, self)),
            Branch::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    item.collect(format!("{pointer}/{index}"), found);
                }
            }
            Branch::Map(entries) => {
                for entry in entries {
                    let token = entry.key.replace('~', "~0").replace('/', "~1");
                    entry.value.collect(format!("{pointer}/{token}"), found);
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Branch>::deserialize(deserializer)?;
        let source = source_of(&spanned.defined);
        Ok(Self { line: spanned.referenced.line(), source, branch: spanned.value })
    }
}

fn source_of(location: &Location) -> Option<(u64, u64)> {
    let span = location.span();
    Some((span.byte_offset()?, span.byte_len()?))
}

impl<'de> Deserialize<'de> for Branch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BranchVisitor)
    }
}

struct BranchVisitor;

impl<'de> Visitor<'de> for BranchVisitor {
    type Value = Branch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Branch, E> {
        Ok(Branch::Leaf(Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Branch, E> {
        Ok(Branch::Leaf(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Branch, E> {
        Ok(Branch::Leaf(Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Branch, E> {
        Ok(Branch::Leaf(Value::Number(value.into())))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Branch, E> {
        Ok(Branch::Leaf(Value::Number(value.into())))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Branch, E> {
        let number =
            Number::from_f64(value).ok_or_else(|| E::custom("not a number; quote it if it is text"))?;
        Ok(Branch::Leaf(Value::Number(number)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Branch, E> {
        Ok(Branch::Leaf(Value::String(value.to_owned())))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Branch, E> {
        Ok(Branch::Leaf(Value::String(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Branch, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Branch::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Branch, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let line = key.referenced.line();
            map.push(Entry { key: key.value, line, value: entries.next_value()? });
        }
        Ok(Branch::Map(map))
    }
}
