//! YAML documents, with limits against bombs, and numbers taken only where nothing of their text is lost.

use serde_json::Value;
use serde_saphyr::{Options, alias_limits, budget, options};

use super::Fault;
use super::tree::{Branch, Node};

/// Documents of one file at most: ten times the largest cluster that is measured.
const DOCUMENTS_MAX: usize = 100_000;

/// Maps, lists and scalars of one file at most.
const NODES_MAX: usize = 10_000_000;

/// Levels of one document: wishes are shallow, and deep ones cost stack.
const DEPTH_MAX: usize = 48;

/// What aliases of one file may expand to, so that a few lines cannot become gigabytes.
const ALIAS_EVENTS_MAX: usize = 100_000;

pub(super) fn parse(text: &str) -> Result<Vec<Node>, Fault> {
    let nodes: Vec<Node> = serde_saphyr::from_multiple_with_options(text, limits()).map_err(|error| {
        Fault { line: error.location().map_or(0, |location| location.line()), message: message(&error) }
    })?;
    for node in &nodes {
        refuse_lossy_numbers(node, text)?;
    }
    Ok(nodes)
}

fn limits() -> Options {
    options! {
        budget: budget! {
            max_documents: DOCUMENTS_MAX,
            max_nodes: NODES_MAX,
            max_events: NODES_MAX.saturating_mul(2),
            max_depth: DEPTH_MAX,
        },
        alias_limits: alias_limits! { max_total_replayed_events: ALIAS_EVENTS_MAX },
        strict_booleans: true,
        with_snippet: false,
    }
}

/// The parser ends its messages with the place, which stands in front of ours, and with advice to programmers.
fn message(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let text = text.lines().next().unwrap_or_default();
    let text = text.split(" at line ").next().unwrap_or_default();
    let text = text.split(", set DuplicateKeyPolicy").next().unwrap_or_default();
    text.trim_end_matches([',', ':']).to_owned()
}

/// `3.10`, `007` and `0x1F` are numbers to YAML and something else to their author.
fn refuse_lossy_numbers(document: &Node, text: &str) -> Result<(), Fault> {
    for (_, node) in document.leaves() {
        let (Branch::Leaf(Value::Number(number)), Some(written)) = (&node.branch, written(node, text)) else {
            continue;
        };
        let read = number.to_string();
        if written.trim() != read {
            let message = format!(
                "`{}` is read as the number {read}; quote it if it is text, or write {read}",
                written.trim()
            );
            return Err(Fault { line: node.line, message });
        }
    }
    Ok(())
}

fn written<'a>(node: &Node, text: &'a str) -> Option<&'a str> {
    let (start, length) = node.source?;
    let start = usize::try_from(start).ok()?;
    text.get(start..start.checked_add(usize::try_from(length).ok()?)?)
}
