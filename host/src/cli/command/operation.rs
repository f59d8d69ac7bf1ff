//! `headgate operation`: the actions that can be run, those that were, and taking one back.

use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, to_value};

use super::{cluster_path, word};
use crate::api::v1::operations::{OperationView, UndoOperation};
use crate::cli::client::{Client, encode, nothing};
use crate::cli::failure::{Exit, Failure};
use crate::cli::interrupt::Interrupt;
use crate::cli::output::{Format, Output};
use crate::cli::session::Session;
use crate::cli::table::{Cell, Table, printable};
use crate::cli::terminal::Tone;
use crate::cli::time::{age, moment};
use crate::domain::operation::{OperationState, OperationType};

/// Between two looks: short for the many small ones, longer for the long ones.
const LOOK_FIRST: Duration = Duration::from_millis(100);
const LOOK_LAST: Duration = Duration::from_secs(2);

/// See what can be run and what was run; cancel or take back an operation
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  headgate operation types -c lab               what can be run, and with what input
  headgate operation list -c lab --state failed
  headgate operation cancel ID
  headgate operation undo ID                    headgate run carries out new ones")]
pub(in crate::cli) enum Operation {
    /// What can be run in a cluster, and with what input
    Types {
        /// Name of the cluster
        #[arg(short, long, value_name = "NAME")]
        cluster: String,
        #[command(flatten)]
        output: Output,
    },
    /// List operations, newest first
    List {
        /// Name of the cluster
        #[arg(short, long, value_name = "NAME")]
        cluster: Option<String>,
        /// waiting, running, done, partial, failed, unknown or cancelled
        #[arg(long)]
        state: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value = "50")]
        limit: usize,
        #[command(flatten)]
        output: Output,
    },
    /// Show an operation and what became of it
    Show {
        operation: String,
        #[command(flatten)]
        output: Output,
    },
    /// Follow an operation until it ends
    Follow { operation: String },
    /// End an operation early; what was done stays done
    Cancel { operation: String },
    /// Take an operation back, with the input that it left for that
    Undo {
        operation: String,
        /// Let it through where taking back loses data
        #[arg(long)]
        allow_destructive: bool,
    },
}

impl Operation {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        match self {
            Self::Types { cluster, output } => types(&client, cluster, *output, session),
            Self::List { cluster, state, limit, output } => {
                let mut query = Vec::new();
                query.extend(cluster.as_deref().map(|cluster| ("cluster", cluster)));
                query.extend(state.as_deref().map(|state| ("state", state)));
                list(client.list("/operations", &query, Some(*limit))?, *output, session)
            }
            Self::Show { operation, output } => {
                let view: OperationView = client.get(&path(operation), &[])?;
                if !output.printed(&view, session.terminal)? {
                    show(&view, session)?;
                }
                Ok(Exit::Done)
            }
            Self::Follow { operation } => {
                let view = client.get(&path(operation), &[])?;
                follow(&client, view, Output::default(), session)
            }
            Self::Cancel { operation } => {
                let view: OperationView = client.post(&format!("{}/cancel", path(operation)), &nothing())?;
                follow(&client, view, Output::default(), session)
            }
            Self::Undo { operation, allow_destructive } => {
                let body = UndoOperation { allow_destructive: *allow_destructive };
                let body = to_value(body).map_err(|error| Failure::Failed(error.to_string()))?;
                let view: OperationView = client.post(&format!("{}/undo", path(operation)), &body)?;
                follow(&client, view, Output::default(), session)
            }
        }
    }
}

fn path(id: &str) -> String {
    format!("/operations/{}", encode(id))
}

