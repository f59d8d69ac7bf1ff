//! A hundred reloads in a row on a whole host: what is resident and how many threads run afterwards.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Options};
use serde_json::{Value, json};

use super::guests;
use crate::measure::{memory_mb, threads};
use crate::table::{Row, Table};
use crate::{say, share};

/// Until what is made once, or kept of a few versions, is there.
const WARMUP: u32 = 20;
const RELOADS: u32 = 100;

/// Their sessions are renewed with each version.
const CLUSTERS: u32 = 5;

/// What a heap gives and takes between two looks.
const MEMORY_RATIO_MAX: f64 = 1.05;

/// A thread that ten reloads leave behind would be seen; one or two come with a connection to the database, when it is needed.
const THREADS_RATIO_MAX: f64 = 1.1;

/// A file settles within a second, and a debug build compiles for several.
const RELOADED_WITHIN: Duration = Duration::from_secs(60);

/// Threads that wait for blocking work end after ten idle seconds.
const REST: Duration = Duration::from_secs(15);

const KIND: &str = "hostile";

pub(crate) fn rows(table: &mut Table) -> Result<()> {
    let (warmup, reloads) = (share(WARMUP)?, share(RELOADS)?);
    say(&format!("{} reloads of a whole host", warmup + reloads))?;
    let component = guests::hostile()?;
    let (host, folder) = start(&component)?;
    for number in 0..CLUSTERS {
        register(&host, &format!("lab-{number}"), &json!({}))?;
    }
    let mut next = 0..;
    let mut reload_all = |count: u32| -> Result<Rest> {
        for number in next.by_ref().take(usize::try_from(count)?) {
            reload(&host, folder.path(), &guests::another(&component, number))?;
        }
        rest(&host)
    };
    let (before, after) = (reload_all(warmup)?, reload_all(reloads)?);
    let against = format!("after {warmup}");
    let what = format!("{reloads} reloads more: resident");
    let memory = (against.as_str(), before.memory_mb);
    table.add(&Row::ratio(&what, "MB", after.memory_mb, memory, Some(MEMORY_RATIO_MAX)))?;
    let threads = (against.as_str(), before.threads);
    table.add(&Row::ratio("  threads", "", after.threads, threads, Some(THREADS_RATIO_MAX)))?;
    Ok(())
}

/// With that component in its plugin folder, which gets nothing of what it asks for.
pub(crate) fn start(component: &[u8]) -> Result<(Host, tempfile::TempDir)> {
    let folder = headgate_tests::folder("plugins.")?;
    std::fs::write(folder.path().join("grants.yaml"), format!("{KIND}: {{}}\n"))?;
    put(folder.path(), component)?;
    let plugins = folder.path().to_string_lossy().into_owned();
    let arguments = vec!["--plugins".to_owned(), plugins];
    // What the guests do fills the log otherwise.
    let environment = vec![("HEADGATE_LOG".to_owned(), "off".to_owned())];
    let options = Options { arguments, environment, ..Options::default() };
    let host = Host::start_with(&Database::Sqlite, options)?;
    generation(&host)?;
    Ok((host, folder))
}

pub(crate) fn register(host: &Host, name: &str, connection: &Value) -> Result<()> {
    let body = json!({"name": name, "kind": KIND, "connection": connection});
    host.api("POST", "/api/v1/clusters", Some(&body))?.status_is(201)?;
    Ok(())
}

/// Written beside it, then renamed.
fn put(folder: &Path, component: &[u8]) -> Result<()> {
    let partial = folder.join(".partial");
    std::fs::write(&partial, component)?;
    Ok(std::fs::rename(partial, folder.join(format!("{KIND}.wasm")))?)
}

/// Until the content serves and was asked by every cluster.
fn reload(host: &Host, folder: &Path, component: &[u8]) -> Result<()> {
    let before = generation(host)?;
    put(folder, component)?;
    host.until("the new content serves", RELOADED_WITHIN, |host| Ok(generation(host)? > before))?;
    for number in 0..CLUSTERS {
        host.api("POST", &format!("/api/v1/clusters/lab-{number}/sync"), None)?.status_is(200)?;
    }
    Ok(())
}

fn generation(host: &Host) -> Result<u64> {
    let plugin = host.get(&format!("/api/v1/plugins/{KIND}"))?;
    plugin.get("generation").and_then(Value::as_u64).context("no generation")
}

struct Rest {
    memory_mb: f64,
    threads: f64,
}

/// The least of a while in which nothing is done.
fn rest(host: &Host) -> Result<Rest> {
    let pid = host.pid()?;
    let mut least = Rest { memory_mb: f64::INFINITY, threads: f64::INFINITY };
    let began = Instant::now();
    while began.elapsed() < REST {
        thread::sleep(Duration::from_millis(250));
        least.memory_mb = least.memory_mb.min(memory_mb(pid)?.0);
        #[expect(clippy::cast_precision_loss, reason = "dozens of threads")]
        let threads = threads(pid)? as f64;
        least.threads = least.threads.min(threads);
    }
    Ok(least)
}
