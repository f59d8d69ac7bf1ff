//! Who changed what stays readable, also when the cluster is gone; and the log's streams are turned up while it runs.

use anyhow::{Context, Result, ensure};
use headgate_tests::{Database, Host, Kafka, for_each_database};
use serde_json::{Value, json};

use crate::documents::{SOON, topic};
use crate::topics::own;

for_each_database!(
    what_was_done_to_a_cluster_is_found_when_it_is_gone,
    a_stream_of_the_log_is_turned_up_while_the_host_runs,
);

/// What `headgate record ARGUMENTS` finds, oldest first.
fn records(host: &Host, arguments: &[&str]) -> Result<Vec<Value>> {
    let found = host.cli(&[&["record"], arguments, &["--limit", "500", "-o", "json"]].concat())?.json()?;
    let mut found = found.as_array().context("no list")?.clone();
    found.reverse();
    Ok(found)
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn the_one<'a>(records: &'a [Value], action: &str, outcome: &str) -> Result<&'a Value> {
    let is_it = |one: &&Value| text(one, "action") == action && text(one, "outcome") == outcome;
    let found: Vec<&Value> = records.iter().filter(is_it).collect();
    ensure!(found.len() == 1, "{} of {action} {outcome}: {records:#?}", found.len());
    found.first().copied().context("there is one")
}

fn what_was_done_to_a_cluster_is_found_when_it_is_gone(database: &Database) -> Result<()> {
    let (kafka, host, name) = (Kafka::shared(1)?, Host::start(database)?, own("records.kept", database));
    host.add_kafka("lab", kafka)?;
    let bearer = format!("Bearer {}", host.token()?);
    let pause = [("authorization", bearer.as_str()), ("x-request-id", "pause-1")];
    host.api_with("POST", "/api/v1/clusters/lab/pause", None, &pause)?.status_is(200)?;
    host.cli(&["cluster", "resume", "lab"])?.ok()?;

    let applied = |retention: &str| -> Result<String> {
        let file = host.file("topic.yaml", &topic(&name, 1, &[("retention.ms", retention)]))?;
        let planned = host.cli(&["plan", "-f", &file])?;
        planned.code_is(2)?;
        host.cli(&["apply", &planned.plan()?, "--yes"])?.ok()?;
        planned.plan()
    };
    applied("1000000")?;
    let edit = applied("2000000")?;
    let operation =
        ["run", "delete-records", &name, "-c", "lab", "--set", "to=latest", "--allow-destructive", "--yes"];
    host.cli(&operation)?.ok()?;

    let before = records(&host, &["-c", "lab"])?;
    host.cli(&["sync", "lab"])?.ok()?;
    assert_eq!(records(&host, &["-c", "lab"])?, before, "looking is no change");
    host.cli(&["cluster", "remove", "lab", "--yes"])?.ok()?;
    assert_eq!(host.api("GET", "/api/v1/clusters/lab", None)?.status, 404);

    let left = records(&host, &["-c", "lab"])?;
    assert_eq!(left.get(..before.len()), Some(&before[..]), "nothing went with the cluster");
    let paused = the_one(&left, "cluster.pause", "done")?;
    assert_eq!(paused.get("after"), Some(&json!({"paused": true})));
    assert_eq!(records(&host, &["--request", "pause-1"])?, std::slice::from_ref(paused));

    let steps = records(&host, &["--part-of", &edit, "--action", "step."])?;
    let step = the_one(&steps, "step.edit", "done")?;
    assert_eq!((text(step, "actor"), text(step, "cluster_name")), ("token:owner", "lab"));
    assert_eq!(step.pointer("/before/config/retention.ms"), Some(&json!("1000000")), "{step:#}");
    assert_eq!(step.pointer("/after/config/retention.ms"), Some(&json!("2000000")), "{step:#}");
    let approved = records(&host, &["--part-of", &edit, "--action", "plan.approve"])?;
    assert_eq!(approved.first().map(|one| text(one, "request_id")), Some(text(step, "request_id")));

    let ended = the_one(&left, "operation.delete-records", "done")?;
    assert_eq!(ended.pointer("/after/input/to"), Some(&json!("latest")));
    assert!(text(ended, "subject").ends_with(&name) && !text(ended, "message").is_empty(), "{ended:#}");
    let tombstone = the_one(&left, "cluster.remove", "done")?;
    assert_eq!(tombstone.pointer("/before/went_with_it/plans/applied"), Some(&json!(2)), "{tombstone:#}");
    assert_eq!(tombstone.pointer("/before/went_with_it/operations/done"), Some(&json!(1)), "{tombstone:#}");

    assert!(records(&host, &["--actor", "token:owner", "--since", "1h"])?.len() >= left.len() - 1);
    assert_eq!(records(&host, &["--actor", "token:nobody"])?, Vec::<Value>::new());
    let shown = host.cli(&["record", "-c", "lab", "--subject", &name])?;
    assert!(
        shown.ok()?.contains("step.create") && shown.stdout.contains("operation.delete-records"),
        "{shown}"
    );
    Ok(())
}

fn a_stream_of_the_log_is_turned_up_while_the_host_runs(database: &Database) -> Result<()> {
    let (kafka, mut host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let told = |host: &Host, stream: &str| -> Result<usize> {
        let line = |line: &&str| line.contains("DEBUG") && line.contains(&format!("headgate::{stream}"));
        Ok(host.logged()?.lines().filter(line).count())
    };
    host.cli(&["sync", "lab"])?.ok()?;
    assert_eq!((told(&host, "metadata")?, told(&host, "heartbeat")?), (0, 0));

    host.cli(&["log-level", "metadata", "debug"])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    host.until("the stream's lines appear", SOON, |host| Ok(told(host, "metadata")? > 0))?;
    assert_eq!(told(&host, "heartbeat")?, 0, "the others stay as they are");
    let level = |host: &Host| -> Result<Value> {
        let levels = host.cli(&["log-level", "-o", "json"])?.json()?;
        let one =
            levels.as_array().into_iter().flatten().find(|one| text(one, "stream") == "metadata").cloned();
        one.context("no such stream")
    };
    assert_eq!(level(&host)?.get("level"), Some(&json!("debug")));
    let changes = records(&host, &["--action", "log-level."])?;
    assert_eq!(changes.first().and_then(|one| one.pointer("/after/level")), Some(&json!("debug")));

    host.cli(&["log-level", "metadata", "info"])?.ok()?;
    let before = told(&host, "metadata")?;
    host.cli(&["sync", "lab"])?.ok()?;
    assert_eq!(told(&host, "metadata")?, before);
    host.cli(&["log-level", "metadata", "debug"])?.ok()?;
    host.restart()?;
    assert_eq!(level(&host)?.get("level"), Some(&json!("info")), "a restart begins anew");
    Ok(())
}
