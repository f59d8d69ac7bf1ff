//! `headgate drift`: what somebody changed in the cluster, and what to do about it.

use clap::{Args, Subcommand};
use serde_json::{Value, to_value};

use super::{Subject, cluster_path, resource, word};
use crate::api::v1::drift::DriftSubject;
use crate::api::v1::plans::PlanView;
use crate::api::v1::resources::{ResourceDrift, ResourceView};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::plan_text::subject;
use crate::cli::proposal::{Approval, carry_out};
use crate::cli::session::Session;
use crate::cli::terminal::Tone;

/// Show what somebody changed in a cluster; accept, revert or ignore it
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  headgate drift -c lab                                  exit code 2 where there is drift
  headgate drift revert topic pay.events -c lab          plans the wish again, asks, applies
  headgate drift accept topic pay.events -c lab          the cluster's value becomes the wish
  headgate drift ignore topic pay.events -c lab --field /config/retention.ms"
)]
pub(in crate::cli) struct Drift {
    #[command(subcommand)]
    answer: Option<Answer>,
    /// Name of the cluster
    #[arg(short, long, value_name = "NAME", required = true)]
    cluster: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Answer {
    /// Take the cluster's value as the wish
    Accept {
        #[command(flatten)]
        part: Part,
    },
    /// Bring the wish back: plan, ask, apply
    Revert {
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        approval: Approval,
    },
    /// Hide the difference by a rule
    Ignore {
        #[command(flatten)]
        part: Part,
    },
}

#[derive(Args)]
struct Part {
    #[command(flatten)]
    subject: Subject,
    /// One field, as a JSON Pointer into the spec [default: the whole resource]
    #[arg(long, value_name = "/JSON/POINTER", value_parser = pointer)]
    field: Option<String>,
}

fn pointer(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("write a JSON Pointer such as /config/retention.ms".to_owned())
    }
}

impl Drift {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        match &self.answer {
            None => self.list(session),
            Some(Answer::Accept { part }) => {
                let view: ResourceView = part.answer("accept", session)?;
                let (subject, status) = (subject(&view.resource.key), word(&view.resource.status));
                session.terminal.line(format_args!("Accepted: {subject} is {status}."))?;
                Ok(Exit::Done)
            }
            Some(Answer::Ignore { part }) => {
                let view: ResourceView = part.answer("ignore", session)?;
                let name = &part.subject.cluster;
                session.terminal.line(format_args!(
                    "Ignored: {} is {}. The rule: headgate policy show {name}",
                    subject(&view.resource.key),
                    word(&view.resource.status)
                ))?;
                Ok(Exit::Done)
            }
            Some(Answer::Revert { part, approval }) => {
                let plan: PlanView = part.answer("revert", session)?;
                carry_out(&session.client()?, vec![plan], *approval, session)
            }
        }
    }

    fn list(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let name = self.cluster.as_deref().unwrap_or_default();
        let items: Vec<Value> =
            session.client()?.list(&format!("{}/drift", cluster_path(name)), &[], None)?;
        let exit = if items.is_empty() { Exit::Done } else { Exit::SomethingToDo };
        if self.output.printed(&items, session.terminal)? {
            return Ok(exit);
        }
        if items.is_empty() {
            session.terminal.line(format_args!("Nothing drifted in {name}."))?;
        }
        for (index, item) in items.into_iter().enumerate() {
            let item: ResourceDrift = serde_json::from_value(item)
                .map_err(|error| Failure::Failed(format!("the host's answer is not understood: {error}")))?;
            let resource = &item.view.resource;
            if index > 0 {
                session.terminal.line("")?;
            }
            let status = session.terminal.paint(Tone::of(resource.status), word(&resource.status));
            session.terminal.line(format_args!("{}   {status}", subject(&resource.key)))?;
            resource::fields(&item.fields, session.terminal)?;
        }
        Ok(exit)
    }
}

impl Part {
    fn answer<T: serde::de::DeserializeOwned>(
        &self,
        verb: &str,
        session: &mut Session<'_>,
    ) -> Result<T, Failure> {
        let name = self.subject.name();
        let body = DriftSubject {
            metadata_type: name.metadata_type,
            id: name.id,
            at: name.at,
            field: self.field.clone(),
        };
        let body = to_value(body).map_err(|error| Failure::Failed(error.to_string()))?;
        session.client()?.post(&format!("{}/drift/{verb}", cluster_path(&self.subject.cluster)), &body)
    }
}
