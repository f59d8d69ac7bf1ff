//! `headgate plugin check`: what a file is, and whether a host would let it in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::cli::failure::{Exit, Failure};
use crate::cli::locate::{cache_folder, variable};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::printable;
use crate::cli::terminal::{Terminal, Tone};
use crate::domain::grant::words;
use crate::kit::report::{self, Look, Report};
use crate::telemetry::{Log, LogFormat};

/// Say what a plugin's file is, and at which stage a host would refuse it; nothing of a cluster is needed
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate plugin check dist/wine-cellar.wasm
  headgate plugin check dist/wine-cellar.wasm -o json

Exit code 5 says that a host would refuse it: the stage, what was expected and found, and what to do. What stands under
`advice` is no reason to refuse. What was compiled is kept in the user's cache folder, by the file's digest.")]
pub(in crate::cli) struct Check {
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

impl Check {
    pub(super) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let look = look(&self.file, read(&self.file)?, session)?;
        if self.output.printed(&look.report, session.terminal)? {
            return Ok(exit_of(&look.report));
        }
        tell(&look.report, &self.file, session.terminal)
    }
}

pub(super) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|source| Failure::File { path: file.to_owned(), source })
}

/// As a host's loader sees it. What the plugin logs, and what it fails at, goes to standard error.
pub(super) fn look(file: &Path, bytes: Vec<u8>, session: &Session<'_>) -> Result<Look, Failure> {
    // Another command of this process may have started it.
    drop(Log::start(Some(variable("HEADGATE_LOG").as_deref().unwrap_or("warn")), LogFormat::Text));
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (cache, clock) = (cache_folder(&variable)?, Arc::clone(&session.clock));
    let looked = runtime()?.block_on(report::look(&name, bytes, cache, clock));
    looked.map_err(|error| Failure::Failed(format!("{error:#}")))
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

fn exit_of(report: &Report) -> Exit {
    if report.refusal.is_some() { Exit::Refused } else { Exit::Done }
}

/// The verdict, size, digest and advice: what a build is followed by.
pub(super) fn tell_briefly(report: &Report, file: &Path, terminal: &mut Terminal) -> Result<Exit, Failure> {
    head(report, file, terminal)?;
    foot(report, terminal)
}

fn tell(report: &Report, file: &Path, terminal: &mut Terminal) -> Result<Exit, Failure> {
    head(report, file, terminal)?;
    let mut say = |label: &str, text: String| {
        if text.is_empty() {
            Ok(())
        } else {
            terminal.line(format_args!("  {label:<10} {}", printable(&text)))
        }
    };
    say("contract", report.contract.iter().cloned().collect::<Vec<_>>().join(", "))?;
    say("imports", interfaces(&report.imports))?;
    say("exports", interfaces(&report.exports))?;
    if let Some(sections) = &report.sections {
        let names = if sections.name_bytes == 0 { "none".to_owned() } else { size(sections.name_bytes) };
        let debug = if sections.debug_bytes == 0 { "none".to_owned() } else { size(sections.debug_bytes) };
        say("names", names)?;
        say("debug", debug)?;
        let memory = usize::try_from(sections.memory_bytes).unwrap_or(usize::MAX);
        say("memory", format!("{} at the start", size(memory)))?;
        say("features", sections.features.join(", "))?;
        say("toolchain", sections.toolchain.join("; "))?;
    }
    say("types", report.types.join(", "))?;
    say("operations", report.operations.join(", "))?;
    say("asks for", report.grants.iter().map(words).collect::<Vec<_>>().join("; "))?;
    say(
        "compiled",
        report.compile_ms.map(|ms| format!("in {ms} ms, or taken from the cache")).unwrap_or_default(),
    )?;
    foot(report, terminal)
}

fn head(report: &Report, file: &Path, terminal: &mut Terminal) -> Result<(), Failure> {
    let kind = report
        .kind
        .as_deref()
        .map(|kind| format!("   {kind} {}", report.version.as_deref().unwrap_or_default()));
    let verdict = match report.refusal {
        None => terminal.paint(Tone::Good, "a host lets it in"),
        Some(_) => terminal.paint(Tone::Bad, "refused"),
    };
    terminal.line(format_args!("{}{}   {verdict}", file.display(), kind.unwrap_or_default()))?;
    terminal.line(format_args!("  {:<10} {}", "size", size(report.bytes)))?;
    if let Some(digest) = &report.digest {
        terminal.line(format_args!("  {:<10} {digest}", "digest"))?;
    }
    Ok(())
}

fn foot(report: &Report, terminal: &mut Terminal) -> Result<Exit, Failure> {
    if !report.advice.is_empty() {
        terminal.line("\nAdvice")?;
        for line in &report.advice {
            terminal.line(format_args!("  - {}", printable(line)))?;
        }
    }
    let Some(refusal) = &report.refusal else { return Ok(Exit::Done) };
    terminal.line(format_args!("\nRefused at {}", refusal.stage))?;
    for (label, text) in [("expected", &refusal.expected), ("found", &refusal.found), ("do", &refusal.advice)]
    {
        terminal.line(format_args!("  {label:<10} {}", printable(text)))?;
    }
    Ok(Exit::Refused)
}

/// `host: log, net; plugin: manifest; wasi:cli/stdout`: ours by their short names.
fn interfaces(names: &[String]) -> String {
    let short = |prefix: &str| {
        let all = names.iter().filter_map(|name| name.strip_prefix(prefix)?.split('@').next());
        all.collect::<Vec<_>>().join(", ")
    };
    let (host, plugin) = (short("headgate:host/"), short("headgate:plugin/"));
    let others = names.iter().filter(|name| !name.starts_with("headgate:")).cloned();
    let ours = [("host", host), ("plugin", plugin)].into_iter().filter(|(_, all)| !all.is_empty());
    ours.map(|(package, all)| format!("{package}: {all}")).chain(others).collect::<Vec<_>>().join("; ")
}

pub(in crate::cli::command::plugin) fn size(bytes: usize) -> String {
    match bytes {
        0..1_024 => format!("{bytes} bytes"),
        1_024..10_485_760 => format!("{} KiB", bytes.div_ceil(1_024)),
        _ => format!("{} MiB", bytes.div_ceil(1_048_576)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_of_the_contract_are_told_by_their_short_names() {
        let names = [
            "headgate:host/log@0.1.0",
            "headgate:plugin/types@0.1.0",
            "headgate:host/net@0.1.0",
            "wasi:cli/stdout@0.2.3",
        ];
        let names = names.map(str::to_owned);
        assert_eq!(interfaces(&names), "host: log, net; plugin: types; wasi:cli/stdout@0.2.3");
        assert_eq!(interfaces(&[]), "");
        assert_eq!([size(7), size(1025), size(18 << 20)], ["7 bytes", "2 KiB", "18 MiB"]);
    }
}
