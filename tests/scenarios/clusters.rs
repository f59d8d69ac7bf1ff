//! The life of a cluster's registration, and that one cluster's health is not another's.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Kafka, for_each_database};

use crate::documents::{SOON, topic};
use crate::topics::{apply, own};

for_each_database!(
    a_cluster_is_shown_with_its_nodes,
    a_dead_cluster_is_named_and_delays_no_other,
    a_hanging_cluster_delays_no_other,
    a_dead_node_leaves_the_rest_readable,
    one_cluster_has_one_writer,
    a_paused_cluster_is_left_alone,
    another_cluster_under_the_same_address_is_an_error,
    a_removed_cluster_keeps_its_topics,
    a_registry_is_not_removed_under_what_stands_on_it,
);

/// How long a live cluster's cycle may take beside a dead one; far below any network time-out.
const CYCLE: Duration = Duration::from_secs(15);

fn a_cluster_is_shown_with_its_nodes(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(3)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let listed = host.cli(&["cluster", "list"])?;
    assert!(listed.ok()?.contains("lab") && listed.stdout.contains("kafka"), "{listed}");
    let shown = host.cli(&["cluster", "show", "lab"])?;
    for id in 1..=3 {
        let address = kafka.node(id).address()?;
        assert!(shown.ok()?.contains(&address), "no {address}: {shown}");
    }
    assert!(shown.stdout.contains(kafka.fact("CLUSTER_ID")?), "{shown}");
    Ok(())
}

fn a_dead_cluster_is_named_and_delays_no_other(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    // Nobody listens on port 1.
    host.cli(&["cluster", "add", "dead", "--kind", "kafka", "--set", "bootstrap=127.0.0.1:1"])?;
    let synced = host.cli(&["sync", "dead"])?;
    assert_eq!(synced.code, 6, "{synced}");
    assert!(synced.stderr.contains("127.0.0.1:1"), "{synced}");
    live_beside("dead", &host, kafka, database)
}

