//! What Kafka's own tools say of its topics: the judge in the scenarios, never Headgate's reading of itself.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::Kafka;

/// A topic as `kafka-topics --describe` and `kafka-configs --describe` show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Changes when the topic is deleted and made again.
    pub id: String,
    pub partitions: u32,
    pub replication_factor: u32,
    /// Only what was set on the topic itself.
    pub config: BTreeMap<String, String>,
}

impl Topic {
    /// What was set for the key on the topic itself.
    #[must_use]
    pub fn set(&self, key: &str) -> Option<&str> {
        self.config.get(key).map(String::as_str)
    }
}

impl Kafka {
    /// The names of all topics that are not internal.
    ///
    /// # Errors
    /// The tool failed.
    pub fn topic_names(&self) -> Result<Vec<String>> {
        let printed = self.cli("topics", &["--list", "--exclude-internal"])?;
        Ok(printed.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    /// The names that begin with the prefix: what belongs to one test on a shared cluster.
    ///
    /// # Errors
    /// The tool failed.
    pub fn topic_names_of(&self, prefix: &str) -> Result<Vec<String>> {
        Ok(self.topic_names()?.into_iter().filter(|name| name.starts_with(prefix)).collect())
    }

    /// One topic, or `None` where Kafka has none of that name.
    ///
    /// # Errors
    /// A tool failed, or printed what it never printed before.
    pub fn topic(&self, name: &str) -> Result<Option<Topic>> {
        let printed = self.cli("topics", &["--describe", "--topic", name, "--if-exists"])?;
        let Some(head) = printed.lines().find(|line| line.starts_with("Topic: ")) else { return Ok(None) };
        let configs =
            self.cli("configs", &["--describe", "--entity-type", "topics", "--entity-name", name])?;
        Ok(Some(Topic {
            id: value(head, "TopicId")?.to_owned(),
            partitions: value(head, "PartitionCount")?.parse()?,
            replication_factor: value(head, "ReplicationFactor")?.parse()?,
            config: configs.lines().filter_map(setting).collect(),
        }))
    }

    /// Makes a topic behind Headgate's back. `configs` are `key=value`.
    ///
    /// # Errors
    /// Kafka refused.
    pub fn create_topic(&self, name: &str, partitions: u32, configs: &[&str]) -> Result<()> {
        let partitions = partitions.to_string();
        let mut arguments = vec!["--create", "--topic", name, "--partitions", &partitions];
        arguments.extend(configs.iter().flat_map(|config| ["--config", *config]));
        self.cli("topics", &arguments)?;
        Ok(())
    }

    /// Sets one key of a topic behind Headgate's back.
    ///
    /// # Errors
    /// Kafka refused.
    pub fn set_topic_config(&self, name: &str, setting: &str) -> Result<()> {
        self.alter_topic(name, &["--add-config", setting])
    }

    /// Puts one key of a topic back to its default behind Headgate's back.
    ///
    /// # Errors
    /// Kafka refused.
    pub fn unset_topic_config(&self, name: &str, key: &str) -> Result<()> {
        self.alter_topic(name, &["--delete-config", key])
    }

    /// Deletes a topic behind Headgate's back.
    ///
    /// # Errors
    /// Kafka refused.
    pub fn delete_topic(&self, name: &str) -> Result<()> {
        self.cli("topics", &["--delete", "--topic", name])?;
        Ok(())
    }

    fn alter_topic(&self, name: &str, change: &[&str]) -> Result<()> {
        let mut arguments = vec!["--alter", "--entity-type", "topics", "--entity-name", name];
        arguments.extend(change);
        self.cli("configs", &arguments)?;
        Ok(())
    }
}

/// `Topic: a`, `TopicId: x`, `PartitionCount: 3`, … parted by tabs: the value of one name.
fn value<'a>(head: &'a str, name: &str) -> Result<&'a str> {
    let found = head.split('\t').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix(": "));
    found.with_context(|| format!("kafka-topics printed no {name}: {head}"))
}

/// `  retention.ms=1 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:…}`; values may hold spaces and commas.
fn setting(line: &str) -> Option<(String, String)> {
    let (setting, _) = line.trim().split_once(" sensitive=")?;
    let (key, value) = setting.split_once('=')?;
    Some((key.to_owned(), value.to_owned()))
}
