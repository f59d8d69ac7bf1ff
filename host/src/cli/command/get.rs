//! `headgate get`: resources, as a table, as the API tells them, or as documents that `apply -f` takes.

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{brief, cluster_path, resource, word};
use crate::api::v1::resources::ResourceView;
use crate::cli::client::{Client, encode};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{self, Format};
use crate::cli::session::Session;
use crate::cli::table::{Cell, Table};
use crate::cli::terminal::Tone;
use crate::cli::time::age;
use crate::domain::place::Place;
use crate::domain::resource::{Presence, Resource};

/// Columns of a listing that come from the resources themselves, at most.
const OWN_COLUMNS_MAX: usize = 6;

/// List the resources of a type, or show one
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate get topic -c lab
  headgate get topic -c lab --status drifted,failed
  headgate get topic pay.events -c lab                 reads it from the cluster now
  headgate get topic -c lab --match 'pay.*' -o yaml    documents, as `apply -f` takes them
  headgate get broker-config -c lab --at node:1
  headgate get topic -c lab --diverged                 copies of topics that differ and should not

-o yaml prints the wish where there is one, and what the cluster holds where there is none; with
--observed, what the cluster holds. -o json prints all that the host knows.")]
pub(in crate::cli) struct Get {
    /// Metadata type, such as `topic`; `headgate kind show KIND` lists them
    #[arg(value_name = "TYPE")]
    metadata_type: String,
    /// One resource, with its details
    id: Option<String>,
    /// Name of the cluster
    #[arg(short, long, value_name = "NAME")]
    cluster: String,
    /// Only these: failed, conflicted, unknown, blocked, drifted, pending, syncing, synced, unmanaged
    #[arg(long, value_delimiter = ',', conflicts_with = "id")]
    status: Vec<String>,
    /// Only at this place: cluster, group:NAME or node:ID
    #[arg(long, value_name = "PLACE")]
    at: Option<Place>,
    /// Only ids like this; `*` stands for any run of characters
    #[arg(long = "match", value_name = "PATTERN", conflicts_with = "id")]
    pattern: Option<String>,
    /// Only copies of resources that should be alike everywhere and are not
    #[arg(long, conflicts_with = "id")]
    diverged: bool,
    /// Also the backend's own
    #[arg(long, conflicts_with = "id")]
    internal: bool,
    /// At most so many [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// With -o yaml: what the cluster holds, also where something else is wished for
    #[arg(long)]
    observed: bool,
    /// How the result is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Format,
}

impl Get {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        match &self.id {
            Some(id) => self.one(&client, id, session),
            None => self.list(&client, session),
        }
    }

    fn one(&self, client: &Client, id: &str, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let at = self.at.as_ref().map(Place::to_string);
        let query: Vec<_> = at.as_deref().map(|at| ("at", at)).into_iter().collect();
        let path = format!(
            "{}/resources/{}/{}",
            cluster_path(&self.cluster),
            encode(&self.metadata_type),
            encode(id)
        );
        let answer: Value = client.get(&path, &query)?;
        match self.output {
            Format::Json => output::json(&answer, session.terminal)?,
            Format::Yaml => self.documents(vec![read(answer)?], session)?,
            Format::Table => resource::print(&self.cluster, &read(answer)?, session)?,
        }
        Ok(Exit::Done)
    }

    fn list(&self, client: &Client, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let (at, status) = (self.at.as_ref().map(Place::to_string), self.status.join(","));
        let mut query = vec![("type", self.metadata_type.as_str())];
        query.extend((!status.is_empty()).then_some(("status", status.as_str())));
        query.extend(at.as_deref().map(|at| ("at", at)));
        query.extend(self.pattern.as_deref().map(|pattern| ("pattern", pattern)));
        query.extend(self.diverged.then_some(("diverged", "true")));
        query.extend((!self.internal).then_some(("internal", "false")));
        let path = format!("{}/resources", cluster_path(&self.cluster));
        let answers: Vec<Value> = client.list(&path, &query, self.limit)?;
        if self.output == Format::Json {
            output::json(&answers, session.terminal)?;
            return Ok(Exit::Done);
        }
        let views = answers.into_iter().map(read).collect::<Result<Vec<ResourceView>, _>>()?;
        if self.output == Format::Yaml {
            self.documents(views, session)?;
        } else if views.is_empty() {
            session.terminal.note(format_args!(
                "No {} of {} is known that fits. Look at it now: headgate sync {}",
                self.metadata_type, self.cluster, self.cluster
            ))?;
        } else {
            let table = table(&views, session.now_ms());
            table.print("", session.terminal)?;
        }
        Ok(Exit::Done)
    }

    fn documents(&self, views: Vec<ResourceView>, session: &mut Session<'_>) -> Result<(), Failure> {
        for (index, view) in views.iter().enumerate() {
            if index > 0 {
                session.terminal.line("---")?;
            }
            let document = Written::of(&self.cluster, &view.resource, self.observed);
            session.terminal.text(&output::yaml(&document)?)?;
        }
        Ok(())
    }
}

