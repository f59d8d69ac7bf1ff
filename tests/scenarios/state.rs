//! What the host remembers: backup and restore, a lost key, a second host on the same data, events.

use anyhow::{Context, Result, ensure};
use headgate_tests::{Database, Host, Kafka, Output, for_each_database};
use serde_json::{Value, json};

use crate::documents::topic;
use crate::topics::{apply, own};

for_each_database!(
    a_restart_forgets_nothing,
    a_backup_made_while_running_is_restored_elsewhere,
    what_happened_is_told_as_events,
    tokens_are_made_listed_and_taken_back,
);

fn a_restart_forgets_nothing(database: &Database) -> Result<()> {
    let (kafka, mut host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("restart", database);
    apply(&host, &topic(&name, 1, &[("retention.ms", "7200000")]))?;
    let before = host.resource("lab", "topic", &name)?;

    host.restart()?;
    let after = host.resource("lab", "topic", &name)?;
    for image in ["/desired", "/applied", "/observed", "/status", "/owned"] {
        assert_eq!(after.pointer(image), before.pointer(image), "{image}");
    }
    host.cli(&["sync", "lab"])?.ok()?;
    assert_eq!(host.status("lab", "topic", &name)?, "synced");
    Ok(())
}

fn a_backup_made_while_running_is_restored_elsewhere(database: &Database) -> Result<()> {
    let (kafka, mut host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("backup", database);
    apply(&host, &topic(&name, 1, &[]))?;
    let file = host.file("backup", "")?;
    std::fs::remove_file(&file)?;
    local(&host, database, &["backup", &file])?.ok()?;
    host.kill()?;

    let fresh = Database::Sqlite;
    let mut other = Host::start(&fresh)?;
    other.kill()?;
    std::fs::remove_dir_all(other.data())?;
    local(&other, &fresh, &["restore", &file])?.ok()?;
    other.restart()?;
    assert_eq!(other.status("lab", "topic", &name)?, "synced", "the wish and the ownership came along");
    other.cli(&["sync", "lab"])?.ok()?;
    Ok(())
}

fn what_happened_is_told_as_events(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("events", database);
    apply(&host, &topic(&name, 1, &[]))?;
    kafka.set_topic_config(&name, "retention.ms=1000000")?;
    let told = host.cli(&["events"])?;
    assert!(told.ok()?.contains("plan.applied"), "{told}");
    assert!(told.stdout.contains("lab"), "{told}");
    Ok(())
}

fn tokens_are_made_listed_and_taken_back(database: &Database) -> Result<()> {
    let host = Host::start(database)?;
    let made = host.cli(&["token", "create", "eyes", "--role", "reader"])?;
    let token =
        made.ok()?.split_whitespace().find(|word| word.starts_with("hg_")).context("the token is shown")?;
    host.cli(&["cluster", "list", "--token", token])?.ok()?;
    let listed = host.cli(&["token", "list"])?;
    ensure!(listed.ok()?.contains("eyes") && !listed.stdout.contains(token), "{listed}");

    let tokens = host.get("/api/v1/tokens")?;
    let items = tokens.get("items").and_then(Value::as_array).context("a page of tokens")?;
    let eyes = items.iter().find(|item| item.get("name") == Some(&json!("eyes"))).context("it is listed")?;
    let id = eyes.get("id").and_then(Value::as_str).context("it has an id")?;
    host.cli(&["token", "revoke", id])?.ok()?;
    host.cli(&["cluster", "list", "--token", token])?.refused(7, &["token"])
}

/// A command that works on the database itself, not through the API.
fn local(host: &Host, database: &Database, arguments: &[&str]) -> Result<Output> {
    let data = host.data().to_string_lossy().into_owned();
    let with_data = [arguments, &["--data", &data]].concat();
    let environment = database.url().map(|url| ("HEADGATE_DATABASE_URL".to_owned(), url));
    host.cli_locally(&with_data, environment)
}
