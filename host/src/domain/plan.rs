//! A plan: what would be changed, why, and what became of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::{ClusterId, PlanId};
use super::place::Place;
use super::record::By;
use super::resource::{Outcome, ResourceKey, Write};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlanState {
    Proposed,
    Approved,
    Applying,
    Applied,
    Failed,
    Cancelled,
    Stale,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    Waiting,
    Running,
    Done,
    Failed,
    Unknown,
    Skipped,
}

/// What a step or an entry does, as it is shown: `+`, `~`, `-`, `^`, `v`, `!`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    Create,
    Edit,
    Delete,
    /// Exists, and becomes ours as it is.
    Adopt,
    /// Ends the wish and the ownership, and leaves the resource as it is.
    Release,
    /// The wish is recorded; the cluster has it already, or cannot be brought there.
    Wish,
}

impl Verb {
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
            Self::Release => "release",
            Self::Wish => "wish",
        }
    }
}

/// Why a plan was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Reason {
    /// Documents that somebody handed in.
    Documents,
    Adopt,
    Delete,
    /// Drift is brought back, by a person or by policy.
    Revert {
        by_policy: bool,
    },
    /// The wish that is not there yet, of resources that are pending.
    Resume,
    /// Groups or nodes came to a cluster where wishes stand for every one of them.
    Join,
    /// Copies that may not differ are made alike.
    Repair,
    Undo {
        plan: PlanId,
    },
}

/// What the plan wishes of one resource; becomes desired in the transaction that starts applying.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Wish {
    pub key: ResourceKey,
    pub intent: Intent,
    /// Leaves that the wish held before and no longer speaks of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lets_go: Vec<String>,
    /// The wish that stood before, for undo. `None`: there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Whether it was ours before, for undo.
    #[serde(default)]
    pub was_owned: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Intent {
    /// The wish, whole and normalised: it replaces the one that stands.
    Have(Value),
    /// Be gone; a done delete ends wish and ownership.
    Gone,
    /// Ends wish and ownership.
    Release,
}

/// A wish that named no place, of a type that lives on groups or nodes: it stands for those that join later too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StandingWish {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub id: String,
    pub spec: Value,
    /// Those that it was planned for already, sorted.
    pub places: Vec<Place>,
}

/// What a plan makes of one standing wish; counts from the transaction that starts applying.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Standing {
    /// `None`: there was none.
    pub before: Option<StandingWish>,
    /// `None`: it ends.
    pub after: Option<StandingWish>,
}

impl StandingWish {
    pub fn at(&self, place: Place) -> ResourceKey {
        ResourceKey { metadata_type: self.metadata_type.clone(), id: self.id.clone(), place }
    }

    /// (type, id)
    pub fn key(&self) -> (String, String) {
        (self.metadata_type.clone(), self.id.clone())
    }
}

impl Standing {
    pub fn key(&self) -> Option<(String, String)> {
        self.after.as_ref().or(self.before.as_ref()).map(StandingWish::key)
    }
}

/// What the touched fields of one resource were when the plan was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Base {
    pub key: ResourceKey,
    /// `None`: it was absent.
    pub observed: Option<Value>,
    pub incarnation: Option<String>,
    /// Whether it was ours.
    pub owned: bool,
    /// JSON Pointers of the fields that the plan touches: one that `observed` leaves out was at its default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Step {
    /// Position in the plan, from 0: the order of execution.
    pub seq: u32,
    pub key: ResourceKey,
    pub verb: Verb,
    /// `None`: nothing is sent to the backend (adopt, release, wish).
    pub write: Option<Write>,
    pub summary: String,
    /// The values of the fields that the step changes, before and after.
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub undo: Option<Write>,
    pub destructive: bool,
    pub restart: Vec<String>,
    /// Steps that must be done before.
    pub depends_on: Vec<u32>,
    pub state: StepState,
    pub attempt: u32,
    pub outcome: Option<Outcome>,
    /// Why it failed, is unknown, or was skipped.
    pub message: Option<String>,
    pub started_at_ms: Option<i64>,
    pub ended_at_ms: Option<i64>,
}

