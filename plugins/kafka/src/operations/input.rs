//! Reads what an operation is given. What is wrong is named by its JSON Pointer, in the message and in the detail `path`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use headgate_sdk::json::{Map, Value, pointer};
use headgate_sdk::{Error, Result};

use super::time;

/// Topics by name; all of a topic's partitions where none are named.
pub(crate) type Selection = BTreeMap<String, Option<BTreeSet<i32>>>;

/// An input whose fields are all known. A field that is null is not there.
pub(crate) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(crate) fn of(input: &'a Value, known: &[&str]) -> Result<Self> {
        let Some(fields) = input.as_object() else {
            return Err(wrong("", "the input is an object of fields"));
        };
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(Self(fields)),
            Some(odd) if known.is_empty() => {
                Err(wrong(&pointer([odd.as_str()]), "there is no such field: it takes none"))
            }
            Some(odd) => {
                let message = format!("there is no such field: it takes {}", known.join(", "));
                Err(wrong(&pointer([odd.as_str()]), message))
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| wrong(&at(name), "a text is needed"));
        self.get(name).map(text).transpose()
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool> {
        let flag = |value: &Value| value.as_bool().ok_or_else(|| wrong(&at(name), "true or false is needed"));
        self.get(name).map_or(Ok(false), flag)
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>> {
        self.get(name).map(|value| integer(value, &at(name))).transpose()
    }

    /// Unix time in milliseconds, or a text as RFC 3339 has it.
    pub(crate) fn time_ms(&self, name: &str) -> Result<Option<i64>> {
        let time = |value: &Value| {
            let told = match value {
                Value::String(text) => text.parse().ok().or_else(|| time::parse_ms(text)),
                other => other.as_i64(),
            };
            let message = "a time is needed, as 2026-01-31T12:00:00Z or in milliseconds since 1970";
            told.filter(|time_ms: &i64| *time_ms >= 0).ok_or_else(|| wrong(&at(name), message))
        };
        self.get(name).map(time).transpose()
    }

    /// `["t"]` or `[{"topic": "t", "partitions": [0, 1]}]`, or both mixed.
    pub(crate) fn topics(&self, name: &str) -> Result<Option<Selection>> {
        self.get(name).map(|value| selection(value, &at(name))).transpose()
    }
}

pub(crate) fn wrong(path: &str, message: impl Display) -> Error {
    let said = if path.is_empty() { message.to_string() } else { format!("{path}: {message}") };
    Error::invalid_argument(said).code("INVALID_INPUT").detail("path", path)
}

pub(crate) fn at(name: &str) -> String {
    pointer([name])
}

pub(crate) fn integer(value: &Value, path: &str) -> Result<i64> {
    value.as_i64().ok_or_else(|| wrong(path, "a whole number is needed"))
}

/// An offset is never negative.
pub(crate) fn offset(value: &Value, path: &str) -> Result<i64> {
    let offset = integer(value, path)?;
    if offset < 0 { Err(wrong(path, "an offset is 0 or more")) } else { Ok(offset) }
}

pub(crate) fn object<'a>(value: &'a Value, path: &str, what: &str) -> Result<&'a Map<String, Value>> {
    match value.as_object() {
        Some(fields) if !fields.is_empty() => Ok(fields),
        _ => Err(wrong(path, what)),
    }
}

/// A partition's number, which JSON wants as a text where it is a key.
pub(crate) fn partition_key(key: &str, path: &str) -> Result<i32> {
    let number = key.parse::<i32>().ok().filter(|number| *number >= 0);
    number.ok_or_else(|| wrong(path, "a partition's number is needed"))
}

/// Numbers of partitions or brokers, each once.
pub(crate) fn numbers(value: &Value, path: &str) -> Result<Vec<i32>> {
    let list = value.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| wrong(path, "a list of numbers is needed"))?;
    let mut numbers: Vec<i32> = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let path = format!("{path}/{index}");
        let number = value.as_i64().and_then(|number| i32::try_from(number).ok());
        let number =
            number.filter(|number| *number >= 0).ok_or_else(|| wrong(&path, "a number is needed"))?;
        if numbers.contains(&number) {
            return Err(wrong(&path, format_args!("{number} is named twice")));
        }
        numbers.push(number);
    }
    Ok(numbers)
}