fn a_hanging_cluster_delays_no_other(database: &Database) -> Result<()> {
    let (kafka, hanging, host) = (Kafka::shared(1)?, Kafka::nodes(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    host.add_kafka("hanging", &hanging)?;
    hanging.node(1).pause()?;
    let waiting = host.cli_in_background(&["sync", "hanging"])?;
    live_beside("hanging", &host, kafka, database)?;
    drop(waiting);
    hanging.node(1).resume()?;
    host.until("the cluster is seen again", SOON, |host| Ok(host.cli(&["sync", "hanging"])?.code == 0))
}

fn live_beside(scenario: &str, host: &Host, kafka: &Kafka, database: &Database) -> Result<()> {
    let name = own(scenario, database);
    apply(host, &topic(&name, 1, &[]))?;
    assert!(kafka.topic(&name)?.is_some());
    let started = Instant::now();
    host.cli(&["sync", "lab"])?.ok()?;
    assert!(started.elapsed() < CYCLE, "a cycle took {:?}", started.elapsed());
    Ok(())
}

fn a_dead_node_leaves_the_rest_readable(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::nodes(3)?, Host::start(database)?);
    host.add_kafka("lab", &kafka)?;
    let text = topic("kept", 3, &[]);
    apply(&host, &text)?;
    kafka.node(3).kill()?;

    host.until("the node is missed", SOON, |host| {
        // What only the dead node knows is named as a failure of its own; the rest was seen.
        let synced = host.cli(&["sync", "lab"])?;
        assert!([0, 1].contains(&synced.code), "{synced}");
        Ok(host.cli(&["cluster", "show", "lab"])?.ok()?.contains("down"))
    })?;
    assert!(host.cli(&["get", "topic", "-c", "lab"])?.ok()?.contains("kept"));
    apply(&host, &topic("made.meanwhile", 1, &[]))?;
    assert!(kafka.topic("made.meanwhile")?.is_some());
    Ok(())
}

fn one_cluster_has_one_writer(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let bootstrap = format!("bootstrap={}", kafka.bootstrap()?);
    let again = host.cli(&["cluster", "add", "again", "--kind", "kafka", "--set", &bootstrap])?;
    let seen = if again.code == 0 { host.cli(&["sync", "again"])? } else { again };
    assert_ne!(seen.code, 0, "{seen}");
    assert!(seen.stderr.contains("lab") && seen.stderr.contains("observe"), "{seen}");
    Ok(())
}

fn a_paused_cluster_is_left_alone(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    host.cli(&["cluster", "pause", "lab"])?.ok()?;
    let paused = host.cli(&["sync", "lab"])?;
    assert_ne!(paused.code, 0, "{paused}");
    assert!(paused.stderr.contains("paused"), "{paused}");
    host.cli(&["cluster", "resume", "lab"])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    Ok(())
}

fn another_cluster_under_the_same_address_is_an_error(database: &Database) -> Result<()> {
    let (one, other, host) = (Kafka::nodes(1)?, Kafka::nodes(1)?, Host::start(database)?);
    host.add_kafka("lab", &one)?;
    host.cli(&["cluster", "set", "lab", "--authority", "adopt"])?.ok()?;
    one.create_topic("theirs-one", 1, &[])?;
    other.create_topic("theirs-other", 1, &[])?;
    host.cli(&["sync", "lab"])?.ok()?;
    assert!(proposed(&host)?.contains("theirs-one"));
    apply(&host, &topic("ours", 1, &[]))?;
    let bootstrap = format!("bootstrap={}", other.bootstrap()?);
    host.cli(&["cluster", "set", "lab", "--set", &bootstrap])?;

    let stopped = host.cli(&["sync", "lab"])?;
    assert_ne!(stopped.code, 0, "{stopped}");
    for part in [one.fact("CLUSTER_ID")?, other.fact("CLUSTER_ID")?, "rebind"] {
        assert!(stopped.stderr.contains(part), "no {part}: {stopped}");
    }
    host.cli(&["cluster", "rebind", "lab", "--yes"])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    assert_eq!(other.topic_names()?, ["theirs-other"], "wishes are kept, nothing is written by itself");
    let again = proposed(&host)?;
    assert!(again.contains("theirs-other") && !again.contains("theirs-one"), "{again}");
    Ok(())
}

/// The steps of the plans that wait for a person, as JSON.
fn proposed(host: &Host) -> Result<String> {
    let plans = host.get("/api/v1/plans?cluster=lab&state=proposed")?;
    let steps = plans.get("items").and_then(serde_json::Value::as_array).context("no items")?;
    Ok(steps.iter().filter_map(|plan| plan.get("steps")).map(ToString::to_string).collect())
}

fn a_removed_cluster_keeps_its_topics(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("removed", database);
    apply(&host, &topic(&name, 1, &[]))?;
    host.cli(&["cluster", "remove", "lab", "--yes"])?.ok()?;
    assert_eq!(host.cli(&["cluster", "show", "lab"])?.code, 4);
    kafka.topic(&name)?.context("Kafka still has the topic")?;
    Ok(())
}

fn a_registry_is_not_removed_under_what_stands_on_it(database: &Database) -> Result<()> {
    let host = Host::start(database)?;
    for (name, kind, address) in
        [("pay", "rocketmq", "name_servers=127.0.0.1:1"), ("zk", "zookeeper", "servers=127.0.0.1:1")]
    {
        host.cli(&["cluster", "add", name, "--kind", kind, "--set", address])?.ok()?;
    }
    host.cli(&["relation", "add", "pay", "registers-with", "zk"])?.ok()?;
    host.cli(&["relation", "add", "zk", "runs-on", "pay"])?.refused(5, &["circle", "zk → pay → zk"])?;
    let shown = host.cli(&["cluster", "show", "zk"])?;
    assert!(shown.ok()?.contains("pay registers-with zk"), "{shown}");
    let paused = host.cli(&["cluster", "pause", "zk"])?;
    assert!(paused.ok()?.contains("pay registers-with zk"), "it says who stands on it: {paused}");
    host.cli(&["cluster", "remove", "zk", "--yes"])?.refused(5, &["pay stands on `zk`", "--despite pay"])?;
    host.cli(&["cluster", "remove", "zk", "--yes", "--despite", "pay"])?.ok()?;
    let left = host.cli(&["relation", "list"])?;
    assert!(left.ok()?.contains("No relations"), "{left}");
    Ok(())
}
