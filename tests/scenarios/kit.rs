//! An author's way, with the binary alone: from `headgate plugin new` in an empty folder to a kind that serves in a running
//! host, and edits that break it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use headgate_tests::{Database, Host, Options, for_each_database, headgate};
use serde_json::Value;
use tempfile::TempDir;

/// The SDK's dependencies are compiled for WebAssembly, once.
const BUILD_DEADLINE: Duration = Duration::from_secs(900);

/// Failing cycles come at ever longer intervals.
const DEADLINE: Duration = Duration::from_secs(120);

const KIND: &str = "wine-cellar";

for_each_database!(
    a_new_plugin_serves_and_its_broken_edits_do_not,
    a_host_without_a_plugin_folder_says_how_to_start_it,
    what_a_host_would_refuse_is_not_stored,
);

/// What an author made: once for all databases.
struct Made {
    _folder: TempDir,
    good: PathBuf,
    /// Its manifest makes no sense.
    refused: PathBuf,
    /// It traps when it is asked what a cluster is.
    trapping: PathBuf,
}

fn made() -> Result<&'static Made> {
    static MADE: OnceLock<Result<Made, String>> = OnceLock::new();
    let made = MADE.get_or_init(|| author().map_err(|error| format!("{error:#}")));
    made.as_ref().map_err(|text| anyhow!("{text}"))
}

fn author() -> Result<Made> {
    let folder = headgate_tests::folder("kit.")?;
    let at = folder.path();
    let new = headgate(at, &["plugin", "new", KIND, "--lang", "rust"], DEADLINE)?;
    let said = new.ok()?;
    ensure!(said.contains("headgate plugin build") && said.contains("cargo test"), "{said}");
    headgate(at, &["plugin", "new", KIND, "--lang", "js"], DEADLINE)?.refused(5, &["is not empty"])?;

    let project = at.join(KIND);
    let built = headgate(&project, &["plugin", "build"], BUILD_DEADLINE)?;
    let said = built.ok()?;
    for part in ["a host lets it in", "size", "digest", "headgate plugin install"] {
        ensure!(said.contains(part), "no `{part}`: {built}");
    }
    let good = kept(&project, at, "good")?;
    let checked = headgate(at, &["plugin", "check", "good.wasm", "-o", "json"], DEADLINE)?.json()?;
    ensure!(checked.get("kind") == Some(&Value::from(KIND)), "{checked}");
    ensure!(checked.pointer("/types/0") == Some(&Value::from("note")), "{checked}");
    headgate(at, &["plugin", "test", "good.wasm"], BUILD_DEADLINE)?.ok()?;
    let inspected = headgate(at, &["plugin", "inspect", "good.wasm"], DEADLINE)?;
    for part in ["Fields of note", "/tags", "headgate:host/http@0.1.0", "address"] {
        ensure!(inspected.ok()?.contains(part), "no `{part}`: {inspected}");
    }

    edit(&project, "src/lib.rs", "env!(\"CARGO_PKG_VERSION\").to_owned()", "\"soon\".to_owned()")?;
    let refused = headgate(&project, &["plugin", "build"], BUILD_DEADLINE)?;
    ensure!(refused.code_is(5)?.contains("Refused at describe"), "{refused}");
    let broken = kept(&project, at, "refused")?;
    edit(&project, "src/lib.rs", "\"soon\".to_owned()", "\"0.2.0\".to_owned()")?;
    let discover = "fn discover(&mut self) -> Result<Cluster> {";
    edit(&project, "src/session.rs", discover, &format!("{discover} panic!(\"the cellar is flooded\");"))?;
    headgate(&project, &["plugin", "build"], BUILD_DEADLINE)?.ok()?;
    let trapping = kept(&project, at, "trapping")?;
    edit(&project, "src/session.rs", "panic!(", "panik!(")?;
    let failed = headgate(&project, &["plugin", "build"], BUILD_DEADLINE)?;
    failed.refused(1, &["the build failed", "panik"])?;
    Ok(Made { _folder: folder, good, refused: broken, trapping })
}

/// What was built, under a name of its own.
fn kept(project: &Path, folder: &Path, name: &str) -> Result<PathBuf> {
    let path = folder.join(format!("{name}.wasm"));
    fs::copy(project.join("dist").join(format!("{KIND}.wasm")), &path).context("what was built")?;
    Ok(path)
}

