//! Files in the plugin folder: what is broken or foreign is refused by name and stage, and harms nobody; what changes is
//! followed while the host runs.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use headgate_tests::{Behaviour, Database, Host, Kafka, Options, for_each_database, guest};
use serde_json::Value;
use tempfile::TempDir;

/// A file settles within a second, and failing cycles come at ever longer intervals.
const DEADLINE: Duration = Duration::from_secs(120);

for_each_database!(
    a_broken_file_is_refused_by_name_and_the_rest_serves,
    compiled_code_from_outside_is_never_read,
    a_plugin_comes_changes_breaks_and_goes_while_the_host_runs,
    a_version_that_fails_is_taken_back_also_after_a_restart,
);

fn a_broken_file_is_refused_by_name_and_the_rest_serves(database: &Database) -> Result<()> {
    let empty_module: &[u8] = b"\0asm\x01\0\0\0";
    let (host, _folder) =
        with_plugins(database, &[("broken.wasm", b"no plugin at all"), ("foreign.wasm", empty_module)])?;
    let log = host.logged()?;
    for name in ["broken.wasm", "foreign.wasm"] {
        let told = log.lines().any(|line| line.contains(name));
        assert!(told, "nothing is said of {name}: {log}");
    }
    let kinds = host.cli(&["kind", "list"])?;
    assert!(kinds.ok()?.contains("kafka"), "{kinds}");
    host.add_kafka("lab", Kafka::shared(1)?)
}

fn compiled_code_from_outside_is_never_read(database: &Database) -> Result<()> {
    let (host, _folder) = with_plugins(database, &[("evil.cwasm", b"\x7fELF")])?;
    let kinds = host.cli(&["kind", "list"])?;
    assert!(!kinds.ok()?.contains("evil"), "{kinds}");
    Ok(())
}

fn with_plugins(database: &Database, files: &[(&str, &[u8])]) -> Result<(Host, TempDir)> {
    let folder = headgate_tests::folder("plugins.")?;
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content)?;
    }
    let plugins = folder.path().to_string_lossy().into_owned();
    let options = Options { arguments: vec!["--plugins".to_owned(), plugins], ..Options::default() };
    Ok((Host::start_with(database, options)?, folder))
}

fn a_plugin_comes_changes_breaks_and_goes_while_the_host_runs(database: &Database) -> Result<()> {
    let (host, folder) = with_plugins(database, &[])?;
    let whole = |version: &str| guest("toy", version, Behaviour::Answers);
    put(folder.path(), &whole("1.0.0")?)?;
    until_version(&host, "1.0.0")?;
    host.cli(&["cluster", "add", "lab", "--kind", "toy"])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;

    let calls = while_asked(&host, || {
        put(folder.path(), &whole("1.1.0")?)?;
        until_version(&host, "1.1.0")?;
        let next = whole("1.2.0")?;
        put(folder.path(), next.get(..next.len() / 2).context("half a file")?)?;
        host.until("the truncated file is refused", DEADLINE, |host| {
            let plugin = plugin(host)?;
            Ok(plugin.pointer("/refusal/stage") == Some(&Value::from("compile")))
        })?;
        anyhow::ensure!(
            plugin(&host)?.pointer("/version") == Some(&Value::from("1.1.0")),
            "the old one serves"
        );
        let shown = host.cli(&["plugin", "show", "toy"])?;
        let shown = shown.ok()?;
        assert!(shown.contains("Refused at compile: toy.wasm") && shown.contains("copied whole"), "{shown}");
        put(folder.path(), &next)?;
        until_version(&host, "1.2.0")
    })?;
    assert!(calls > 20, "{calls} calls over all of it");

    std::fs::remove_file(folder.path().join("toy.wasm"))?;
    let gone = "the kind `toy` is not loaded: its file `toy.wasm` was removed; put it back";
    host.until("its clusters say so", DEADLINE, |host| {
        Ok(host.cli(&["cluster", "show", "lab"])?.ok()?.contains(gone))
    })?;
    put(folder.path(), &whole("1.2.0")?)?;
    host.until("its clusters answer again", DEADLINE, |host| {
        let cluster = host.get("/api/v1/clusters/lab")?;
        Ok(cluster.pointer("/reach/state") == Some(&Value::from("reachable")))
    })
}

