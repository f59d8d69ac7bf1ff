//! Where to: read from the input, and checked as far as that needs no cluster.

use std::collections::BTreeMap;

use headgate_sdk::Result;
use headgate_sdk::json::Value;

use crate::log_offsets::Partition;
use crate::operations::input::{self, Fields, Selection, at, wrong};

const TARGETS: [&str; 6] = ["earliest", "latest", "time", "offset", "shift", "offsets"];

/// Fields that belong to one target only.
const OF_TARGET: [(&str, &str); 4] =
    [("time", "time"), ("offset", "offset"), ("by", "shift"), ("offsets", "offsets")];

#[derive(Debug, PartialEq)]
pub(super) enum Target {
    Earliest,
    Latest,
    /// Unix milliseconds.
    Time(i64),
    Offset(i64),
    Shift(i64),
    /// None deletes the position.
    Exact(BTreeMap<Partition, Option<i64>>),
}

#[derive(Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) target: Target,
    /// All with a position where none are named.
    pub(super) topics: Option<Selection>,
}

pub(super) fn parse(input: &Value) -> Result<Wish> {
    let fields = Fields::of(input, &["to", "time", "offset", "by", "topics", "offsets"])?;
    let to = fields.text("to")?.ok_or_else(|| wrong("/to", said()))?;
    for (name, target) in OF_TARGET {
        if to != target && fields.get(name).is_some() {
            return Err(wrong(&at(name), format_args!("it belongs to \"to\": \"{target}\"")));
        }
    }
    let needed = |name: &str, what: &str| wrong(&at(name), what);
    let target = match to {
        "earliest" => Target::Earliest,
        "latest" => Target::Latest,
        "time" => Target::Time(fields.time_ms("time")?.ok_or_else(|| needed("time", "say the time"))?),
        "offset" => {
            let value = fields.get("offset").ok_or_else(|| needed("offset", "say the offset"))?;
            Target::Offset(input::offset(value, "/offset")?)
        }
        "shift" => {
            let by = fields.integer("by")?;
            Target::Shift(by.ok_or_else(|| needed("by", "say by how many messages; back is negative"))?)
        }
        "offsets" => Target::Exact(exact(&fields)?),
        _ => return Err(wrong("/to", said())),
    };
    let topics = fields.topics("topics")?;
    if topics.is_some() && matches!(target, Target::Exact(_)) {
        return Err(wrong("/topics", "the offsets name the topics themselves: leave it out"));
    }
    Ok(Wish { target, topics })
}

fn said() -> String {
    format!("say where to: {}", TARGETS.join(", "))
}

/// `{"t": {"0": 5, "1": null}}`
fn exact(fields: &Fields<'_>) -> Result<BTreeMap<Partition, Option<i64>>> {
    let what = r#"offsets by topic and partition are needed, as {"t": {"0": 5}}"#;
    let value = fields.get("offsets").ok_or_else(|| wrong("/offsets", what))?;
    let mut exact = BTreeMap::new();
    for (topic, partitions) in input::object(value, "/offsets", what)? {
        let path = format!("/offsets{}", at(topic));
        for (key, value) in input::object(partitions, &path, what)? {
            let path = format!("{path}{}", at(key));
            let partition = input::partition_key(key, &path)?;
            let offset = if value.is_null() { None } else { Some(input::offset(value, &path)?) };
            exact.insert((topic.clone(), partition), offset);
        }
    }
    Ok(exact)
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;

    use super::*;

    fn check(input: Value, target: Target) {
        assert_eq!(parse(&input).unwrap().target, target);
    }

    fn refused(input: Value, message: &str) {
        assert_eq!(parse(&input).unwrap_err().message, message);
    }

    #[test]
    fn every_target_is_read() {
        check(json!({"to": "earliest", "time": null}), Target::Earliest);
        check(json!({"to": "latest", "topics": ["t"]}), Target::Latest);
        check(json!({"to": "time", "time": "1970-01-01T00:00:05Z"}), Target::Time(5_000));
        check(json!({"to": "offset", "offset": 7}), Target::Offset(7));
        check(json!({"to": "shift", "by": -3}), Target::Shift(-3));
        let exact = [(("t".to_owned(), 0), Some(5)), (("t".to_owned(), 1), None)];
        check(json!({"to": "offsets", "offsets": {"t": {"0": 5, "1": null}}}), Target::Exact(exact.into()));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        let where_to = "/to: say where to: earliest, latest, time, offset, shift, offsets";
        refused(json!({}), where_to);
        refused(json!({"to": "begin"}), where_to);
        refused(json!({"to": "time"}), "/time: say the time");
        refused(json!({"to": "earliest", "by": 3}), "/by: it belongs to \"to\": \"shift\"");
        refused(json!({"to": "offset", "offset": -1}), "/offset: an offset is 0 or more");
        refused(
            json!({"to": "offsets", "offsets": {"a/b": {"x": 1}}}),
            "/offsets/a~1b/x: a partition's number is needed",
        );
        refused(
            json!({"to": "offsets", "offsets": {"t": {"0": 1}}, "topics": ["t"]}),
            "/topics: the offsets name the topics themselves: leave it out",
        );
        refused(
            json!({"to": "offsets", "offsets": {}}),
            r#"/offsets: offsets by topic and partition are needed, as {"t": {"0": 5}}"#,
        );
    }
}
