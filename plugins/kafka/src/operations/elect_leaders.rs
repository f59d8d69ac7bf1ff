//! Elects leaders: the first replica of each partition where it can (`elect-leaders`), or any replica at all where none in
//! sync is left (`elect-unclean-leaders`), which loses what only the old leader had.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::json::{Value, json};
use headgate_sdk::{Error, Finished, Forecast, Operation, Progress, Result};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::{ElectLeadersRequest, ElectLeadersResponse, MetadataRequest, TopicName};

use super::input::{Fields, Selection, wrong};
use super::{Parts, WORK_TIMEOUT_MS, ask, count, operation, topics_schema};
use crate::cluster::{Brokers, text};
use crate::log_offsets::{Partition, shown};
use crate::topics::metadata_of;
use crate::wire::codes;

pub(super) const PREFERRED: &str = "elect-leaders";
pub(super) const UNCLEAN: &str = "elect-unclean-leaders";

const RIGHT: &str = "give the login `alter` on the cluster";

/// The broker gives up its work after this, and says so.
const BROKER_TIMEOUT_MS: i32 = 20_000;

/// The controller takes 10,000 records of a request, and each election is one.
const PARTITIONS_PER_REQUEST_MAX: usize = 5_000;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Preferred,
    Unclean,
}

/// An election that makes sense.
#[derive(Debug, Clone, PartialEq)]
struct Election {
    partition: Partition,
    from: Option<i32>,
    /// Who can become it, the likely one first.
    to: Vec<i32>,
}

