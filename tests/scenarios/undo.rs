//! What was applied can be taken back: a plan of its own, that says what has no way back.

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Kafka, Output, for_each_database};

use crate::documents::topic;
use crate::topics::{apply, own};

for_each_database!(
    an_undone_edit_restores_the_touched_fields_and_no_others,
    the_undo_of_a_create_is_a_delete,
    undo_stops_where_the_cluster_has_moved_on,
);

fn an_undone_edit_restores_the_touched_fields_and_no_others(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("undo.edit", database);
    apply(&host, &topic(&name, 1, &[("retention.ms", "1000000")]))?;
    let edit =
        applied(&host, &topic(&name, 1, &[("retention.ms", "2000000"), ("max.message.bytes", "3000")]))?;
    kafka.set_topic_config(&name, "preallocate=true")?;

    let undone = host.cli(&["undo", &edit])?;
    host.cli(&["apply", &named(&undone)?, "--yes"])?.ok()?;
    let now = kafka.topic(&name)?.context("Kafka has the topic")?;
    assert_eq!(now.set("retention.ms"), Some("1000000"));
    assert_eq!(now.set("max.message.bytes"), None, "it was at its default");
    assert_eq!(now.set("preallocate"), Some("true"), "nobody of us touched it");
    assert_eq!(host.status("lab", "topic", &name)?, "synced", "the wish went back too");
    Ok(())
}

fn the_undo_of_a_create_is_a_delete(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("undo.create", database);
    let create = applied(&host, &topic(&name, 1, &[]))?;

    let proposed = host.cli(&["undo", &create])?;
    assert_eq!(proposed.code, 5, "it counts as one: {proposed}");
    let undo = proposed.plan()?;
    let refused = host.cli(&["apply", &undo, "--yes"])?;
    assert_eq!(refused.code, 5, "it counts as one: {refused}");
    assert!(kafka.topic(&name)?.is_some());
    host.cli(&["apply", &undo, "--yes", "--allow-destructive"])?.ok()?;
    assert!(kafka.topic(&name)?.is_none());
    Ok(())
}

fn undo_stops_where_the_cluster_has_moved_on(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("undo.moved", database);
    apply(&host, &topic(&name, 1, &[("retention.ms", "1000000")]))?;
    let edit = applied(&host, &topic(&name, 1, &[("retention.ms", "2000000")]))?;
    kafka.set_topic_config(&name, "retention.ms=3000000")?;
    host.cli(&["sync", "lab"])?.ok()?;

    let undone = host.cli(&["undo", &edit])?;
    if let Ok(undo) = named(&undone) {
        let stopped = host.cli(&["apply", &undo, "--yes"])?;
        assert_ne!(stopped.code, 0, "{stopped}");
    }
    let now = kafka.topic(&name)?.context("Kafka has the topic")?;
    assert_eq!(now.set("retention.ms"), Some("3000000"));
    Ok(())
}

/// Plans and applies a file of that text; gives the plan.
fn applied(host: &Host, text: &str) -> Result<String> {
    let file = host.file("applied.yaml", text)?;
    let planned = host.cli(&["plan", "-f", &file])?;
    planned.code_is(2)?;
    let plan = planned.plan()?;
    host.cli(&["apply", &plan, "--yes"])?.ok()?;
    Ok(plan)
}

/// The plan that `headgate undo` made; it is not applied yet.
fn named(undone: &Output) -> Result<String> {
    anyhow::ensure!(undone.code == 0 || undone.code == 2, "{undone}");
    undone.plan()
}
