//! Documents as people write them: read, checked for what needs no cluster, and traced back to their lines.

mod files;
mod json;
#[cfg(test)]
mod tests;
mod tree;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

use self::files::{Format, Source};
use self::tree::{Branch, Entry, Node};
use super::failure::Failure;
use super::terminal::Terminal;
use crate::api::problem::FieldError;
use crate::api::v1::plans::DocumentBody;
use crate::domain::place::Place;

/// The keys of a document.
const KEYS: [&str; 6] = ["cluster", "type", "name", "at", "spec", "delete"];

/// What is wrong, and on which line; 0 where nobody knows.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    line: u64,
    message: String,
}

/// A document with where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) cluster: String,
    pub(crate) body: DocumentBody,
    origin: Origin,
    node: Node,
}

#[derive(Clone, Debug)]
struct Origin {
    file: String,
    /// From 1, in its file.
    number: usize,
    line: u64,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(f, "{} (document {})", self.file, self.number);
        }
        write!(f, "{}:{} (document {})", self.file, self.line, self.number)
    }
}

/// Everything that the files hold, or every fault found in them.
pub(crate) fn read(
    arguments: &[PathBuf],
    cluster: Option<&str>,
    terminal: &mut Terminal,
) -> Result<Vec<Document>, Failure> {
    let sources = files::read(arguments, terminal)?;
    let (documents, faults) = parse(&sources, cluster);
    if !faults.is_empty() {
        return Err(Failure::Documents(faults));
    }
    if documents.is_empty() {
        let names: Vec<_> = sources.iter().map(|source| source.name.as_str()).collect();
        return Err(Failure::Input(format!("no document in {}", names.join(", "))));
    }
    Ok(documents)
}

/// Each document with its place, as it stands: for what is no wish for a resource.
pub(crate) fn values(
    arguments: &[PathBuf],
    terminal: &mut Terminal,
) -> Result<Vec<(String, Value)>, Failure> {
    let mut values = Vec::new();
    for source in files::read(arguments, terminal)? {
        let nodes = match source.format {
            Format::Yaml => yaml::parse(&source.text),
            Format::Json => json::parse(&source.text),
        };
        let nodes = nodes.map_err(|Fault { line, message }| {
            Failure::Documents(vec![format!("{}:{line}: {message}", source.name)])
        })?;
        values.extend(nodes.into_iter().enumerate().map(|(index, node)| {
            let origin = Origin { file: source.name.clone(), number: index + 1, line: node.line };
            (origin.to_string(), node.to_value())
        }));
    }
    if values.is_empty() {
        return Err(Failure::Input("the files hold no document".to_owned()));
    }
    Ok(values)
}

/// By cluster, in the order of the clusters' first documents.
pub(crate) fn by_cluster(documents: Vec<Document>) -> Vec<(String, Vec<Document>)> {
    let mut groups: Vec<(String, Vec<Document>)> = Vec::new();
    for document in documents {
        match groups.iter_mut().find(|(name, _)| *name == document.cluster) {
            Some((_, group)) => group.push(document),
            None => groups.push((document.cluster.clone(), vec![document])),
        }
    }
    groups
}

/// A fault that the host found in `/documents/N/…`, told by file and line.
pub(crate) fn trace(documents: &[Document], error: &FieldError) -> String {
    let rest = error.pointer.strip_prefix("/documents/").unwrap_or_default();
    let (index, pointer) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let Some(document) = index.parse::<usize>().ok().and_then(|index| documents.get(index)) else {
        return format!("{}: {}", error.pointer, error.message);
    };
    let line = document.node.line_at(pointer);
    let origin = Origin { line, ..document.origin.clone() };
    let body = &document.body;
    let place = if pointer.is_empty() { String::new() } else { format!("{pointer}: ") };
    format!("{origin}, {} {}: {place}{}", body.metadata_type, body.name, error.message)
}

fn parse(sources: &[Source], cluster: Option<&str>) -> (Vec<Document>, Vec<String>) {
    let (mut documents, mut faults) = (Vec::new(), Vec::new());
    for source in sources {
        let nodes = match source.format {
            Format::Yaml => yaml::parse(&source.text),
            Format::Json => json::parse(&source.text),
        };
        match nodes {
            Ok(nodes) => read_nodes(&source.name, nodes, cluster, &mut documents, &mut faults),
            Err(Fault { line: 0, message }) => faults.push(format!("{}: {message}", source.name)),
            Err(Fault { line, message }) => faults.push(format!("{}:{line}: {message}", source.name)),
        }
    }
    faults.extend(duplicates(&documents));
    (documents, faults)
}

fn read_nodes(
    file: &str,
    nodes: Vec<Node>,
    cluster: Option<&str>,
    documents: &mut Vec<Document>,
    faults: &mut Vec<String>,
) {
    for (index, node) in nodes.into_iter().enumerate() {
        let origin = Origin { file: file.to_owned(), number: index + 1, line: node.line };
        match document(&node, cluster) {
            Ok((cluster, body)) => documents.push(Document { cluster, body, origin, node }),
            Err(found) => faults.extend(found.into_iter().map(|fault| {
                let line = if fault.line == 0 { origin.line } else { fault.line };
                format!("{}: {}", Origin { line, ..origin.clone() }, fault.message)
            })),
        }
    }
}

