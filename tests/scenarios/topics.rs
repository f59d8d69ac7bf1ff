//! The way of every change: a file is planned, applied, and planned again to nothing.

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Kafka, for_each_database};

use crate::documents::{SOON, replicated, topic};

for_each_database!(
    a_file_is_planned_applied_and_planned_again_to_nothing,
    an_edit_touches_only_the_keys_it_names,
    null_puts_a_key_back_to_the_default,
    topics_are_shown_as_table_json_and_yaml,
    what_get_prints_as_yaml_is_what_apply_takes,
    a_plan_is_stored_shown_and_applied_by_its_id,
    a_folder_of_files_is_one_wish,
    json_files_and_plain_numbers_are_taken,
    a_plan_is_stale_when_the_world_has_moved,
    a_complete_file_names_what_is_wished_for_and_not_in_it,
);

fn a_file_is_planned_applied_and_planned_again_to_nothing(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(3)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("apply", database);
    let text = replicated(&name, 5, 3, &[("retention.ms", "7200000"), ("cleanup.policy", "compact,delete")]);
    let file = host.file("topics.yaml", &text)?;

    let planned = host.cli(&["plan", "-f", &file])?;
    let printed = planned.code_is(2)?;
    assert!(printed.contains("+ topic") && printed.contains(&name), "{planned}");
    assert!(printed.contains("1 create"), "{planned}");
    assert!(kafka.topic(&name)?.is_none(), "a plan writes nothing");

    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    let made = kafka.topic(&name)?.context("Kafka has the topic")?;
    assert_eq!((made.partitions, made.replication_factor), (5, 3));
    assert_eq!(made.set("retention.ms"), Some("7200000"));
    assert_eq!(made.set("cleanup.policy"), Some("compact,delete"));
    assert_eq!(host.status("lab", "topic", &name)?, "synced");

    host.cli(&["plan", "-f", &file])?.ok()?;
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    assert_eq!(kafka.topic(&name)?.as_ref(), Some(&made), "applied twice is applied once");
    Ok(())
}

fn an_edit_touches_only_the_keys_it_names(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("edit", database);
    apply(&host, &topic(&name, 1, &[("retention.ms", "7200000")]))?;
    kafka.set_topic_config(&name, "max.message.bytes=2000")?;

    apply(&host, &topic(&name, 2, &[("retention.ms", "3600000")]))?;

    let now = kafka.topic(&name)?.context("Kafka has the topic")?;
    assert_eq!(now.partitions, 2);
    assert_eq!(now.set("retention.ms"), Some("3600000"));
    assert_eq!(now.set("max.message.bytes"), Some("2000"), "nobody spoke of it");
    assert_eq!(host.status("lab", "topic", &name)?, "synced", "nor is it drift");
    Ok(())
}

fn null_puts_a_key_back_to_the_default(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("null", database);
    apply(&host, &topic(&name, 1, &[("retention.ms", "7200000")]))?;

    apply(&host, &topic(&name, 1, &[("retention.ms", "null")]))?;
    assert_eq!(kafka.topic(&name)?.context("Kafka has the topic")?.set("retention.ms"), None);

    // The wish for the default is kept: whoever sets it again changes what we want.
    kafka.set_topic_config(&name, "retention.ms=1000000")?;
    host.cli(&["sync", "lab"])?.ok()?;
    assert_eq!(host.status("lab", "topic", &name)?, "drifted");
    Ok(())
}

fn topics_are_shown_as_table_json_and_yaml(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    let name = own("show", database);
    kafka.create_topic(&name, 3, &["retention.ms=7200000"])?;
    host.add_kafka("lab", kafka)?;

    let table = host.cli(&["get", "topic", "-c", "lab"])?;
    let row = table.ok()?.lines().find(|line| line.contains(&name)).context("the table has the topic")?;
    assert!(row.contains("unmanaged") && row.contains('3'), "{row}");
    let filtered = host.cli(&["get", "topic", "-c", "lab", "--status", "synced"])?;
    assert!(!filtered.ok()?.contains(&name), "{filtered}");
    for format in ["json", "yaml"] {
        let one = host.cli(&["get", "topic", &name, "-c", "lab", "-o", format])?;
        assert!(one.ok()?.contains(&name) && one.stdout.contains("7200000"), "{one}");
    }
    host.cli(&["get", "topic", &name, "-c", "lab", "-o", "json"])?.json()?;
    Ok(())
}

fn what_get_prints_as_yaml_is_what_apply_takes(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("yaml", database);
    apply(&host, &topic(&name, 2, &[("retention.ms", "7200000")]))?;
    let before = kafka.topic(&name)?;

    let printed = host.cli(&["get", "topic", &name, "-c", "lab", "-o", "yaml"])?;
    let file = host.file("printed.yaml", printed.ok()?)?;

    host.cli(&["plan", "-f", &file])?.ok()?;
    assert_eq!(kafka.topic(&name)?, before);
    Ok(())
}

