//! A reassignment that goes on in the cluster: what its handle holds, how far it is, and how it ends.
//!
//! Invariant: the handle alone says what is moved from where to where, so that any instance can go on with it.

use std::collections::BTreeMap;

use headgate_sdk::json::{self, Value, json};
use headgate_sdk::{Error, ErrorKind, Finished, Progress};
use kafka_protocol::messages::BrokerId;
use kafka_protocol::messages::list_partition_reassignments_response::OngoingPartitionReassignment;
use serde::{Deserialize, Serialize};

use super::NAME;
use super::assignment::{Assignment, Replicas};
use crate::operations::count;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Work {
    operation: String,
    pub(super) topic: String,
    pub(super) from: Assignment,
    pub(super) to: Assignment,
    /// What was refused at the start: code and message by partition.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) refused: BTreeMap<i32, (String, String)>,
    /// The controller has ended it, and the broker that was asked did not know of that yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ended: bool,
}

/// A partition that the controller is moving.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moving {
    pub(super) from: Replicas,
    pub(super) to: Replicas,
}

/// By partition.
pub(super) type Ongoing = BTreeMap<i32, Moving>;

impl Moving {
    /// While it lasts there are the old replicas and the new ones.
    pub(super) fn of(one: &OngoingPartitionReassignment) -> Self {
        let without = |others: &[BrokerId]| {
            one.replicas.iter().filter(|id| !others.contains(id)).map(|id| id.0).collect()
        };
        Self { from: without(&one.adding_replicas), to: without(&one.removing_replicas) }
    }
}

impl Work {
    pub(super) fn begin(topic: &str, from: Assignment, to: Assignment) -> Self {
        let topic = topic.to_owned();
        Self { operation: NAME.to_owned(), topic, from, to, refused: BTreeMap::new(), ended: false }
    }

    /// None for a handle of something else.
    pub(super) fn parse(handle: &str) -> Option<Self> {
        serde_json::from_str(handle).ok().filter(|work: &Self| work.operation == NAME)
    }

    /// What was refused is no part of the work any more.
    pub(super) fn refuse(&mut self, partition: i32, error: Error) {
        self.from.remove(&partition);
        self.to.remove(&partition);
        self.refused.insert(partition, (error.code.unwrap_or_default(), error.message));
    }

    pub(super) fn partitions(&self) -> Vec<i32> {
        self.to.keys().copied().collect()
    }

    /// Of these partitions the controller still moves what this work wished. Another's move is not ours.
    pub(super) fn ours<'a>(&self, ongoing: &'a Ongoing) -> impl Iterator<Item = i32> + use<'a, '_> {
        let is_ours = |(partition, moving): &(&i32, &Moving)| {
            self.to.get(partition).is_some_and(|to| same(to, &moving.to))
        };
        ongoing.iter().filter(is_ours).map(|(partition, _)| *partition)
    }

    /// `replicas` are those that Metadata tells; a broker learns of an end a moment after the controller.
    pub(super) fn progress(mut self, ongoing: &Ongoing, replicas: &Assignment) -> Progress {
        let left = self.ours(ongoing).count();
        if left > 0 {
            self.ended = false;
            return self.running(left);
        }
        let arrived = self.to.iter().filter(|(partition, to)| replicas.get(partition) == Some(to)).count();
        if arrived < self.to.len() && !self.ended {
            self.ended = true;
            return self.running(self.to.len() - arrived);
        }
        Progress::Done(self.finished(replicas))
    }

    pub(super) fn running(&self, left: usize) -> Progress {
        #[expect(clippy::cast_precision_loss, reason = "a share is shown, not counted with")]
        let share = (self.to.len() - left) as f64 / self.to.len().max(1) as f64;
        Progress::Running((json::text(self), Some(share)))
    }

    fn finished(self, replicas: &Assignment) -> Finished {
        let (arrived, stayed): (Assignment, Assignment) =
            self.to.into_iter().partition(|(partition, to)| replicas.get(partition) == Some(to));
        // A move that was cancelled leaves the replicas in another order: that is taken back too.
        let changed =
            |(partition, from): &(i32, Replicas)| replicas.get(partition).is_some_and(|now| now != from);
        let from: Assignment = self.from.into_iter().filter(changed).collect();
        let partition = |(partition, to): (&i32, &Replicas)| json!({"partition": partition, "from": from.get(partition), "to": to});
        let all = arrived.len() + stayed.len() + self.refused.len();
        let moved = if arrived.len() == all {
            count(all, "partition")
        } else {
            format!("{} of {}", arrived.len(), count(all, "partition"))
        };
        let output = json!({
            "topic": self.topic,
            "partitions": arrived.iter().map(partition).collect::<Vec<_>>(),
        });
        let mut finished = Finished::of(format_args!("moved {moved} of topic {}", self.topic), &output);
        for (partition, (code, message)) in self.refused {
            let error = Error::new(ErrorKind::Other, message).code(code);
            finished = finished.failure(format_args!("{}-{partition}", self.topic), error);
        }
        for partition in stayed.into_keys() {
            let name = format!("{}-{partition}", self.topic);
            let error = ended_elsewhere(&name, replicas.get(&partition));
            finished = finished.failure(name, error);
        }
        if from.is_empty() { finished } else { finished.undo(&undo(&from)) }
    }
}

