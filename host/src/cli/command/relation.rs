//! `headgate relation`: which cluster stands on which.

use clap::{Args, Subcommand};
use serde_json::{Value, to_value};
use ureq::http::Method;

use super::{cluster_path, word};
use crate::api::v1::relations::{AddRelation, RelationView};
use crate::cli::client::encode;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::domain::relation::RelationType;

/// Say which cluster stands on which: registers with, stores in, replicates to, runs on
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  headgate relation add pay registers-with zk     pay stands on zk
  headgate relation list -c zk
  headgate cluster remove zk --despite pay        refused without --despite while pay stands on it

Where a cluster's own configuration names a registry, and a registered cluster has its address, the relation is found.")]
pub(in crate::cli) enum Relation {
    /// Add a relation; one that would close a circle is refused
    Add(Edge),
    /// Take a relation off; the clusters stay as they are
    Remove(Edge),
    /// List the relations
    List {
        /// Only those that begin or end at this cluster
        #[arg(short, long, value_name = "NAME")]
        cluster: Option<String>,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Args)]
pub(in crate::cli) struct Edge {
    /// The cluster that stands on the other
    from: String,
    /// registers-with, stores-in, replicates-to or runs-on
    relation: RelationType,
    /// The cluster that it stands on
    to: String,
}

impl Relation {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        match self {
            Self::Add(Edge { from, relation, to }) => {
                let body = AddRelation { from: from.clone(), relation: *relation, to: to.clone() };
                let body = to_value(body).map_err(|error| Failure::Failed(error.to_string()))?;
                let _added: Value = client.post("/relations", &body)?;
                session.terminal.line(format_args!("{from} {} {to}.", relation.word()))?;
            }
            Self::Remove(Edge { from, relation, to }) => {
                let path = format!("{}/relations/{}/{}", cluster_path(from), relation.word(), encode(to));
                let _gone: Value = client.call(&Method::DELETE, &path, &[], None)?;
                session.terminal.line(format_args!("{from} no longer {} {to}.", relation.word()))?;
            }
            Self::List { cluster, output } => {
                let query: Vec<_> = cluster.as_deref().map(|name| ("cluster", name)).into_iter().collect();
                list(&client.get::<Vec<RelationView>>("/relations", &query)?, *output, session)?;
            }
        }
        Ok(Exit::Done)
    }
}

fn list(relations: &[RelationView], output: Output, session: &mut Session<'_>) -> Result<(), Failure> {
    if output.printed(&relations, session.terminal)? {
        return Ok(());
    }
    if relations.is_empty() {
        session.terminal.line("No relations.")?;
        return Ok(());
    }
    let mut table = Table::new(&["cluster", "relation", "to", "told by"]);
    for one in relations {
        table.row(vec![
            one.from.as_str().into(),
            one.relation.word().into(),
            one.to.as_str().into(),
            word(&one.source).into(),
        ]);
    }
    Ok(table.print("", session.terminal)?)
}
