//! `headgate plugin dev`: a host of its own that follows a project's sources.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::check;
use crate::api::v1::kinds::KindDetail;
use crate::api::v1::resources::ResourceView;
use crate::cli::client::{Client, encode, nothing};
use crate::cli::failure::{Exit, Failure};
use crate::cli::interrupt::Interrupt;
use crate::cli::locate::{Target, cache_folder, variable};
use crate::cli::session::Session;
use crate::cli::settings;
use crate::cli::table::printable;
use crate::cli::terminal::Terminal;
use crate::domain::plugin::{PluginState, PluginStatus};
use crate::kit::build;
use crate::kit::changes::Changes;
use crate::kit::local_host::{LocalHost, plugin_line};
use crate::kit::report::Report;

/// Between two looks at log, sources and Ctrl-C.
const LOOK: Duration = Duration::from_millis(100);

/// The file was compiled a moment ago, by the same engine; an interpreter on a busy machine takes longer.
const LOAD_MAX: Duration = Duration::from_secs(300);

/// The cluster that `--connection` registers.
const CLUSTER: &str = "dev";

/// Resources of a type that are named; the others are counted.
const NAMED: usize = 5;

/// Watch a project, build it, load it into a host of its own, and show what the plugin says and answers
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate plugin dev
  headgate plugin dev --connection address=127.0.0.1:8080
  headgate plugin dev --connection address=127.0.0.1:8080 --secret token=@token.txt

The host listens on a free port of loopback and is given what the manifest asks of the network; its data is in a scratch folder.
With --connection a cluster is registered there, to be observed, and listed after each build. A build that fails, and a
file that is refused, leave the version before in its place. Ctrl-C ends all of it.")]
pub(in crate::cli) struct Dev {
    /// Folder of the project
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// A field of the connection form of a cluster to try it on
    #[arg(long, value_name = "KEY=VALUE")]
    connection: Vec<String>,
    /// A secret of that cluster: KEY=@FILE, KEY=- or KEY=env:NAME
    #[arg(long, value_name = "KEY=SOURCE", requires = "connection")]
    secret: Vec<String>,
}

/// The host once it runs, and how to speak with it.
struct Running {
    host: LocalHost,
    client: Client,
    kind: String,
    registered: bool,
}

/// What one round came to.
enum Round {
    Serves,
    /// Told already; another change may mend it.
    Failed,
}

