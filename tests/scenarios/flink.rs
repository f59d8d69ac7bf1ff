//! A real Flink, by the sample plugin in Python: jobs are shown, saved and stopped, and nothing else of them is written.

use anyhow::{Context, Result};
use headgate_tests::{Database, Flink, Host, for_each_database};
use serde_json::Value;

use crate::documents::SOON;
use crate::topics::own;

for_each_database!(
    a_cluster_is_shown_with_its_processes_and_a_dead_one,
    a_job_is_shown_with_its_checkpoints_and_cannot_be_written,
    a_savepoint_is_taken_and_another_job_goes_on_from_it,
    a_job_is_stopped_or_cancelled_only_when_that_is_allowed,
);

fn registered(database: &Database, cluster: &Flink) -> Result<Host> {
    let host = Host::with_sample(database, "flink", "addresses")?;
    let address = format!("addresses={}", cluster.address()?);
    host.cli(&["cluster", "add", "lab", "--kind", "flink", "--set", &address])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    Ok(host)
}

/// A job of this scenario, and a host that knows it.
fn with_job(name: &str, database: &Database) -> Result<(&'static Flink, Host, String)> {
    let cluster = Flink::shared()?;
    let job = cluster.submit(&own(name, database), None)?;
    Ok((cluster, registered(database, cluster)?, job))
}

fn cancelled(host: &Host, job: &str) -> Result<()> {
    host.cli(&["run", "cancel-job", job, "-c", "lab", "--yes", "--allow-destructive"])?.ok()?;
    Ok(())
}

fn state(cluster: &Flink, job: &str) -> Result<String> {
    let told: Value = serde_json::from_str(&cluster.ask(&format!("/jobs/{job}/status"))?)?;
    Ok(told.get("status").and_then(Value::as_str).context("no state")?.to_owned())
}

/// Where the last operation left a savepoint.
fn location(host: &Host) -> Result<String> {
    let done = host.cli(&["operation", "list", "-c", "lab", "-o", "json"])?.json()?;
    let location = done.pointer("/0/output/location").and_then(Value::as_str);
    Ok(location.with_context(|| format!("no location in {done}"))?.to_owned())
}

fn a_cluster_is_shown_with_its_processes_and_a_dead_one(database: &Database) -> Result<()> {
    let cluster = Flink::of(2)?;
    let host = registered(database, &cluster)?;
    let shown = host.cli(&["cluster", "show", "lab"])?;
    for part in ["jobmanager", "job-manager", "tm1", "tm2", "task-manager", cluster.address()?] {
        assert!(shown.ok()?.contains(part), "no {part}: {shown}");
    }
    let config = host.cli(&["get", "config", "jobmanager", "-c", "lab"])?;
    assert!(config.ok()?.contains("taskmanager.numberOfTaskSlots"), "{config}");

    cluster.kill(2)?;
    host.until("the dead one is missed", SOON, |host| {
        host.cli(&["sync", "lab"])?;
        let shown = host.cli(&["cluster", "show", "lab"])?;
        let row = shown.ok()?.lines().find(|line| line.trim_start().starts_with("tm2"));
        Ok(row.is_none_or(|row| !row.split_whitespace().any(|word| word == "up")))
    })
}

fn a_job_is_shown_with_its_checkpoints_and_cannot_be_written(database: &Database) -> Result<()> {
    let (cluster, host, job) = with_job("shown", database)?;
    let listed = host.cli(&["get", "job", "-c", "lab"])?;
    let name = own("shown", database);
    assert!(listed.ok()?.contains(&job) && listed.stdout.contains(&name), "{listed}");
    host.until("a checkpoint is shown", SOON, |host| {
        let shown = host.cli(&["get", "job", &job, "-c", "lab"])?;
        Ok(shown.ok()?.contains("/chk-") && shown.stdout.contains("RUNNING"))
    })?;
    let again = host.cli(&["sync", "lab", "-o", "json"])?.json()?;
    let types = again.get("types").and_then(Value::as_array).context("no types")?;
    for seen in types {
        let written = ["changed", "gone"].map(|key| seen.get(key).and_then(Value::as_u64));
        assert_eq!(written, [Some(0); 2], "what moves with every checkpoint is no change: {again}");
    }

    for rest in ["spec: {name: other}", "delete: true"] {
        let file = host.file("job.yaml", &format!("cluster: lab\ntype: job\nname: {job}\n{rest}\n"))?;
        let refused = host.cli(&["apply", "-f", &file, "--yes", "--allow-destructive"])?;
        assert_ne!(refused.code, 0, "{refused}");
        assert!(refused.stderr.contains("`job` can only be read"), "{refused}");
    }
    assert_eq!(state(cluster, &job)?, "RUNNING");
    cancelled(&host, &job)
}

fn a_savepoint_is_taken_and_another_job_goes_on_from_it(database: &Database) -> Result<()> {
    let (cluster, host, job) = with_job("saved", database)?;
    let save = ["run", "take-savepoint", job.as_str(), "-c", "lab"];
    let forecast = host.cli(&[&save[..], &["--preview"]].concat())?;
    assert!(forecast.code_is(2)?.contains("the job goes on"), "{forecast}");
    host.cli(&[&save[..], &["--yes"]].concat())?.ok()?;
    assert_eq!(state(cluster, &job)?, "RUNNING");
    let savepoint = location(&host)?;

    let nowhere = ["--set", "target_directory=file:///proc/nowhere", "--yes"];
    let failed = host.cli(&[&save[..], &nowhere[..]].concat())?;
    assert_eq!(failed.code, 1, "{failed}");
    assert!(
        format!("{}{}", failed.stdout, failed.stderr).contains("Failed to create savepoint directory"),
        "{failed}"
    );

    cancelled(&host, &job)?;
    let next = cluster.submit(&own("resumed", database), Some(&savepoint))?;
    let shown = host.cli(&["get", "job", &next, "-c", "lab"])?;
    assert!(shown.ok()?.contains(&format!("restored_from: {savepoint}")), "{shown}");
    cancelled(&host, &next)
}

fn a_job_is_stopped_or_cancelled_only_when_that_is_allowed(database: &Database) -> Result<()> {
    let (cluster, host, job) = with_job("stopped", database)?;
    let stop = ["run", "stop-job", job.as_str(), "-c", "lab", "--yes"];
    host.cli(&stop)?.refused(5, &["--allow-destructive"])?;
    assert_eq!(state(cluster, &job)?, "RUNNING");
    host.cli(&[&stop[..], &["--allow-destructive"]].concat())?.ok()?;
    assert_eq!(state(cluster, &job)?, "FINISHED");
    assert!(location(&host)?.contains("savepoint-"));

    let late = host.cli(&["run", "cancel-job", &job, "-c", "lab", "--yes", "--allow-destructive"])?;
    assert_ne!(late.code, 0, "{late}");
    assert!(format!("{}{}", late.stdout, late.stderr).contains("terminal state"), "{late}");

    let next = cluster.submit(&own("cancelled", database), None)?;
    host.cli(&["sync", "lab"])?.ok()?;
    cancelled(&host, &next)?;
    assert_eq!(state(cluster, &next)?, "CANCELED");
    Ok(())
}