fn types(client: &Client, cluster: &str, output: Output, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let types: Vec<OperationType> = client.get(&format!("{}/operation-types", cluster_path(cluster)), &[])?;
    if output.printed(&types, session.terminal)? {
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["operation", "on", "input", "", "what it does"]);
    for known in types {
        let on = known.metadata_type.unwrap_or_else(|| format!("the {}", word(&known.scope)));
        let fields = known.input.get("properties").and_then(Value::as_object);
        let fields = fields.map(|fields| fields.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        let mark = if known.destructive { "destructive" } else { "" };
        table.row(vec![
            known.name.into(),
            on.into(),
            fields.join(", ").into(),
            Cell::toned(mark, Tone::Bad),
            known.title.into(),
        ]);
    }
    if table.is_empty() {
        session.terminal.line(format_args!("The kind of {cluster} has no operations."))?;
        return Ok(Exit::Done);
    }
    table.print("", session.terminal)?;
    Ok(Exit::Done)
}

fn list(found: Vec<Value>, output: Output, session: &mut Session<'_>) -> Result<Exit, Failure> {
    if output.printed(&found, session.terminal)? {
        return Ok(Exit::Done);
    }
    let now_ms = session.now_ms();
    let mut table = Table::new(&["id", "cluster", "operation", "on", "state", "by", "age", "outcome"]);
    for one in found {
        let view: OperationView = serde_json::from_value(one)
            .map_err(|error| Failure::Failed(format!("the host's answer is not understood: {error}")))?;
        let one = &view.operation;
        table.row(vec![
            one.id.as_str().into(),
            view.cluster_name.as_str().into(),
            one.name.as_str().into(),
            one.subject.to_string().into(),
            Cell::toned(one.state.word(), tone(one.state)),
            one.created_by.as_str().into(),
            age(one.created_at_ms, now_ms).into(),
            one.message.clone().unwrap_or_default().into(),
        ]);
    }
    if table.is_empty() {
        session.terminal.note("No operation. See what can be run: headgate operation types -c NAME")?;
        return Ok(Exit::Done);
    }
    table.print("", session.terminal)?;
    Ok(Exit::Done)
}

fn tone(state: OperationState) -> Tone {
    match state {
        OperationState::Waiting | OperationState::Running => Tone::Waiting,
        OperationState::Done => Tone::Good,
        OperationState::Partial | OperationState::Failed | OperationState::Unknown => Tone::Bad,
        OperationState::Cancelled => Tone::Faint,
    }
}

fn show(view: &OperationView, session: &mut Session<'_>) -> Result<(), Failure> {
    let (one, now_ms) = (&view.operation, session.now_ms());
    let terminal = &mut *session.terminal;
    terminal.line(format_args!("{} of {} in {}", one.name, one.subject, view.cluster_name))?;
    terminal.line(format_args!("  input    {}", printable(&one.input.to_string())))?;
    terminal.line(format_args!("  asked    {} ago by {}", age(one.created_at_ms, now_ms), one.created_by))?;
    if let Some(ended_ms) = one.ended_at_ms {
        terminal.line(format_args!("  ended    {}", moment(ended_ms)))?;
    }
    terminal.line(format_args!("  state    {}", told(view)))?;
    for failure in &one.failures {
        terminal.line(format_args!("  failed   {}: {}", failure.part, printable(&failure.error.message)))?;
    }
    if let Some(output) =
        one.output.as_ref().filter(|output| output.as_object().is_some_and(|fields| !fields.is_empty()))
    {
        terminal.line(format_args!("  output   {}", printable(&output.to_string())))?;
    }
    if one.undo.is_some() {
        terminal.line(format_args!("  undo     headgate operation undo {}", one.id))?;
    }
    Ok(())
}

/// `running, 40 %: waits for 3 partitions`
fn told(view: &OperationView) -> String {
    let one = &view.operation;
    let share = one.percent.filter(|_| one.state == OperationState::Running);
    let share = share.map(|percent| format!(", {percent} %")).unwrap_or_default();
    let message = one.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
    printable(&format!("{}{share}{message}", one.state.word()))
}

/// Until it ends; the exit code says how.
pub(super) fn follow(
    client: &Client,
    mut view: OperationView,
    output: Output,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let interrupt = Interrupt::watch()?;
    let (mut wait, mut before) = (LOOK_FIRST, String::new());
    while !view.operation.state.is_end() {
        let news = format!("{} of {}: {}", view.operation.name, view.operation.subject, told(&view));
        if news != before && output.output == Format::Table {
            session.terminal.progress(&news)?;
            before = news;
        }
        let id = &view.operation.id;
        if interrupt.within(wait) {
            session.terminal.note(format_args!(
                "Operation {id} goes on in the host. Follow it: headgate operation follow {id}. End it: headgate \
                 operation cancel {id}"
            ))?;
            return Ok(Exit::Failed);
        }
        wait = (wait * 3 / 2).min(LOOK_LAST);
        view = client.get(&path(id.as_str()), &[])?;
    }
    session.terminal.end_progress()?;
    ended(&view, output, session)
}

fn ended(view: &OperationView, output: Output, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let one = &view.operation;
    let exit = match one.state {
        OperationState::Done => Exit::Done,
        OperationState::Cancelled => Exit::Refused,
        OperationState::Waiting
        | OperationState::Running
        | OperationState::Partial
        | OperationState::Failed
        | OperationState::Unknown => Exit::Failed,
    };
    if output.printed(view, session.terminal)? {
        return Ok(exit);
    }
    let line = format!("Operation {} is {}", one.id, told(view));
    if exit == Exit::Done {
        session.terminal.line(line)?;
    } else {
        session.terminal.note(line)?;
    }
    for failure in &one.failures {
        session.terminal.note(format_args!("  {}: {}", failure.part, printable(&failure.error.message)))?;
    }
    if one.undo.is_some() {
        session.terminal.line(format_args!("Take it back: headgate operation undo {}", one.id))?;
    }
    Ok(exit)
}
