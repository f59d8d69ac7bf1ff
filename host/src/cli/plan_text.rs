//! A plan as a person reads it.

use std::fmt::Write;

use super::table::printable;
use crate::api::v1::clusters::ClusterView;
use crate::api::v1::plans::PlanView;
use crate::domain::place::Place;
use crate::domain::plan::{Plan, PlanState, Step, StepState, Verb};
use crate::domain::resource::ResourceKey;

/// `lab   kafka 4.3.1, 3 nodes`
pub(crate) fn heading(view: &ClusterView) -> String {
    let cluster = &view.cluster;
    let version = cluster.backend_version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let nodes = match view.nodes.len() {
        0 => String::new(),
        1 => ", 1 node".to_owned(),
        count => format!(", {count} nodes"),
    };
    printable(&format!("{}   {}{version}{nodes}", cluster.name, cluster.kind))
}

/// The entries and the closing line, with what to type next.
pub(crate) fn text(view: &PlanView) -> String {
    let plan = &view.plan;
    let mut text = entries(plan);
    for exceeded in &plan.exceeded {
        let _ignored = writeln!(text, "  ! {}: {}", exceeded.limit, printable(&exceeded.message));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text += &printable(&view.summary);
    let does_something = !plan.steps.is_empty() || !plan.standing.is_empty();
    if plan.state == PlanState::Proposed && !plan.id.as_str().is_empty() && does_something {
        let _ignored = write!(text, " Apply: headgate apply {}", plan.id);
    }
    text
}

fn entries(plan: &Plan) -> String {
    let mut rows: Vec<[String; 4]> = plan.steps.iter().map(row).collect();
    rows.extend(plan.blocked.iter().map(|entry| {
        let field = entry.path.as_deref().filter(|path| !path.is_empty()).map(|path| format!("{path}: "));
        let reason = format!("{}{}", field.unwrap_or_default(), entry.reason);
        ["!".to_owned(), subject(&entry.key), "blocked".to_owned(), reason]
    }));
    rows.extend(
        plan.warnings
            .iter()
            .map(|entry| ["?".to_owned(), subject(&entry.key), "warning".to_owned(), entry.reason.clone()]),
    );
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let (names, words) = (width(1), width(2));
    let mut text = String::new();
    for [mark, name, word, summary] in &rows {
        let line = format!("  {mark} {name:names$}   {word:words$}   {summary}");
        text += printable(&line).trim_end();
        text.push('\n');
    }
    text
}

fn row(step: &Step) -> [String; 4] {
    let (mark, word) = match step.verb {
        Verb::Create => ("+", "create"),
        Verb::Edit => ("~", "edit"),
        Verb::Delete => ("-", "delete"),
        Verb::Adopt => ("^", "adopt"),
        Verb::Release => ("v", "release"),
        Verb::Wish => ("=", "wish"),
    };
    let mut summary = step.summary.clone();
    if step.destructive {
        summary += "  (destructive)";
    }
    if !step.restart.is_empty() {
        summary += &format!("  (restart: {})", step.restart.join(", "));
    }
    if let Some(state) = outcome(step) {
        summary += &format!("  [{state}]");
    }
    [mark.to_owned(), subject(&step.key), word.to_owned(), summary]
}

/// What became of the step; nothing while it waits.
fn outcome(step: &Step) -> Option<String> {
    let word = match step.state {
        StepState::Waiting => return None,
        StepState::Running => "running",
        StepState::Done => "done",
        StepState::Failed => "failed",
        StepState::Unknown => "unknown",
        StepState::Skipped => "skipped",
    };
    let message = step.message.as_deref().filter(|message| !message.is_empty());
    Some(message.map_or_else(|| word.to_owned(), |message| format!("{word}: {message}")))
}

pub(crate) fn subject(key: &ResourceKey) -> String {
    let at = if key.place == Place::Cluster { String::new() } else { format!(" at {}", key.place) };
    printable(&format!("{} {}{at}", key.metadata_type, key.id))
}

pub(crate) fn state_word(state: PlanState) -> &'static str {
    match state {
        PlanState::Proposed => "proposed",
        PlanState::Approved => "approved",
        PlanState::Applying => "applying",
        PlanState::Applied => "applied",
        PlanState::Failed => "failed",
        PlanState::Cancelled => "cancelled",
        PlanState::Stale => "stale",
    }
}
