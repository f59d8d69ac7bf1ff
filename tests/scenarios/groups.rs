//! Consumer groups and broker configuration: the other types of the Kafka plugin.

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Kafka, for_each_database};

use crate::topics::own;

for_each_database!(a_group_is_shown_with_its_lag, a_group_is_only_read);

fn a_group_is_shown_with_its_lag(database: &Database) -> Result<()> {
    let (kafka, host, name) = with_group("lag", database)?;
    let listed = host.cli(&["get", "consumer-group", "-c", "lab"])?;
    assert!(listed.ok()?.contains(&name), "{listed}");

    let printed = kafka.cli("consumer-groups", &["--describe", "--group", &name])?;
    let row =
        printed.lines().find(|line| line.starts_with(&name)).context("Kafka shows the group's partition")?;
    let numbers: Vec<&str> = row.split_whitespace().filter(|word| word.parse::<u64>().is_ok()).collect();
    assert_eq!(numbers, ["0", "2", "5", "3"], "partition, committed, end, lag: {row}");
    let shown = host.cli(&["get", "consumer-group", &name, "-c", "lab", "-o", "json"])?.json()?.to_string();
    assert!(shown.contains(r#""lag":3"#), "{shown}");
    Ok(())
}

fn a_group_is_only_read(database: &Database) -> Result<()> {
    let (kafka, host, name) = with_group("read", database)?;
    let document = format!("cluster: lab\ntype: consumer-group\nname: {name}\ndelete: true\n");
    let file = host.file("group.yaml", &document)?;
    let refused = host.cli(&["apply", "-f", &file, "--yes", "--allow-destructive"])?;
    assert_ne!(refused.code, 0, "{refused}");
    assert!(kafka.cli("consumer-groups", &["--list"])?.lines().any(|line| line == name));
    Ok(())
}

/// A group of the topic's name that read two of five messages.
fn with_group(scenario: &str, database: &Database) -> Result<(&'static Kafka, Host, String)> {
    let (kafka, name) = (Kafka::shared(1)?, own(&format!("group.{scenario}"), database));
    kafka.create_topic(&name, 1, &[])?;
    kafka.cli_with_input("console-producer", &["--topic", &name], "a\nb\nc\nd\ne\n")?;
    let read = ["--topic", &name, "--group", &name, "--from-beginning", "--max-messages", "2"];
    // It fetches all five at once, and commits what it handed out.
    kafka.cli("console-consumer", &read)?;
    let host = Host::start(database)?;
    host.add_kafka("lab", kafka)?;
    Ok((kafka, host, name))
}
