//! `headgate kind list|show`: the loaded plugins and what they manage.

use clap::Subcommand;
use serde_json::Value;

use super::word;
use crate::api::v1::kinds::{KindDetail, KindView};
use crate::cli::client::encode;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::{Table, printable};
use crate::domain::contract::Verbs;

/// The kinds of clusters that the loaded plugins serve
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  headgate kind list
  headgate kind show kafka            its connection form and metadata types
  headgate kind show kafka -o json    with the JSON Schemas")]
pub(in crate::cli) enum Kind {
    /// List the kinds
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show a kind: how to connect, what it manages, what it was granted
    Show {
        kind: String,
        #[command(flatten)]
        output: Output,
    },
}

impl Kind {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        match self {
            Self::List { output } => list(*output, session),
            Self::Show { kind, output } => show(kind, *output, session),
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
    let KindDetail { kind, types } = read(answer)?;
    let description = &kind.description;
    let terminal = &mut *session.terminal;
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
    let mut table = Table::new(&["type", "title", "scope", "can"]);
    for metadata_type in &types {
        table.row(vec![
            metadata_type.name.as_str().into(),
            metadata_type.title.as_str().into(),
            word(&metadata_type.scope).into(),
            can(metadata_type.verbs).into(),
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
