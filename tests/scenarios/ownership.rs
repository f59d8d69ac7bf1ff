//! What is ours and what is not: adoption, release, and that nothing of others is touched.

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Kafka, for_each_database};

use crate::documents::{deleted, topic};
use crate::topics::{apply, own};

for_each_database!(
    a_wish_for_what_exists_plans_its_adoption,
    topics_are_adopted_by_pattern_as_they_are,
    a_released_topic_stays_as_it_is,
    what_is_not_ours_is_never_deleted,
    a_recreated_topic_is_a_stranger,
    an_observed_cluster_is_never_written,
    internal_topics_are_never_ours,
);

fn a_wish_for_what_exists_plans_its_adoption(database: &Database) -> Result<()> {
    let (kafka, host, name) = unmanaged("wish", database)?;
    let before = kafka.topic(&name)?.context("Kafka has the topic")?;
    let file = host.file("topics.yaml", &topic(&name, 3, &[("retention.ms", "7200000")]))?;

    let planned = host.cli(&["plan", "-f", &file])?;
    assert!(planned.code_is(2)?.contains("1 adopt"), "{planned}");
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    assert_eq!(host.status("lab", "topic", &name)?, "synced");
    assert_eq!(kafka.topic(&name)?, Some(before), "it was as wished: nothing was written");
    Ok(())
}

fn topics_are_adopted_by_pattern_as_they_are(database: &Database) -> Result<()> {
    let (kafka, host, name) = unmanaged("adopt", database)?;
    let other = format!("other.{name}");
    kafka.create_topic(&other, 1, &[])?;
    host.cli(&["sync", "lab"])?.ok()?;
    let before = kafka.topic(&name)?;

    host.cli(&["adopt", "topic", "adopt.*", "-c", "lab", "--yes"])?.ok()?;
    assert_eq!(host.status("lab", "topic", &name)?, "synced");
    assert_eq!(host.status("lab", "topic", &other)?, "unmanaged");
    assert_eq!(kafka.topic(&name)?, before);

    kafka.set_topic_config(&name, "retention.ms=1000000")?;
    host.cli(&["sync", "lab"])?.ok()?;
    assert_eq!(host.status("lab", "topic", &name)?, "drifted", "it is ours now");
    Ok(())
}

fn a_released_topic_stays_as_it_is(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("release", database);
    apply(&host, &topic(&name, 1, &[("retention.ms", "7200000")]))?;
    let before = kafka.topic(&name)?;

    host.cli(&["release", "topic", &name, "-c", "lab"])?.ok()?;
    assert_eq!(host.status("lab", "topic", &name)?, "unmanaged");
    assert_eq!(kafka.topic(&name)?, before);
    refuses_to_delete(&host, &name)?;
    assert_eq!(kafka.topic(&name)?, before);
    Ok(())
}

fn what_is_not_ours_is_never_deleted(database: &Database) -> Result<()> {
    let (kafka, host, name) = unmanaged("foreign", database)?;
    refuses_to_delete(&host, &name)?;
    host.cli(&["sync", "lab"])?.ok()?;
    assert!(kafka.topic(&name)?.is_some());
    assert_eq!(host.status("lab", "topic", &name)?, "unmanaged");
    Ok(())
}

fn a_recreated_topic_is_a_stranger(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("recreated", database);
    apply(&host, &topic(&name, 1, &[]))?;
    let ours = kafka.topic(&name)?.context("Kafka has the topic")?;
    kafka.delete_topic(&name)?;
    host.until("Kafka let go of the name", crate::documents::SOON, |_| Ok(kafka.topic(&name)?.is_none()))?;
    kafka.create_topic(&name, 1, &[])?;
    let theirs = kafka.topic(&name)?.context("Kafka has the other topic")?;
    assert_ne!(ours.id, theirs.id);

    host.cli(&["sync", "lab"])?.ok()?;
    refuses_to_delete(&host, &name)?;
    assert_eq!(kafka.topic(&name)?, Some(theirs), "whoever made it keeps it");
    Ok(())
}

fn an_observed_cluster_is_never_written(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    let bootstrap = format!("bootstrap={}", kafka.bootstrap()?);
    let add = ["cluster", "add", "lab", "--kind", "kafka", "--set", &bootstrap, "--authority", "observe"];
    host.cli(&add)?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    let name = own("observe", database);
    let file = host.file("topics.yaml", &topic(&name, 1, &[]))?;

    let applied = host.cli(&["apply", "-f", &file, "--yes"])?;
    assert_eq!(applied.code, 5, "{applied}");
    assert!(applied.stdout.contains("the authority is `observe`"), "{applied}");
    assert!(kafka.topic(&name)?.is_none());
    Ok(())
}

fn internal_topics_are_never_ours(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::nodes(1)?, Host::start(database)?);
    kafka.create_topic("read", 1, &[])?;
    // A group that reads makes Kafka create `__consumer_offsets`.
    let options = ["--topic", "read", "--group", "g", "--timeout-ms", "3000", "--from-beginning"];
    kafka.cli("console-consumer", &options)?;
    host.add_kafka("lab", &kafka)?;

    let adopted = host.cli(&["adopt", "topic", "__consumer_offsets", "-c", "lab", "--yes"])?;
    assert_eq!(host.status("lab", "topic", "__consumer_offsets")?, "unmanaged", "{adopted}");
    refuses_to_delete(&host, "__consumer_offsets")?;
    assert!(kafka.topic("__consumer_offsets")?.is_some());
    Ok(())
}

/// Both ways of asking for a delete fail, with every permission that a person can give.
fn refuses_to_delete(host: &Host, name: &str) -> Result<()> {
    let file = host.file("deleted.yaml", &deleted(name))?;
    let all = ["--yes", "--allow-destructive", "--max-deletes", "100"];
    for ask in [vec!["apply", "-f", &file], vec!["delete", "topic", name, "-c", "lab"]] {
        let refused = host.cli(&[ask.as_slice(), all.as_slice()].concat())?;
        assert_ne!(refused.code, 0, "{refused}");
        assert!(refused.to_string().contains(name), "{refused}");
    }
    Ok(())
}

/// A topic with 3 partitions and `retention.ms=7200000` that Headgate saw and nobody asked it to manage.
fn unmanaged(scenario: &str, database: &Database) -> Result<(&'static Kafka, Host, String)> {
    let (kafka, name) = (Kafka::shared(1)?, own(scenario, database));
    kafka.create_topic(&name, 3, &["retention.ms=7200000"])?;
    let host = Host::start(database)?;
    host.add_kafka("lab", kafka)?;
    assert_eq!(host.status("lab", "topic", &name)?, "unmanaged");
    Ok((kafka, host, name))
}