fn a_plan_is_stored_shown_and_applied_by_its_id(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("stored", database);
    let file = host.file("topics.yaml", &topic(&name, 1, &[]))?;
    let planned = host.cli(&["plan", "-f", &file])?;
    planned.code_is(2)?;
    let plan = planned.plan()?;

    assert!(host.cli(&["plan", "list"])?.ok()?.contains(&plan));
    assert!(host.cli(&["plan", "show", &plan])?.ok()?.contains(&name));
    // A stored plan outlives the process that made it.
    let mut host = host;
    host.restart()?;
    host.cli(&["apply", &plan, "--yes"])?.ok()?;
    assert!(kafka.topic(&name)?.is_some());
    host.cli(&["apply", &plan, "--yes"])?;
    assert_eq!(kafka.topic_names_of(&name)?.len(), 1, "running an applied plan again does nothing");
    Ok(())
}

fn a_folder_of_files_is_one_wish(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let prefix = own("folder", database);
    let folder = host.data().with_file_name("wishes");
    std::fs::create_dir(&folder)?;
    for part in ["a", "b"] {
        std::fs::write(folder.join(format!("{part}.yaml")), topic(&format!("{prefix}.{part}"), 1, &[]))?;
    }

    let printed = host.cli(&["apply", "-f", &folder.to_string_lossy(), "--yes"])?;
    printed.ok()?;
    assert_eq!(kafka.topic_names_of(&prefix)?, [format!("{prefix}.a"), format!("{prefix}.b")], "{printed}");
    Ok(())
}

fn json_files_and_plain_numbers_are_taken(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("json", database);
    let spec = r#"{"partitions": 1, "replication_factor": 1, "config": {"retention.ms": 7200000, "preallocate": true}}"#;
    let text = format!(r#"{{"cluster": "lab", "type": "topic", "name": "{name}", "spec": {spec}}}"#);
    let file = host.file("topic.json", &text)?;

    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    let made = kafka.topic(&name)?.context("Kafka has the topic")?;
    assert_eq!((made.set("retention.ms"), made.set("preallocate")), (Some("7200000"), Some("true")));
    Ok(())
}

fn a_plan_is_stale_when_the_world_has_moved(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("stale", database);
    apply(&host, &topic(&name, 1, &[("retention.ms", "1000000")]))?;
    let file = host.file("next.yaml", &topic(&name, 1, &[("retention.ms", "2000000")]))?;
    let planned = host.cli(&["plan", "-f", &file])?;
    planned.code_is(2)?;

    kafka.set_topic_config(&name, "retention.ms=3000000")?;

    let applied = host.cli(&["apply", &planned.plan()?, "--yes"])?;
    assert_ne!(applied.code, 0, "{applied}");
    assert!(applied.to_string().contains("stale"), "{applied}");
    let now = kafka.topic(&name)?.context("Kafka has the topic")?;
    assert_eq!(now.set("retention.ms"), Some("3000000"), "nothing was written");
    host.until("the change is seen", SOON, |host| {
        host.cli(&["sync", "lab"])?.ok()?;
        Ok(host.status("lab", "topic", &name)? == "drifted")
    })
}

/// A name that no other scenario uses on a shared cluster.
pub(crate) fn own(scenario: &str, database: &Database) -> String {
    match database {
        Database::Sqlite => format!("{scenario}.sqlite"),
        Database::Postgres(_) => format!("{scenario}.postgres"),
    }
}

fn a_complete_file_names_what_is_wished_for_and_not_in_it(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let (kept, left_out) = (own("complete.kept", database), own("complete.out", database));
    apply(&host, &(topic(&kept, 1, &[]) + &topic(&left_out, 1, &[])))?;

    let file = host.file("kept.yaml", &topic(&kept, 1, &[]))?;
    let planned = host.cli(&["plan", "-f", &file])?;
    assert!(!planned.ok()?.contains(&left_out), "a file need not be everything: {planned}");
    let planned = host.cli(&["plan", "-f", &file, "--complete"])?;
    assert!(planned.ok()?.contains(&left_out), "{planned}");
    host.cli(&["apply", "-f", &file, "--complete", "--yes"])?.ok()?;
    assert!(kafka.topic(&left_out)?.is_some(), "it is listed, never acted upon");
    assert_eq!(host.status("lab", "topic", &left_out)?, "synced");
    Ok(())
}

/// `headgate apply -f FILE --yes` with a file of that text; it must succeed.
pub(crate) fn apply(host: &Host, text: &str) -> Result<()> {
    let file = host.file("applied.yaml", text)?;
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    Ok(())
}