impl Dev {
    pub(super) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let interrupt = Interrupt::watch()?;
        let changes = Changes::of(&self.dir)?;
        let mut running = None;
        loop {
            let ended = self.round(&mut running, session);
            match ended {
                Ok(Round::Serves) => session.terminal.note("Watching the sources; Ctrl-C ends it.")?,
                Ok(Round::Failed) => session.terminal.note("Waiting for a change; Ctrl-C ends it.")?,
                // The host is gone: there is nothing to go on with.
                Err(failure)
                    if running.as_mut().is_some_and(|running: &mut Running| running.host.has_ended()) =>
                {
                    return Err(failure);
                }
                Err(failure) => {
                    let advice = failure.advice().map(|advice| format!("\n  {advice}")).unwrap_or_default();
                    session.terminal.note(format_args!("error: {failure}{advice}"))?;
                }
            }
            changes.forget();
            loop {
                if interrupt.within(Duration::ZERO) {
                    return Ok(Exit::Done);
                }
                if let Some(running) = &running {
                    tell_log(&running.host, &running.kind, session.terminal)?;
                }
                if changes.within(LOOK) {
                    break;
                }
            }
        }
    }

    /// Built, checked, loaded, asked.
    fn round(&self, running: &mut Option<Running>, session: &mut Session<'_>) -> Result<Round, Failure> {
        let began = Instant::now();
        let terminal = &mut *session.terminal;
        let mut tell = |line: &str| terminal.note(line).unwrap_or_default();
        let built = build::Build { folder: &self.dir, aloud: false, tell: &mut tell }.run()?;
        let took = began.elapsed();
        let report = check::look(&built.file, built.bytes.clone(), session)?.report;
        if report.refusal.is_some() {
            check::tell_briefly(&report, &built.file, session.terminal)?;
            session.terminal.flush()?;
            return Ok(Round::Failed);
        }
        let Some(kind) = report.kind.clone() else { return Ok(Round::Failed) };
        let running = match running {
            Some(running) if running.kind == kind => running,
            // Another name of the kind is another plugin.
            other => other.insert(start(&kind, session)?),
        };
        running.host.load(&kind, &report.grants, &built.bytes)?;
        let loading = Instant::now();
        if !serves(running, &report, session)? {
            return Ok(Round::Failed);
        }
        session.terminal.line(format_args!(
            "{kind} {} serves at {}: built in {:.1} s, loaded in {:.1} s",
            report.version.as_deref().unwrap_or_default(),
            running.host.url,
            took.as_secs_f64(),
            loading.elapsed().as_secs_f64()
        ))?;
        self.ask(running, session)?;
        session.terminal.flush()?;
        Ok(Round::Serves)
    }

    /// What types there are, and what the cluster holds of each.
    fn ask(&self, running: &mut Running, session: &mut Session<'_>) -> Result<(), Failure> {
        let kind: KindDetail = running.client.get(&format!("/kinds/{}", encode(&running.kind)), &[])?;
        if self.connection.is_empty() {
            for one in &kind.types {
                session.terminal.line(format_args!("  type {}: {}", one.name, one.title))?;
            }
            return Ok(());
        }
        if !running.registered {
            let form = &kind.kind.description.connection;
            let secrets = settings::secrets(&self.secret, &variable, session.terminal)?;
            let body = json!({
                "name": CLUSTER, "kind": running.kind, "authority": "observe",
                "connection": settings::connection(&self.connection, form)?, "secrets": secrets,
            });
            let _registered: Value = running.client.post("/clusters", &body)?;
            running.registered = true;
        }
        let path = format!("/clusters/{CLUSTER}");
        let synced = running.client.post::<Value>(&format!("{path}/sync"), &nothing());
        tell_log(&running.host, &running.kind, session.terminal)?;
        let report = synced?;
        if let Some(error) = report.get("error").and_then(Value::as_str) {
            session.terminal.line(format_args!("  the cluster could not be listed: {}", printable(error)))?;
        }
        for one in &kind.types {
            let query = [("type", one.name.as_str())];
            let found: Vec<ResourceView> = running.client.list(&format!("{path}/resources"), &query, None)?;
            let names = found.iter().take(NAMED).map(|view| printable(&view.resource.key.id));
            let more = if found.len() > NAMED { ", …" } else { "" };
            let names = names.collect::<Vec<_>>().join(", ");
            session.terminal.line(format_args!("  {}: {}   {names}{more}", one.plural, found.len()))?;
        }
        Ok(())
    }
}

fn start(kind: &str, session: &mut Session<'_>) -> Result<Running, Failure> {
    session.terminal.note("starting a local host")?;
    let program = std::env::current_exe()?;
    let host = LocalHost::start(&program, &cache_folder(&variable)?.join("dev"))?;
    let target = Target { url: host.url.clone(), token: host.token.clone() };
    Ok(Running { client: Client::new(target, None)?, host, kind: kind.to_owned(), registered: false })
}

/// Waits for this content. `false`: it was refused, and that was told.
fn serves(running: &Running, report: &Report, session: &mut Session<'_>) -> Result<bool, Failure> {
    let began = Instant::now();
    loop {
        let statuses: Vec<PluginStatus> = running.client.list("/plugins", &[], None)?;
        tell_log(&running.host, &running.kind, session.terminal)?;
        let own = statuses.iter().filter(|status| {
            status.kind.as_ref() == Some(&running.kind)
                || status.file == Some(format!("{}.wasm", running.kind))
        });
        for status in own {
            if status.digest == report.digest && status.state == PluginState::Active {
                return Ok(true);
            }
            let refusal = status.refusal.as_ref().filter(|refusal| refusal.digest == report.digest);
            if let Some(refusal) = refusal {
                let told =
                    format!("expected {}, found {}; {}", refusal.expected, refusal.found, refusal.advice);
                session.terminal.line(format_args!("refused at {}: {}", refusal.stage, printable(&told)))?;
                session.terminal.flush()?;
                return Ok(false);
            }
        }
        if began.elapsed() > LOAD_MAX {
            return Err(Failure::Failed("the local host did not load it in time".to_owned()));
        }
        std::thread::sleep(LOOK);
    }
}

fn tell_log(host: &LocalHost, kind: &str, terminal: &mut Terminal) -> Result<(), Failure> {
    for line in host.log.try_iter().filter_map(|line| plugin_line(&line, kind)) {
        terminal.note(format_args!("  | {}", printable(&line)))?;
    }
    Ok(())
}
