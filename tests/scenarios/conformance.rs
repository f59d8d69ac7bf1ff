//! The built-in plugins and a sample, tried by `headgate plugin test` against real clusters: no host and no database stand beside it.

use anyhow::{Context, Result, ensure};
use headgate_tests::{Etcd, Kafka, Output, Redis, ZooKeeper, folder, without_a_host};
use serde_json::Value;

const PASSWORD: &str = "admin-secret";

/// A topic that is made, edited, taken back and deleted.
const WISH: &str = "\
type: topic
name: conformance-scenario
spec:
  partitions: 1
  replication_factor: 1
---
type: topic
name: conformance-scenario
spec:
  config:
    retention.ms: 7200000
";

fn tried(kind: &str, more: &[&str]) -> Result<Output> {
    let arguments: Vec<&str> =
        ["plugin", "test", kind, "-o", "json"].into_iter().chain(more.iter().copied()).collect();
    // What it compiles is kept, as for a person who tries it a second time.
    let environment = [("SCENARIO_PASSWORD".to_owned(), PASSWORD.to_owned())];
    without_a_host(&arguments, environment)
}

/// Names of the checks with that verdict.
fn of(report: &Value, verdict: &str) -> Result<Vec<String>> {
    let checks = report.get("checks").and_then(Value::as_array).context("no checks")?;
    let fits = checks.iter().filter(|check| check.get("verdict").and_then(Value::as_str) == Some(verdict));
    Ok(fits.filter_map(|check| check.get("name").and_then(Value::as_str).map(str::to_owned)).collect())
}

fn keeps_all(output: &Output, skipped: &[&str]) -> Result<()> {
    let report = output.json()?;
    ensure!(of(&report, "failed")?.is_empty(), "{output}");
    ensure!(of(&report, "skipped")? == skipped, "skipped otherwise: {output}");
    Ok(())
}

#[test]
fn etcd_keeps_what_every_plugin_keeps() -> Result<()> {
    let endpoints = format!("endpoints={}", Etcd::shared()?.endpoints()?);
    let output = tried("etcd", &["--connection", &endpoints])?;
    keeps_all(&output, &["decides", "normal-form", "no-steps", "applies", "credentials"])
}

#[test]
fn zookeeper_keeps_what_every_plugin_keeps() -> Result<()> {
    let servers = format!("servers={}", ZooKeeper::shared()?.addresses()?);
    let output = tried("zookeeper", &["--connection", &servers])?;
    keeps_all(&output, &["decides", "normal-form", "no-steps", "applies", "credentials"])
}

/// A sample, on three nodes: its cassette is of one.
#[test]
fn redis_keeps_what_every_plugin_keeps() -> Result<()> {
    let redis = Redis::nodes(3)?;
    let tree = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let (file, wish) =
        (tree.join("../plugins/redis/dist/redis.wasm"), tree.join("cassettes/redis.wish.yaml"));
    let (file, wish) = (file.to_string_lossy(), wish.to_string_lossy());
    let addresses = format!("addresses={}", redis.addresses()?);
    let output = tried(&file, &["--connection", &addresses, "--wish", &wish])?;
    keeps_all(&output, &["credentials"])
}

/// Logged in by SCRAM, and recorded: the same run again without the cluster, and no secret in the file.
#[test]
fn kafka_keeps_it_and_what_was_recorded_plays_without_the_cluster() -> Result<()> {
    let kafka = Kafka::shared_secure()?;
    let folder = folder("conformance")?;
    let (wish, cassette) = (folder.path().join("wish.yaml"), folder.path().join("kafka.jsonl"));
    std::fs::write(&wish, WISH)?;
    let (wish, cassette) = (wish.to_string_lossy(), cassette.to_string_lossy());
    let bootstrap = format!("bootstrap={}", kafka.fact("BOOTSTRAP_SASL")?);
    let output = tried(
        "kafka",
        &[
            "--connection",
            &bootstrap,
            "--connection",
            "security=SASL_PLAINTEXT",
            "--connection",
            "mechanism=SCRAM-SHA-512",
            "--connection",
            "username=admin",
            "--secret",
            "password=env:SCENARIO_PASSWORD",
            "--wish",
            &wish,
            "--record",
            &cassette,
        ],
    )?;
    keeps_all(&output, &[])?;
    ensure!(kafka.topic("conformance-scenario")?.is_none(), "the topic was left behind");

    let text = std::fs::read_to_string(&*cassette)?;
    ensure!(
        !text.contains(PASSWORD) && text.contains("%{derived:"),
        "a secret, or no proof, is in the cassette"
    );
    let played = tried("kafka", &["--cassette", &cassette, "--only", "contract", "--only", "failures"])?;
    keeps_all(&played, &[])
}

#[test]
fn what_is_no_plugin_fails_with_its_stage() -> Result<()> {
    let folder = folder("conformance-text")?;
    let file = folder.path().join("notes.wasm");
    std::fs::write(&file, "not a component")?;
    let output = tried(&file.to_string_lossy(), &[])?;
    let report: Value = serde_json::from_str(output.code_is(1)?)?;
    ensure!(of(&report, "failed")? == ["loads"], "{output}");
    Ok(())
}
