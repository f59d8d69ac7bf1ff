//! Operations: named actions of a kind that are no edit of a resource, and the record of each that was run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::contract::Scope;
use super::error::BackendError;
use super::id::{ClusterId, OperationId};
use super::place::Place;
use super::record::By;
use super::resource::ResourceKey;

/// What a plugin says of one of its actions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OperationType {
    /// `reset-offsets`
    pub name: String,
    pub title: String,
    /// On resources of this type; on a place of `scope`, with one of `roles`, where none.
    #[serde(rename = "type")]
    pub metadata_type: Option<String>,
    pub scope: Scope,
    pub roles: Vec<String>,
    /// JSON Schema of the input, an object, and of the output.
    pub input: Value,
    pub output: Value,
    /// Loses data or cannot be taken back: asks for approval by itself.
    pub destructive: bool,
    /// Whether a preview says what would happen.
    pub previewed: bool,
}

/// What an operation works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    Resource(ResourceKey),
    Place(Place),
}

impl Subject {
    /// `consumer-group/pay`, `cluster`, `node:1`: as records and events name it.
    pub fn short(&self) -> String {
        match self {
            Self::Resource(key) => key.to_string(),
            Self::Place(place) => place.to_string(),
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resource(key) if key.place == Place::Cluster => {
                write!(f, "{} {}", key.metadata_type, key.id)
            }
            Self::Resource(key) => write!(f, "{} {} at {}", key.metadata_type, key.id, key.place),
            Self::Place(Place::Cluster) => f.write_str("the cluster"),
            Self::Place(place) => place.fmt(f),
        }
    }
}

/// What would happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Forecast {
    /// For a person, a line each: what would become of what.
    pub lines: Vec<String>,
    /// What to know before.
    pub warnings: Vec<String>,
    /// The same for programs: an object of the plugin's own.
    pub document: Value,
}

/// A part that was refused, while others were done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartFailure {
    pub part: String,
    pub error: BackendError,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Finished {
    pub summary: String,
    pub output: Value,
    pub failures: Vec<PartFailure>,
    /// The input that takes it back, under the same name and for the same subject.
    pub undo: Option<Value>,
}

/// What the backend says of an operation that was sent to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    Done(Finished),
    /// Goes on in the backend; the share done, 0 to 1, where it tells.
    Running {
        handle: String,
        share: Option<f64>,
    },
    /// Sent, the answer lost: nobody knows.
    Unknown(BackendError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OperationState {
    /// Stored, not sent yet.
    Waiting,
    Running,
    Done,
    /// Some parts were refused; the others are done.
    Partial,
    /// Refused: nothing was done.
    Failed,
    /// Sent, and nobody knows what became of it.
    Unknown,
    Cancelled,
}

impl OperationState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
        }
    }

    /// Nothing leads out of an end.
    pub fn is_end(self) -> bool {
        match self {
            Self::Waiting | Self::Running => false,
            Self::Done | Self::Partial | Self::Failed | Self::Unknown | Self::Cancelled => true,
        }
    }
}

/// One operation that somebody asked for, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Operation {
    pub id: OperationId,
    pub cluster: ClusterId,
    pub name: String,
    pub subject: Subject,
    pub input: Value,
    pub destructive: bool,
    pub state: OperationState,
    pub created_by: String,
    /// Of the call that asked for it.
    pub request_id: Option<String>,
    pub created_at_ms: i64,
    pub started_at_ms: Option<i64>,
    pub ended_at_ms: Option<i64>,
    /// Names it in the backend while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// Of the work, in per cent, where the backend tells.
    pub percent: Option<u8>,
    pub cancelled_by: Option<String>,
    /// One sentence on how it ended, or why it waits.
    pub message: Option<String>,
    pub output: Option<Value>,
    #[serde(default)]
    pub failures: Vec<PartFailure>,
    pub undo: Option<Value>,
    /// The operation that it takes back.
    pub undoes: Option<OperationId>,
    pub version: i64,
}

