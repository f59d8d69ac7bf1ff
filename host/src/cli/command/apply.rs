//! `headgate apply`: from documents, or of a stored plan.

use clap::Args;

use super::plan::{Files, plans, show_only};
use crate::cli::client::encode;
use crate::cli::failure::{Exit, Failure};
use crate::cli::interrupt::Interrupt;
use crate::cli::proposal::{Approval, approve_and_follow, carry_out};
use crate::cli::session::Session;

/// Plan documents, ask, and apply; or apply a stored plan
#[derive(Args)]
#[command(
    override_usage = "headgate apply -f FILE [OPTIONS]\n       headgate apply PLAN [OPTIONS]",
    after_help = "\
Examples:
  headgate apply -f topics.yaml             shows the plan, asks, applies
  headgate apply -f topics/ --yes           every .yaml, .yml and .json below the folder, without asking
  headgate get topic -c lab -o yaml | headgate apply -f - -c lab --yes
  headgate apply 0197c0de-…                 applies a stored plan, or follows one that is under way

A document:
  cluster: lab
  type: topic
  name: pay.events
  spec:
    partitions: 6
    replication_factor: 3
    config:
      retention.ms: 7200000
      cleanup.policy: null     # the backend's default; a key that is absent is not ours to say

`delete: true` in place of `spec` plans a delete; `at: node:1` names a place. Many documents to a file are parted
by `---`. Nothing is deleted because it is absent from a file.
Ctrl-C while a plan is applied leaves it running in the host.
Exit codes: 0 applied or nothing to do, 1 failed, 2 not approved, 3 bad documents, 5 refused."
)]
pub(in crate::cli) struct Apply {
    /// A stored plan
    #[arg(value_name = "PLAN", conflicts_with = "file", required_unless_present = "file")]
    plan: Option<String>,
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    approval: Approval,
}

impl Apply {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        if let Some(id) = &self.plan {
            let plan = client.get(&format!("/plans/{}", encode(id)), &[])?;
            return approve_and_follow(&client, plan, self.approval, &Interrupt::watch()?, session);
        }
        if self.files.dry_run {
            return show_only(&client, &self.files, self.approval.max_deletes, session);
        }
        if !self.approval.yes && !session.terminal.asks() {
            let message =
                "nobody can be asked here: give --yes, or `headgate plan -f` and then `headgate apply PLAN`";
            return Err(Failure::Input(message.to_owned()));
        }
        let plans = plans(&client, &self.files, self.approval.max_deletes, session)?;
        carry_out(&client, plans, self.approval, session)
    }
}
