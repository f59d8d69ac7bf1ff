//! `headgate plan`: what applying documents would do, and the stored plans.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::word;
use crate::api::v1::plans::{PlanView, ProposePlan};
use crate::cli::client::{Client, encode, nothing};
use crate::cli::documents::{self, Document};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{self, Output};
use crate::cli::proposal::{Approval, approve, is_something, propose, show};
use crate::cli::session::Session;
use crate::cli::table::{Cell, Table};
use crate::cli::terminal::Tone;
use crate::cli::time::age;
use crate::domain::plan::PlanState;

/// Show what applying documents would do, and keep it as a plan; list, show, approve and cancel plans
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  headgate plan -f topics.yaml           prints the steps and stores the plan
  headgate plan -f topics/ -o json
  headgate plan -f topics/ --complete    also names what is wished for and in no document
  headgate plan -f topics/ --dry-run     stores nothing
  headgate plan list -c lab --state proposed
  headgate plan show 0197c0de-…
  headgate apply 0197c0de-…              applies it and follows

Signs: + create, ~ edit, - delete, ^ adopt, v release, ! blocked.
Exit codes: 0 nothing to do, 2 something to do, 3 bad documents, 5 refused."
)]
pub(in crate::cli) struct Plan {
    #[command(subcommand)]
    stored: Option<Stored>,
    #[command(flatten)]
    files: Files,
    /// Raise the limit of deletes, for this plan only
    #[arg(long, value_name = "N")]
    max_deletes: Option<u32>,
    #[command(flatten)]
    output: Output,
}

/// Documents, and how they are taken.
#[derive(Args, Clone, Debug)]
pub(super) struct Files {
    /// File of documents, folder of such files, or - for standard input; may be given again
    #[arg(id = "file", short, long = "file", value_name = "FILE|DIR|-")]
    files: Vec<PathBuf>,
    /// Cluster of documents that name none
    #[arg(short, long, value_name = "NAME")]
    cluster: Option<String>,
    /// The documents are everything that is wished for: name what is wished and in none of them
    #[arg(long)]
    complete: bool,
    /// Raise the limit of edits, for this plan only: percent of the resources of a type
    #[arg(long, value_name = "N", requires = "file", value_parser = clap::value_parser!(u32).range(..=100))]
    max_edits_percent: Option<u32>,
    /// Plan without storing
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Subcommand)]
enum Stored {
    /// List plans, newest first
    List {
        /// Name of the cluster
        #[arg(short, long, value_name = "NAME")]
        cluster: Option<String>,
        /// proposed, approved, applying, applied, failed, cancelled or stale
        #[arg(long)]
        state: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value = "50")]
        limit: usize,
        #[command(flatten)]
        output: Output,
    },
    /// Show a plan, and what became of its steps
    Show {
        plan: String,
        #[command(flatten)]
        output: Output,
    },
    /// Approve a plan without following it
    Approve {
        plan: String,
        #[command(flatten)]
        approval: Approval,
    },
    /// Cancel a plan that is not applied yet
    Cancel { plan: String },
}

impl Plan {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let Some(stored) = &self.stored else { return self.plan(session) };
        match stored {
            Stored::List { cluster, state, limit, output } => {
                list(cluster.as_deref(), state.as_deref(), *limit, *output, session)
            }
            Stored::Show { plan, output } => show_stored(plan, *output, session),
            Stored::Approve { plan, approval } => {
                let client = session.client()?;
                let plan: PlanView = client.get(&path(plan), &[])?;
                let plan = approve(&client, &plan, *approval)?;
                let id = &plan.plan.id;
                session.terminal.line(format_args!("Approved plan {id}. Follow it: headgate apply {id}"))?;
                Ok(Exit::Done)
            }
            Stored::Cancel { plan } => {
                let plan: PlanView = session.client()?.post(&format!("{}/cancel", path(plan)), &nothing())?;
                session.terminal.line(format_args!("Cancelled plan {}.", plan.plan.id))?;
                Ok(Exit::Done)
            }
        }
    }

    fn plan(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        let plans = plans(&client, &self.files, self.max_deletes, session)?;
        let printed = match plans.as_slice() {
            [only] => self.output.printed(only, session.terminal)?,
            several => self.output.printed(&several, session.terminal)?,
        };
        if printed { Ok(exit(&plans)) } else { print(&client, &plans, session) }
    }
}

/// As `headgate plan`, in place of applying.
pub(super) fn show_only(
    client: &Client,
    files: &Files,
    max_deletes: Option<u32>,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let plans = plans(client, files, max_deletes, session)?;
    print(client, &plans, session)
}

fn print(client: &Client, plans: &[PlanView], session: &mut Session<'_>) -> Result<Exit, Failure> {
    for (index, plan) in plans.iter().enumerate() {
        if index > 0 {
            session.terminal.line("")?;
        }
        show(client, plan, session)?;
    }
    Ok(exit(plans))
}

