//! Records: who changed what, on which cluster, from what to what, and how it ended. They outlive what they speak of.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::{ClusterId, OrganizationId, RecordId};
use super::operation::{Operation, OperationState};
use super::plan::{Plan, Step, StepState};

/// The actor where no person asked: policies, and what the host does of itself.
pub const HOST: &str = "headgate";

/// Who does something, and the id of the call that asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// `token:NAME`, or `headgate`.
    pub actor: String,
    /// The call's `x-request-id`. `None`: no call asked for it.
    pub request_id: Option<String>,
}

impl By {
    pub fn host() -> Self {
        Self { actor: HOST.to_owned(), request_id: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecordOutcome {
    /// Stored, and carried out later: another record says how it ended.
    Accepted,
    Done,
    /// A part was refused, the rest is done.
    Partial,
    Failed,
    /// Sent, and nobody knows what became of it.
    Unknown,
    Cancelled,
    /// The world moved before it began: nothing was written.
    Stale,
}

impl RecordOutcome {
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
            Self::Stale => "stale",
        }
    }
}

/// One change, as whoever makes it tells it; done, unless it says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// `plan.approve`, `cluster.pause`, `step.create`, `operation.NAME`: what it is done to, and the verb.
    pub action: String,
    /// What it is done to, for a person and for searching: `topic/pay.audit`.
    pub subject: String,
    /// The id of the plan or operation that it belongs to.
    pub part_of: Option<String>,
    /// Never a secret: only the names of those that are set.
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub outcome: RecordOutcome,
    /// One sentence: what was done, or why it was not.
    pub message: Option<String>,
}

/// A change that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub id: RecordId,
    pub at_ms: i64,
    pub organization: OrganizationId,
    pub cluster: Option<ClusterId>,
    /// As it was then: the cluster may be gone.
    pub cluster_name: Option<String>,
    pub by: By,
    pub change: Change,
}

/// Which records are wanted; all of it together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// The name that the cluster had then.
    pub cluster: Option<String>,
    pub actor: Option<String>,
    /// How the action begins.
    pub action: Option<String>,
    /// What the subject contains, in either case.
    pub subject: Option<String>,
    pub outcomes: Vec<RecordOutcome>,
    pub since_ms: Option<i64>,
    /// Before this moment.
    pub until_ms: Option<i64>,
    pub request_id: Option<String>,
    /// The plan or operation that they belong to.
    pub part_of: Option<String>,
}

impl Change {
    pub fn new(action: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            subject: subject.into(),
            part_of: None,
            before: None,
            after: None,
            outcome: RecordOutcome::Done,
            message: None,
        }
    }

    pub fn part_of(self, id: &str) -> Self {
        Self { part_of: Some(id.to_owned()), ..self }
    }

    pub fn before(self, before: Value) -> Self {
        Self { before: Some(before), ..self }
    }

    pub fn after(self, after: Value) -> Self {
        Self { after: Some(after), ..self }
    }

    pub fn ended(self, outcome: RecordOutcome) -> Self {
        Self { outcome, ..self }
    }

    pub fn saying(self, message: Option<String>) -> Self {
        Self { message, ..self }
    }

    /// What a plan did to one resource. `None`: the step has not ended, or was skipped, and nothing was done.
    pub fn of_step(plan: &Plan, step: &Step) -> Option<Self> {
        let (outcome, message) = match step.state {
            StepState::Done => (RecordOutcome::Done, Some(step.summary.clone())),
            StepState::Failed => (RecordOutcome::Failed, step.message.clone()),
            StepState::Unknown => (RecordOutcome::Unknown, step.message.clone()),
            StepState::Waiting | StepState::Running | StepState::Skipped => return None,
        };
        step.ended_at_ms?;
        let change = Self::new(format!("step.{}", step.verb.word()), step.key.to_string());
        let change = Self { before: step.before.clone(), after: step.after.clone(), ..change };
        Some(change.part_of(plan.id.as_str()).ended(outcome).saying(message.filter(|text| !text.is_empty())))
    }

    /// What was asked of an operation, and, once it has ended, what came of it: enough to read when its row is gone.
    pub fn of_operation(operation: &Operation) -> Self {
        let outcome = match operation.state {
            OperationState::Waiting | OperationState::Running => RecordOutcome::Accepted,
            OperationState::Done => RecordOutcome::Done,
            OperationState::Partial => RecordOutcome::Partial,
            OperationState::Failed => RecordOutcome::Failed,
            OperationState::Unknown => RecordOutcome::Unknown,
            OperationState::Cancelled => RecordOutcome::Cancelled,
        };
        let mut after = serde_json::Map::from_iter([("input".to_owned(), operation.input.clone())]);
        let mut add =
            |name: &str, value: Option<Value>| value.map(|value| after.insert(name.to_owned(), value));
        add("output", operation.output.clone());
        add("undo", operation.undo.clone());
        add("undoes", operation.undoes.as_ref().map(|id| Value::from(id.as_str())));
        if !operation.failures.is_empty() {
            add("failures", serde_json::to_value(&operation.failures).ok());
        }
        Self::new(format!("operation.{}", operation.name), operation.subject.short())
            .part_of(operation.id.as_str())
            .after(Value::Object(after))
            .ended(outcome)
            .saying(operation.message.clone())
    }
}
