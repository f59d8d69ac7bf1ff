//! The oldest releases that are supported: what they lack is told, and all else works as with the newest.

use anyhow::Result;
use headgate_tests::{Database, Host, Kafka, RocketMq, for_each_database};

use crate::topics::own;

for_each_database!(
    the_oldest_kafka_is_managed_and_what_it_lacks_is_not_offered,
    the_oldest_rocketmq_is_managed_and_what_it_lacks_is_not_offered,
);

fn the_oldest_kafka_is_managed_and_what_it_lacks_is_not_offered(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared_oldest()?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let fields = |more: &[&str]| host.cli(&[&["kind", "show", "kafka", "topic"], more].concat());
    let format = |printed: &str| {
        let line = printed.lines().find(|line| line.contains("/config/message.format.version"));
        line.map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" "))
    };
    let expected = "/config/message.format.version string | null free before 4.0";
    assert_eq!(format(fields(&["-c", "lab"])?.ok()?).as_deref(), Some(expected));
    let none = host.cli(&["get", "share-group", "-c", "lab"])?;
    none.refused(3, &["has no type `share-group`"])?;

    let (name, group) = (own("old", database), own("old-readers", database));
    let wish = |spec: &str| format!("cluster: lab\ntype: topic\nname: {name}\nspec: {spec}\n");
    let make =
        host.file("topic.yaml", &wish("{partitions: 2, config: {message.downconversion.enable: 'false'}}"))?;
    host.cli(&["apply", "-f", &make, "--yes"])?.ok()?;
    let described = kafka.cli("topics", &["--describe", "--topic", &name])?;
    assert!(described.contains("PartitionCount: 2"), "{described}");
    assert!(described.contains("message.downconversion.enable=false"), "{described}");

    kafka.cli_with_input("console-producer", &["--topic", &name], "a\nb\nc\n")?;
    let read = ["--topic", &name, "--group", &group, "--from-beginning", "--max-messages", "3"];
    kafka.cli("console-consumer", &read)?;
    let reset = ["run", "reset-offsets", &group, "-c", "lab", "--set", "to=earliest", "--yes"];
    host.cli(&reset)?.ok()?;
    let offsets = kafka.cli("consumer-groups", &["--describe", "--offsets", "--group", &group])?;
    let lag: u64 = offsets
        .lines()
        .filter(|line| line.contains(&name))
        .filter_map(|line| line.split_whitespace().nth(5)?.parse::<u64>().ok())
        .sum();
    assert_eq!(lag, 3, "all is to be read again: {offsets}");
    host.cli(&["get", "quorum", "-c", "lab"])?.ok()?;
    host.cli(&["get", "log-dir", "-c", "lab"])?.ok()?;
    Ok(())
}

fn the_oldest_rocketmq_is_managed_and_what_it_lacks_is_not_offered(database: &Database) -> Result<()> {
    let (cluster, host) = (RocketMq::shared_oldest()?, Host::start(database)?);
    let address = format!("name_servers={}", cluster.name_servers()?);
    host.cli(&["cluster", "add", "mq", "--kind", "rocketmq", "--set", &address])?.ok()?;
    host.cli(&["sync", "mq"])?.ok()?;
    let attributes = |more: &[&str]| -> Result<String> {
        let shown = host.cli(&[&["kind", "show", "rocketmq", "topic"], more].concat())?;
        let line = shown.ok()?.lines().find(|line| line.contains("/attributes")).unwrap_or_default();
        Ok(line.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    assert_eq!(attributes(&[])?, "/attributes/* string | null free alike 5.0 and later");
    assert_eq!(attributes(&["-c", "mq"])?, "/attributes/* string | null read-only alike 5.0 and later");
    host.cli(&["get", "user", "-c", "mq"])?.refused(3, &["has no type `user`"])?;

    let name = own("old", database).replace('.', "-");
    let wish = |spec: &str| format!("cluster: mq\ntype: topic\nname: {name}\nspec: {{{spec}}}\n");
    let too_new = host.file("new.yaml", &wish("read_queues: 4, attributes: {message.type: FIFO}"))?;
    host.cli(&["apply", "-f", &too_new, "--yes"])?.refused(3, &["came with RocketMQ 5.0", "leave it out"])?;
    let make = host.file("topic.yaml", &wish("read_queues: 4, write_queues: 4"))?;
    host.cli(&["apply", "-f", &make, "--yes"])?.ok()?;
    let made = cluster.topic(&name)?;
    assert_eq!(made.values().map(|queues| queues.read).collect::<Vec<_>>(), [4], "{made:?}");
    Ok(())
}