/// A wish that can't be brought about, with the reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Blocked {
    pub key: ResourceKey,
    pub reason: String,
    /// JSON Pointer into the spec, where one field is the cause.
    pub path: Option<String>,
}

/// A limit of the plan that it exceeds: it is refused unless raised for this plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Exceeded {
    /// `deletes_max`, `deletes_percent_max`, `edits_percent_max`.
    pub limit: String,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Plan {
    pub id: PlanId,
    pub cluster: ClusterId,
    pub state: PlanState,
    pub reason: Reason,
    pub created_by: String,
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
    pub wishes: Vec<Wish>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standing: Vec<Standing>,
    pub base: Vec<Base>,
    pub steps: Vec<Step>,
    pub blocked: Vec<Blocked>,
    pub warnings: Vec<Blocked>,
    /// Wishes whose cluster already holds them: counted, not listed.
    pub unchanged: u32,
    pub exceeded: Vec<Exceeded>,
    /// Given with the approval.
    pub allow_destructive: bool,
    /// Raised once, for this plan.
    pub deletes_max: Option<u32>,
    pub message: Option<String>,
    /// Who lets it be applied, and the id of the call that said so.
    pub approved_by: Option<String>,
    pub approved_request_id: Option<String>,
    /// Of the row, for guarded saves.
    pub version: i64,
}

impl Plan {
    /// Who answers for what it does.
    pub fn by(&self) -> By {
        let actor = self.approved_by.as_ref().unwrap_or(&self.created_by).clone();
        By { actor, request_id: self.approved_request_id.clone() }
    }
}

/// What happens to a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanEvent {
    Approve,
    /// The first write may leave: the base still held.
    Begin,
    /// The base no longer holds.
    GoStale,
    Cancel,
    /// No step waits or is in flight any more.
    End {
        all_done: bool,
        cancelled: bool,
    },
}

/// A transition that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a plan that is {} can't {wanted}", .state.word())]
pub struct NotPossible {
    pub state: PlanState,
    pub wanted: &'static str,
}

impl PlanState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Stale => "stale",
        }
    }

    /// Applied, failed, cancelled and stale are ends: nothing leads out of them.
    pub fn is_end(self) -> bool {
        match self {
            Self::Applied | Self::Failed | Self::Cancelled | Self::Stale => true,
            Self::Proposed | Self::Approved | Self::Applying => false,
        }
    }

    pub fn on(self, event: PlanEvent) -> Result<Self, NotPossible> {
        let refuse = |wanted| Err(NotPossible { state: self, wanted });
        match (event, self) {
            // Approving twice is approving once.
            (PlanEvent::Approve, Self::Proposed | Self::Approved) => Ok(Self::Approved),
            (PlanEvent::Approve, _) => refuse("be approved; make another one"),
            (PlanEvent::Begin, Self::Approved) => Ok(Self::Applying),
            (PlanEvent::Begin, _) => refuse("begin"),
            (PlanEvent::GoStale, Self::Proposed | Self::Approved) => Ok(Self::Stale),
            (PlanEvent::GoStale, _) => refuse("go stale"),
            (PlanEvent::Cancel, Self::Proposed | Self::Approved | Self::Cancelled) => Ok(Self::Cancelled),
            // What is in flight is read back first; what waits is skipped by the executor.
            (PlanEvent::Cancel, Self::Applying) => Ok(Self::Applying),
            (PlanEvent::Cancel, _) => refuse("be cancelled; undo it instead"),
            (PlanEvent::End { all_done: true, .. }, Self::Applying) => Ok(Self::Applied),
            (PlanEvent::End { all_done: false, cancelled: true }, Self::Applying) => Ok(Self::Cancelled),
            (PlanEvent::End { all_done: false, cancelled: false }, Self::Applying) => Ok(Self::Failed),
            (PlanEvent::End { .. }, _) => refuse("end"),
        }
    }
}