#[derive(Debug, Default, PartialEq)]
struct Plan {
    elections: Vec<Election>,
    warnings: Vec<String>,
    failures: Vec<(String, Error)>,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Preferred => PREFERRED,
            Self::Unclean => UNCLEAN,
        }
    }

    fn code(self) -> i8 {
        match self {
            Self::Preferred => 0,
            Self::Unclean => 1,
        }
    }

    pub(super) fn describe(self) -> Operation {
        let (title, topics, required) = match self {
            Self::Preferred => ("Elect preferred leaders", "All of the cluster, where absent", vec![]),
            Self::Unclean => ("Elect unclean leaders", "Only those without a leader get one", vec!["topics"]),
        };
        let input = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "additionalProperties": false,
            "required": required,
            "properties": {"topics": topics_schema(topics)}
        });
        let output = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "partitions": {"type": "array", "description": "topic, partition, from, to of each that was elected for"}
            }
        });
        let operation = operation(self.name(), title, None, input, output);
        Operation { destructive: self == Self::Unclean, ..operation }
    }

    pub(super) fn preview(self, brokers: &mut Brokers, input: &Value) -> Result<Forecast> {
        let (plan, _) = self.decide(brokers, input)?;
        let mut forecast = Forecast::of(&document(&plan.elections));
        for election in &plan.elections {
            forecast = forecast.line(election.line());
        }
        if plan.elections.is_empty() {
            forecast = forecast.line("no leader changes");
        } else if self == Self::Unclean {
            forecast = forecast.warning("messages that only the old leader has are lost for ever");
        }
        for warning in plan.warnings {
            forecast = forecast.warning(warning);
        }
        for (part, error) in plan.failures {
            forecast = forecast.warning(format_args!("{part} stays: {}", error.message));
        }
        Ok(forecast)
    }

    pub(super) fn run(self, brokers: &mut Brokers, input: &Value) -> Result<Progress> {
        let (plan, controller) = self.decide(brokers, input)?;
        let mut parts = Parts::of(plan.failures);
        for chunk in plan.elections.chunks(PARTITIONS_PER_REQUEST_MAX) {
            match ask(brokers, controller, self.request(chunk), WORK_TIMEOUT_MS) {
                Ok(answer) if answer.error_code == codes::NONE => settle(chunk, &answer, &mut parts),
                Ok(answer) => {
                    let said = codes::or_right(answer.error_code, None, RIGHT);
                    let error = codes::error(answer.error_code, said, "elect leaders");
                    parts.fail(chunk.iter().map(|one| shown(&one.partition)), &error);
                }
                Err(gone) => parts.lose(chunk.iter().map(|one| shown(&one.partition)), gone),
            }
        }
        parts.finish(|elections| {
            let summary = match elections.len() {
                0 => "no leader had to change".to_owned(),
                number => format!("elected leaders of {}", count(number, "partition")),
            };
            Finished::of(summary, &document(elections))
        })
    }

    /// With the broker that can do it: the controller, or in KRaft any broker, which passes it on.
    fn decide(self, brokers: &mut Brokers, input: &Value) -> Result<(Plan, i32)> {
        let topics = Fields::of(input, &["topics"])?.topics("topics")?;
        if self == Self::Unclean && topics.is_none() {
            return Err(wrong("/topics", "name the topics: an unclean election loses messages"));
        }
        let request = match &topics {
            Some(topics) => metadata_of(topics.keys().map(String::as_str)),
            None => MetadataRequest::default().with_topics(None),
        };
        let metadata = brokers.metadata(&request)?;
        Ok((self.plan(&metadata.topics, topics.as_ref()), metadata.controller_id.0))
    }

    fn plan(self, topics: &[MetadataResponseTopic], selection: Option<&Selection>) -> Plan {
        let mut plan = Plan::default();
        for topic in topics {
            let Some(name) = topic.name.as_ref().map(|name| name.to_string()) else { continue };
            if topic.partitions.is_empty() && topic.error_code != codes::NONE {
                let what = format!("read topic {name}");
                plan.failures.push((name, codes::error(topic.error_code, None, &what)));
                continue;
            }
            let chosen = selection.and_then(|selection| selection.get(&name)).and_then(Option::as_ref);
            for one in &topic.partitions {
                if chosen.is_none_or(|chosen| chosen.contains(&one.partition_index)) {
                    self.consider(&name, one, &mut plan);
                }
            }
            plan.failures.extend(absent(&name, chosen, topic.partitions.len()));
        }
        plan.elections.sort_by(|a, b| a.partition.cmp(&b.partition));
        plan.warnings.sort_unstable();
        plan
    }

    fn consider(self, topic: &str, one: &MetadataResponsePartition, plan: &mut Plan) {
        let partition = (topic.to_owned(), one.partition_index);
        let replicas: Vec<i32> = one.replica_nodes.iter().map(|id| id.0).collect();
        let offline = |id: &i32| one.offline_replicas.iter().any(|offline| offline.0 == *id);
        let from = (one.leader_id.0 >= 0).then_some(one.leader_id.0);
        match (self, from, replicas.first()) {
            (Self::Preferred, from, Some(first)) if from != Some(*first) => {
                if one.isr_nodes.iter().any(|id| id.0 == *first) && !offline(first) {
                    plan.elections.push(Election { partition, from, to: vec![*first] });
                } else {
                    let name = shown(&partition);
                    plan.warnings.push(format!("{name} stays: its preferred leader {first} is not in sync"));
                }
            }
            (Self::Unclean, None, _) => {
                let to: Vec<i32> = replicas.into_iter().filter(|id| !offline(id)).collect();
                if to.is_empty() {
                    let name = shown(&partition);
                    plan.warnings.push(format!("{name} stays: every replica is offline"));
                } else {
                    plan.elections.push(Election { partition, from, to });
                }
            }
            (Self::Preferred, ..) | (Self::Unclean, Some(_), _) => {}
        }
    }

    fn request(self, elections: &[Election]) -> ElectLeadersRequest {
        let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        for one in elections {
            topics.entry(one.partition.0.as_str()).or_default().push(one.partition.1);
        }
        let topic = |(name, partitions): (&str, Vec<i32>)| {
            TopicPartitions::default().with_topic(TopicName(text(name))).with_partitions(partitions)
        };
        ElectLeadersRequest::default()
            .with_election_type(self.code())
            .with_topic_partitions(Some(topics.into_iter().map(topic).collect()))
            .with_timeout_ms(BROKER_TIMEOUT_MS)
    }
}

impl Election {
    fn line(&self) -> String {
        let from = self.from.map_or_else(|| "none".to_owned(), |id| id.to_string());
        let to: Vec<String> = self.to.iter().map(ToString::to_string).collect();
        format!("{}: leader {from} → {}", shown(&self.partition), to.join(" or "))
    }
}

