//! A plan: what would be changed, why, and what became of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::{ClusterId, PlanId};
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
    /// Of the row, for guarded saves.
    pub version: i64,
}
