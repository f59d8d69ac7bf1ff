//! `--preview`: what would go with a cluster, and what another authority would mean for what is there.

use std::collections::BTreeMap;

use serde_json::to_value;

use super::word;
use crate::api::v1::authorities::{AuthorityPreviewView, PreviewAuthority};
use crate::api::v1::removals::RemovalView;
use crate::cli::client::Client;
use crate::cli::command::cluster_path;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::plan_text;
use crate::cli::session::Session;
use crate::cli::table::printable;
use crate::domain::policy::Authority;

pub(super) fn removal(client: &Client, name: &str) -> Result<RemovalView, Failure> {
    client.get(&format!("{}/removal", cluster_path(name)), &[])
}

/// One line a noun: `  resources   consumer-group 3, topic 12`.
pub(super) fn print_removal(view: &RemovalView, session: &mut Session<'_>) -> Result<(), Failure> {
    for (noun, counts) in &view.goes {
        let count = |(word, count): (&String, &u64)| {
            if word.is_empty() { count.to_string() } else { format!("{word} {count}") }
        };
        let counts: Vec<String> = counts.iter().map(count).collect();
        let noun = noun.replace('_', " ");
        session.terminal.line(printable(&format!("  {noun:<16} {}", counts.join(", "))))?;
    }
    for one in &view.relations {
        let line = format!("  {} {} {}", one.from, one.relation.word(), one.to);
        session.terminal.line(printable(&line))?;
    }
    if let Some(plan) = &view.applying {
        session.terminal.line(format_args!("  plan {plan} is being applied: it has to end first"))?;
    }
    Ok(())
}

pub(super) fn authority(
    client: &Client,
    name: &str,
    authority: Authority,
    output: Output,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let body =
        to_value(PreviewAuthority { authority }).map_err(|error| Failure::Failed(error.to_string()))?;
    let path = format!("{}/authority/preview", cluster_path(name));
    let view: AuthorityPreviewView = client.post(&path, &body)?;
    if output.printed(&view, session.terminal)? {
        return Ok(());
    }
    let terminal = &mut *session.terminal;
    terminal.line(format_args!(
        "{name} is under {}; under {} it would be so:",
        word(&view.current),
        word(&authority)
    ))?;
    for plan in &view.plans {
        terminal.line("")?;
        terminal.line(plan_text::text(plan))?;
    }
    if view.plans.is_empty() {
        terminal.line("")?;
    }
    terminal.line(match (authority, view.plans.is_empty()) {
        (Authority::Observe, _) => "Nothing would be written, ever; wishes stay, and are not followed.",
        (Authority::Adopt, true) => "There is nothing to take over.",
        (Authority::Adopt, false) => {
            "It would be proposed to take these over as they are; nothing is written to the cluster."
        }
        (Authority::Manage, true) => "Nothing would be changed: only what is wished for is touched.",
        (Authority::Manage, false) => "These differ from what was wished for, and could be changed.",
    })?;
    let unmanaged: BTreeMap<_, _> = view.unmanaged.iter().filter(|_| authority != Authority::Adopt).collect();
    if !unmanaged.is_empty() {
        let counts: Vec<String> = unmanaged.iter().map(|(name, count)| format!("{name} {count}")).collect();
        terminal
            .line(printable(&format!("Left as it is, for nobody wishes for it: {}.", counts.join(", "))))?;
    }
    Ok(())
}
