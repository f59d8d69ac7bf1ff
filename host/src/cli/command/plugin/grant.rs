//! `headgate plugin grant`: what a plugin asks to reach, and what the operator gives.

use clap::{Args, ValueEnum};
use serde_json::to_value;

use super::path;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::{Cell, Table, printable};
use crate::cli::terminal::{Terminal, Tone};
use crate::cli::time::moment;
use crate::domain::contract::Grant as Asked;
use crate::domain::grant::{Advertised, Given, GrantChange, GrantSource, NetworkGrant, words};
use crate::domain::plugin::{Granted, Origin, PluginState, PluginStatus};

/// Decide what a plugin may reach, and let a version in that waits for it
#[derive(Args)]
#[command(after_help = "\
A plugin reaches only what its manifest asks for and you give. Without an option, the command shows what it asks for
and what it has, and changes nothing. The decision holds for later versions of the kind; one that asks for more waits,
and the version before serves on. A plugin that asks for nothing but the addresses in its clusters' connection forms
has those without being asked for.

Examples:
  headgate plugin grant nacos                                  what it asks for, and has
  headgate plugin grant nacos --all                            everything that it asks for
  headgate plugin grant nacos --network '*.registry.svc:8848'  this alone, of what it asks for
  headgate plugin grant nacos --none                           let it in with nothing
  headgate plugin grant nacos --advertised same-class          also nodes that a cluster tells of by itself
  headgate plugin grant nacos --revoke                         take everything back
  headgate plugin grant nacos --revoke --network '*.registry.svc:8848'

Kinds that stand in `grants.yaml` beside the plugins have what it says, and are changed there.")]
pub(in crate::cli) struct GrantPlugin {
    /// A kind, or a file that waits
    plugin: String,
    /// Give all that it asks for
    #[arg(long, conflicts_with_all = ["none", "revoke", "network", "wasi"])]
    all: bool,
    /// Let it in with nothing of what it asks for
    #[arg(long, conflicts_with_all = ["revoke", "network", "wasi"])]
    none: bool,
    /// Take back what --network and --wasi name, or everything
    #[arg(long)]
    revoke: bool,
    /// Hosts and ports, such as registry.svc:8848, '*.svc:9092-9099' or '${connection./FIELD}:1-65535'; may be given again
    #[arg(long, value_name = "HOST:PORTS")]
    network: Vec<NetworkGrant>,
    /// A part of WASI that it asks for: http
    #[arg(long, value_name = "NAME")]
    wasi: Vec<String>,
    /// Addresses that a cluster tells of by itself
    #[arg(long, value_name = "RULE")]
    advertised: Option<Rule>,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Rule {
    /// None but those of the connection
    None,
    /// Of the same class as one of the connection: loopback, private or public
    SameClass,
    /// All
    Any,
}

impl From<Rule> for Advertised {
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::None => Self::None,
            Rule::SameClass => Self::SameClass,
            Rule::Any => Self::Any,
        }
    }
}

impl GrantPlugin {
    pub(super) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        let before: PluginStatus = client.get(&path(&self.plugin), &[])?;
        let change = self.change(&before);
        let waited = before.waiting.as_ref().map(|waiting| waiting.version.clone());
        let status = match &change {
            None => before,
            Some(change) => {
                let body = to_value(change).map_err(|error| Failure::Failed(error.to_string()))?;
                client.post(&format!("{}/grant", path(&self.plugin)), &body)?
            }
        };
        if self.output.printed(&status, session.terminal)? {
            return Ok(Exit::Done);
        }
        // It is judged once more with the decision, which takes a moment.
        let is_let_in = !self.revoke && status.waiting.is_none() && status.version != waited;
        if let Some(version) = waited.filter(|_| is_let_in) {
            session.terminal.line(format_args!("{version} is let in: it serves in a moment"))?;
        }
        show(&self.plugin, &status, change.is_some(), session.terminal)?;
        Ok(Exit::Done)
    }

    /// For the content that was just read: what asks for something else by now is not let in.
    fn change(&self, seen: &PluginStatus) -> Option<GrantChange> {
        let advertised = self.advertised.map(Advertised::from);
        let digest = match (&seen.waiting, self.revoke) {
            (Some(waiting), false) => Some(waiting.digest.clone()),
            (Some(_) | None, true) | (None, false) => seen.digest.clone(),
        };
        let (network, wasi) = (self.network.clone(), self.wasi.clone());
        let change = GrantChange {
            all: self.all,
            none: self.none,
            revoke: self.revoke,
            network,
            wasi,
            advertised,
            digest,
        };
        let is_empty = GrantChange { digest: None, ..change.clone() } == GrantChange::default();
        (!is_empty).then_some(change)
    }
}

