//! `headgate plugin test`: conformance of one component, on this machine, without a host.

mod given;
mod told;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::cli::failure::{Exit, Failure};
use crate::cli::locate::{cache_folder, variable};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::clock::SharedClock;
use crate::conformance::{self, CHECKS, Tried, junit};
use crate::plugins::alone::Alone;
use crate::telemetry::{Log, LogFormat};

/// Try a plugin against what every plugin keeps: needs no host, no token and, for most of it, no cluster
#[derive(Args)]
#[command(after_help = "\
Groups of checks: static, contract, failures, network, resources; --list shows all of them. Without a cluster those run that
need none: what the plugin says and decides, and a hostile server on the loopback interface.

Examples:
  headgate plugin test redis.wasm
  headgate plugin test redis.wasm --connection addresses=127.0.0.1:6379
  headgate plugin test redis.wasm --connection lab.yaml --secret password=env:REDIS_PASSWORD --wish scratch.yaml
  headgate plugin test redis.wasm --connection addresses=127.0.0.1:6379 --record redis.cassette
  headgate plugin test redis.wasm --cassette redis.cassette --junit report.xml
  headgate plugin test redis.wasm --only network --only contract/paging

A file for --connection holds what `headgate cluster add -f` takes, of which `connection` and `secrets` are used:
  connection: {addresses: 127.0.0.1:6379}
  secrets: {password: env:REDIS_PASSWORD}     # or @FILE, or - for standard input

A file for --wish holds documents as `headgate apply -f` takes them. What they name is written, read back, taken back and
deleted: name resources that nobody else uses. A second document of the same name is an edit of the first.

A cassette is the recording of a run against a real cluster, without secrets; with it the same checks run where no cluster
is. It holds the connection and the wishes, so nothing else has to be given.

Exit codes: 0 all that ran passed, 1 something failed, 3 bad usage or input.
HEADGATE_LOG=debug shows what the plugin logs.")]
pub(in crate::cli) struct Test {
    /// The component, or the name of a built-in kind
    #[arg(required_unless_present = "list")]
    file: Option<PathBuf>,
    /// A cluster to try it with: KEY=VALUE of the connection form, or a file
    #[arg(long, value_name = "KEY=VALUE|FILE", conflicts_with = "cassette")]
    connection: Vec<String>,
    /// A secret of the connection: KEY=@FILE, KEY=- (standard input) or KEY=env:NAME
    #[arg(long, value_name = "KEY=SOURCE", requires = "connection")]
    secret: Vec<String>,
    /// Documents to write, and to take back: a file, a folder, or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "cassette")]
    wish: Vec<PathBuf>,
    /// Keep what is exchanged with the cluster in this file
    #[arg(long, value_name = "FILE", requires = "connection")]
    record: Option<PathBuf>,
    /// Use this recording in the place of a cluster
    #[arg(long, value_name = "FILE")]
    cassette: Option<PathBuf>,
    /// Only this group or check
    #[arg(long, value_name = "GROUP|CHECK")]
    only: Vec<String>,
    /// For CI servers.
    #[arg(help = "Also write the report in JUnit's XML")]
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// List the checks and run none
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    output: Output,
}

impl Test {
    pub(super) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        if let (true, _) | (false, None) = (self.list, &self.file) {
            return told::list(self.output, session.terminal);
        }
        self.check_names()?;
        if let Some(levels) = variable("HEADGATE_LOG") {
            Log::start(Some(&levels), LogFormat::default())
                .map_err(|error| Failure::Input(error.to_string()))?;
        }
        let Tried { report, cassette } = self.tried(session)?;
        session.terminal.end_progress()?;
        if let Some(path) = &self.junit {
            write(path, &junit::xml(&report))?;
        }
        if !self.output.printed(&report, session.terminal)? {
            told::report(&report, session.terminal)?;
        }
        if let (Some(path), Some(cassette)) = (&self.record, cassette) {
            let refused = |error: String| Failure::Failed(format!("no cassette was written: {error}"));
            let text = cassette.map_err(|error| refused(error.to_string()))?.print();
            let text = text.map_err(|error| refused(error.to_string()))?;
            write(path, &text)?;
            let kib = text.len().div_ceil(1 << 10);
            session.terminal.note(format_args!("Recorded to {}, {kib} KiB.", path.display()))?;
        }
        Ok(if report.failed > 0 { Exit::Failed } else { Exit::Done })
    }

    /// A check that is misspelt would pass by never running.
    fn check_names(&self) -> Result<(), Failure> {
        let known = |word: &&String| {
            CHECKS.iter().any(|check| {
                **word == check.group.word() || **word == check.name || **word == check.full_name()
            })
        };
        match self.only.iter().find(|word| !known(word)) {
            None => Ok(()),
            Some(word) => Err(Failure::Input(format!(
                "--only {word}: there is no such group or check; `headgate plugin test --list` shows them"
            ))),
        }
    }

    fn tried(&self, session: &mut Session<'_>) -> Result<Tried, Failure> {
        let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::Failed(error.to_string()))?;
        let clock = SharedClock::clone(&session.clock);
        let _within = runtime.enter();
        let alone = Alone::start(cache_folder(&variable)?, Arc::clone(&clock));
        let alone = alone.map_err(|error| Failure::Failed(format!("{error:#}")))?;
        let file = given::file(self.file.as_deref().unwrap_or(&PathBuf::new()))?;
        let given = runtime.block_on(self.given(&alone, &file, session))?;
        let mut written = Ok(());
        let mut told = |checked: &conformance::report::Checked| {
            let line = format!("{}/{}", checked.group.word(), checked.name);
            if session.terminal.is_live() {
                written = session.terminal.progress(line);
            }
        };
        let tried = runtime.block_on(conformance::run(&alone, &clock, file, given, &mut told));
        written?;
        Ok(tried)
    }
}

fn write(path: &std::path::Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::Failed(format!("cannot write {}: {error}", path.display())))
}
