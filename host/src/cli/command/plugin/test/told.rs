//! A report for people: a table by group, then what failed and what to do, then what was not tried and why.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::table::{Cell, Table, printable};
use crate::cli::terminal::{Terminal, Tone};
use crate::conformance::report::{Checked, Report, Verdict};
use crate::conformance::{CHECKS, Needs};

pub(super) fn list(output: Output, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let needs = |needs: Needs| if needs == Needs::Backend { "a cluster or a cassette" } else { "" };
    let all: Vec<Value> = CHECKS
        .iter()
        .map(|check| json!({"check": check.full_name(), "holds": check.says, "needs": needs(check.needs)}))
        .collect();
    if output.printed(&all, terminal)? {
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["check", "needs", "holds"]);
    for check in &CHECKS {
        table.row(vec![check.full_name().into(), needs(check.needs).into(), check.says.into()]);
    }
    table.print("", terminal)?;
    Ok(Exit::Done)
}

pub(super) fn report(report: &Report, terminal: &mut Terminal) -> Result<(), Failure> {
    let kind = report.kind.as_deref().unwrap_or("?");
    let version = report.version.as_deref().unwrap_or_default();
    terminal.line(format_args!("{}   {kind} {version}", printable(&report.file)))?;
    let mut table = Table::new(&["group", "check", "verdict", "time", "remark"]);
    let mut group = "";
    for checked in &report.checks {
        let (word, tone, note) = told(&checked.verdict);
        // Said once.
        let shown = if checked.group.word() == group { "" } else { checked.group.word() };
        group = checked.group.word();
        let time = if checked.took_ms > 0 { format!("{} ms", checked.took_ms) } else { String::new() };
        table.row(vec![shown.into(), checked.name.into(), Cell::toned(word, tone), time.into(), note.into()]);
    }
    table.print("", terminal)?;
    for checked in report.checks.iter().filter(|checked| checked.is_failed()) {
        failure(checked, terminal)?;
    }
    skipped(report, terminal)?;
    let (passed, failed, skipped) = (report.passed, report.failed, report.skipped);
    let seconds = report.took_ms.div_ceil(1_000);
    terminal
        .line(format_args!("\n{passed} passed, {failed} failed, {skipped} skipped, within {seconds} s"))?;
    Ok(())
}

fn told(verdict: &Verdict) -> (&'static str, Tone, &str) {
    match verdict {
        Verdict::Passed { note } => ("passed", Tone::Good, note.as_deref().unwrap_or_default()),
        Verdict::Failed { .. } => ("failed", Tone::Bad, ""),
        Verdict::Skipped { .. } => ("skipped", Tone::Faint, ""),
    }
}

fn failure(checked: &Checked, terminal: &mut Terminal) -> Result<(), Failure> {
    let Verdict::Failed { findings } = &checked.verdict else { return Ok(()) };
    terminal.line(format_args!("\nFailed: {}/{}", checked.group.word(), checked.name))?;
    for (number, finding) in findings.iter().enumerate() {
        if number > 0 {
            terminal.line("")?;
        }
        let lines = [("expected", &finding.expected), ("found", &finding.found), ("do", &finding.advice)];
        for (label, text) in lines {
            terminal.line(format_args!("  {label:<8}   {}", printable(text)))?;
        }
    }
    Ok(())
}

/// By reason: most have the same.
fn skipped(report: &Report, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for checked in &report.checks {
        if let Verdict::Skipped { reason } = &checked.verdict {
            let name = format!("{}/{}", checked.group.word(), checked.name);
            reasons.entry(reason).or_default().push(name);
        }
    }
    if reasons.is_empty() {
        return Ok(());
    }
    terminal.line("\nSkipped")?;
    for (reason, names) in reasons {
        terminal.line(format_args!("  {}", printable(reason)))?;
        terminal.line(format_args!("    {}", names.join(", ")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
