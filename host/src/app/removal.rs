//! Removal of a cluster: what goes with it is counted, and a tombstone keeps what it was, what went and who did it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::caller::Caller;
use super::clusters::{about, shown};
use super::{App, AppError};
use crate::domain::operation::{Operation, OperationState};
use crate::domain::record::{Change, RecordOutcome};
use crate::store::Belongings;

impl App {
    /// Forgets what the host knows but its records; the cluster itself is left as it is.
    pub async fn remove_cluster(
        &self,
        caller: &Caller,
        name: &str,
        version: Option<i64>,
        despite: &[String],
    ) -> Result<(), AppError> {
        caller.may_write()?;
        let cluster = self.find_at_version(caller, name, version).await?;
        self.refuse_while_applying(&cluster).await?;
        self.refuse_while_depended_on(caller, &cluster, despite).await?;
        let relations = self.list_relations(caller, Some(name)).await?;
        let relations: Vec<String> = relations.iter().map(|one| one.edge.to_string()).collect();
        let open = self.store.open_operations(&cluster.id).await?;
        let left: Vec<Change> = open.iter().map(left_behind).collect();
        let mut tx = self.store.begin().await?;
        tx.keep(&caller.organization, Some(&cluster), &caller.by, &left).await?;
        let went = tx.count_belongings(&cluster.id).await?;
        let before =
            json!({"cluster": shown(&cluster), "went_with_it": in_numbers(&went), "relations": &relations});
        let tombstone = Change::new("cluster.remove", name).before(before);
        let tombstone = tombstone.saying(Some(in_words(&went, relations.len())));
        self.record(&mut tx, caller, about(&cluster, "cluster.removed", tombstone)).await?;
        tx.delete_cluster(&cluster.id).await?;
        tx.commit().await?;
        self.engine.nudge(&cluster.id);
        Ok(())
    }
}

/// `{"resources": {"topic": 12}, "policies": 1, …}`: what is of one sort only is a number.
fn in_numbers(went: &Belongings) -> Value {
    let number =
        |counts: &BTreeMap<String, u64>| counts.get("").map_or_else(|| json!(counts), |count| json!(count));
    went.iter().map(|(noun, counts)| (noun.clone(), number(counts))).collect()
}

/// `with it went: nodes 3, owned 2, plans 4, resources 12, relations 1`
fn in_words(went: &Belongings, relations: usize) -> String {
    let words = |(noun, counts): (&String, &BTreeMap<String, u64>)| {
        format!("{} {}", noun.replace('_', " "), counts.values().sum::<u64>())
    };
    let mut parts: Vec<String> = went.iter().map(words).collect();
    if relations > 0 {
        parts.push(format!("relations {relations}"));
    }
    if parts.is_empty() {
        "nothing went with it".to_owned()
    } else {
        format!("with it went: {}", parts.join(", "))
    }
}

/// Nobody will ask about it any more: what waited is not sent, and how what was sent ends is not heard.
fn left_behind(operation: &Operation) -> Change {
    let (outcome, message) = match operation.state {
        OperationState::Waiting => (RecordOutcome::Cancelled, "the cluster was removed before it was sent"),
        OperationState::Running
        | OperationState::Done
        | OperationState::Partial
        | OperationState::Failed
        | OperationState::Unknown
        | OperationState::Cancelled => (RecordOutcome::Unknown, "the cluster was removed while it ran"),
    };
    Change::of_operation(operation).ended(outcome).saying(Some(message.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_is_said_in_numbers_and_in_words() {
        let of =
            |counts: &[(&str, u64)]| counts.iter().map(|(of, count)| ((*of).to_owned(), *count)).collect();
        let went = Belongings::from([
            ("policies".to_owned(), of(&[("", 1)])),
            ("resources".to_owned(), of(&[("acl", 2), ("topic", 12)])),
        ]);
        assert_eq!(in_numbers(&went), json!({"resources": {"acl": 2, "topic": 12}, "policies": 1}));
        assert_eq!(in_words(&went, 1), "with it went: policies 1, resources 14, relations 1");
        assert_eq!(in_words(&Belongings::new(), 0), "nothing went with it");
    }
}
