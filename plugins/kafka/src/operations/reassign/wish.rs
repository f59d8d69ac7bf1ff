//! Which replicas are wanted: read from the input, and turned into an assignment on the topic as it is.

use std::collections::BTreeSet;

use headgate_sdk::json::Value;
use headgate_sdk::{Error, Result};

use super::assignment::{self, Assignment, Goal, Racks, TooFew};
use crate::operations::input::{self, Fields, at, wrong};

const NAMES: [&str; 3] = ["partitions", "replication_factor", "drain"];

#[derive(Debug, PartialEq)]
pub(crate) enum Wish {
    /// By partition; the others stay.
    Explicit(Assignment),
    Computed(Goal),
}

pub(super) fn parse(input: &Value) -> Result<Wish> {
    let fields = Fields::of(input, &NAMES)?;
    if let Some(value) = fields.get("partitions") {
        if let Some(other) = ["replication_factor", "drain"].iter().find(|name| fields.get(name).is_some()) {
            return Err(wrong(&at(other), "it is computed, and partitions say it all: give one of them"));
        }
        return Ok(Wish::Explicit(explicit(value)?));
    }
    let replication_factor = fields.integer("replication_factor")?.map(copies).transpose()?;
    let drained: BTreeSet<i32> = match fields.get("drain") {
        Some(list) => input::numbers(list, "/drain")?.into_iter().collect(),
        None => BTreeSet::new(),
    };
    if replication_factor.is_none() && drained.is_empty() {
        return Err(wrong("/partitions", format_args!("say what is wanted: {}", NAMES.join(", "))));
    }
    Ok(Wish::Computed(Goal { replication_factor, drained }))
}

fn copies(wanted: i64) -> Result<usize> {
    let range = 1..=i64::from(i16::MAX);
    let copies = usize::try_from(wanted).ok().filter(|_| range.contains(&wanted));
    copies.ok_or_else(|| wrong("/replication_factor", format_args!("it can be 1 to {}", i16::MAX)))
}

/// `{"0": [1, 2, 3]}`
fn explicit(value: &Value) -> Result<Assignment> {
    let what = r#"brokers by partition are needed, as {"0": [1, 2, 3]}"#;
    let mut assignment = Assignment::new();
    for (key, brokers) in input::object(value, "/partitions", what)? {
        let path = format!("/partitions{}", at(key));
        assignment.insert(input::partition_key(key, &path)?, input::numbers(brokers, &path)?);
    }
    Ok(assignment)
}

impl Wish {
    /// Of every partition that is meant, also where nothing changes.
    pub(super) fn assignment(&self, topic: &str, current: &Assignment, racks: &Racks) -> Result<Assignment> {
        match self {
            Self::Explicit(wanted) => {
                for (partition, replicas) in wanted {
                    check(topic, *partition, replicas, current, racks)?;
                }
                Ok(wanted.clone())
            }
            Self::Computed(goal) => {
                let unknown = goal.drained.iter().find(|id| {
                    !racks.contains_key(id) && !current.values().any(|replicas| replicas.contains(id))
                });
                if let Some(id) = unknown {
                    return Err(wrong("/drain", format_args!("there is no broker {id}")));
                }
                assignment::assign(current, racks, goal).map_err(|few| too_few(topic, &few, goal))
            }
        }
    }
}

/// A broker that is down may stay where it is; nothing moves to it.
fn check(topic: &str, partition: i32, replicas: &[i32], current: &Assignment, racks: &Racks) -> Result<()> {
    let path = format!("/partitions/{partition}");
    let Some(now) = current.get(&partition) else {
        let message = format!("topic {topic} has no partition {partition}: it has {}", current.len());
        return Err(wrong(&path, message));
    };
    match replicas.iter().find(|id| !racks.contains_key(id) && !now.contains(id)) {
        Some(id) => {
            let brokers: Vec<String> = racks.keys().map(ToString::to_string).collect();
            let message = format!("there is no live broker {id}: there are {}", brokers.join(", "));
            Err(wrong(&path, message))
        }
        None => Ok(()),
    }
}

fn too_few(topic: &str, few: &TooFew, goal: &Goal) -> Error {
    let TooFew { partition, wanted, brokers } = few;
    let path = if goal.replication_factor.is_some() { "/replication_factor" } else { "/drain" };
    let message = format!(
        "{wanted} replicas of {topic}-{partition} need {wanted} brokers, and {brokers} can be used: ask for fewer, \
         or add brokers"
    );
    wrong(path, message).code("INVALID_REPLICATION_FACTOR")
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;

    use super::*;

    fn refused(input: Value, message: &str) {
        assert_eq!(parse(&input).unwrap_err().message, message);
    }

    #[test]
    fn wishes_are_explicit_or_computed() {
        let explicit = Wish::Explicit([(0, vec![1, 2])].into());
        assert_eq!(parse(&json!({"partitions": {"0": [1, 2]}, "drain": null})).unwrap(), explicit);
        let goal = Goal { replication_factor: Some(2), drained: [3].into() };
        assert_eq!(parse(&json!({"replication_factor": 2, "drain": [3]})).unwrap(), Wish::Computed(goal));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        refused(json!({}), "/partitions: say what is wanted: partitions, replication_factor, drain");
        refused(json!({"replication_factor": 0}), "/replication_factor: it can be 1 to 32767");
        refused(json!({"partitions": {"0": [1, 1]}}), "/partitions/0/1: 1 is named twice");
        refused(json!({"partitions": {"0": []}}), "/partitions/0: a list of numbers is needed");
        refused(
            json!({"partitions": {"0": [1]}, "drain": [1]}),
            "/drain: it is computed, and partitions say it all: give one of them",
        );
    }

    #[test]
    fn what_the_topic_or_the_cluster_has_not_is_named() {
        let current = [(0, vec![1, 9])].into();
        let racks = [(1, None), (2, None)].into();
        let message = |input| {
            let wish = parse(&input).unwrap();
            wish.assignment("t", &current, &racks).unwrap_err().message
        };
        assert_eq!(
            message(json!({"partitions": {"4": [1]}})),
            "/partitions/4: topic t has no partition 4: it has 1"
        );
        assert_eq!(
            message(json!({"partitions": {"0": [1, 7]}})),
            "/partitions/0: there is no live broker 7: there are 1, 2"
        );
        assert_eq!(message(json!({"drain": [8]})), "/drain: there is no broker 8");
        assert_eq!(
            message(json!({"replication_factor": 4})),
            "/replication_factor: 4 replicas of t-0 need 4 brokers, and 2 can be used: ask for fewer, or add brokers"
        );
        assert!(parse(&json!({"drain": [9]})).unwrap().assignment("t", &current, &racks).is_ok());
        assert!(
            parse(&json!({"partitions": {"0": [9, 2]}})).unwrap().assignment("t", &current, &racks).is_ok()
        );
    }
}
