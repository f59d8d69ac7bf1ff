//! The backends themselves: what the other scenarios lean on holds.

use std::time::Duration;

use anyhow::{Context, Result};
use headgate_tests::{Kafka, Postgres};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn kafka_s_own_tools_say_what_is_set_on_a_topic() -> Result<()> {
    let kafka = Kafka::shared(1)?;
    kafka.create_topic("backends.a", 3, &["retention.ms=7200000", "cleanup.policy=compact,delete"])?;
    kafka.set_topic_config("backends.a", "max.message.bytes=2000")?;
    kafka.unset_topic_config("backends.a", "retention.ms")?;

    let topic = kafka.topic("backends.a")?.context("the topic was made")?;
    assert_eq!((topic.partitions, topic.replication_factor), (3, 1));
    assert_eq!(topic.set("cleanup.policy"), Some("compact,delete"));
    assert_eq!(topic.set("max.message.bytes"), Some("2000"));
    assert_eq!(topic.config.len(), 2, "defaults are no part of it: {topic:?}");

    kafka.delete_topic("backends.a")?;
    let gone = || Ok(kafka.topic("backends.a")?.is_none().then_some(()));
    headgate_tests::until("the topic is gone", MINUTE, String::new, gone)?;
    assert!(kafka.topic_names_of("backends.")?.is_empty());
    Ok(())
}

#[test]
fn a_killed_node_leaves_partitions_under_replicated_until_it_is_back() -> Result<()> {
    let kafka = Kafka::nodes(3)?;
    kafka.cli("topics", &["--create", "--topic", "a", "--partitions", "3", "--replication-factor", "3"])?;
    let under_replicated = |expected: bool| {
        let printed = kafka.cli("topics", &["--describe", "--under-replicated-partitions"])?;
        Ok((printed.contains("Topic: a") == expected).then_some(()))
    };
    kafka.node(3).kill()?;
    headgate_tests::until("one copy is missed", MINUTE, String::new, || under_replicated(true))?;
    kafka.node(3).start()?;
    headgate_tests::until("all copies are back", MINUTE, String::new, || under_replicated(false))
}

#[test]
fn a_fresh_database_sorts_otherwise_than_bytes() -> Result<()> {
    let (one, other) = (Postgres::start()?, Postgres::start()?);
    one.query("create table t (a text)")?;
    assert!(other.query("select * from t").is_err(), "each test has a database of its own");
    one.query("insert into t values ('B'), ('a'), ('a-b'), ('a_b')")?;
    assert_eq!(one.query("select string_agg(a, ' ' order by a) from t")?, "a a_b a-b B");
    Ok(())
}
