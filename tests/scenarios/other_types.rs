//! Consumer groups and broker configuration: the other types of the Kafka plugin.

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Kafka, for_each_database};

use crate::topics::{apply, own};

for_each_database!(
    a_group_is_shown_with_its_lag,
    a_group_of_the_new_protocol_is_shown_too,
    a_group_is_only_read,
    a_broker_s_configuration_is_set_at_its_place,
    the_default_of_all_brokers_is_a_place_of_its_own,
);

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

fn a_group_of_the_new_protocol_is_shown_too(database: &Database) -> Result<()> {
    let (kafka, host, name) = with_group("classic", database)?;
    let new = format!("{name}.new");
    let protocol = ["--consumer-property", "group.protocol=consumer"];
    let read = ["--topic", &name, "--group", &new, "--from-beginning", "--max-messages", "1"];
    kafka.cli("console-consumer", &[&read[..], &protocol].concat())?;
    host.cli(&["sync", "lab"])?.ok()?;
    for (group, kind, lag) in [(&name, "classic", 3), (&new, "consumer", 4)] {
        let shown =
            host.cli(&["get", "consumer-group", group, "-c", "lab", "-o", "json"])?.json()?.to_string();
        let expected = [format!(r#""type":"{kind}""#), format!(r#""lag":{lag}"#)];
        assert!(expected.iter().all(|part| shown.contains(part)), "{expected:?}: {shown}");
    }
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

fn a_broker_s_configuration_is_set_at_its_place(database: &Database) -> Result<()> {
    // Its own cluster: what a broker is told counts for every test on it.
    let (kafka, host) = (Kafka::nodes(3)?, Host::start(database)?);
    host.add_kafka("lab", &kafka)?;
    apply_broker_config(&host, "node:2", "log.cleaner.threads: 2")?;
    assert_eq!(broker_config(&kafka, &["--entity-name", "2"])?, ["log.cleaner.threads=2"]);
    assert_eq!(broker_config(&kafka, &["--entity-name", "1"])?, [""; 0], "nobody spoke of it");

    let arguments = [
        "--alter",
        "--entity-type",
        "brokers",
        "--entity-name",
        "2",
        "--delete-config",
        "log.cleaner.threads",
    ];
    kafka.cli("configs", &arguments)?;
    host.cli(&["sync", "lab"])?.ok()?;
    let shown = host.cli(&["get", "broker-config", "-c", "lab", "--at", "node:2"])?;
    assert!(shown.ok()?.contains("drifted"), "{shown}");
    Ok(())
}

fn the_default_of_all_brokers_is_a_place_of_its_own(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::nodes(1)?, Host::start(database)?);
    host.add_kafka("lab", &kafka)?;
    apply_broker_config(&host, "cluster", "log.retention.ms: 7200000")?;
    // Kafka keeps a default of its own there since 4.0 (min.insync.replicas).
    let defaults = broker_config(&kafka, &["--entity-default"])?;
    assert!(defaults.contains(&"log.retention.ms=7200000".to_owned()), "{defaults:?}");
    assert_eq!(broker_config(&kafka, &["--entity-name", "1"])?, [""; 0]);
    Ok(())
}

fn apply_broker_config(host: &Host, place: &str, setting: &str) -> Result<()> {
    let document = format!(
        "cluster: lab\ntype: broker-config\nname: broker\nat: {place}\nspec:\n  config:\n    {setting}\n"
    );
    apply(host, &document)?;
    let file = host.file("again.yaml", &document)?;
    host.cli(&["plan", "-f", &file])?.ok()?;
    Ok(())
}

/// `key=value` of what was set at that place itself, not what it has from elsewhere.
fn broker_config(kafka: &Kafka, place: &[&str]) -> Result<Vec<String>> {
    let printed = kafka.cli("configs", &[&["--describe", "--entity-type", "brokers"], place].concat())?;
    let own = if place.contains(&"--entity-default") {
        "DYNAMIC_DEFAULT_BROKER_CONFIG:"
    } else {
        "DYNAMIC_BROKER_CONFIG:"
    };
    let lines = printed.lines().filter(|line| line.contains(&format!("synonyms={{{own}")));
    Ok(lines.filter_map(|line| line.trim().split(" sensitive=").next()).map(str::to_owned).collect())
}
