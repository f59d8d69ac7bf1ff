//! `headgate record`: who changed what, from what to what, and how it ended.

use clap::Args;
use serde_json::Value;

use super::brief;
use crate::api::v1::records::RecordView;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::{Cell, Table};
use crate::cli::terminal::Tone;
use crate::cli::time::{milliseconds, moment};
use crate::domain::fields;
use crate::domain::record::RecordOutcome;

/// Fields of a change that a line of the table shows; `-o json` shows all.
const FIELDS_SHOWN: usize = 3;

/// Search who changed what: people, policies and the steps of plans, also on clusters that are gone
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate record -c lab                          newest first, also where lab was removed meanwhile
  headgate record --actor token:ci --since 7d
  headgate record --action step.delete            every delete that a plan carried out
  headgate record --action plan. --outcome failed,partial
  headgate record --subject pay.audit -o yaml     with all of before and after
  headgate record --part-of PLAN                  the plan's approval, its steps and its end
  headgate record --request ID                    all that one call led to: its answer has the id in x-request-id

A record is written in the transaction of its change and kept for 400 days. Secrets are not in it, only their names.")]
pub(in crate::cli) struct Record {
    /// Only of the cluster with this name, also of one that is gone
    #[arg(short, long, value_name = "NAME")]
    cluster: Option<String>,
    /// Only what this one did: token:NAME, or headgate where no person asked
    #[arg(long, value_name = "WHO")]
    actor: Option<String>,
    /// Only actions that begin so, such as `cluster.`, `plan.approve` or `step.delete`
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only what was done to something whose name contains this
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// accepted, done, partial, failed, unknown, cancelled or stale; several with commas between
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// Only of so long ago: 90s, 30m, 24h, 7d
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    since: Option<i64>,
    /// Only of longer ago than this
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    until: Option<i64>,
    /// Only what the call with this id asked for
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Only what belongs to this plan or operation
    #[arg(long, value_name = "ID")]
    part_of: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value = "50")]
    limit: usize,
    #[command(flatten)]
    output: Output,
}

impl Record {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let ago = |time: Option<i64>| time.map(|ago| session.now_ms().saturating_sub(ago).to_string());
        let (since, until) = (ago(self.since), ago(self.until));
        let wanted = [
            ("cluster", &self.cluster),
            ("actor", &self.actor),
            ("action", &self.action),
            ("subject", &self.subject),
            ("outcome", &self.outcome),
            ("since_ms", &since),
            ("until_ms", &until),
            ("request_id", &self.request),
            ("part_of", &self.part_of),
        ];
        let query: Vec<(&str, &str)> =
            wanted.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        let found: Vec<Value> = session.client()?.list("/records", &query, Some(self.limit))?;
        if !self.output.printed(&found, session.terminal)? {
            list(found, session)?;
        }
        Ok(Exit::Done)
    }
}

fn list(found: Vec<Value>, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut table = Table::new(&["when", "who", "action", "cluster", "on", "outcome", "what"]);
    for one in found {
        let one: RecordView = serde_json::from_value(one)
            .map_err(|error| Failure::Failed(format!("the host's answer is not understood: {error}")))?;
        let changed = changed(one.before.as_ref(), one.after.as_ref());
        table.row(vec![
            moment(one.at_ms).into(),
            one.actor.into(),
            one.action.into(),
            one.cluster_name.unwrap_or_default().into(),
            one.subject.into(),
            Cell::toned(one.outcome.word(), tone(one.outcome)),
            one.message.unwrap_or(changed).into(),
        ]);
    }
    if table.is_empty() {
        session
            .terminal
            .note("No record. Ask for less: headgate record --help shows what can be asked for.")?;
        return Ok(());
    }
    Ok(table.print("", session.terminal)?)
}

fn tone(outcome: RecordOutcome) -> Tone {
    match outcome {
        RecordOutcome::Accepted => Tone::Waiting,
        RecordOutcome::Done => Tone::Good,
        RecordOutcome::Partial | RecordOutcome::Failed | RecordOutcome::Unknown => Tone::Bad,
        RecordOutcome::Cancelled | RecordOutcome::Stale => Tone::Faint,
    }
}

/// `paused false → true, authority manage → observe, 2 more`
fn changed(before: Option<&Value>, after: Option<&Value>) -> String {
    let old = before.map(fields::leaves).unwrap_or_default();
    let fresh = after.map(fields::leaves).unwrap_or_default();
    let mut paths: Vec<&String> = fresh.iter().chain(&old).map(|(path, _)| path).collect();
    paths.sort();
    paths.dedup();
    let value = |leaves: &[(String, &Value)], path: &str| {
        let found = leaves.iter().find(|(known, _)| known == path).map(|(_, value)| *value);
        found.filter(|value| !value.is_null()).map(brief)
    };
    let mut told = Vec::new();
    for path in paths {
        let name = path.trim_start_matches('/').replace('/', ".");
        match (value(&old, path), value(&fresh, path)) {
            (was, is) if was == is => {}
            (Some(was), Some(is)) => told.push(format!("{name} {was} → {is}")),
            (None, Some(is)) => told.push(format!("{name} {is}")),
            (Some(was), None) => told.push(format!("{name} {was} → nothing")),
            (None, None) => {}
        }
    }
    let more = told.len().saturating_sub(FIELDS_SHOWN);
    told.truncate(FIELDS_SHOWN);
    if more > 0 {
        told.push(format!("{more} more"));
    }
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_shows_what_changed_and_no_more_than_fits() {
        let told = |before: Value, after: Value| changed(Some(&before), Some(&after));
        assert_eq!(
            told(json!({"paused": false, "x": 1}), json!({"paused": true, "x": 1})),
            "paused false → true"
        );
        assert_eq!(told(json!({"config": {"a": "1"}}), json!({"config": {}})), "config.a 1 → nothing");
        let many = json!({"a": 1, "b": 2, "c": 3, "d": 4, "e": null});
        assert_eq!(told(Value::Null, many), "a 1, b 2, c 3, 1 more");
    }
}