fn a_version_that_fails_is_taken_back_also_after_a_restart(database: &Database) -> Result<()> {
    let (mut host, folder) = with_plugins(database, &[])?;
    put(folder.path(), &guest("toy", "1.0.0", Behaviour::Answers)?)?;
    until_version(&host, "1.0.0")?;
    host.cli(&["cluster", "add", "lab", "--kind", "toy"])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    put(folder.path(), &guest("toy", "1.1.0", Behaviour::Traps)?)?;
    host.until("it was taken back", DEADLINE, |host| {
        let plugin = plugin(host)?;
        let back = plugin.pointer("/taken_back/0/version") == Some(&Value::from("1.1.0"));
        Ok(back && plugin.get("version") == Some(&Value::from("1.0.0")))
    })?;
    host.cli(&["sync", "lab"])?.ok()?;
    let shown = host.cli(&["plugin", "show", "toy"])?;
    let shown = shown.ok()?;
    for part in [
        "taken back by headgate: it failed 2 of its first 2 calls",
        "trap in `discover` on lab",
        "the_discovery",
    ] {
        assert!(shown.contains(part), "no `{part}`: {shown}");
    }
    host.restart()?;
    host.cli(&["sync", "lab"])?.ok()?;
    assert_eq!(plugin(&host)?.get("version"), Some(&Value::from("1.0.0")));

    host.cli(&["plugin", "disable", "toy"])?.ok()?;
    host.cli(&["sync", "lab"])?.refused(6, &["is disabled by token:owner", "headgate plugin enable toy"])?;
    host.cli(&["plugin", "rollback", "toy"])?.refused(5, &["has no earlier version"])?;
    host.cli(&["plugin", "enable", "toy"])?.ok()?;
    let events = host.cli(&["events"])?;
    let events = events.ok()?;
    for event in ["plugin.activated", "plugin.rolled-back", "plugin.disabled", "plugin.enabled"] {
        assert!(events.contains(event), "no `{event}`: {events}");
    }
    Ok(())
}

/// As a careful copy does it: beside it first, then renamed.
fn put(folder: &Path, bytes: &[u8]) -> Result<()> {
    let partial = folder.join(".partial");
    std::fs::write(&partial, bytes)?;
    Ok(std::fs::rename(partial, folder.join("toy.wasm"))?)
}

fn plugin(host: &Host) -> Result<Value> {
    host.get("/api/v1/plugins/toy")
}

fn until_version(host: &Host, version: &str) -> Result<()> {
    host.until(version, DEADLINE, |host| {
        let plugins = host.get("/api/v1/plugins")?;
        let items = plugins.get("items").and_then(Value::as_array).context("a page")?;
        let toy = items.iter().find(|one| one.get("kind") == Some(&Value::from("toy")));
        Ok(toy.is_some_and(|toy| {
            toy.get("version") == Some(&Value::from(version))
                && toy.get("state") == Some(&Value::from("active"))
        }))
    })
}

/// Calls the plugin all the time while something is done; none of the calls may fail. Their count.
fn while_asked(host: &Host, work: impl FnOnce() -> Result<()>) -> Result<usize> {
    let (stop, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                host.api("GET", "/api/v1/kinds/toy", None)?.status_is(200)?;
                host.api("POST", "/api/v1/clusters/lab/sync", None)?.status_is(200)?;
                calls.fetch_add(2, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
        let worked = work();
        stop.store(true, Ordering::Relaxed);
        asking.join().ok().context("the caller panicked")??;
        worked
    })?;
    Ok(calls.load(Ordering::Relaxed))
}
