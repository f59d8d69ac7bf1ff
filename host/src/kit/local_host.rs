//! A host of the author's own: this program as a child, on loopback, with its data in a scratch folder. It ends with its owner
//! and leaves nothing behind.

use std::fs::{self, DirBuilder};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::KitError;
use super::build::put;
use crate::domain::contract::Grant;
use crate::domain::grant::{Given, NetworkGrant, WASI_OPEN};

/// The built-in plugins are compiled at the first start, by an unoptimised host for a minute.
const START_DEADLINE: Duration = Duration::from_secs(300);

/// Lines of the host's log that explain why it ended.
const LINES_OF_END: usize = 8;

pub struct LocalHost {
    child: Child,
    folder: PathBuf,
    pub url: String,
    pub token: String,
    /// Lines of its log, as JSON.
    pub log: Receiver<String>,
}

impl LocalHost {
    /// `program` is this binary; `cache` keeps what it compiled for the next time. Waits until it listens.
    pub fn start(program: &Path, cache: &Path) -> Result<Self, KitError> {
        let folder = std::env::temp_dir().join(format!("headgate-dev-{}", uuid::Uuid::now_v7().simple()));
        let made = begin(program, &folder, cache);
        if made.is_err() {
            fs::remove_dir_all(&folder).unwrap_or_default();
        }
        made
    }

    /// A plugin's file in the place of the one before, and what its manifest asks of the network, given.
    pub fn load(&self, kind: &str, grants: &[Grant], bytes: &[u8]) -> Result<(), KitError> {
        let plugins = self.folder.join("plugins");
        put(&plugins.join("grants.yaml"), given(kind, grants).to_string().as_bytes())?;
        put(&plugins.join(format!("{kind}.wasm")), bytes)
    }

    /// Whether it ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_some())
    }
}

impl Drop for LocalHost {
    fn drop(&mut self) {
        // It has ended by itself where this fails. What it was doing is nobody's: its folder goes with it.
        drop(self.child.kill());
        drop(self.child.wait());
        fs::remove_dir_all(&self.folder).unwrap_or_default();
    }
}

fn begin(program: &Path, folder: &Path, cache: &Path) -> Result<LocalHost, KitError> {
    let (data, plugins) = (folder.join("data"), folder.join("plugins"));
    for made in [folder, &data, &plugins] {
        DirBuilder::new().mode(0o700).create(made).map_err(KitError::io(made))?;
    }
    fs::create_dir_all(cache).map_err(KitError::io(cache))?;
    symlink(cache, data.join("cache")).map_err(KitError::io(cache))?;
    let mut command = Command::new(program);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).arg("--plugins").arg(&plugins);
    // What is meant for the author's real host is not for this one.
    for variable in ["HEADGATE_DATABASE_URL", "HEADGATE_KEY_FILE", "HEADGATE_TLS_CERT", "HEADGATE_TLS_KEY"] {
        command.env_remove(variable);
    }
    command.env("HEADGATE_LOG_FORMAT", "json").env("HEADGATE_LOG", "info");
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(KitError::io(program))?;
    let log = lines(child.stderr.take());
    let said = lines(child.stdout.take());
    let mut host =
        LocalHost { child, folder: folder.to_owned(), url: String::new(), token: String::new(), log };
    let Ok(line) = said.recv_timeout(START_DEADLINE) else { return Err(ended(&host.log)) };
    host.url = line.trim_start_matches("listening on ").to_owned();
    let token = data.join("token");
    host.token = fs::read_to_string(&token).map_err(KitError::io(&token))?.trim().to_owned();
    Ok(host)
}

fn ended(log: &Receiver<String>) -> KitError {
    let lines: Vec<String> = log.try_iter().collect();
    let skipped = lines.len().saturating_sub(LINES_OF_END);
    let said = lines.into_iter().skip(skipped).collect::<Vec<_>>().join("\n");
    KitError::Build { what: "the start of a local host".to_owned(), said }
}

/// Read on a thread of their own: a pipe that nobody empties stops who writes into it.
fn lines(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(pipe) = pipe {
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

/// `grants.yaml`, of which JSON is a part: all that the manifest asks of the network and of WASI.
fn given(kind: &str, grants: &[Grant]) -> Value {
    let network = grants.iter().filter_map(NetworkGrant::of);
    let wasi = grants.iter().filter_map(|grant| match grant {
        Grant::Wasi(name) if !WASI_OPEN.contains(&name.as_str()) => Some(name.clone()),
        Grant::Network { .. } | Grant::SecretsReveal | Grant::Wasi(_) => None,
    });
    json!({kind: Given { network: network.collect(), wasi: wasi.collect(), ..Given::default() }})
}

/// A line of the host's log in the words of its plugin. `None`: it is about something else.
pub fn plugin_line(line: &str, kind: &str) -> Option<String> {
    let event: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
    let file = format!("{kind}.wasm");
    if ![kind, &file].contains(&text("plugin")) && text("kind") != kind {
        return None;
    }
    let shown = ["call", "cluster", "failure", "reason", "version", "took_ms"];
    let fields = shown.iter().filter_map(|key| {
        let value = event.get(*key).filter(|value| **value != "")?;
        Some(format!(" {key}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    });
    Some(format!("{:<5} {}{}", text("level").to_lowercase(), text("message"), fields.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_the_plugin_are_shown() {
        let line =
            json!({"level": "WARN", "message": "slow", "plugin": "toy", "cluster": "dev", "call": "probe"});
        assert_eq!(
            plugin_line(&line.to_string(), "toy").as_deref(),
            Some("warn  slow call=probe cluster=dev")
        );
        assert_eq!(plugin_line(&line.to_string(), "other"), None);
        assert_eq!(plugin_line("no JSON", "toy"), None);
    }

    #[test]
    fn what_is_asked_for_is_given() {
        let grants = [
            Grant::Network { host: "${connection./address}".to_owned(), ports: "1-9".to_owned() },
            Grant::Wasi("clocks".to_owned()),
            Grant::Wasi("http".to_owned()),
        ];
        let given = given("toy", &grants);
        let network = json!([{"host": "${connection./address}", "ports": "1-9"}]);
        assert_eq!(given["toy"]["network"], network);
        assert_eq!(given["toy"]["wasi"], json!(["http"]));
    }

    #[test]
    fn a_program_that_is_no_host_leaves_nothing_behind() {
        let cache = tempfile::tempdir().unwrap();
        let error = LocalHost::start(Path::new("false"), cache.path()).err().unwrap().to_string();
        assert!(error.starts_with("the start of a local host failed"), "{error}");
    }
}
