//! `headgate plugin build`: the component of a project.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::check;
use crate::cli::failure::{Exit, Failure};
use crate::cli::session::Session;
use crate::kit::build;

/// Build the component of a project: dist/NAME.wasm, checked as a host would check it
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate plugin build
  headgate plugin build ~/work/cellar -v       with all that the tools say

The language is known by the project's files. What it needs is named with its version; what can be installed for the
project alone is installed: Rust's target by rustup, the compiler for JavaScript by npm, the one for Python into .venv.")]
pub(in crate::cli) struct Build {
    /// Folder of the project
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Show what the tools say while they work
    #[arg(short, long)]
    verbose: bool,
}

impl Build {
    pub(super) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let began = Instant::now();
        let terminal = &mut *session.terminal;
        let mut tell = |line: &str| terminal.note(line).unwrap_or_default();
        let built = build::Build { folder: &self.dir, aloud: self.verbose, tell: &mut tell }.run()?;
        terminal.note(format_args!("built in {:.1} s; checking it", began.elapsed().as_secs_f64()))?;
        let report = check::look(&built.file, built.bytes, session)?.report;
        let exit = check::tell_briefly(&report, &built.file, session.terminal)?;
        if exit == Exit::Done {
            let file = built.file.display();
            let next = [
                (format!("headgate plugin check {file}"), "all that is known of it"),
                (format!("headgate plugin test {file}"), "its conformance, without a cluster"),
                (format!("headgate plugin install {file}"), "into a running host"),
            ];
            session.terminal.line("")?;
            for (command, what) in next {
                session.terminal.line(format_args!("  {command:<60}  # {what}"))?;
            }
        }
        Ok(exit)
    }
}
