//! `headgate sync`: one cycle now.

use clap::Args;
use serde_json::Value;

use super::cluster_path;
use crate::api::v1::clusters::CycleView;
use crate::cli::client::nothing;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::{Table, printable};
use crate::cli::{output, time};
use crate::domain::resource::ListFailure;

/// Look at a cluster now: one cycle, and what it saw
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate sync lab
  headgate sync lab -o json | jq '.types[].seen'

Clusters are looked at by themselves every half a minute; this jumps the queue and waits.
Exit code 1 says that a part could not be listed, 6 that the cluster could not be reached.")]
pub(in crate::cli) struct Sync {
    /// Name of the cluster
    name: String,
    #[command(flatten)]
    output: Output,
}

impl Sync {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        if session.terminal.is_live() && self.output.output == output::Format::Table {
            session.terminal.progress(format_args!("looking at {} …", self.name))?;
        }
        let answer: Result<Value, Failure> =
            client.post(&format!("{}/sync", cluster_path(&self.name)), &nothing());
        session.terminal.end_progress()?;
        let answer = answer?;
        let cycle: CycleView = serde_json::from_value(answer.clone())
            .map_err(|error| Failure::Failed(format!("the host's answer is not understood: {error}")))?;
        if !self.output.printed(&answer, session.terminal)? {
            print(&cycle, session)?;
        }
        if let Some(error) = &cycle.error {
            return Err(Failure::Failed(format!(
                "the cycle of {} ended early: {}",
                self.name,
                printable(error)
            )));
        }
        let failed = cycle.types.iter().any(|seen| !seen.failures.is_empty());
        Ok(if failed { Exit::Failed } else { Exit::Done })
    }
}

fn print(cycle: &CycleView, session: &mut Session<'_>) -> Result<(), Failure> {
    let took_ms = cycle.ended_at_ms.saturating_sub(cycle.started_at_ms);
    let terminal = &mut *session.terminal;
    terminal.line(format_args!(
        "{}   looked at in {took_ms} ms, {}",
        cycle.cluster,
        time::moment(cycle.ended_at_ms)
    ))?;
    let mut table = Table::new(&["type", "seen", "new", "changed", "gone", "failures"]);
    for seen in &cycle.types {
        table.row(vec![
            seen.metadata_type.as_str().into(),
            seen.seen.into(),
            seen.new.into(),
            seen.changed.into(),
            seen.gone.into(),
            seen.failures.len().into(),
        ]);
    }
    if !table.is_empty() {
        table.print("  ", terminal)?;
    }
    for failure in cycle.types.iter().flat_map(|seen| &seen.failures) {
        terminal.note(format_args!("  failed: {}", told(failure)))?;
    }
    Ok(())
}

pub(super) fn told(failure: &ListFailure) -> String {
    let id = failure.id.as_deref().map(|id| format!(" {id}")).unwrap_or_default();
    printable(&format!("{}{id} at {}: {}", failure.metadata_type, failure.place, failure.error.message))
}
