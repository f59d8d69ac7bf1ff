//! One object of a metadata type in one cluster, as it is seen, wished for and written.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::BackendError;
use super::place::Place;
use super::status::{Activity, Difference, Status};

/// Names a resource within its cluster. Ordered by type, id, place: the order of listings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ResourceKey {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub id: String,
    pub place: Place,
}

/// `topic/pay.audit`, and the place where there are several.
impl std::fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Place::Cluster => write!(f, "{}/{}", self.metadata_type, self.id),
            place @ (Place::Group(_) | Place::Node(_)) => {
                write!(f, "{}/{}@{place}", self.metadata_type, self.id)
            }
        }
    }
}

/// A resource as the cluster showed it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    pub key: ResourceKey,
    /// Changes when the backend's copy changes, where the backend can tell.
    pub revision: Option<String>,
    /// Changes when it was deleted and made again, where the backend can tell.
    pub incarnation: Option<String>,
    /// What was set, in the plugin's normal form. An object; those of a page that look alike share it.
    pub spec: Arc<Value>,
    /// With the defaults filled in; only when a single resource is asked for.
    pub effective: Option<Value>,
    /// What can only be read. An object, shared likewise.
    pub status: Arc<Value>,
    /// The backend's own: shown, never owned, never deleted.
    pub internal: bool,
    /// `spec` holds only what was asked for or could be had.
    pub partial: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Edit {
    /// JSON Pointer into `spec`.
    pub path: String,
    /// `None` is the backend's default.
    pub value: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Create(Value),
    Edit(Vec<Edit>),
    Replace(Value),
    Delete,
    Run { name: String, input: Value },
}

/// The sort of change: while one's outcome is unknown, only the same sort is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    Create,
    Edit,
    Delete,
    Run,
}

impl Action {
    pub fn sort(&self) -> Sort {
        match self {
            Self::Create(_) => Sort::Create,
            Self::Edit(_) | Self::Replace(_) => Sort::Edit,
            Self::Delete => Sort::Delete,
            Self::Run { .. } => Sort::Run,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Write {
    pub key: ResourceKey,
    pub action: Action,
    /// What the backend's copy must still be, where it can check.
    pub revision: Option<String>,
    pub incarnation: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Written {
    pub id: Option<String>,
    pub revision: Option<String>,
    /// Of what was made, where the answer tells it: later it proves that the resource is the one that this write made.
    #[serde(default)]
    pub incarnation: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    Done(Written),
    /// Promised: a listing may lag behind by so many milliseconds.
    Accepted {
        written: Written,
        lag_ms: u64,
    },
    /// Goes on in the backend under this handle.
    Started {
        handle: String,
    },
    /// Refused: nothing changed.
    Failed {
        error: BackendError,
    },
    /// Sent, the answer lost: nobody knows.
    Unknown {
        error: BackendError,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    Found(Box<Observed>),
    Absent,
    Failed(BackendError),
}

/// What to list: a type, at a place (the whole cluster, a group, a node).
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub metadata_type: String,
    pub place: Place,
    /// Only ids and what the listing gives for nothing.
    pub brief: bool,
    /// Pointers of the parts that are wanted; all where empty.
    pub fields: Vec<String>,
    pub since: Option<String>,
    pub cursor: Option<String>,
    /// Resources, 1,000 at most.
    pub limit: u32,
}

/// Without an id: nothing at that place could be listed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ListFailure {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub id: Option<String>,
    pub place: Place,
    pub error: BackendError,
}

/// In bytewise order of (id, place), over all pages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub resources: Vec<Observed>,
    pub failures: Vec<ListFailure>,
    pub next: Option<String>,
    pub version: Option<String>,
}

/// How the cluster held it when it was last looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    Present,
    Absent,
    /// No answer yet, or none for three intervals.
    Unseen,
}

/// A resource as the host remembers it: the three images, ownership and status. One row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Resource {
    pub key: ResourceKey,
    /// What people want: partial, only the fields they spoke of. `None`: no wish.
    pub desired: Option<Value>,
    /// What was last confirmed after writing it, field by field. `None`: nothing was.
    pub applied: Option<Value>,
    pub presence: Presence,
    /// The last seen `spec`; an empty object where never seen.
    pub observed: Value,
    /// What can only be read.
    pub status_document: Value,
    pub revision: Option<String>,
    pub incarnation: Option<String>,
    pub internal: bool,
    pub partial: bool,
    pub owned: bool,
    /// Of the copy that became ours: another one under the name is a stranger.
    pub owned_incarnation: Option<String>,
    pub difference: Difference,
    pub activity: Activity,
    pub status: Status,
    /// An observation that began before this is discarded.
    pub written_at_ms: Option<i64>,
    /// Of the last change of the row.
    pub updated_at_ms: i64,
    pub version: i64,
}

/// One complete or failed listing of a type at a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Sweep {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub place: Place,
    pub started_at_ms: i64,
    pub ended_at_ms: i64,
    /// When the last complete one began; age is read from it.
    pub complete_at_ms: Option<i64>,
    pub seen: u64,
    pub changed: u64,
    pub failures: Vec<ListFailure>,
    /// None where the backend does not tell, or where not all of what was listed is in the rows.
    #[serde(skip)]
    pub listed: Option<Listed>,
}

/// The state of a listing that the stored rows show: as long as it stands, nothing needs to be told again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The plugin's own word for it.
    pub version: String,
    /// Which plugin listed it, and by which types, rules and credentials: with others it has to be judged anew.
    pub basis: String,
}

/// A change of status, kept for `TRANSITIONS_KEPT`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Transition {
    pub key: ResourceKey,
    pub from: Status,
    pub to: Status,
    pub cause: String,
    pub at_ms: i64,
}

impl Resource {
    /// Nobody wished for it, nothing was seen of it, and it has no row yet.
    pub fn blank(key: ResourceKey, presence: Presence, updated_at_ms: i64) -> Self {
        Self {
            key,
            desired: None,
            applied: None,
            presence,
            observed: Value::Object(serde_json::Map::new()),
            status_document: Value::Object(serde_json::Map::new()),
            revision: None,
            incarnation: None,
            internal: false,
            partial: false,
            owned: false,
            owned_incarnation: None,
            difference: Difference::Unmanaged,
            activity: Activity::Idle,
            status: Status::Unmanaged,
            written_at_ms: None,
            updated_at_ms,
            version: 0,
        }
    }

    /// We made it or adopted it, and it still is that one. What is ours and absent stays ours: it can be made again.
    pub fn is_ours(&self) -> bool {
        self.owned
            && match (&self.owned_incarnation, &self.incarnation) {
                (Some(ours), Some(found)) => self.presence != Presence::Present || ours == found,
                (None, _) | (_, None) => true,
            }
    }
}
