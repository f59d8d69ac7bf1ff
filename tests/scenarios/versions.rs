//! Plugins that were built for a released version of the contract serve beside those for the present one, whatever they are
//! written in.

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, for_each_database};
use serde_json::Value;

use crate::topics::apply;

for_each_database!(plugins_for_a_released_version_serve_beside_one_for_the_present);

fn plugins_for_a_released_version_serve_beside_one_for_the_present(database: &Database) -> Result<()> {
    let host = Host::with_released(database, "0.0.1")?;
    host.cli(&["cluster", "add", "of-toy", "--kind", "toy"])?.ok()?;
    host.cli(&["sync", "of-toy"])?.ok()?;
    for kind in ["notes-rust", "notes-js", "notes-python"] {
        serves(&host, kind).with_context(|| kind.to_owned())?;
    }
    host.cli(&["sync", "of-toy"])?.ok()?;
    Ok(())
}

/// Its nodes with their health, and a note made, changed by a wish and taken away.
fn serves(host: &Host, kind: &str) -> Result<()> {
    let cluster = format!("of-{kind}");
    host.cli(&["cluster", "add", &cluster, "--kind", kind])?.ok()?;
    host.cli(&["sync", &cluster])?.ok()?;
    let shown = host.get(&format!("/api/v1/clusters/{cluster}"))?;
    let nodes = shown.get("nodes").and_then(Value::as_array).context("no nodes")?;
    let health: Vec<&str> = nodes.iter().filter_map(|node| node.get("health")?.as_str()).collect();
    assert_eq!(health, ["up", "down", "unknown"]);

    let wish = |rest: &str| format!("---\ncluster: {cluster}\ntype: note\nname: first\n{rest}\n");
    let text = || -> Result<Option<String>> {
        let found = host.resource(&cluster, "note", "first")?;
        let text = found.pointer("/observed/text");
        Ok(text.and_then(Value::as_str).map(str::to_owned))
    };
    apply(host, &wish("spec: {text: one}"))?;
    assert_eq!(text()?.as_deref(), Some("one"));
    apply(host, &wish("spec: {text: two, ü: ✓}"))?;
    assert_eq!(text()?.as_deref(), Some("two"));
    assert_eq!(host.status(&cluster, "note", "first")?, "synced");
    let gone = host.file("gone.yaml", &wish("delete: true"))?;
    host.cli(&["apply", "-f", &gone, "--yes", "--allow-destructive"])?.ok()?;
    let listed = host.cli(&["get", "note", "-c", &cluster])?;
    assert!(!listed.ok()?.contains("first"), "{listed}");
    Ok(())
}
