//! Removal of a cluster: what goes with it is counted, and a tombstone keeps what it was, what went and who did it.

use serde_json::{Value, json};

use super::caller::Caller;
use super::clusters::{about, shown};
use super::{App, AppError};
use crate::domain::operation::{Operation, OperationState};
use crate::domain::record::{Change, RecordOutcome};

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
        let went = tx.count_of_cluster(&cluster.id).await?;
        let before = json!({"cluster": shown(&cluster), "went_with_it": &went, "relations": &relations});
        let tombstone = Change::new("cluster.remove", name).before(before);
        let tombstone = tombstone.saying(Some(in_words(&went, relations.len())));
        self.record(&mut tx, caller, about(&cluster, "cluster.removed", tombstone)).await?;
        tx.delete_cluster(&cluster.id).await?;
        tx.commit().await?;
        self.engine.nudge(&cluster.id);
        Ok(())
    }
}

/// `with it went: nodes 3, owned 2, plans 4, resources 12, relations 1`
fn in_words(went: &Value, relations: usize) -> String {
    let count = |value: &Value| match value {
        Value::Object(words) => words.values().filter_map(Value::as_u64).sum(),
        other => other.as_u64().unwrap_or(0),
    };
    let counted = went.as_object().into_iter().flatten();
    let mut parts: Vec<String> =
        counted.map(|(noun, value)| format!("{} {}", noun.replace('_', " "), count(value))).collect();
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
