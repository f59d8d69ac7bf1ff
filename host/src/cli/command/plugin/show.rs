//! `headgate plugin show`: all that is known of one plugin.

use serde_json::json;

use super::grant::decided;
use super::{path, tone};
use crate::cli::command::word;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::{Table, printable};
use crate::cli::terminal::Terminal;
use crate::cli::time::moment;
use crate::domain::grant::words;
use crate::domain::plugin::{Incident, Origin, PluginStatus};
use crate::domain::signature;

/// Log lines of an incident that are shown; `-o json` has all.
const LINES_SHOWN: usize = 5;

pub(super) fn one(
    plugin: &str,
    incidents_max: usize,
    output: Output,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let client = session.client()?;
    let status: PluginStatus = client.get(&path(plugin), &[])?;
    let incidents: Vec<Incident> = match &status.kind {
        Some(_) if incidents_max > 0 => {
            client.list(&format!("{}/incidents", path(plugin)), &[], Some(incidents_max))?
        }
        Some(_) | None => Vec::new(),
    };
    if output.printed(&json!({"plugin": status, "incidents": incidents}), session.terminal)? {
        return Ok(Exit::Done);
    }
    let terminal = &mut *session.terminal;
    head(&status, terminal)?;
    refusal(&status, terminal)?;
    waiting(&status, terminal)?;
    versions(&status, terminal)?;
    hosts(&status, terminal)?;
    for incident in &incidents {
        tell(incident, terminal)?;
    }
    Ok(Exit::Done)
}

fn head(status: &PluginStatus, terminal: &mut Terminal) -> Result<(), Failure> {
    let name = status.kind.as_deref().or(status.file.as_deref()).unwrap_or_default();
    let state = terminal.paint(tone(status.state), word(&status.state));
    let version = status.version.as_deref().unwrap_or_default();
    terminal.line(format_args!("{name}   {version}   {state}"))?;
    let mut say = |label: &str, text: &str| terminal.line(format_args!("  {label}   {}", printable(text)));
    if let Some(reason) = &status.reason {
        say("reason", reason)?;
    }
    match status.origin {
        Origin::Builtin => say("file", "built in")?,
        Origin::Directory => say("file", status.file.as_deref().unwrap_or("none"))?,
    }
    if let Some(digest) = &status.digest {
        say("digest", digest)?;
    }
    if let Some(signed) = &status.signature {
        say("signature", &signature::words(signed))?;
    }
    if !status.toolchain.is_empty() {
        say("built with", &status.toolchain.join(", "))?;
    }
    if let Some(since_ms) = status.since_ms {
        say("serves", &format!("since {}, as generation {}", moment(since_ms), status.generation))?;
        let traffic = status.traffic;
        let text = format!(
            "{}, {} failed; {} sessions open, {} calls wait",
            traffic.calls, traffic.failures, traffic.sessions, traffic.queued
        );
        say("calls", &text)?;
    }
    if let Some(granted) = &status.granted {
        say("grants", &decided(granted))?;
        for asked in &status.asks {
            let is = if granted.given.covers(asked) { "" } else { ", which is not given" };
            say("asks for", &format!("{}{is}", words(asked)))?;
        }
    }
    for drain in &status.draining {
        say("drains", &format!("{} ({}), {} sessions open", drain.version, drain.digest, drain.sessions))?;
    }
    if !status.isolated.is_empty() {
        say("stopped on", &status.isolated.join(", "))?;
    }
    Ok(())
}

fn refusal(status: &PluginStatus, terminal: &mut Terminal) -> Result<(), Failure> {
    let Some(refusal) = &status.refusal else { return Ok(()) };
    terminal.line(format_args!("\nRefused at {}: {}", refusal.stage, printable(&refusal.file)))?;
    for (label, text) in [("expected", &refusal.expected), ("found", &refusal.found), ("do", &refusal.advice)]
    {
        terminal.line(format_args!("  {label}   {}", printable(text)))?;
    }
    if let Some(digest) = &refusal.digest {
        terminal.line(format_args!("  digest   {digest}"))?;
    }
    Ok(())
}

fn waiting(status: &PluginStatus, terminal: &mut Terminal) -> Result<(), Failure> {
    let Some(waiting) = &status.waiting else { return Ok(()) };
    terminal.line(format_args!(
        "\nWaits for a grant: version {} in {}",
        waiting.version,
        printable(&waiting.file)
    ))?;
    for asked in &waiting.more {
        terminal.line(format_args!("  asks for   {}", printable(&words(asked))))?;
    }
    let kind = status.kind.as_deref().unwrap_or("KIND");
    terminal.line(format_args!(
        "  do   `headgate plugin grant {kind}` shows all that it asks for, and gives it"
    ))?;
    terminal.line(format_args!("  digest   {}", waiting.digest))?;
    Ok(())
}

fn versions(status: &PluginStatus, terminal: &mut Terminal) -> Result<(), Failure> {
    if status.earlier.is_empty() && status.taken_back.is_empty() {
        return Ok(());
    }
    terminal.line("\nVersions")?;
    let mut table = Table::new(&["version", "digest", "", "when"]);
    for known in &status.earlier {
        let (version, digest) = (known.version.as_str(), known.digest.as_str());
        table.row(vec![version.into(), digest.into(), "served from".into(), moment(known.since_ms).into()]);
    }
    for known in &status.taken_back {
        let why = format!("taken back by {}: {}", known.by, known.reason);
        table.row(vec![
            known.version.as_str().into(),
            known.digest.as_str().into(),
            why.into(),
            moment(known.at_ms).into(),
        ]);
    }
    Ok(table.print("  ", terminal)?)
}

fn hosts(status: &PluginStatus, terminal: &mut Terminal) -> Result<(), Failure> {
    if status.agreed {
        return Ok(());
    }
    terminal.line("\nHosts serve different versions: put the same file into the plugin directory of each")?;
    let mut table = Table::new(&["host", "version", "digest", "heard"]);
    for host in &status.hosts {
        let (version, digest) = (host.version.as_str(), host.digest.as_str());
        table.row(vec![
            host.host.as_str().into(),
            version.into(),
            digest.into(),
            moment(host.seen_at_ms).into(),
        ]);
    }
    Ok(table.print("  ", terminal)?)
}

fn tell(incident: &Incident, terminal: &mut Terminal) -> Result<(), Failure> {
    let on = incident.cluster.as_deref().map(|cluster| format!(" on {cluster}")).unwrap_or_default();
    terminal.line(format_args!(
        "\n{}   {} in `{}`{on}, version {}, charged to the {}",
        moment(incident.at_ms),
        incident.failure,
        incident.call,
        incident.version,
        word(&incident.charge),
    ))?;
    terminal.line(format_args!("  {}", printable(&incident.message)))?;
    let skipped = incident.lines.len().saturating_sub(LINES_SHOWN);
    for line in incident.lines.iter().skip(skipped) {
        terminal.line(format_args!("  | {}", printable(line)))?;
    }
    Ok(())
}
