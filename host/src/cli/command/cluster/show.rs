//! `headgate cluster list|show`

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::v1::clusters::ClusterView;
use crate::cli::command::{brief, cluster_path, node, sync, word};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::{Cell, Table, printable};
use crate::cli::terminal::Tone;
use crate::cli::time::{age, moment};
use crate::domain::address::Side;
use crate::domain::cluster::Reach;
use crate::domain::place::Place;

pub(super) fn list(output: Output, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let clusters: Vec<Value> = session.client()?.list("/clusters", &[], None)?;
    if output.printed(&clusters, session.terminal)? {
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["name", "kind", "version", "authority", "state", "seen", "resources"]);
    for cluster in clusters {
        let view = read(cluster)?;
        let cluster = &view.cluster;
        let (state, tone) = state(&view);
        let seen = cluster.discovered_at_ms.map(|at_ms| age(at_ms, session.now_ms())).unwrap_or_default();
        table.row(vec![
            cluster.name.as_str().into(),
            cluster.kind.as_str().into(),
            cluster.backend_version.as_deref().unwrap_or_default().into(),
            word(&cluster.authority).into(),
            Cell::toned(state, tone),
            seen.into(),
            counts(&view).into(),
        ]);
    }
    if table.is_empty() {
        session
            .terminal
            .note("No cluster is registered. Begin: headgate cluster add NAME --kind KIND --set KEY=VALUE")?;
        return Ok(Exit::Done);
    }
    table.print("", session.terminal)?;
    Ok(Exit::Done)
}

pub(super) fn one(name: &str, output: Output, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let answer: Value = session.client()?.get(&cluster_path(name), &[])?;
    if output.printed(&answer, session.terminal)? {
        return Ok(Exit::Done);
    }
    let view = read(answer)?;
    head(&view, session)?;
    addresses(&view, session)?;
    relations(&view, session)?;
    nodes(&view, session)?;
    resources(&view, session)?;
    Ok(Exit::Done)
}

/// What it stands on, and what stands on it.
pub(super) fn relations(view: &ClusterView, session: &mut Session<'_>) -> Result<(), Failure> {
    for one in &view.relations {
        let line = format!("  {} {} {}", one.from, one.relation.word(), one.to);
        session.terminal.line(printable(&line))?;
    }
    Ok(())
}

fn head(view: &ClusterView, session: &mut Session<'_>) -> Result<(), Failure> {
    let cluster = &view.cluster;
    let (state, tone) = state(view);
    let now_ms = session.now_ms();
    let terminal = &mut *session.terminal;
    let version = cluster.backend_version.as_deref().unwrap_or_default();
    let state = terminal.paint(tone, state);
    terminal.line(format_args!("{}   {} {version}   {state}", cluster.name, cluster.kind))?;
    terminal.line(format_args!("  authority   {}", word(&cluster.authority)))?;
    if let Some(identity) = &cluster.identity {
        terminal.line(format_args!("  identity    {}", printable(identity)))?;
    }
    terminal.line(format_args!("  registered  {}", moment(cluster.created_at_ms)))?;
    if let Reach::Unreachable { reason, failures, next_attempt_at_ms } = &cluster.reach {
        let next_ms = i64::try_from(*next_attempt_at_ms).unwrap_or(i64::MAX);
        let wait = age(now_ms, next_ms);
        let reason = printable(reason);
        terminal
            .line(format_args!("  unreachable {failures} times in a row, asked again in {wait}: {reason}"))?;
    }
    if let Reach::Foreign { found } = &cluster.reach {
        terminal.line(format_args!(
            "  another cluster answers ({}): nothing is read or written until `headgate cluster rebind {}`",
            printable(found),
            cluster.name
        ))?;
    }
    terminal.line("\nConnection")?;
    let mut table = Table::new(&["field", "value"]);
    for (key, value) in cluster.connection.as_object().into_iter().flatten() {
        let secret = view.secrets.contains(key);
        table.row(vec![key.into(), if secret { "(secret)".into() } else { brief(value).into() }]);
    }
    for secret in view.secrets.iter().filter(|name| cluster.connection.get(name.as_str()).is_none()) {
        table.row(vec![secret.into(), "(secret)".into()]);
    }
    Ok(table.print("  ", terminal)?)
}

