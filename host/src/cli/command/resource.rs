//! One resource with all that is known of it, for a person.

use serde_json::Value;

use super::{brief, get, word};
use crate::api::v1::resources::{FieldStateView, FieldView, ResourceDetail};
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::plan_text::subject;
use crate::cli::session::Session;
use crate::cli::table::{Cell, Table, printable};
use crate::cli::terminal::{Terminal, Tone};
use crate::cli::time::moment;
use crate::domain::status::Activity;

/// Transitions that are shown; the API tells all.
const TRANSITIONS_SHOWN: usize = 10;

pub(super) fn print(
    cluster: &str,
    detail: &ResourceDetail,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let view = &detail.view;
    let resource = &view.resource;
    let now_ms = session.now_ms();
    let terminal = &mut *session.terminal;
    let status = terminal.paint(Tone::of(resource.status), word(&resource.status));
    terminal.line(format_args!("{}   {status}", subject(&resource.key)))?;
    terminal.line(format_args!("  cluster     {cluster}"))?;
    let owner = match (resource.internal, resource.owned) {
        (true, _) => "the backend's own",
        (false, true) => "yes",
        (false, false) => "no",
    };
    terminal.line(format_args!("  ours        {owner}"))?;
    let seen = if detail.live { "just now".to_owned() } else { get::seen(view, now_ms) };
    terminal.line(format_args!("  seen        {seen}"))?;
    if let Some(error) = &detail.live_error {
        terminal.line(format_args!("  not asked   {}", printable(error)))?;
    }
    match &resource.activity {
        Activity::Idle | Activity::Syncing => {}
        Activity::Failed { reason } | Activity::Blocked { reason } | Activity::Unknown { reason } => {
            terminal.line(format_args!("  because     {}", printable(reason)))?;
        }
    }
    fields(&detail.fields, terminal)?;
    document("Wished", resource.desired.as_ref(), terminal)?;
    document("Observed", Some(&resource.observed), terminal)?;
    document("Status", Some(&resource.status_document), terminal)?;
    if !detail.transitions.is_empty() {
        terminal.line("\nTransitions")?;
        let mut table = Table::new(&["when", "from", "to", "cause"]);
        for transition in detail.transitions.iter().take(TRANSITIONS_SHOWN) {
            table.row(vec![
                moment(transition.at_ms).into(),
                word(&transition.from).into(),
                Cell::toned(word(&transition.to), Tone::of(transition.to)),
                transition.cause.as_str().into(),
            ]);
        }
        table.print("  ", terminal)?;
    }
    Ok(())
}

/// The three images of each field that is not as wished.
pub(super) fn fields(fields: &[FieldView], terminal: &mut Terminal) -> Result<(), Failure> {
    if fields.is_empty() {
        return Ok(());
    }
    terminal.line("\nNot as wished")?;
    let mut table = Table::new(&["field", "state", "desired", "applied", "observed", "note"]);
    for field in fields {
        let tone = match field.state {
            FieldStateView::Synced => Tone::Good,
            FieldStateView::Pending | FieldStateView::Drifted => Tone::Waiting,
            FieldStateView::Conflicted => Tone::Bad,
        };
        let path = if field.path.is_empty() { "(existence)" } else { field.path.as_str() };
        table.row(vec![
            path.into(),
            Cell::toned(word(&field.state), tone),
            image(field.desired.as_ref(), &field.path).into(),
            field.applied.as_ref().map_or_else(|| "-".to_owned(), brief).into(),
            image(field.observed.as_ref(), &field.path).into(),
            if field.ignored { "ignored by a rule" } else { "" }.into(),
        ]);
    }
    Ok(table.print("  ", terminal)?)
}

/// No value of a field is the backend's default; of the existence it is nothing at all.
fn image(value: Option<&Value>, path: &str) -> String {
    match value {
        None if path.is_empty() => "-".to_owned(),
        None | Some(Value::Null) => "(default)".to_owned(),
        Some(value) => brief(value),
    }
}

fn document(title: &str, value: Option<&Value>, terminal: &mut Terminal) -> Result<(), Failure> {
    let Some(value) = value.filter(|value| value.as_object().is_none_or(|fields| !fields.is_empty())) else {
        return Ok(());
    };
    terminal.line(format_args!("\n{title}"))?;
    for line in output::yaml(value)?.lines() {
        terminal.line(format_args!("  {}", printable(line)))?;
    }
    Ok(())
}