pub(super) fn undo(from: &Assignment) -> Value {
    json!({"partitions": from})
}

fn ended_elsewhere(name: &str, replicas: Option<&Replicas>) -> Error {
    let message = match replicas {
        Some(replicas) => {
            format!("the move of {name} was cancelled or replaced: it is on {}", shown(replicas))
        }
        None => format!("{name} is not there any more"),
    };
    Error::new(ErrorKind::Cancelled, message).code("REASSIGNMENT_ENDED")
}

/// `1, 2, 3`
pub(super) fn shown(replicas: &[i32]) -> String {
    replicas.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// In any order.
fn same(some: &[i32], others: &[i32]) -> bool {
    some.len() == others.len() && some.iter().all(|id| others.contains(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work() -> Work {
        let from = [(0, vec![1, 2]), (1, vec![2, 1])].into();
        let to = [(0, vec![3, 2]), (1, vec![2, 3])].into();
        Work::begin("t", from, to)
    }

    fn handle_of(progress: Progress) -> (Work, f64) {
        let Progress::Running((handle, share)) = progress else { panic!("it ended: {progress:?}") };
        (Work::parse(&handle).unwrap(), share.unwrap())
    }

    fn moving(partition: i32, to: &[i32]) -> Ongoing {
        [(partition, Moving { from: vec![1, 2], to: to.to_vec() })].into()
    }

    #[test]
    fn a_partition_on_the_move_has_both() {
        let ids = |ids: &[i32]| ids.iter().map(|id| BrokerId(*id)).collect::<Vec<_>>();
        let told = OngoingPartitionReassignment::default()
            .with_replicas(ids(&[3, 2, 1]))
            .with_adding_replicas(ids(&[3]))
            .with_removing_replicas(ids(&[1]));
        assert_eq!(Moving::of(&told), Moving { from: vec![2, 1], to: vec![3, 2] });
    }

    #[test]
    fn a_share_is_what_the_controller_moves_no_more() {
        let ongoing = moving(1, &[3, 2]);
        let (next, share) = handle_of(work().progress(&ongoing, &Assignment::new()));
        assert_eq!((next, share), (work(), 0.5));
    }

    #[test]
    fn an_end_that_a_broker_does_not_know_of_yet_is_looked_at_once_more() {
        let old = work().from;
        let (next, _) = handle_of(work().progress(&Ongoing::new(), &old));
        let Progress::Done(done) = next.progress(&Ongoing::new(), &work().to) else { panic!("it goes on") };
        assert_eq!(done.summary, "moved 2 partitions of topic t");
        assert_eq!(done.undo.as_deref(), Some(r#"{"partitions":{"0":[1,2],"1":[2,1]}}"#));
    }

    #[test]
    fn what_was_cancelled_or_replaced_is_a_failure() {
        let mut work = work();
        work.refuse(1, Error::conflict("busy").code("REASSIGNMENT_IN_PROGRESS"));
        let elsewhere = moving(0, &[1, 3]);
        let old = work.from.clone();
        let (next, _) = handle_of(work.progress(&elsewhere, &old));
        let Progress::Done(done) = next.progress(&elsewhere, &old) else { panic!("it goes on") };
        assert_eq!((done.summary.as_str(), done.undo), ("moved 0 of 2 partitions of topic t", None));
        let failures: Vec<(&str, Option<&str>)> =
            done.failures.iter().map(|(part, error)| (part.as_str(), error.code.as_deref())).collect();
        assert_eq!(
            failures,
            [("t-1", Some("REASSIGNMENT_IN_PROGRESS")), ("t-0", Some("REASSIGNMENT_ENDED"))]
        );
        assert_eq!(done.failures[1].1.message, "the move of t-0 was cancelled or replaced: it is on 1, 2");
    }

    #[test]
    fn a_foreign_handle_is_not_taken() {
        assert_eq!(Work::parse("{}"), None);
        assert_eq!(Work::parse(r#"{"operation":"other","topic":"t","from":{},"to":{}}"#), None);
    }
}