fn selection(value: &Value, path: &str) -> Result<Selection> {
    let list = value.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| wrong(path, "a list of topics is needed"))?;
    let mut selection = Selection::new();
    for (index, one) in list.iter().enumerate() {
        let (topic, partitions) = selected(one, &format!("{path}/{index}"))?;
        match (selection.get_mut(topic), partitions) {
            (Some(Some(known)), Some(more)) => known.extend(more),
            (Some(known), _) => *known = None,
            (None, partitions) => drop(selection.insert(topic.to_owned(), partitions)),
        }
    }
    Ok(selection)
}

fn selected<'a>(one: &'a Value, path: &str) -> Result<(&'a str, Option<BTreeSet<i32>>)> {
    if let Some(topic) = one.as_str().filter(|topic| !topic.is_empty()) {
        return Ok((topic, None));
    }
    let what = r#"a topic's name is needed, or {"topic": name, "partitions": [numbers]}"#;
    let fields = object(one, path, what)?;
    if let Some(odd) = fields.keys().find(|name| !matches!(name.as_str(), "topic" | "partitions")) {
        return Err(wrong(&format!("{path}{}", at(odd)), what));
    }
    let topic = fields.get("topic").and_then(Value::as_str).filter(|topic| !topic.is_empty());
    let topic = topic.ok_or_else(|| wrong(&format!("{path}/topic"), "a topic's name is needed"))?;
    let partitions = match fields.get("partitions") {
        None | Some(Value::Null) => None,
        Some(list) => Some(numbers(list, &format!("{path}/partitions"))?.into_iter().collect()),
    };
    Ok((topic, partitions))
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;

    use super::*;

    fn path_of(error: Error) -> String {
        let (_, path) = error.details.into_iter().find(|(key, _)| key == "path").expect("no path");
        assert!(error.message.starts_with(&path), "{}", error.message);
        path
    }

    #[test]
    fn topics_are_names_or_name_their_partitions() {
        let input = json!({"topics": ["a", {"topic": "b", "partitions": [2, 0]}, {"topic": "c"}]});
        let fields = Fields::of(&input, &["topics"]).unwrap();
        let selection = fields.topics("topics").unwrap().unwrap();
        assert_eq!(selection["a"], None);
        assert_eq!(selection["b"], Some(BTreeSet::from([0, 2])));
        assert_eq!(selection["c"], None);
    }

    #[test]
    fn a_topic_that_is_named_twice_is_taken_as_both() {
        let twice = |input: Value| selection(&input, "/topics").unwrap()["a"].clone();
        let one = json!({"topic": "a", "partitions": [0]});
        assert_eq!(twice(json!([one, {"topic": "a", "partitions": [1]}])), Some(BTreeSet::from([0, 1])));
        assert_eq!(twice(json!([one, "a"])), None);
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        let topics = |value: Value| path_of(selection(&value, "/topics").unwrap_err());
        assert_eq!(topics(json!([])), "/topics");
        assert_eq!(topics(json!(["a", 1])), "/topics/1");
        assert_eq!(topics(json!([{"topics": "a"}])), "/topics/0/topics");
        assert_eq!(topics(json!([{"topic": "a", "partitions": [0, -1]}])), "/topics/0/partitions/1");
        assert_eq!(topics(json!([{"topic": "a", "partitions": [3, 3]}])), "/topics/0/partitions/1");
        let error = Fields::of(&json!({"topcis": 1}), &["to", "topics"]).err().unwrap();
        assert_eq!(error.message, "/topcis: there is no such field: it takes to, topics");
        assert!(Fields::of(&json!([]), &[]).is_err());
    }

    #[test]
    fn times_are_texts_or_milliseconds() {
        for value in [json!(1_000), json!("1000"), json!("1970-01-01T00:00:01Z")] {
            let input = json!({"time": value});
            assert_eq!(Fields::of(&input, &["time"]).unwrap().time_ms("time").unwrap(), Some(1_000));
        }
        let input = json!({"time": "yesterday"});
        assert_eq!(path_of(Fields::of(&input, &["time"]).unwrap().time_ms("time").unwrap_err()), "/time");
    }
}