fn exit(plans: &[PlanView]) -> Exit {
    if plans.iter().any(is_something) { Exit::SomethingToDo } else { Exit::Done }
}

/// One plan a cluster. When a later one is refused, those made before are taken back.
pub(super) fn plans(
    client: &Client,
    files: &Files,
    max_deletes: Option<u32>,
    session: &mut Session<'_>,
) -> Result<Vec<PlanView>, Failure> {
    if files.files.is_empty() {
        return Err(Failure::Input("no documents: give -f FILE, -f DIR or -f -".to_owned()));
    }
    let documents = documents::read(&files.files, files.cluster.as_deref(), session.terminal)?;
    let mut plans: Vec<PlanView> = Vec::new();
    for (cluster, documents) in documents::by_cluster(documents) {
        let body = ProposePlan {
            cluster,
            documents: Some(documents.iter().map(|document| document.body.clone()).collect()),
            max_deletes,
            max_edits_percent: files.max_edits_percent,
            complete: files.complete,
            dry_run: files.dry_run,
            ..ProposePlan::default()
        };
        match propose(client, &body) {
            Ok(plan) => plans.push(plan),
            Err(failure) => {
                take_back(client, &plans);
                return Err(traced(failure, &documents));
            }
        }
    }
    Ok(plans)
}

/// What is not taken back goes stale by itself: a failure here would hide the one that matters.
fn take_back(client: &Client, plans: &[PlanView]) {
    for plan in plans.iter().filter(|plan| !plan.plan.id.as_str().is_empty()) {
        drop(client.post::<Value>(&format!("{}/cancel", path(plan.plan.id.as_str())), &nothing()));
    }
}

fn traced(failure: Failure, documents: &[Document]) -> Failure {
    match failure {
        Failure::Problem(problem)
            if problem.errors.iter().any(|error| error.pointer.starts_with("/documents/")) =>
        {
            Failure::Documents(
                problem.errors.iter().map(|error| documents::trace(documents, error)).collect(),
            )
        }
        other => other,
    }
}

fn path(id: &str) -> String {
    format!("/plans/{}", encode(id))
}

fn list(
    cluster: Option<&str>,
    state: Option<&str>,
    limit: usize,
    output: Output,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let mut query = Vec::new();
    query.extend(cluster.map(|cluster| ("cluster", cluster)));
    query.extend(state.map(|state| ("state", state)));
    let plans: Vec<Value> = session.client()?.list("/plans", &query, Some(limit))?;
    if output.printed(&plans, session.terminal)? {
        return Ok(Exit::Done);
    }
    let now_ms = session.now_ms();
    let mut table = Table::new(&["plan", "cluster", "state", "why", "by", "age", "summary"]);
    for plan in plans {
        let view: PlanView = serde_json::from_value(plan)
            .map_err(|error| Failure::Failed(format!("the host's answer is not understood: {error}")))?;
        let plan = &view.plan;
        let why = serde_json::to_value(&plan.reason).ok();
        let why = why.as_ref().and_then(|reason| reason.get("reason")).map(super::brief).unwrap_or_default();
        let counts: Vec<_> = view.counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        table.row(vec![
            plan.id.as_str().into(),
            view.cluster_name.as_str().into(),
            Cell::toned(word(&plan.state), tone(plan.state)),
            why.into(),
            plan.created_by.as_str().into(),
            age(plan.created_at_ms, now_ms).into(),
            counts.join(", ").into(),
        ]);
    }
    if table.is_empty() {
        session.terminal.note("No plan. Make one: headgate plan -f FILE")?;
        return Ok(Exit::Done);
    }
    table.print("", session.terminal)?;
    Ok(Exit::Done)
}

fn tone(state: PlanState) -> Tone {
    match state {
        PlanState::Proposed | PlanState::Approved | PlanState::Applying => Tone::Waiting,
        PlanState::Applied => Tone::Good,
        PlanState::Failed => Tone::Bad,
        PlanState::Cancelled | PlanState::Stale => Tone::Faint,
    }
}

fn show_stored(id: &str, output: Output, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let client = session.client()?;
    if output.output != output::Format::Table {
        let plan: Value = client.get(&path(id), &[])?;
        output.printed(&plan, session.terminal)?;
        return Ok(Exit::Done);
    }
    let plan: PlanView = client.get(&path(id), &[])?;
    show(&client, &plan, session)?;
    let message = plan.plan.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
    let (state, by) = (word(&plan.plan.state), &plan.plan.created_by);
    let ago = age(plan.plan.created_at_ms, session.now_ms());
    session.terminal.line(format_args!("State {state}{message}. Made {ago} ago by {by}."))?;
    Ok(Exit::Done)
}