fn document(node: &Node, cluster: Option<&str>) -> Result<(String, DocumentBody), Vec<Fault>> {
    let Branch::Map(entries) = &node.branch else {
        return Err(vec![Fault { line: node.line, message: "no document: its keys are missing".to_owned() }]);
    };
    let mut faults: Vec<Fault> = entries.iter().filter_map(unknown).collect();
    let mut note = |fault: Fault| faults.push(fault);
    let cluster = text(entries, "cluster", &mut note).or_else(|| cluster.map(str::to_owned));
    if cluster.is_none() && find(entries, "cluster").is_none() {
        note(missing(node, "cluster", "the name of a registered cluster; or give --cluster NAME"));
    }
    let metadata_type = text(entries, "type", &mut note);
    if find(entries, "type").is_none() {
        note(missing(node, "type", "such as `topic`; `headgate kind show KIND` lists them"));
    }
    let name = text(entries, "name", &mut note);
    if find(entries, "name").is_none() {
        note(missing(node, "name", "the resource's own"));
    }
    let at = place(entries, &mut note);
    let delete = delete(entries, &mut note);
    let spec = spec(node, entries, delete, &mut note);
    match (cluster, metadata_type, name) {
        (Some(cluster), Some(metadata_type), Some(name)) if faults.is_empty() => {
            Ok((cluster, DocumentBody { metadata_type, name, at, spec, delete }))
        }
        _ => Err(faults),
    }
}

fn find<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.key == key)
}

fn missing(node: &Node, key: &str, hint: &str) -> Fault {
    Fault { line: node.line, message: format!("`{key}` is missing: {hint}") }
}

fn unknown(entry: &Entry) -> Option<Fault> {
    if KEYS.contains(&entry.key.as_str()) {
        return None;
    }
    let message = format!("unknown key `{}`; a document has {}", entry.key, KEYS.join(", "));
    Some(Fault { line: entry.line, message })
}

/// A number or a boolean where text is wanted is its own text: a topic may be called `2024`.
fn text(entries: &[Entry], key: &str, note: &mut impl FnMut(Fault)) -> Option<String> {
    let entry = find(entries, key)?;
    match &entry.value.branch {
        Branch::Leaf(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Branch::Leaf(value @ (Value::Number(_) | Value::Bool(_))) => Some(value.to_string()),
        Branch::Leaf(Value::String(_)) | Branch::Leaf(_) | Branch::List(_) | Branch::Map(_) => {
            note(Fault { line: entry.line, message: format!("`{key}` must be a text that is not empty") });
            None
        }
    }
}

fn place(entries: &[Entry], note: &mut impl FnMut(Fault)) -> Option<Place> {
    let written = text(entries, "at", note)?;
    let line = find(entries, "at").map_or(0, |entry| entry.line);
    written.parse().map_err(|error| note(Fault { line, message: format!("`at`: {error}") })).ok()
}

fn delete(entries: &[Entry], note: &mut impl FnMut(Fault)) -> bool {
    match find(entries, "delete").map(|entry| (&entry.value.branch, entry.line)) {
        None => false,
        Some((Branch::Leaf(Value::Bool(delete)), _)) => *delete,
        Some((_, line)) => {
            note(Fault { line, message: "`delete` must be true or false".to_owned() });
            false
        }
    }
}

/// The spec of a document that deletes is let pass, and not sent: one adds `delete: true` to what stands.
fn spec(node: &Node, entries: &[Entry], delete: bool, note: &mut impl FnMut(Fault)) -> Option<Value> {
    match find(entries, "spec") {
        _ if delete => None,
        Some(Entry { value: value @ Node { branch: Branch::Map(_), .. }, .. }) => Some(value.to_value()),
        Some(entry) => {
            note(Fault {
                line: entry.line,
                message: "`spec` must hold the wished fields; write `{}` where there are none".to_owned(),
            });
            None
        }
        None => {
            note(missing(node, "spec", "the wished fields; or say `delete: true`"));
            None
        }
    }
}

fn duplicates(documents: &[Document]) -> Vec<String> {
    let mut first: BTreeMap<(&str, &str, &str, Option<&Place>), &Document> = BTreeMap::new();
    let mut faults = Vec::new();
    for document in documents {
        let body = &document.body;
        let key =
            (document.cluster.as_str(), body.metadata_type.as_str(), body.name.as_str(), body.at.as_ref());
        if let Some(earlier) = first.get(&key) {
            let at = body.at.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
            faults.push(format!(
                "{}: {} {}{at} of cluster {} stands already at {}; keep one of them",
                document.origin, body.metadata_type, body.name, document.cluster, earlier.origin
            ));
        } else {
            first.insert(key, document);
        }
    }
    faults
}