fn show(
    plugin: &str,
    status: &PluginStatus,
    is_changed: bool,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let name = status.kind.as_deref().unwrap_or(plugin);
    if let Some(waiting) = &status.waiting {
        let asks = &waiting.asks;
        terminal.line(format_args!("{name} {} waits for a grant: {}", waiting.version, waiting.file))?;
        print(
            asks,
            |grant| {
                if waiting.more.contains(grant) {
                    ("to decide", Tone::Waiting)
                } else {
                    ("decided", Tone::Good)
                }
            },
            terminal,
        )?;
        if !is_changed {
            terminal.line(format_args!(
                "\n`headgate plugin grant {name} --all` gives all of it, `--network HOST:PORTS` a part, `--none` lets it \
                 in with nothing"
            ))?;
        }
    }
    let (Some(granted), Some(version)) = (&status.granted, &status.version) else { return Ok(()) };
    if status.waiting.is_some() {
        terminal.line("")?;
    }
    let serves = if status.state == PluginState::Active { "serves" } else { "is there" };
    terminal.line(format_args!("{name} {version} {serves}: {}", decided(granted)))?;
    let is_builtin = status.origin == Origin::Builtin;
    print(
        &status.asks,
        |grant| {
            if granted.given.covers(grant) { ("given", Tone::Good) } else { ("not given", Tone::Waiting) }
        },
        terminal,
    )?;
    for text in besides(&granted.given, &status.asks) {
        terminal.line(format_args!("  given   {}", printable(&text)))?;
    }
    if !is_builtin {
        terminal.line(format_args!("  advertised   {}", advertised(granted.given.advertised)))?;
    }
    Ok(())
}

fn print(
    asks: &[Asked],
    standing: impl Fn(&Asked) -> (&'static str, Tone),
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if asks.is_empty() {
        return Ok(terminal.line("  it asks for nothing")?);
    }
    let mut table = Table::new(&["asks for", "as an option", ""]);
    for grant in asks {
        let (is, tone) = standing(grant);
        table.row(vec![words(grant).into(), option(grant).into(), Cell::toned(is, tone)]);
    }
    Ok(table.print("  ", terminal)?)
}

/// As it is written to give this alone.
fn option(grant: &Asked) -> String {
    match (NetworkGrant::of(grant), grant) {
        (Some(network), _) => format!("--network '{network}'"),
        (None, Asked::Wasi(name)) => format!("--wasi {name}"),
        (None, Asked::SecretsReveal | Asked::Network { .. }) => String::new(),
    }
}

/// What was given in other words than it is asked for: a part of it, or what an earlier version asked for.
fn besides(given: &Given, asks: &[Asked]) -> Vec<String> {
    let is_asked =
        |network: &&NetworkGrant| asks.iter().any(|grant| NetworkGrant::of(grant).as_ref() == Some(network));
    given.network.iter().filter(|network| !is_asked(network)).map(NetworkGrant::words).collect()
}

/// Who says what it may reach.
pub(super) fn decided(granted: &Granted) -> String {
    match granted.source {
        GrantSource::Builtin => "built in, it reaches the addresses of its clusters".to_owned(),
        GrantSource::File => "grants.yaml beside the plugins says what it may reach".to_owned(),
        GrantSource::Default => {
            "nobody decided anything, it reaches the addresses of connection forms".to_owned()
        }
        GrantSource::Unknown => "what was decided cannot be read, it reaches nothing".to_owned(),
        GrantSource::Decision => {
            let by = granted.by.as_deref().unwrap_or("somebody");
            let version = granted.version.as_deref().unwrap_or_default();
            let when = granted.at_ms.map(moment).unwrap_or_default();
            let digest: String = granted.digest.iter().flat_map(|digest| digest.chars()).take(12).collect();
            format!("decided by {by} at {when} for version {version} ({digest})")
        }
    }
}

fn advertised(rule: Advertised) -> &'static str {
    match rule {
        Advertised::None => "nodes that a cluster tells of by itself are not reached",
        Advertised::SameClass => {
            "nodes that a cluster tells of, of the same class as an address of its connection"
        }
        Advertised::Any => "all nodes that a cluster tells of",
    }
}
