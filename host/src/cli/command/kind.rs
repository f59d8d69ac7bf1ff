//! `headgate kind list|show`: the loaded plugins, what they manage, and what of it can be edited.

use clap::Subcommand;
use serde_json::Value;

use super::{cluster_path, word};
use crate::api::v1::kinds::{KindDetail, KindView};
use crate::cli::client::encode;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::{Table, printable};
use crate::cli::terminal::Terminal;
use crate::domain::contract::{Divergence, EditRule, Field, Granularity, MetadataType, Verbs};

/// The kinds of clusters that the loaded plugins serve
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  headgate kind list
  headgate kind show kafka            its connection form and metadata types
  headgate kind show kafka topic      the fields of a type: what can be edited, and since which release
  headgate kind show kafka topic -c lab          as the release of that cluster has them
  headgate kind show kafka -o json    with the JSON Schemas")]
pub(in crate::cli) enum Kind {
    /// List the kinds
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show a kind: how to connect, what it manages, what it asks for; or the fields of one of its types
    Show {
        kind: String,
        /// One metadata type, with its fields
        #[arg(value_name = "TYPE")]
        metadata_type: Option<String>,
        /// As this cluster has it, whose release may lack some
        #[arg(short, long, value_name = "NAME", requires = "metadata_type")]
        cluster: Option<String>,
        #[command(flatten)]
        output: Output,
    },
}

impl Kind {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        match self {
            Self::List { output } => list(*output, session),
            Self::Show { kind, metadata_type: None, cluster: _, output } => show(kind, *output, session),
            Self::Show { kind, metadata_type: Some(name), cluster, output } => {
                show_type(kind, name, cluster.as_deref(), *output, session)
            }
        }
    }
}

fn list(output: Output, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let kinds: Vec<Value> = session.client()?.list("/kinds", &[], None)?;
    if output.printed(&kinds, session.terminal)? {
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["kind", "title", "version", "vendor", "digest"]);
    for kind in kinds {
        let KindView { description, digest } = read(kind)?;
        let digest: String = digest.chars().take(12).collect();
        table.row(vec![
            description.kind.into(),
            description.title.into(),
            description.version.into(),
            description.vendor.into(),
            digest.into(),
        ]);
    }
    table.print("", session.terminal)?;
    Ok(Exit::Done)
}

fn show(kind: &str, output: Output, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let answer: Value = session.client()?.get(&format!("/kinds/{}", encode(kind)), &[])?;
    if output.printed(&answer, session.terminal)? {
        return Ok(Exit::Done);
    }
    tell(&read(answer)?, session.terminal)
}

/// All but the fields of its types.
pub(super) fn tell(detail: &KindDetail, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let KindDetail { kind, types } = detail;
    let description = &kind.description;
    terminal.line(format_args!(
        "{}   {} {}, by {}",
        description.kind, description.title, description.version, description.vendor
    ))?;
    terminal.line(format_args!("  digest   {}", kind.digest))?;
    if let Some(page) = &description.documentation {
        terminal.line(format_args!("  documentation   {}", printable(page)))?;
    }
    terminal.line("\nConnection")?;
    form(&description.connection).print("  ", terminal)?;
    terminal.line("\nTypes")?;
    let mut table = Table::new(&["type", "title", "scope", "can", "edited", "releases"]);
    for metadata_type in types {
        table.row(vec![
            metadata_type.name.as_str().into(),
            metadata_type.title.as_str().into(),
            word(&metadata_type.scope).into(),
            can(metadata_type.verbs).into(),
            edited(metadata_type).into(),
            releases(metadata_type.since.as_deref(), metadata_type.until.as_deref()).into(),
        ]);
    }
    table.print("  ", terminal)?;
    if !description.grants.is_empty() {
        terminal.line("\nAsks for")?;
        for grant in &description.grants {
            let text = serde_json::to_string(grant).map_err(|error| Failure::Failed(error.to_string()))?;
            terminal.line(format_args!("  {text}"))?;
        }
    }
    Ok(Exit::Done)
}

fn show_type(
    kind: &str,
    name: &str,
    cluster: Option<&str>,
    output: Output,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let path = match cluster {
        Some(cluster) => format!("{}/types", cluster_path(cluster)),
        None => format!("/kinds/{}/types", encode(kind)),
    };
    let mut types: Vec<Value> = session.client()?.get(&path, &[])?;
    let Some(position) = types.iter().position(|one| one.get("name").is_some_and(|told| told == name)) else {
        let names: Vec<&str> =
            types.iter().filter_map(|one| one.get("name").and_then(Value::as_str)).collect();
        let has = names.join(", ");
        let whose = cluster.unwrap_or(kind);
        return Err(Failure::Input(format!("{whose} has no type {name}; it has {has}")));
    };
    let told = types.swap_remove(position);
    if output.printed(&told, session.terminal)? {
        return Ok(Exit::Done);
    }
    let shape: MetadataType = read(told)?;
    let releases = releases(shape.since.as_deref(), shape.until.as_deref());
    session.terminal.line(format_args!(
        "{}   {}, one for each {}   can: {}   {releases}",
        shape.name,
        shape.title,
        word(&shape.scope),
        can(shape.verbs)
    ))?;
    fields(&shape).print("  ", session.terminal)?;
    Ok(Exit::Done)
}

