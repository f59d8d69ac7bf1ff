//! Letting strangers in: what a plugin asks for is decided by a person, and who signed it by a key.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use headgate_tests::{Behaviour, Database, Host, Options, asking_guest, for_each_database};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A file settles within a second; compiling takes some on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

for_each_database!(
    a_version_that_asks_for_more_waits_until_somebody_gives_it,
    what_nobody_trusted_signed_stays_out_and_the_version_before_serves,
);

const FORM: (&str, &str) = ("${connection./addresses}", "1-65535");
const PATTERN: (&str, &str) = ("*.registry.svc", "8848");

/// Made by minisign 0.11 for this test, without a password.
const PUBLIC: &str = "untrusted comment: minisign public key 6DC68C3AB1CD295A
RWRaKc2xOozGbYSJxmr9Xc+l415AAOROvtiG7XT1ULHBW39XjzZ02XSe
";
const SECRET: &str = "untrusted comment: minisign encrypted secret key
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWinNsTqMxm21SRJb4LAzSJ3lXsuUiYRGqu+7vslHT7pHEh01A5MO14SJxmr9Xc+l415AAOROvtiG7XT1ULHBW39XjzZ02XSeAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
";

fn a_version_that_asks_for_more_waits_until_somebody_gives_it(database: &Database) -> Result<()> {
    let (mut host, folder) = with_plugins(database, &[])?;
    put(folder.path(), &toy("1.0.0", &[FORM])?)?;
    until(&host, "it serves without a question", "/version", "1.0.0")?;
    host.cli(&["cluster", "add", "lab", "--kind", "toy"])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;

    put(folder.path(), &toy("1.1.0", &[FORM, PATTERN])?)?;
    until(&host, "the new one waits", "/waiting/version", "1.1.0")?;
    host.cli(&["sync", "lab"])?.ok()?;
    let listed = host.cli(&["plugin", "list"])?;
    let remark = "1.1.0 waits for `headgate plugin grant toy`: it asks for *.registry.svc, port 8848";
    assert!(listed.ok()?.contains(remark), "{listed}");
    let asked = host.cli(&["plugin", "grant", "toy"])?;
    assert!(asked.ok()?.contains("--network '*.registry.svc:8848'"), "{asked}");
    let foreign = ["plugin", "grant", "toy", "--revoke", "--network", "a.example:1"];
    host.cli(&foreign)?.refused(3, &["a.example:1 is not given"])?;
    host.restart()?;
    until(&host, "it waits after a restart, too", "/waiting/version", "1.1.0")?;
    until(&host, "the old one serves", "/version", "1.0.0")?;

    host.cli(&["plugin", "grant", "toy", "--all"])?.ok()?;
    until(&host, "it serves", "/version", "1.1.0")?;
    host.cli(&["sync", "lab"])?.ok()?;
    host.restart()?;
    until(&host, "the decision was kept", "/version", "1.1.0")?;
    let plugin = plugin(&host)?;
    assert_eq!(plugin.pointer("/granted/by"), Some(&json!("token:owner")), "{plugin:#}");
    assert_eq!(plugin.pointer("/granted/digest"), plugin.pointer("/digest"));

    // For no more than that, nobody is asked again.
    put(folder.path(), &toy("1.2.0", &[PATTERN])?)?;
    until(&host, "it inherits", "/version", "1.2.0")?;
    host.cli(&["plugin", "grant", "toy", "--revoke", "--network", "*.registry.svc:8848"])?.ok()?;
    let records = host.cli(&["record", "--action", "plugin.grant", "-o", "json"])?.json()?;
    let given = |record: usize, when: &str| {
        let network = records.pointer(&format!("/{record}/{when}/given/network"));
        network.and_then(Value::as_array).map(Vec::len)
    };
    // Newest first.
    assert_eq!([given(0, "before"), given(0, "after")], [Some(2), Some(1)], "{records:#}");
    assert_eq!([given(1, "before"), given(1, "after")], [Some(1), Some(2)], "{records:#}");
    host.cli(&["plugin", "grant", "kafka", "--all"])?.refused(5, &["is built in"])
}

