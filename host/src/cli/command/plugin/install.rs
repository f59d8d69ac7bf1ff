//! `headgate plugin install` and `headgate plugin remove`: files of the running host's plugin folder.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use ureq::http::Method;

use super::author::size;
use super::path;
use crate::api::problem::PLUGIN_REFUSED;
use crate::api::v1::plugins::{RemovedPlugin, SIGNATURE_HEADER};
use crate::cli::client::Client;
use crate::cli::client::download::{download, is_url};
use crate::cli::command::word;
use crate::cli::failure::{Exit, Failure};
use crate::cli::interrupt::Interrupt;
use crate::cli::session::Session;
use crate::cli::table::printable;
use crate::domain::grant::words;
use crate::domain::installation::Installed;
use crate::domain::minisign::SUFFIX;
use crate::domain::plugin::{PluginState, PluginStatus};
use crate::kit::{COMPONENT_BYTES_MAX, digest_of};

/// Between two looks at how far the host is.
const LOOK: Duration = Duration::from_millis(200);

/// A file settles for half a second and was compiled already; an interpreter on a busy machine takes longer.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// A host takes away what is gone for two seconds.
const GONE_WAIT_MAX: Duration = Duration::from_secs(20);

/// Store a plugin's file in the host's plugin folder, and wait until it serves or is refused
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate plugin install dist/wine-cellar.wasm
  headgate plugin install https://example.com/wine-cellar-1.2.0.wasm --sha256 0f3a…

The host checks the file as it checks what lies in its folder, and stores it only then: a refused one changes nothing. A
file of a kind that is served takes its place, and the version before ends what it began. The host has to be started with
--plugins DIR. Exit code 5 says that it was refused, 2 that it waits for `headgate plugin grant`.")]
pub(in crate::cli) struct Install {
    /// The component, or an http(s) address of it
    #[arg(value_name = "FILE|URL")]
    source: String,
    /// Name of the file in the plugin folder [default: the one that serves the kind, else the kind]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// SHA-256 that the content must have, in hexadecimal
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Its signature [default: FILE.minisig, where that is there]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
}

/// Delete a plugin's file from the host's plugin folder; no cluster is touched
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate plugin remove wine-cellar
  headgate plugin remove broken.wasm

Clusters of the kind stay registered with all that is known of them, and are not asked any more, until a file of their kind
is there again. What other versions of it are remembered for `headgate plugin rollback` stays too.")]
pub(in crate::cli) struct Remove {
    /// A kind, or a file that serves none
    plugin: String,
}

impl Install {
    pub(super) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        let bytes = self.read(session)?;
        let digest = digest_of(&bytes);
        if let Some(wanted) = self.sha256.as_deref().filter(|wanted| !wanted.eq_ignore_ascii_case(&digest)) {
            return Err(Failure::Refused(format!(
                "{} has the digest {digest}, not {wanted}: it is another file, or was changed on its way",
                self.source
            )));
        }
        session.terminal.note(format_args!("{}, digest {digest}: the host checks it", size(bytes.len())))?;
        let query: Vec<(&str, &str)> = self.name.as_deref().map(|name| ("name", name)).into_iter().collect();
        let signature = self.signature()?.map(|text| STANDARD.encode(text));
        let headers = signature.as_deref().map(|text| (SIGNATURE_HEADER, text));
        let headers: Vec<(&str, &str)> = headers.into_iter().collect();
        let sent = client.upload("/plugins", &query, ("application/wasm", bytes), &headers);
        let installed: Installed = sent.map_err(|failure| refused(failure, &self.source))?;
        let Installed { kind, version, digest, file, asks, unchanged } = &installed;
        let terminal = &mut *session.terminal;
        let done = if *unchanged { "lay there already" } else { "is stored" };
        terminal.line(format_args!("{kind} {version} {done}, as {file}"))?;
        terminal.line(format_args!("  digest     {digest}"))?;
        for one in asks {
            terminal.line(format_args!("  asks for   {}", printable(&words(one))))?;
        }
        terminal.flush()?;
        follow(&client, &installed, session)
    }

    fn read(&self, session: &Session<'_>) -> Result<Vec<u8>, Failure> {
        if is_url(&self.source) {
            return download(&self.source, session.global.ca_cert.as_deref(), COMPONENT_BYTES_MAX);
        }
        let path = Path::new(&self.source);
        std::fs::read(path).map_err(|source| Failure::File { path: path.to_owned(), source })
    }
}

impl Install {
    fn signature(&self) -> Result<Option<Vec<u8>>, Failure> {
        let beside = PathBuf::from(format!("{}{SUFFIX}", self.source));
        let path = match &self.signature {
            Some(named) => named,
            None if beside.is_file() => &beside,
            None => return Ok(None),
        };
        let read = std::fs::read(path);
        read.map(Some).map_err(|source| Failure::File { path: path.clone(), source })
    }
}

/// What the host would not let serve is refused, and no fault of the command.
fn refused(failure: Failure, source: &str) -> Failure {
    match failure {
        Failure::Problem(problem) if problem.code == PLUGIN_REFUSED => {
            let advice = problem.advice.as_deref().unwrap_or_default();
            Failure::Refused(format!("{source} is refused at {}; {advice}", printable(&problem.detail)))
        }
        other => other,
    }
}