/// What happens to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepEvent {
    /// Stored as running, with its attempt counted, before it leaves.
    Send,
    /// Nothing left the host, as it knows for sure.
    NotSent,
    Refuse,
    Lose,
    /// Read back, and as wished; or nothing had to be sent.
    Confirm,
    /// Read back, and as before.
    TakeBack,
    /// Read back, and neither.
    Change,
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a step in state {state:?} knows no {event:?}")]
pub struct NoSuchStep {
    pub state: StepState,
    pub event: StepEvent,
}

impl Step {
    /// What the backend carries out over time, by its handle there.
    pub fn started(&self) -> Option<&str> {
        let Some(Outcome::Started { handle }) = &self.outcome else { return None };
        (self.state == StepState::Running).then_some(handle)
    }
}

impl StepState {
    pub fn on(self, event: StepEvent) -> Result<Self, NoSuchStep> {
        let refuse = || Err(NoSuchStep { state: self, event });
        match (self, event) {
            (Self::Waiting, StepEvent::Send) => Ok(Self::Running),
            // Adopt, release and wish send nothing.
            (Self::Waiting, StepEvent::Confirm) => Ok(Self::Done),
            (Self::Waiting, StepEvent::Skip) => Ok(Self::Skipped),
            (Self::Running, StepEvent::NotSent) => Ok(Self::Waiting),
            (Self::Running, StepEvent::Refuse) => Ok(Self::Failed),
            (Self::Running | Self::Unknown, StepEvent::Lose) => Ok(Self::Unknown),
            (Self::Running | Self::Unknown, StepEvent::Confirm) => Ok(Self::Done),
            (Self::Unknown, StepEvent::TakeBack) => Ok(Self::Waiting),
            (Self::Unknown, StepEvent::Change) => Ok(Self::Failed),
            // A late answer about what has ended changes nothing.
            (Self::Done | Self::Failed | Self::Skipped, StepEvent::Refuse | StepEvent::Lose) => Ok(self),
            (
                Self::Waiting | Self::Running | Self::Unknown | Self::Done | Self::Failed | Self::Skipped,
                _,
            ) => refuse(),
        }
    }

    /// Sent, and not known to have arrived.
    pub fn is_in_flight(self) -> bool {
        match self {
            Self::Running | Self::Unknown => true,
            Self::Waiting | Self::Done | Self::Failed | Self::Skipped => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_goes_stale_or_is_cancelled_only_before_it_begins() {
        assert_eq!(PlanState::Proposed.on(PlanEvent::Approve), Ok(PlanState::Approved));
        assert_eq!(PlanState::Approved.on(PlanEvent::GoStale), Ok(PlanState::Stale));
        assert_eq!(PlanState::Approved.on(PlanEvent::Begin), Ok(PlanState::Applying));
        assert_eq!(PlanState::Applying.on(PlanEvent::Cancel), Ok(PlanState::Applying));
        assert!(PlanState::Applying.on(PlanEvent::GoStale).is_err());
        for end in [PlanState::Applied, PlanState::Failed, PlanState::Cancelled, PlanState::Stale] {
            assert!(end.is_end() && end.on(PlanEvent::Begin).is_err() && end.on(PlanEvent::Approve).is_err());
        }
        let error = PlanState::Applied.on(PlanEvent::Cancel).unwrap_err();
        assert_eq!(error.to_string(), "a plan that is applied can't be cancelled; undo it instead");
    }

    #[test]
    fn a_step_is_done_only_by_reading_back() {
        assert_eq!(StepState::Waiting.on(StepEvent::Send), Ok(StepState::Running));
        assert_eq!(StepState::Running.on(StepEvent::Lose), Ok(StepState::Unknown));
        assert_eq!(StepState::Unknown.on(StepEvent::TakeBack), Ok(StepState::Waiting));
        assert_eq!(StepState::Done.on(StepEvent::Lose), Ok(StepState::Done));
        assert!(StepState::Unknown.on(StepEvent::Send).is_err());
        assert!(StepState::Done.on(StepEvent::Send).is_err());
    }
}