/// Every field of the spec that the schema names, with the rule that holds for it.
pub(super) fn fields(shape: &MetadataType) -> Table {
    let mut table = Table::new(&["field", "takes", "edits", "copies", "restart", "releases"]);
    let mut paths = Vec::new();
    properties(&shape.spec, "", &mut paths);
    for (path, schema) in paths {
        let rule = shape.fields.iter().find(|field| covers(field, &path));
        let edits = match rule.map_or(EditRule::Free, |rule| rule.edits) {
            _ if shape.verbs.read_only() => EditRule::ReadOnly,
            edits => edits,
        };
        let copies = match rule.map_or(shape.divergence, |rule| rule.divergence) {
            Divergence::Single => "",
            Divergence::Forbidden => "alike",
            Divergence::Allowed => "may differ",
        };
        table.row(vec![
            path.as_str().into(),
            takes(schema).into(),
            word(&edits).into(),
            copies.into(),
            if rule.is_some_and(|rule| rule.restart) { "yes" } else { "" }.into(),
            rule.map(|rule| releases(rule.since.as_deref(), rule.until.as_deref()))
                .unwrap_or_default()
                .into(),
        ]);
    }
    table
}

/// Pointers of the leaves that a schema names, and of the keys that it leaves open, as `*`.
fn properties<'a>(schema: &'a Value, path: &str, found: &mut Vec<(String, &'a Value)>) {
    let named = schema.get("properties").and_then(Value::as_object);
    for (name, property) in named.into_iter().flatten() {
        let path = format!("{path}/{name}");
        let open = property.get("additionalProperties").filter(|open| open.is_object());
        if property.get("properties").is_some() {
            properties(property, &path, found);
        }
        match open {
            Some(open) => found.push((format!("{path}/*"), open)),
            None if property.get("properties").is_none() => found.push((path, property)),
            None => {}
        }
    }
}

fn covers(field: &Field, path: &str) -> bool {
    field.path == path
        || field
            .path
            .strip_suffix("/*")
            .is_some_and(|parent| path.rsplit_once('/').is_some_and(|(above, _)| above == parent))
}

fn takes(schema: &Value) -> String {
    let all = schema.get("enum").or_else(|| schema.get("type"));
    match all {
        Some(Value::Array(all)) => all.iter().map(super::brief).collect::<Vec<_>>().join(" | "),
        Some(one) => super::brief(one),
        None => String::new(),
    }
}

fn edited(metadata_type: &MetadataType) -> &'static str {
    match metadata_type.granularity {
        Granularity::None => "",
        Granularity::PerKey => "key by key",
        Granularity::Whole => "as a whole",
    }
}

/// `5.3 and later`, `before 4.0`; empty where every release has it.
fn releases(since: Option<&str>, until: Option<&str>) -> String {
    match (since, until) {
        (None, None) => String::new(),
        (Some(since), None) => format!("{since} and later"),
        (None, Some(until)) => format!("before {until}"),
        (Some(since), Some(until)) => format!("{since} to before {until}"),
    }
}

fn form(schema: &Value) -> Table {
    let mut table = Table::new(&["field", "needed", "takes", "default", "says"]);
    let needed: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let Some(fields) = schema.get("properties").and_then(Value::as_object) else { return table };
    for (name, field) in fields {
        let text = |key: &str| field.get(key).map(super::brief).unwrap_or_default();
        let secret = field.get("x-headgate-secret").is_some();
        let takes = match field.get("enum").and_then(Value::as_array) {
            Some(choices) => choices.iter().map(super::brief).collect::<Vec<_>>().join(" | "),
            None if secret => "secret".to_owned(),
            None => text("type"),
        };
        let says = if field.get("description").is_some() { text("description") } else { text("title") };
        let mark = if needed.contains(&name.as_str()) { "yes" } else { "" };
        table.row(vec![name.into(), mark.into(), takes.into(), text("default").into(), says.into()]);
    }
    table
}

fn can(verbs: Verbs) -> String {
    let all = [("create", verbs.create), ("update", verbs.update), ("delete", verbs.delete)];
    let some: Vec<_> = all.into_iter().filter_map(|(verb, can)| can.then_some(verb)).collect();
    if some.is_empty() { "read".to_owned() } else { some.join(", ") }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value)
        .map_err(|error| Failure::Failed(format!("the host's answer is not understood: {error}")))
}
