//! Somebody changes the cluster behind Headgate's back: it is shown, and accepted, reverted or ignored.

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Kafka, for_each_database};

use crate::documents::topic;
use crate::topics::{apply, own};

for_each_database!(
    a_reverted_drift_is_as_wished_again,
    an_accepted_drift_is_the_new_wish,
    an_ignored_field_is_hidden_and_left_alone,
    a_topic_that_was_deleted_is_drift_and_is_made_again,
    a_change_on_both_sides_is_a_conflict,
);

fn a_reverted_drift_is_as_wished_again(database: &Database) -> Result<()> {
    let kafka = Kafka::shared(1)?;
    let (host, name) = drifted("revert", database, kafka)?;

    let shown = host.cli(&["drift", "-c", "lab"])?;
    let printed = shown.code_is(2)?;
    for part in [name.as_str(), "retention.ms", "7200000", "1000000"] {
        assert!(printed.contains(part), "no {part}: {shown}");
    }

    host.cli(&["drift", "revert", "topic", &name, "-c", "lab", "--yes"])?.ok()?;
    let now = kafka.topic(&name)?.context("Kafka has the topic")?;
    assert_eq!(now.set("retention.ms"), Some("7200000"));
    assert_eq!(host.status("lab", "topic", &name)?, "synced");
    host.cli(&["drift", "-c", "lab"])?.ok()?;
    Ok(())
}

fn an_accepted_drift_is_the_new_wish(database: &Database) -> Result<()> {
    let kafka = Kafka::shared(1)?;
    let (host, name) = drifted("accept", database, kafka)?;

    host.cli(&["drift", "accept", "topic", &name, "-c", "lab"])?.ok()?;
    assert_eq!(host.status("lab", "topic", &name)?, "synced");
    let printed = host.cli(&["get", "topic", &name, "-c", "lab", "-o", "yaml"])?;
    assert!(printed.ok()?.contains("1000000"), "{printed}");
    assert_eq!(kafka.topic(&name)?.context("Kafka has the topic")?.set("retention.ms"), Some("1000000"));
    Ok(())
}

fn an_ignored_field_is_hidden_and_left_alone(database: &Database) -> Result<()> {
    let kafka = Kafka::shared(1)?;
    let (host, name) = drifted("ignore", database, kafka)?;

    let field = "/config/retention.ms";
    host.cli(&["drift", "ignore", "topic", &name, "-c", "lab", "--field", field])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    host.cli(&["drift", "-c", "lab"])?.ok()?;
    assert_eq!(host.status("lab", "topic", &name)?, "synced");
    assert_eq!(kafka.topic(&name)?.context("Kafka has the topic")?.set("retention.ms"), Some("1000000"));
    let rules = host.cli(&["policy", "show", "lab"])?;
    assert!(rules.ok()?.contains(field), "it says that it hides something: {rules}");
    Ok(())
}

fn a_topic_that_was_deleted_is_drift_and_is_made_again(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("gone", database);
    apply(&host, &topic(&name, 2, &[("retention.ms", "7200000")]))?;
    kafka.delete_topic(&name)?;
    host.cli(&["sync", "lab"])?.ok()?;
    assert_eq!(host.status("lab", "topic", &name)?, "drifted");

    host.cli(&["drift", "revert", "topic", &name, "-c", "lab", "--yes"])?.ok()?;
    let again = kafka.topic(&name)?.context("Kafka has the topic again")?;
    assert_eq!((again.partitions, again.set("retention.ms")), (2, Some("7200000")));
    assert_eq!(host.status("lab", "topic", &name)?, "synced");
    Ok(())
}

fn a_change_on_both_sides_is_a_conflict(database: &Database) -> Result<()> {
    let kafka = Kafka::shared(1)?;
    let (host, name) = drifted("conflict", database, kafka)?;

    let file = host.file("other.yaml", &topic(&name, 1, &[("retention.ms", "5000000")]))?;
    let planned = host.cli(&["plan", "-f", &file])?;
    let printed = planned.code_is(2)?;
    assert!(printed.contains("1000000") && printed.contains("5000000"), "both values are shown: {planned}");
    assert_eq!(kafka.topic(&name)?.context("Kafka has the topic")?.set("retention.ms"), Some("1000000"));
    Ok(())
}

/// A host whose topic was applied with `retention.ms=7200000` and then changed by Kafka's own tool to 1000000.
fn drifted(scenario: &str, database: &Database, kafka: &Kafka) -> Result<(Host, String)> {
    let (host, name) = (Host::start(database)?, own(scenario, database));
    host.add_kafka("lab", kafka)?;
    apply(&host, &topic(&name, 1, &[("retention.ms", "7200000")]))?;
    host.cli(&["drift", "-c", "lab"])?.ok()?;

    kafka.set_topic_config(&name, "retention.ms=1000000")?;
    host.cli(&["sync", "lab"])?.ok()?;
    assert_eq!(host.status("lab", "topic", &name)?, "drifted");
    Ok((host, name))
}