fn what_nobody_trusted_signed_stays_out_and_the_version_before_serves(database: &Database) -> Result<()> {
    let keys = headgate_tests::folder("keys.")?;
    let (public, secret) = (keys.path().join("ops.pub"), keys.path().join("ops.key"));
    std::fs::write(&public, PUBLIC)?;
    std::fs::write(&secret, SECRET)?;
    let public = public.to_string_lossy().into_owned();
    let wanted = ["--plugin-signatures", "enforce", "--plugin-key", &public];
    let (host, folder) = with_plugins(database, &wanted)?;
    let file = folder.path().join("toy.wasm").to_string_lossy().into_owned();
    let sign = |comment: &str| {
        let key = secret.to_string_lossy();
        host.cli(&["plugin", "sign", &file, "--key", &key, "--comment", comment])?.ok().map(drop)
    };

    let first = toy("1.0.0", &[])?;
    put(folder.path(), &first)?;
    let refused = |host: &Host| host.get("/api/v1/plugins/toy.wasm");
    host.until("nobody signed it", DEADLINE, |host| {
        let found = refused(host).ok().and_then(|found| found.pointer("/refusal/found").cloned());
        Ok(found == Some(json!("no signature")))
    })?;
    sign("toy 1.0.0, built by ann")?;
    until(&host, "its signature arrived", "/version", "1.0.0")?;
    host.cli(&["cluster", "add", "lab", "--kind", "toy"])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;

    put(folder.path(), &toy("1.1.0", &[])?)?;
    let wrong = "a signature by 6DC68C3AB1CD295A that does not fit the content";
    until(&host, "the signature is of the version before", "/refusal/found", wrong)?;
    until(&host, "that one serves", "/version", "1.0.0")?;
    host.cli(&["sync", "lab"])?.ok()?;
    let shown = host.cli(&["plugin", "show", "toy"])?;
    let shown = shown.ok()?;
    for part in [
        "by 6DC68C3AB1CD295A: toy 1.0.0, built by ann",
        "Refused at verify: toy.wasm",
        "headgate plugin sign",
    ] {
        assert!(shown.contains(part), "no `{part}`: {shown}");
    }
    sign("toy 1.1.0, built by ann")?;
    until(&host, "it was signed", "/version", "1.1.0")?;
    let records =
        host.cli(&["record", "--action", "plugin.activate", "--subject", "toy", "-o", "json"])?.json()?;
    let comment = records.pointer("/0/after/signature/comment");
    assert_eq!(comment, Some(&json!("toy 1.1.0, built by ann")), "{records:#}");
    assert!(!host.logged()?.contains(SECRET.lines().nth(1).context("a key")?));

    let options = Options { arguments: vec!["--plugin-signatures=warn".to_owned()], ..Options::default() };
    let refused = Host::start_with(database, options).err().context("it must not start")?;
    assert!(format!("{refused:#}").contains("give --plugin-key FILE"), "{refused:#}");
    Ok(())
}

fn toy(version: &str, asks: &[(&str, &str)]) -> Result<Vec<u8>> {
    asking_guest("toy", version, asks, Behaviour::Answers)
}

fn with_plugins(database: &Database, more: &[&str]) -> Result<(Host, TempDir)> {
    let folder = headgate_tests::folder("plugins.")?;
    let plugins = folder.path().to_string_lossy().into_owned();
    let mut arguments = vec!["--plugins".to_owned(), plugins];
    arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
    let options = Options { arguments, ..Options::default() };
    Ok((Host::start_with(database, options)?, folder))
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

fn until(host: &Host, what: &str, pointer: &str, expected: &str) -> Result<()> {
    host.until(what, DEADLINE, |host| {
        let answer = host.api("GET", "/api/v1/plugins/toy", None)?;
        Ok(answer.status == 200 && answer.body.pointer(pointer) == Some(&Value::from(expected)))
    })
}
