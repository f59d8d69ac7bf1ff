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
