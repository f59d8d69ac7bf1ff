//! The command line: a client of the API, in the same binary as the host.

mod client;
mod command;
mod documents;
mod failure;
mod follow;
mod interrupt;
mod locate;
mod output;
mod plan_text;
mod proposal;
mod session;
mod settings;
mod table;
mod terminal;
mod time;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

use self::failure::{Exit, Failure};
use self::session::Session;
use self::terminal::Terminal;
use crate::clock::SystemClock;

const HELP: &str = "\
Exit codes:
  0  done, or nothing to do        4  not found
  1  failed                        5  refused: authority, limits, stale, conflict
  2  something to do: a plan       6  the host or the cluster cannot be reached
     has steps, drift was found    7  unauthorized
  3  bad usage or input

Environment:
  HEADGATE_URL    address of the host, as --url
  HEADGATE_TOKEN  access token, as --token
  HEADGATE_DATA   the host's data folder, as --data
  NO_COLOR        no colours, also on a terminal

On the host's own machine neither address nor token is needed: the host writes both to its data folder.

Begin:
  headgate serve
  headgate cluster add lab --kind kafka --set bootstrap=127.0.0.1:9092
  headgate sync lab
  headgate get topic -c lab
  headgate apply -f topics.yaml";

/// Control plane for messaging and data infrastructure: see what runs, plan changes, apply and prove them.
#[derive(Parser)]
#[command(name = "headgate", version, after_help = HELP, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Args, Clone, Default)]
pub(crate) struct Global {
    /// Address of the host.
    #[arg(
        help = "Address of the host [default: what it wrote to its data folder, else http://127.0.0.1:7654]"
    )]
    #[arg(long, global = true, env = "HEADGATE_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Access token.
    #[arg(
        help = "Access token; others on this machine see arguments, so HEADGATE_TOKEN is the better place [default: \
                  the token in the host's data folder]"
    )]
    #[arg(long, global = true, env = "HEADGATE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// The host's data folder [default: headgate in the user's data folder]
    #[arg(long, global = true, env = "HEADGATE_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Authorities that signed the host's certificate, in PEM [default: the system's]
    #[arg(long, global = true, env = "HEADGATE_CA_CERT", value_name = "FILE")]
    pub(crate) ca_cert: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    Serve(command::serve::Serve),
    #[command(subcommand)]
    Kind(command::kind::Kind),
    #[command(subcommand)]
    Plugin(command::plugin::Plugin),
    #[command(subcommand)]
    Cluster(command::cluster::Cluster),
    #[command(subcommand)]
    Node(command::node::Node),
    Sync(command::sync::Sync),
    Get(command::get::Get),
    Plan(command::plan::Plan),
    Apply(command::apply::Apply),
    Undo(command::change::Undo),
    Run(command::run::Run),
    #[command(subcommand)]
    Operation(command::operation::Operation),
    Adopt(command::change::Adopt),
    Release(command::change::Release),
    Delete(command::change::Delete),
    #[command(subcommand)]
    Policy(command::policy::Policy),
    #[command(subcommand)]
    Relation(command::relation::Relation),
    Divergence(command::divergence::Divergence),
    Drift(command::drift::Drift),
    Events(command::events::Events),
    Record(command::record::Record),
    LogLevel(command::log_level::LogLevel),
    #[command(subcommand)]
    Token(command::token::Token),
    Backup(command::backup::Backup),
    Restore(command::backup::Restore),
    Completion(command::completion::Completion),
}

/// Runs the process's arguments.
pub fn main() -> ExitCode {
    let mut terminal = Terminal::of_process();
    run(std::env::args_os(), &mut terminal).into()
}

fn run(arguments: impl IntoIterator<Item = OsString>, terminal: &mut Terminal) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return told_by_clap(&error, terminal),
    };
    let mut session = Session { terminal, global: cli.global, clock: Arc::new(SystemClock) };
    let ended = cli.command.run(&mut session).and_then(|exit| {
        terminal.flush()?;
        Ok(exit)
    });
    ended.unwrap_or_else(|failure| tell(&failure, terminal))
}

impl Command {
    fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        match self {
            Self::Serve(command) => command.run(session),
            Self::Kind(command) => command.run(session),
            Self::Plugin(command) => command.run(session),
            Self::Cluster(command) => command.run(session),
            Self::Node(command) => command.run(session),
            Self::Sync(command) => command.run(session),
            Self::Get(command) => command.run(session),
            Self::Plan(command) => command.run(session),
            Self::Apply(command) => command.run(session),
            Self::Undo(command) => command.run(session),
            Self::Run(command) => command.run(session),
            Self::Operation(command) => command.run(session),
            Self::Adopt(command) => command.run(session),
            Self::Release(command) => command.run(session),
            Self::Delete(command) => command.run(session),
            Self::Policy(command) => command.run(session),
            Self::Relation(command) => command.run(session),
            Self::Divergence(command) => command.run(session),
            Self::Drift(command) => command.run(session),
            Self::Events(command) => command.run(session),
            Self::Record(command) => command.run(session),
            Self::LogLevel(command) => command.run(session),
            Self::Token(command) => command.run(session),
            Self::Backup(command) => command.run(session),
            Self::Restore(command) => command.run(session),
            Self::Completion(command) => command.run(session),
        }
    }
}

/// Help and version are results; everything else is bad usage.
fn told_by_clap(error: &clap::Error, terminal: &mut Terminal) -> Exit {
    let text = error.render();
    let (written, exit) = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            (terminal.text(&text.to_string()).and_then(|()| terminal.flush()), Exit::Done)
        }
        _ => (terminal.note(text.to_string().trim_end()), Exit::BadInput),
    };
    match written {
        Ok(()) => exit,
        Err(error) => Failure::Output(error).exit(),
    }
}

fn tell(failure: &Failure, terminal: &mut Terminal) -> Exit {
    if !failure.is_quiet() {
        let advice = failure.advice().map(|advice| format!("\n  {advice}")).unwrap_or_default();
        // Nobody is left to be told when stderr itself is gone.
        drop(terminal.note(format_args!("error: {failure}{advice}")));
    }
    failure.exit()
}

/// The whole command tree, for completions.
fn command_tree() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests;
