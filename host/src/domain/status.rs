//! The status of a resource: a difference and an activity beside each other, shown as one word.

use serde::{Deserialize, Serialize};

/// How the wish and the cluster relate: the worst of the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// Seen, not ours.
    Unmanaged,
    Synced,
    Pending,
    Drifted,
    Conflicted,
}

/// What is being done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case", tag = "activity")]
pub enum Activity {
    Idle,
    /// A step is in flight.
    Syncing,
    /// Refused, until a wish, the cluster or the plan changes.
    Failed {
        reason: String,
    },
    /// The plugin refuses the way there.
    Blocked {
        reason: String,
    },
    /// Sent, the answer lost.
    Unknown {
        reason: String,
    },
}

/// The one word that lists show and filter by.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Failed,
    Conflicted,
    Unknown,
    Blocked,
    Drifted,
    Pending,
    Syncing,
    Synced,
    Unmanaged,
}

/// What happens to a resource's activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusEvent {
    /// A step was stored as running.
    Sent,
    /// A step was read back and done, or its plan ended without it.
    Confirmed,
    /// The backend or the plan gave the step up.
    Refused { reason: String },
    /// The plugin refuses the way to the wish.
    Hindered { reason: String },
    /// The answer was lost, or the host died before it came.
    Lost { reason: String },
    /// A read showed that a lost write did not land: it waits again.
    TakenBack,
    /// A new wish, or a plan that begins: what was refused gets another chance.
    Wished,
    /// The cluster's copy changed.
    ClusterChanged,
}

/// The one word: the first that holds, in the order of `Status`.
pub fn word(difference: Difference, activity: &Activity) -> Status {
    match (activity, difference) {
        (Activity::Failed { .. }, _) => Status::Failed,
        (_, Difference::Conflicted) => Status::Conflicted,
        (Activity::Unknown { .. }, _) => Status::Unknown,
        (Activity::Blocked { .. }, _) => Status::Blocked,
        (_, Difference::Drifted) => Status::Drifted,
        (_, Difference::Pending) => Status::Pending,
        (Activity::Syncing, _) => Status::Syncing,
        (Activity::Idle, Difference::Synced) => Status::Synced,
        (Activity::Idle, Difference::Unmanaged) => Status::Unmanaged,
    }
}

impl Activity {
    /// The activity after the event. Total: an event that says nothing to a state leaves it, by a named arm.
    #[must_use]
    pub fn on(self, event: StatusEvent) -> Self {
        match event {
            StatusEvent::Sent => Self::Syncing,
            StatusEvent::Confirmed => self.confirmed(),
            StatusEvent::Refused { reason } => Self::Failed { reason },
            StatusEvent::Hindered { reason } => self.hindered(reason),
            StatusEvent::Lost { reason } => Self::Unknown { reason },
            StatusEvent::TakenBack => self.taken_back(),
            StatusEvent::Wished | StatusEvent::ClusterChanged => self.forgiven(),
        }
    }

    fn confirmed(self) -> Self {
        match self {
            Self::Syncing | Self::Unknown { .. } | Self::Idle => Self::Idle,
            // Another step of the resource was refused: a later success of this one does not undo that.
            Self::Failed { reason } => Self::Failed { reason },
            Self::Blocked { reason } => Self::Blocked { reason },
        }
    }

    fn hindered(self, reason: String) -> Self {
        match self {
            // What is on its way is on its way: the refusal concerns what would come next.
            Self::Syncing => Self::Syncing,
            Self::Unknown { reason } => Self::Unknown { reason },
            Self::Idle | Self::Failed { .. } | Self::Blocked { .. } => Self::Blocked { reason },
        }
    }

    fn taken_back(self) -> Self {
        match self {
            Self::Syncing | Self::Unknown { .. } | Self::Idle => Self::Idle,
            Self::Failed { reason } => Self::Failed { reason },
            Self::Blocked { reason } => Self::Blocked { reason },
        }
    }

    fn forgiven(self) -> Self {
        match self {
            Self::Idle | Self::Failed { .. } | Self::Blocked { .. } => Self::Idle,
            Self::Syncing => Self::Syncing,
            // Only reading back ends it: the write may still land.
            Self::Unknown { reason } => Self::Unknown { reason },
        }
    }
}
