//! `headgate plugin`: the plugins of the running host, their versions, and what stops or lets them in.

mod grant;
mod show;
mod sign;

use clap::Subcommand;
use serde_json::{Value, to_value};

use super::word;
use crate::api::v1::plugins::EnablePlugin;
use crate::cli::client::{encode, nothing};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::{Cell, Table};
use crate::cli::terminal::Tone;
use crate::cli::time::age;
use crate::domain::grant::list_words;
use crate::domain::plugin::{Origin, PluginState, PluginStatus};
use crate::domain::signature::Signed;

/// The plugins of the host: files, versions, failures
#[derive(Subcommand)]
#[command(after_help = "\
A host that was started with --plugins DIR serves what lies there, and follows every change: a file that has kept still
for half a second is checked, loaded, and takes its kind over while the version before ends what it began.

Examples:
  headgate plugin list
  headgate plugin show redis              versions, failures, why a file was refused
  headgate plugin grant redis             what it asks to reach, and has; with options, give it
  headgate plugin sign redis.wasm --key plugins.key
  headgate plugin rollback redis          the version before serves again
  headgate plugin enable redis            also tries a refused file again, and ends a quarantine
  headgate plugin enable redis --downgrade
  headgate plugin disable redis           its clusters are not asked until it is enabled

A file is named in the place of a kind where it serves none: headgate plugin show broken.wasm")]
pub(in crate::cli) enum Plugin {
    /// List kinds and files, and how they stand
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show a plugin: versions, traffic, its last failures, why its file was refused
    Show {
        /// A kind, or a file that serves none
        plugin: String,
        /// Failures that are shown, newest first
        #[arg(long, value_name = "N", default_value = "3")]
        incidents: usize,
        #[command(flatten)]
        output: Output,
    },
    /// Let it serve again; try a refused file again
    Enable {
        /// A kind, or a file that serves none
        plugin: String,
        /// Take the file though it is older than what serves
        #[arg(long)]
        downgrade: bool,
    },
    /// Stop a kind: what runs ends, and nothing new is asked of it
    Disable {
        /// A kind
        plugin: String,
    },
    Grant(grant::GrantPlugin),
    Keygen(sign::Keygen),
    Sign(sign::Sign),
    /// Let the version before serve again; this one stays out until its file changes
    Rollback {
        /// A kind
        plugin: String,
    },
}

impl Plugin {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        match self {
            Self::List { output } => list(*output, session),
            Self::Show { plugin, incidents, output } => show::one(plugin, *incidents, *output, session),
            Self::Enable { plugin, downgrade } => {
                let body = to_value(EnablePlugin { downgrade: *downgrade })
                    .map_err(|error| Failure::Failed(error.to_string()))?;
                change(plugin, "enable", &body, session)
            }
            Self::Disable { plugin } => change(plugin, "disable", &nothing(), session),
            Self::Grant(grant) => grant.run(session),
            Self::Keygen(keygen) => keygen.run(session),
            Self::Sign(sign) => sign.run(session),
            Self::Rollback { plugin } => change(plugin, "rollback", &nothing(), session),
        }
    }
}

fn path(plugin: &str) -> String {
    format!("/plugins/{}", encode(plugin))
}

fn change(plugin: &str, verb: &str, body: &Value, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let status: PluginStatus = session.client()?.post(&format!("{}/{verb}", path(plugin)), body)?;
    let version = status.version.as_deref().unwrap_or("no version");
    session.terminal.line(format_args!("{plugin} is {}: {version}", word(&status.state)))?;
    Ok(Exit::Done)
}

fn list(output: Output, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let statuses: Vec<PluginStatus> = session.client()?.list("/plugins", &[], None)?;
    if output.printed(&statuses, session.terminal)? {
        return Ok(Exit::Done);
    }
    let now_ms = session.now_ms();
    let mut table =
        Table::new(&["kind", "version", "state", "since", "calls", "failures", "file", "digest", "remark"]);
    for status in &statuses {
        let file = match status.origin {
            Origin::Builtin => "built in",
            Origin::Directory => status.file.as_deref().unwrap_or_default(),
        };
        let digest: String = status.digest.iter().flat_map(|digest| digest.chars()).take(12).collect();
        let counted = status.kind.is_some() && status.digest.is_some();
        let count = |count: u64| if counted { count.to_string() } else { String::new() };
        table.row(vec![
            status.kind.as_deref().unwrap_or_default().into(),
            status.version.as_deref().unwrap_or_default().into(),
            Cell::toned(word(&status.state), tone(status.state)),
            status.since_ms.map(|since_ms| age(since_ms, now_ms)).unwrap_or_default().into(),
            count(status.traffic.calls).into(),
            count(status.traffic.failures).into(),
            file.into(),
            digest.into(),
            remark(status).into(),
        ]);
    }
    table.print("", session.terminal)?;
    Ok(Exit::Done)
}

/// What a reader of the list should not miss, in a few words.
fn remark(status: &PluginStatus) -> String {
    let mut remarks = Vec::new();
    if let Some(refusal) = &status.refusal {
        let stays = if status.digest.is_some() { "its file as it is now was " } else { "" };
        remarks.push(format!("{stays}refused at {}: found {}", refusal.stage, refusal.found));
    }
    if let (Some(waiting), Some(kind)) = (&status.waiting, &status.kind) {
        let (version, asks) = (&waiting.version, list_words(&waiting.more));
        remarks.push(format!("{version} waits for `headgate plugin grant {kind}`: it asks for {asks}"));
    }
    if let Some(Signed::Wrong { reason }) = &status.signature {
        remarks.push(format!("signature: {reason}"));
    }
    remarks.extend(status.reason.clone());
    if !status.agreed {
        remarks.push("other hosts serve another version".to_owned());
    }
    if !status.isolated.is_empty() {
        remarks.push(format!("stopped on {}", status.isolated.join(", ")));
    }
    remarks.join("; ")
}

fn tone(state: PluginState) -> Tone {
    match state {
        PluginState::Active => Tone::Good,
        PluginState::Seen
        | PluginState::Settled
        | PluginState::Verified
        | PluginState::Compiled
        | PluginState::Typed
        | PluginState::Described
        | PluginState::Tested
        | PluginState::Waiting => Tone::Waiting,
        PluginState::Refused | PluginState::Quarantined | PluginState::Disabled | PluginState::Removed => {
            Tone::Bad
        }
    }
}
