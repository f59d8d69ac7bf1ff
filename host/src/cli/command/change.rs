//! `headgate undo|adopt|release|delete`: changes that need no document.

use clap::Args;
use serde_json::to_value;

use super::{Subject, cluster_path};
use crate::api::v1::plans::{AdoptBody, PlanView, ProposePlan};
use crate::api::v1::resources::ResourceView;
use crate::cli::client::{encode, nothing};
use crate::cli::failure::{Exit, Failure};
use crate::cli::plan_text::subject;
use crate::cli::proposal::{Approval, carry_out, propose};
use crate::cli::session::Session;

/// Plan the inverse of an applied plan, ask, and apply it
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate undo 0197c0de-…
  headgate undo 0197c0de-… --yes --allow-destructive    the undo of a create is a delete

Without a terminal and without --yes the plan is made and kept: exit code 2, and `headgate apply PLAN` applies it.")]
pub(in crate::cli) struct Undo {
    plan: String,
    #[command(flatten)]
    approval: Approval,
}

impl Undo {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        let plan: PlanView = client.post(&format!("/plans/{}/undo", encode(&self.plan)), &nothing())?;
        carry_out(&client, vec![plan], self.approval, session)
    }
}

/// Make what exists ours, as it is
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate adopt topic 'pay.*' -c lab
  headgate adopt topic pay.events -c lab --yes

`*` stands for any run of characters; quote it. Nothing is written to the cluster.")]
pub(in crate::cli) struct Adopt {
    /// Metadata type, such as `topic`
    #[arg(value_name = "TYPE")]
    metadata_type: String,
    pattern: String,
    /// Name of the cluster
    #[arg(short, long, value_name = "NAME")]
    cluster: String,
    #[command(flatten)]
    approval: Approval,
}

impl Adopt {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        let adopt = AdoptBody { metadata_type: self.metadata_type.clone(), pattern: self.pattern.clone() };
        let body =
            ProposePlan { cluster: self.cluster.clone(), adopt: Some(adopt), ..ProposePlan::default() };
        carry_out(&client, vec![propose(&client, &body)?], self.approval, session)
    }
}

/// End the wish and the ownership; the resource stays as it is
#[derive(Args)]
#[command(after_help = "\
Example:
  headgate release topic pay.events -c lab")]
pub(in crate::cli) struct Release {
    #[command(flatten)]
    subject: Subject,
}

impl Release {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let body = to_value(self.subject.name()).map_err(|error| Failure::Failed(error.to_string()))?;
        let path = format!("{}/release", cluster_path(&self.subject.cluster));
        let view: ResourceView = session.client()?.post(&path, &body)?;
        session
            .terminal
            .line(format_args!("Released {}: it stays as it is.", subject(&view.resource.key)))?;
        Ok(Exit::Done)
    }
}

/// Plan the delete of a resource that is ours, ask, and apply it
#[derive(Args)]
#[command(after_help = "\
Example:
  headgate delete topic pay.events -c lab --allow-destructive

What is not ours is never deleted; a delete loses data, so it needs --allow-destructive.")]
pub(in crate::cli) struct Delete {
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    approval: Approval,
}

impl Delete {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        let body = ProposePlan {
            cluster: self.subject.cluster.clone(),
            delete: Some(self.subject.name()),
            max_deletes: self.approval.max_deletes,
            ..ProposePlan::default()
        };
        carry_out(&client, vec![propose(&client, &body)?], self.approval, session)
    }
}