fn edit(project: &Path, file: &str, old: &str, new: &str) -> Result<()> {
    let path = project.join(file);
    let text = fs::read_to_string(&path)?;
    ensure!(text.contains(old), "{file} holds no `{old}`");
    Ok(fs::write(&path, text.replacen(old, new, 1))?)
}

fn with_folder(database: &Database) -> Result<(Host, TempDir)> {
    let folder = headgate_tests::folder("plugins.")?;
    let plugins = folder.path().to_string_lossy().into_owned();
    let options = Options { arguments: vec!["--plugins".to_owned(), plugins], ..Options::default() };
    Ok((Host::start_with(database, options)?, folder))
}

fn install(host: &Host, file: &Path) -> Result<headgate_tests::Output> {
    host.cli(&["plugin", "install", &file.to_string_lossy()])
}

fn a_new_plugin_serves_and_its_broken_edits_do_not(database: &Database) -> Result<()> {
    let made = made()?;
    let (host, folder) = with_folder(database)?;
    let installed = install(&host, &made.good)?;
    let said = installed.ok()?;
    for part in ["wine-cellar 0.1.0 is stored, as wine-cellar.wasm", "asks for", "wine-cellar serves: 0.1.0"]
    {
        assert!(said.contains(part), "no `{part}`: {installed}");
    }
    let again = install(&host, &made.good)?;
    assert!(again.ok()?.contains("lay there already"), "{again}");
    let kind = host.cli(&["kind", "show", KIND])?;
    assert!(kind.ok()?.contains("note"), "{kind}");

    install(&host, &made.refused)?.refused(5, &["refused at describe", "`soon`"])?;
    assert_eq!(plugin(&host)?.get("version"), Some(&Value::from("0.1.0")));

    // The address answers nobody: the plugin that works says so, the one that is broken traps.
    host.cli(&["cluster", "add", "cellar", "--kind", KIND, "--set", "address=127.0.0.1:1"])?.ok()?;
    host.cli(&["sync", "cellar"])?.refused(6, &[])?;
    install(&host, &made.trapping)?.ok()?;
    host.until("the version before serves again", DEADLINE, |host| {
        host.cli(&["sync", "cellar"])?;
        let plugin = plugin(host)?;
        let back = plugin.pointer("/taken_back/0/version") == Some(&Value::from("0.2.0"));
        Ok(back && plugin.get("version") == Some(&Value::from("0.1.0")))
    })?;
    let shown = host.cli(&["plugin", "show", KIND])?;
    assert!(shown.ok()?.contains("the cellar is flooded"), "{shown}");
    install(&host, &made.trapping)?.refused(5, &["was taken back"])?;

    let removed = host.cli(&["plugin", "remove", KIND])?;
    assert!(removed.ok()?.contains("Nothing serves wine-cellar now"), "{removed}");
    assert!(!folder.path().join("wine-cellar.wasm").exists());
    let records = host.cli(&["record", "--subject", KIND])?;
    for part in ["plugin.install", "plugin.uninstall", "token:owner"] {
        assert!(records.ok()?.contains(part), "no `{part}`: {records}");
    }
    Ok(())
}

fn plugin(host: &Host) -> Result<Value> {
    host.get(&format!("/api/v1/plugins/{KIND}"))
}

fn a_host_without_a_plugin_folder_says_how_to_start_it(database: &Database) -> Result<()> {
    let host = Host::start(database)?;
    let file = host.data().join("some.wasm");
    fs::write(&file, b"text")?;
    install(&host, &file)?.refused(5, &["no plugin folder", "--plugins DIR"])?;
    host.cli(&["plugin", "remove", "kafka"])?.refused(5, &["is carried by the host itself"])
}

fn what_a_host_would_refuse_is_not_stored(database: &Database) -> Result<()> {
    let (host, folder) = with_folder(database)?;
    let file = host.data().join("some.wasm");
    fs::write(&file, b"text")?;
    install(&host, &file)?.refused(5, &["refused at verify", "found text"])?;
    let wrong = host.cli(&["plugin", "install", &file.to_string_lossy(), "--sha256", "00"])?;
    wrong.refused(5, &["is another file"])?;
    host.cli(&["plugin", "install", "absent.wasm"])?.refused(3, &["absent.wasm"])?;
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}