/// A document as a person would write it.
#[derive(Serialize)]
struct Written<'a> {
    cluster: &'a str,
    #[serde(rename = "type")]
    metadata_type: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    spec: &'a Value,
}

impl<'a> Written<'a> {
    fn of(cluster: &'a str, resource: &'a Resource, observed: bool) -> Self {
        let key = &resource.key;
        let wish = resource.desired.as_ref().filter(|_| !observed);
        Self {
            cluster,
            metadata_type: &key.metadata_type,
            name: &key.id,
            at: (key.place != Place::Cluster).then(|| key.place.to_string()),
            spec: wish.unwrap_or(&resource.observed),
        }
    }
}

/// The scalars on top of what was observed make columns of their own: no kind is known here.
fn table(views: &[ResourceView], now_ms: i64) -> Table {
    let columns = own_columns(views);
    let mut titles = vec!["name", "at", "status"];
    titles.extend(columns.iter().map(String::as_str));
    titles.extend(["ours", "seen"]);
    let mut table = Table::new(&titles);
    for view in views {
        let resource = &view.resource;
        let at =
            if resource.key.place == Place::Cluster { String::new() } else { resource.key.place.to_string() };
        let mut row = vec![
            resource.key.id.as_str().into(),
            at.into(),
            Cell::toned(word(&resource.status), Tone::of(resource.status)),
        ];
        row.extend(
            columns.iter().map(|column| scalar(resource, column).map(brief).unwrap_or_default().into()),
        );
        row.push(if resource.owned { "yes" } else { "" }.into());
        row.push(seen(view, now_ms).into());
        table.row(row);
    }
    table
}

fn own_columns(views: &[ResourceView]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for view in views {
        for document in [&view.resource.observed, &view.resource.status_document] {
            for (key, value) in document.as_object().unwrap_or(&Map::new()) {
                let scalar = value.is_string() || value.is_number() || value.is_boolean();
                if scalar && !columns.contains(key) {
                    columns.push(key.clone());
                }
            }
        }
        if columns.len() >= OWN_COLUMNS_MAX {
            break;
        }
    }
    columns.truncate(OWN_COLUMNS_MAX);
    columns
}

fn scalar<'a>(resource: &'a Resource, column: &str) -> Option<&'a Value> {
    resource.observed.get(column).or_else(|| resource.status_document.get(column))
}

pub(super) fn seen(view: &ResourceView, now_ms: i64) -> String {
    let ago = view.observed_at_ms.map(|at_ms| age(at_ms, now_ms));
    match (view.resource.presence, ago) {
        (Presence::Present, Some(ago)) => ago,
        (Presence::Present, None) => String::new(),
        (Presence::Absent, _) => "absent".to_owned(),
        (Presence::Unseen, Some(ago)) => format!("{ago}, silent since"),
        (Presence::Unseen, None) => "unseen".to_owned(),
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value)
        .map_err(|error| Failure::Failed(format!("the host's answer is not understood: {error}")))
}