/// Until the content serves, or is known not to.
fn follow(client: &Client, installed: &Installed, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let interrupt = Interrupt::watch()?;
    let (began, mut told) = (Instant::now(), String::new());
    loop {
        let statuses: Vec<PluginStatus> = client.list("/plugins", &[], None)?;
        let news = match standing(&statuses, installed) {
            Standing::Serves => {
                session.terminal.end_progress()?;
                session.terminal.line(format_args!("{} serves: {}", installed.kind, installed.version))?;
                return Ok(Exit::Done);
            }
            Standing::WaitsForGrant => {
                let kind = &installed.kind;
                session.terminal.end_progress()?;
                session.terminal.line(format_args!(
                    "{kind} waits until it is decided what it may reach: headgate plugin grant {kind}"
                ))?;
                return Ok(Exit::SomethingToDo);
            }
            Standing::Stopped(why) => return Err(Failure::Refused(why)),
            Standing::OnItsWay(news) => news,
        };
        if news != told {
            session.terminal.progress(format_args!("{}: {news}", installed.file))?;
            told = news;
        }
        if interrupt.within(LOOK) || began.elapsed() > WAIT_MAX {
            let kind = &installed.kind;
            let note = format!("{} is {told} still. Look: headgate plugin show {kind}", installed.file);
            session.terminal.note(note)?;
            return Ok(Exit::Failed);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Standing {
    Serves,
    OnItsWay(String),
    /// The operator has not decided on all that it asks for.
    WaitsForGrant,
    /// It stays as it is until somebody does something.
    Stopped(String),
}

fn standing(statuses: &[PluginStatus], installed: &Installed) -> Standing {
    let Installed { kind, digest, file, .. } = installed;
    let own =
        |status: &&PluginStatus| status.kind.as_ref() == Some(kind) || status.file.as_ref() == Some(file);
    let own: Vec<&PluginStatus> = statuses.iter().filter(own).collect();
    let ours = own.iter().find(|status| status.digest.as_ref() == Some(digest));
    if let Some(status) = ours {
        return match status.state {
            PluginState::Disabled | PluginState::Quarantined => {
                let why = status.reason.clone().unwrap_or_default();
                Standing::Stopped(format!(
                    "{kind} is loaded and not asked: {why}; `headgate plugin enable {kind}` lets it serve"
                ))
            }
            _ => Standing::Serves,
        };
    }
    if own.iter().any(|status| status.waiting.as_ref().is_some_and(|waiting| waiting.digest == *digest)) {
        return Standing::WaitsForGrant;
    }
    let refusals = own.iter().filter_map(|status| status.refusal.as_ref());
    if let Some(refusal) = refusals.into_iter().find(|refusal| refusal.digest.as_ref() == Some(digest)) {
        let told = format!("expected {}, found {}; {}", refusal.expected, refusal.found, refusal.advice);
        return Standing::Stopped(format!("{file} is refused at {}: {}", refusal.stage, printable(&told)));
    }
    let loading = own.iter().find(|status| status.digest.is_none());
    let word = match loading.map(|status| status.state) {
        None => own.first().and_then(|status| status.reason.clone()).unwrap_or_else(|| "stored".to_owned()),
        Some(PluginState::Removed | PluginState::Refused) => "stored".to_owned(),
        Some(state) => word(&state),
    };
    Standing::OnItsWay(word)
}

impl Remove {
    pub(super) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        let removed: RemovedPlugin = client.call(&Method::DELETE, &path(&self.plugin), &[], None)?;
        session.terminal.line(format_args!("{} is deleted", removed.file))?;
        session.terminal.flush()?;
        let began = Instant::now();
        loop {
            let statuses: Vec<PluginStatus> = client.list("/plugins", &[], None)?;
            if let Some(told) = aftermath(&statuses, &self.plugin, &removed.file) {
                session.terminal.line(told)?;
                return Ok(Exit::Done);
            }
            if began.elapsed() > GONE_WAIT_MAX {
                let note =
                    format!("The host has not noticed yet. Look: headgate plugin show {}", self.plugin);
                session.terminal.note(note)?;
                return Ok(Exit::Failed);
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// What serves in its place. `None`: the file still does.
fn aftermath(statuses: &[PluginStatus], plugin: &str, file: &str) -> Option<String> {
    let of_kind = statuses.iter().find(|status| status.kind.as_deref() == Some(plugin));
    let Some(status) = of_kind else {
        let there = statuses.iter().any(|status| status.file.as_deref() == Some(file));
        return (!there).then(|| "It served nothing.".to_owned());
    };
    // A kind that somebody disabled says so before all else.
    if status.digest.is_none() {
        return Some(format!(
            "Nothing serves {plugin} now: its clusters stay as they are, and are not asked, until a file of it is there again."
        ));
    }
    match (status.file.as_deref(), status.version.as_deref()) {
        (Some(now), Some(version)) if now != file => Some(format!("{now} serves {plugin} now: {version}.")),
        _ => None,
    }
}