/// The rules for addresses, where there are some.
fn addresses(view: &ClusterView, session: &mut Session<'_>) -> Result<(), Failure> {
    let map = &view.cluster.addresses;
    if map.rules.is_empty() {
        return Ok(());
    }
    let followed = match map.prefer {
        Side::Outside => "outside is dialled",
        Side::Inside => "kept, and inside is dialled",
    };
    session.terminal.line(format_args!("\nAddresses ({followed})"))?;
    let mut table = Table::new(&["inside", "outside"]);
    for rule in &map.rules {
        table.row(vec![rule.inside.as_str().into(), rule.outside.as_str().into()]);
    }
    Ok(table.print("  ", session.terminal)?)
}

fn nodes(view: &ClusterView, session: &mut Session<'_>) -> Result<(), Failure> {
    if view.nodes.is_empty() {
        return Ok(());
    }
    session.terminal.line("\nNodes")?;
    node::table(&view.nodes, "  ", session)
}

fn resources(view: &ClusterView, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut types: BTreeMap<(&str, &Place), Vec<String>> = BTreeMap::new();
    for count in &view.counts {
        let counts = types.entry((&count.metadata_type, &count.place)).or_default();
        counts.push(format!("{} {}", count.count, word(&count.status)));
    }
    if !types.is_empty() {
        session.terminal.line("\nResources")?;
        let mut table = Table::new(&["type", "at", "status"]);
        for ((name, place), counts) in types {
            table.row(vec![name.into(), place.to_string().into(), counts.join(", ").into()]);
        }
        table.print("  ", session.terminal)?;
    }
    if view.sweeps.is_empty() {
        return Ok(());
    }
    let now_ms = session.now_ms();
    let mut table = Table::new(&["type", "at", "seen", "changed", "took", "complete", "failures"]);
    for sweep in &view.sweeps {
        table.row(vec![
            sweep.metadata_type.as_str().into(),
            sweep.place.to_string().into(),
            sweep.seen.into(),
            sweep.changed.into(),
            format!("{} ms", sweep.ended_at_ms.saturating_sub(sweep.started_at_ms)).into(),
            sweep
                .complete_at_ms
                .map_or_else(|| "never".to_owned(), |at_ms| format!("{} ago", age(at_ms, now_ms)))
                .into(),
            sweep.failures.len().into(),
        ]);
    }
    session.terminal.line("\nSweeps")?;
    table.print("  ", session.terminal)?;
    for failure in view.sweeps.iter().flat_map(|sweep| &sweep.failures) {
        session.terminal.line(format_args!("  failed: {}", sync::told(failure)))?;
    }
    Ok(())
}

fn state(view: &ClusterView) -> (&'static str, Tone) {
    match &view.cluster.reach {
        _ if view.cluster.paused => ("paused", Tone::Faint),
        Reach::New => ("new", Tone::Waiting),
        Reach::Reachable => ("reachable", Tone::Good),
        Reach::Unreachable { .. } => ("unreachable", Tone::Bad),
        Reach::Foreign { .. } => ("foreign", Tone::Bad),
    }
}

/// `12 synced, 1 drifted`, over all types.
fn counts(view: &ClusterView) -> String {
    let mut sums = BTreeMap::new();
    for count in &view.counts {
        *sums.entry(count.status).or_insert(0_u64) += count.count;
    }
    sums.iter().map(|(status, count)| format!("{count} {}", word(status))).collect::<Vec<_>>().join(", ")
}

fn read(value: Value) -> Result<ClusterView, Failure> {
    serde_json::from_value(value)
        .map_err(|error| Failure::Failed(format!("the host's answer is not understood: {error}")))
}
