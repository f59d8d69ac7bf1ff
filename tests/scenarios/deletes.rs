//! Deletes are asked for, allowed, and limited.

use anyhow::Result;
use headgate_tests::{Database, Host, Kafka, for_each_database};

use crate::documents::{deleted, topic};
use crate::topics::{apply, own};

for_each_database!(
    a_delete_needs_to_be_allowed,
    the_command_deletes_one_topic,
    more_deletes_than_the_limit_are_refused_and_can_be_raised_once,
    what_left_the_file_is_not_deleted,
    a_protected_topic_is_not_deleted,
);

fn a_delete_needs_to_be_allowed(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("delete", database);
    apply(&host, &topic(&name, 1, &[]))?;
    let file = host.file("deleted.yaml", &deleted(&name))?;

    let planned = host.cli(&["plan", "-f", &file])?;
    assert!(planned.code_is(2)?.contains("- topic"), "{planned}");
    host.cli(&["apply", "-f", &file, "--yes"])?.refused(5, &["--allow-destructive"])?;
    assert!(kafka.topic(&name)?.is_some(), "--yes is not that");

    host.cli(&["apply", "-f", &file, "--yes", "--allow-destructive"])?.ok()?;
    assert!(kafka.topic(&name)?.is_none());
    host.cli(&["plan", "-f", &file])?.ok()?;
    Ok(())
}

fn the_command_deletes_one_topic(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let prefix = own("command", database);
    let (kept, gone) = (format!("{prefix}.kept"), format!("{prefix}.gone"));
    apply(&host, &(topic(&kept, 1, &[]) + &topic(&gone, 1, &[])))?;

    host.cli(&["delete", "topic", &gone, "-c", "lab", "--yes", "--allow-destructive"])?.ok()?;
    assert_eq!(kafka.topic_names_of(&prefix)?, [kept]);
    Ok(())
}

fn more_deletes_than_the_limit_are_refused_and_can_be_raised_once(database: &Database) -> Result<()> {
    // Its own cluster: a share of the type's resources is counted.
    let (kafka, host) = (Kafka::nodes(1)?, Host::start(database)?);
    host.add_kafka("lab", &kafka)?;
    let names: Vec<String> = (0..20).map(|number| format!("t{number:02}")).collect();
    apply(&host, &names.iter().map(|name| topic(name, 1, &[])).collect::<String>())?;
    let file = host.file("deleted.yaml", &names.iter().map(|name| deleted(name)).collect::<String>())?;

    let apply = ["apply", "-f", &file, "--yes", "--allow-destructive"];
    host.cli(&apply)?.refused(5, &["--max-deletes"])?;
    assert_eq!(kafka.topic_names()?, names, "nothing was deleted");

    host.cli(&[apply.as_slice(), &["--max-deletes", "20"]].concat())?.ok()?;
    assert!(kafka.topic_names()?.is_empty());
    Ok(())
}

fn what_left_the_file_is_not_deleted(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let prefix = own("left", database);
    let (kept, left) = (format!("{prefix}.a"), format!("{prefix}.b"));
    apply(&host, &(topic(&kept, 1, &[]) + &topic(&left, 1, &[])))?;

    apply(&host, &topic(&kept, 1, &[]))?;
    assert_eq!(kafka.topic_names_of(&prefix)?, [kept, left.clone()]);
    assert_eq!(host.status("lab", "topic", &left)?, "synced");
    Ok(())
}

fn a_protected_topic_is_not_deleted(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("protected", database);
    apply(&host, &topic(&name, 1, &[]))?;
    host.cli(&["policy", "set", "lab", "topic", &name, "--protect", "true"])?.ok()?;

    let delete = ["delete", "topic", &name, "-c", "lab", "--yes", "--allow-destructive"];
    let refused = host.cli(&delete)?;
    assert_ne!(refused.code, 0, "{refused}");
    assert!(refused.to_string().contains("protect"), "{refused}");
    assert!(kafka.topic(&name)?.is_some());

    host.cli(&["policy", "set", "lab", "topic", &name, "--protect", "false"])?.ok()?;
    host.cli(&delete)?.ok()?;
    assert!(kafka.topic(&name)?.is_none());
    Ok(())
}
