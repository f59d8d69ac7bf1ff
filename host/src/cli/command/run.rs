//! `headgate run`: an action on a resource or a place: forecast, asked about, carried out, followed.

use clap::Args;
use serde_json::{Value, to_value};

use super::cluster_path;
use super::operation::follow;
use crate::api::v1::operations::{OperationView, RunOperation};
use crate::cli::client::{Client, encode};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::settings;
use crate::cli::table::printable;
use crate::domain::operation::{Forecast, OperationType};
use crate::domain::place::Place;

/// Run an action that is no edit of a resource: show what it would do, ask, carry it out
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate operation types -c lab                      what can be run, and with what
  headgate run reset-offsets pay -c lab --set to=earliest
  headgate run reset-offsets pay -c lab --set to=latest --preview
  headgate run delete-records orders -c lab --set to=latest --allow-destructive
  headgate run NAME ID -c lab --input '{\"partitions\": {\"0\": [1, 2, 3]}}'
  headgate operation undo ID                           takes one back

Exit code 2 says that something would be done and nobody agreed, 1 that a part of it failed.")]
pub(in crate::cli) struct Run {
    /// Name of the operation; `headgate operation types -c NAME` lists them
    operation: String,
    /// The resource, where the operation works on one
    id: Option<String>,
    /// Name of the cluster
    #[arg(short, long, value_name = "NAME")]
    cluster: String,
    /// Place: group:NAME or node:ID [default: cluster]
    #[arg(long, value_name = "PLACE")]
    at: Option<Place>,
    /// A field of the input; a dot leads into an object
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The whole input as JSON: text, @FILE or - (standard input)
    #[arg(long, value_name = "JSON", conflicts_with = "set")]
    input: Option<String>,
    /// Only show what it would do
    #[arg(long)]
    preview: bool,
    /// Without asking
    #[arg(long, short)]
    yes: bool,
    /// Let an operation through that loses data or cannot be taken back; --yes is not that
    #[arg(long)]
    allow_destructive: bool,
    #[command(flatten)]
    output: Output,
}

impl Run {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        let types: Vec<OperationType> =
            client.get(&format!("{}/operation-types", cluster_path(&self.cluster)), &[])?;
        let known = types.iter().find(|known| known.name == self.operation);
        let schema = known.map_or(Value::Null, |known| known.input.clone());
        let body = RunOperation {
            id: self.id.clone(),
            at: self.at.clone(),
            input: self.input(&schema, session)?,
            allow_destructive: self.allow_destructive,
        };
        let body = to_value(body).map_err(|error| Failure::Failed(error.to_string()))?;
        if self.preview {
            return self.forecast(&client, &body, session);
        }
        if let Some(known) = known {
            if known.previewed && !self.yes {
                self.forecast(&client, &body, session)?;
            }
            self.refuse(known)?;
        }
        if !self.yes && !self.agreed(session)? {
            return Ok(Exit::SomethingToDo);
        }
        let path = format!("{}/operations/{}", cluster_path(&self.cluster), encode(&self.operation));
        let asked: OperationView = client.post(&path, &body)?;
        follow(&client, asked, self.output, session)
    }

    fn input(&self, schema: &Value, session: &mut Session<'_>) -> Result<Value, Failure> {
        let Some(given) = &self.input else { return settings::connection(&self.set, schema) };
        let text = if let Some(path) = given.strip_prefix('@') {
            std::fs::read_to_string(path).map_err(|source| Failure::File { path: path.into(), source })?
        } else if given == "-" {
            let read = session.terminal.read_stdin();
            let bytes = read.map_err(|source| Failure::File { path: "standard input".into(), source })?;
            String::from_utf8_lossy(&bytes).into_owned()
        } else {
            given.clone()
        };
        serde_json::from_str(&text).map_err(|error| Failure::Input(format!("--input is no JSON: {error}")))
    }

    fn forecast(&self, client: &Client, body: &Value, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let path = format!("{}/operations/{}/preview", cluster_path(&self.cluster), encode(&self.operation));
        let forecast: Forecast = client.post(&path, body)?;
        let exit = if forecast.lines.is_empty() { Exit::Done } else { Exit::SomethingToDo };
        if self.output.printed(&forecast, session.terminal)? {
            return Ok(exit);
        }
        let subject = self.id.as_deref().map(|id| format!(" {id}")).unwrap_or_default();
        session.terminal.line(format_args!("{}   {}{subject}", self.cluster, self.operation))?;
        session.terminal.line("")?;
        for line in &forecast.lines {
            session.terminal.line(format_args!("  {}", printable(line)))?;
        }
        for warning in &forecast.warnings {
            session.terminal.line(format_args!("  ? {}", printable(warning)))?;
        }
        if forecast.lines.is_empty() {
            session.terminal.line("  Nothing would change.")?;
        }
        session.terminal.flush()?;
        Ok(exit)
    }

    /// What the host would refuse too, said before anybody is asked.
    fn refuse(&self, known: &OperationType) -> Result<(), Failure> {
        if !known.destructive || self.allow_destructive {
            return Ok(());
        }
        Err(Failure::Refused(format!(
            "`{}` loses data or cannot be taken back; when that is meant, give --allow-destructive",
            known.name
        )))
    }

    fn agreed(&self, session: &mut Session<'_>) -> Result<bool, Failure> {
        if !session.terminal.asks() {
            session.terminal.note("Nothing is done yet: give --yes.")?;
            return Ok(false);
        }
        let agreed = session.terminal.confirm(format!("Run {}?", self.operation))?;
        if !agreed {
            session.terminal.note("Nothing was done.")?;
        }
        Ok(agreed)
    }
}