fn absent(topic: &str, chosen: Option<&BTreeSet<i32>>, partitions: usize) -> Vec<(String, Error)> {
    let beyond = |index: &&i32| usize::try_from(**index).is_ok_and(|index| index >= partitions);
    let failure = |index: &i32| {
        let message = format!("topic {topic} has no partition {index}: it has {partitions}");
        (format!("{topic}-{index}"), Error::not_found(message).code("UNKNOWN_TOPIC_OR_PARTITION"))
    };
    chosen.into_iter().flatten().filter(beyond).map(failure).collect()
}

/// What became needless meanwhile is as wished.
fn settle(elections: &[Election], answer: &ElectLeadersResponse, parts: &mut Parts<Election>) {
    let results: BTreeMap<Partition, (i16, Option<&str>)> = answer
        .replica_election_results
        .iter()
        .flat_map(|topic| topic.partition_result.iter().map(move |one| (topic, one)))
        .map(|(topic, one)| {
            ((topic.topic.to_string(), one.partition_id), (one.error_code, one.error_message.as_deref()))
        })
        .collect();
    for election in elections {
        let name = shown(&election.partition);
        let what = format!("elect a leader of {name}");
        match results.get(&election.partition) {
            Some((codes::NONE | codes::ELECTION_NOT_NEEDED, _)) => parts.done.push(election.clone()),
            Some((code, said)) => parts.failures.push((name, codes::error(*code, *said, &what))),
            None => parts.miss(name, &what),
        }
    }
}

fn document(elections: &[Election]) -> Value {
    let partition = |one: &Election| {
        let (topic, partition) = &one.partition;
        json!({"topic": topic, "partition": partition, "from": one.from, "to": one.to})
    };
    json!({"partitions": elections.iter().map(partition).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::BrokerId;

    use super::*;

    /// Partitions of topic t: leader, replicas, those in sync.
    fn check(kind: Kind, partitions: &[(i32, &[i32], &[i32])], expected: &[&str]) {
        let ids = |ids: &[i32]| ids.iter().map(|id| BrokerId(*id)).collect::<Vec<_>>();
        let partition = |(index, (leader, replicas, in_sync)): (usize, &(i32, &[i32], &[i32]))| {
            MetadataResponsePartition::default()
                .with_partition_index(i32::try_from(index).unwrap())
                .with_leader_id(BrokerId(*leader))
                .with_replica_nodes(ids(replicas))
                .with_isr_nodes(ids(in_sync))
                .with_offline_replicas(if in_sync.is_empty() { ids(&replicas[..1]) } else { Vec::new() })
        };
        let topics = [MetadataResponseTopic::default()
            .with_name(Some(TopicName(text("t"))))
            .with_partitions(partitions.iter().enumerate().map(partition).collect())];
        let plan = kind.plan(&topics, None);
        let lines: Vec<String> = plan.elections.iter().map(Election::line).chain(plan.warnings).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn only_who_is_not_the_preferred_leader_is_elected_for() {
        check(
            Kind::Preferred,
            &[(1, &[1, 2], &[1, 2]), (2, &[1, 2], &[2, 1]), (2, &[1, 2], &[2]), (-1, &[1], &[1])],
            &[
                "t-1: leader 2 → 1",
                "t-3: leader none → 1",
                "t-2 stays: its preferred leader 1 is not in sync",
            ],
        );
    }

    #[test]
    fn only_who_has_no_leader_gets_an_unclean_one() {
        check(
            Kind::Unclean,
            &[(2, &[1, 2], &[2]), (-1, &[1, 2, 3], &[]), (-1, &[1], &[])],
            &["t-1: leader none → 2 or 3", "t-2 stays: every replica is offline"],
        );
    }

    #[test]
    fn a_partition_that_is_not_there_is_a_failure() {
        let topics = [MetadataResponseTopic::default()
            .with_name(Some(TopicName(text("t"))))
            .with_partitions(vec![MetadataResponsePartition::default()])];
        let selection = Selection::from([("t".to_owned(), Some([0, 4].into()))]);
        let plan = Kind::Preferred.plan(&topics, Some(&selection));
        assert_eq!(plan.failures[0].1.message, "topic t has no partition 4: it has 1");
    }
}
