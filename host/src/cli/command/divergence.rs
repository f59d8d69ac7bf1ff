//! `headgate divergence`: resources whose copies on groups or nodes differ, and making them alike.

use clap::{Args, Subcommand};
use serde_json::{Value, to_value};

use super::{brief, cluster_path};
use crate::api::v1::divergence::RepairRequest;
use crate::api::v1::plans::PlanView;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::proposal::{Approval, carry_out};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::domain::divergence::{Diverged, DivergedField, Held};
use crate::domain::place::Place;

/// Show resources whose copies on groups or nodes differ; make them alike
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  headgate divergence -c lab                             exit code 2 where copies differ that may not
  headgate divergence -c lab --allowed                   what is allowed to differ, too
  headgate divergence -c lab --at group:broker-b         where that group is not like most
  headgate get topic -c lab --diverged                   all copies of topics that differ
  headgate divergence repair topic pay -c lab            like most copies: plans, asks, applies
  headgate divergence repair topic pay -c lab --like group:broker-a
  headgate policy set lab topic pay --divergence allow   lets the copies of one resource differ"
)]
pub(in crate::cli) struct Divergence {
    #[command(subcommand)]
    answer: Option<Answer>,
    /// Name of the cluster
    #[arg(short, long, value_name = "NAME", required = true)]
    cluster: Option<String>,
    /// Only this metadata type
    #[arg(long = "type", value_name = "TYPE")]
    metadata_type: Option<String>,
    /// Show differences that are allowed too
    #[arg(long)]
    allowed: bool,
    /// Only resources whose copy there is not like most: group:NAME or node:ID
    #[arg(long, value_name = "PLACE")]
    at: Option<Place>,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Answer {
    /// Make the copies of a resource alike: plan, ask, apply
    Repair {
        /// Metadata type, such as `topic`
        #[arg(value_name = "TYPE")]
        metadata_type: String,
        /// The resource's name
        id: String,
        /// Name of the cluster
        #[arg(short, long, value_name = "NAME")]
        cluster: String,
        /// The copy to follow: group:NAME or node:ID [default: what most copies have]
        #[arg(long, value_name = "PLACE")]
        like: Option<Place>,
        #[command(flatten)]
        approval: Approval,
    },
}

impl Divergence {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        match &self.answer {
            None => self.list(session),
            Some(Answer::Repair { metadata_type, id, cluster, like, approval }) => {
                let body = RepairRequest {
                    metadata_type: metadata_type.clone(),
                    id: id.clone(),
                    like: like.clone(),
                };
                let body = to_value(body).map_err(|error| Failure::Failed(error.to_string()))?;
                let client = session.client()?;
                let plan: PlanView =
                    client.post(&format!("{}/divergence/repair", cluster_path(cluster)), &body)?;
                carry_out(&client, vec![plan], *approval, session)
            }
        }
    }

    fn list(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let name = self.cluster.as_deref().unwrap_or_default();
        let mut query = Vec::new();
        query.extend(self.metadata_type.as_deref().map(|name| ("type", name)));
        query.extend(self.allowed.then_some(("allowed", "true")));
        let at = self.at.as_ref().map(Place::to_string);
        query.extend(at.as_deref().map(|at| ("at", at)));
        let items: Vec<Value> =
            session.client()?.list(&format!("{}/divergence", cluster_path(name)), &query, None)?;
        let found: Vec<Diverged> = serde_json::from_value(Value::Array(items.clone()))
            .map_err(|error| Failure::Failed(format!("the host's answer is not understood: {error}")))?;
        let exit = if found.iter().any(|one| one.forbidden) { Exit::SomethingToDo } else { Exit::Done };
        if self.output.printed(&items, session.terminal)? {
            return Ok(exit);
        }
        if found.is_empty() {
            session.terminal.line(format_args!("No copies differ in {name}."))?;
            return Ok(exit);
        }
        let mut table = Table::new(&["type", "name", "field", "value", "copies", ""]);
        for one in &found {
            for field in &one.fields {
                for (position, held) in field.values.iter().enumerate() {
                    table.row(row(one, field, held, position == 0));
                }
            }
        }
        table.print("", session.terminal)?;
        Ok(exit)
    }
}

/// What is the same as in the row above is left empty.
fn row(one: &Diverged, field: &DivergedField, held: &Held, is_first: bool) -> Vec<crate::cli::table::Cell> {
    let first = |text: &str| if is_first { text.to_owned() } else { String::new() };
    let verdict = if field.forbidden { "forbidden" } else { "allowed" };
    let places: Vec<String> = held.places.iter().map(ToString::to_string).collect();
    vec![
        first(&one.metadata_type).into(),
        first(&one.id).into(),
        first(if field.path.is_empty() { "(is there)" } else { &field.path }).into(),
        brief(&held.value).into(),
        places.join(", ").into(),
        first(verdict).into(),
    ]
}