impl Operation {
    /// Who asked for it.
    pub fn by(&self) -> By {
        By { actor: self.created_by.clone(), request_id: self.request_id.clone() }
    }

    /// Stored before it is sent: whatever happens then, it is known that it may have been.
    pub fn start(&mut self, now_ms: i64) {
        self.state = OperationState::Running;
        self.started_at_ms = Some(now_ms);
        self.message = None;
    }

    /// What the backend said of it.
    pub fn follow(&mut self, progress: Progress, now_ms: i64) {
        match progress {
            Progress::Running { handle, share } => {
                self.handle = Some(handle);
                self.percent = share.map(percent);
            }
            Progress::Done(finished) => self.finish(finished, now_ms),
            Progress::Unknown(error) => self.end(OperationState::Unknown, error.message, now_ms),
        }
    }

    pub fn end(&mut self, state: OperationState, message: String, now_ms: i64) {
        self.state = state;
        self.message = Some(message);
        self.ended_at_ms = Some(now_ms);
    }

    fn finish(&mut self, finished: Finished, now_ms: i64) {
        let state = match (finished.failures.is_empty(), &self.cancelled_by) {
            (_, Some(_)) => OperationState::Cancelled,
            (true, None) => OperationState::Done,
            (false, None) => OperationState::Partial,
        };
        self.percent = (state == OperationState::Done).then_some(100).or(self.percent);
        self.output = Some(finished.output);
        self.failures = finished.failures;
        self.undo = finished.undo;
        self.end(state, finished.summary, now_ms);
    }
}

/// A share beyond its range, or none at all, says as much as it can.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=100; NaN becomes 0"
)]
fn percent(share: f64) -> u8 {
    (share.clamp(0.0, 1.0) * 100.0) as u8
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn operation() -> Operation {
        Operation {
            id: OperationId("1".to_owned()),
            cluster: ClusterId("lab".to_owned()),
            name: "reset-offsets".to_owned(),
            subject: Subject::Place(Place::Cluster),
            input: json!({}),
            destructive: false,
            state: OperationState::Running,
            created_by: "ann".to_owned(),
            request_id: None,
            created_at_ms: 1,
            started_at_ms: Some(1),
            ended_at_ms: None,
            handle: None,
            percent: None,
            cancelled_by: None,
            message: None,
            output: None,
            failures: Vec::new(),
            undo: None,
            undoes: None,
            version: 1,
        }
    }

    fn finished(failures: Vec<PartFailure>) -> Progress {
        Progress::Done(Finished { summary: "moved 2".to_owned(), output: json!({}), failures, undo: None })
    }

    #[test]
    fn parts_that_were_refused_make_it_partial_and_a_cancel_that_came_through_cancelled() {
        let error = BackendError::new(crate::domain::error::ErrorKind::Conflict, "no leader");
        let refused = || vec![PartFailure { part: "t-0".to_owned(), error: error.clone() }];
        for (failures, cancelled, state) in [
            (Vec::new(), None, OperationState::Done),
            (refused(), None, OperationState::Partial),
            (refused(), Some("ann"), OperationState::Cancelled),
        ] {
            let mut ended = operation();
            ended.cancelled_by = cancelled.map(str::to_owned);
            ended.follow(finished(failures), 5);
            assert_eq!((ended.state, ended.ended_at_ms), (state, Some(5)));
            assert!(ended.state.is_end());
        }
    }

    #[test]
    fn a_share_beyond_its_range_is_cut() {
        for (share, percent) in [(0.5, 50), (7.0, 100), (-1.0, 0), (f64::NAN, 0)] {
            let mut running = operation();
            running.follow(Progress::Running { handle: "h".to_owned(), share: Some(share) }, 2);
            assert_eq!((running.state, running.percent), (OperationState::Running, Some(percent)));
        }
    }
}
