//! JSON documents: one, an array of them, or one after another, a line each or not.

use serde_json::{Deserializer, Value};

use super::Fault;
use super::tree::Node;

pub(super) fn parse(text: &str) -> Result<Vec<Node>, Fault> {
    let mut nodes = Vec::new();
    let mut values = Deserializer::from_str(text).into_iter::<Value>();
    loop {
        let start = values.byte_offset();
        let line = line_of(text, start);
        let Some(value) = values.next() else { return Ok(nodes) };
        match value.map_err(|error| fault(text, start, &error))? {
            Value::Array(items) => nodes.extend(items.into_iter().map(|item| Node::of_value(item, line))),
            value @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_)) => {
                nodes.push(Node::of_value(value, line));
            }
        }
    }
}

/// The line on which the first thing after `offset` stands.
fn line_of(text: &str, offset: usize) -> u64 {
    let rest = text.get(offset..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start().len();
    let before = text.get(..offset + blank).unwrap_or_default();
    u64::try_from(before.matches('\n').count()).unwrap_or(0) + 1
}

/// The parser counts the lines of the whole text, and ends its message with them.
fn fault(text: &str, start: usize, error: &serde_json::Error) -> Fault {
    let line =
        if error.line() == 0 { line_of(text, start) } else { u64::try_from(error.line()).unwrap_or(0) };
    let whole = error.to_string();
    let message = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(before, _)| before);
    Fault { line, message: format!("no JSON: {message}") }
}
