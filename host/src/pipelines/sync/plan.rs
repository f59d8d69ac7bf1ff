//! Planning, in three parts: a pure compare (`prepare`), one question to the plugin, a pure assembly of its answer.
//!
//! Invariant: no I/O, no clock, no chance; the same inputs make the same draft. A field that nobody spoke of, and a
//! resource that is not ours, is in no write.

mod assemble;
mod batches;
mod confirm;
mod documents;
mod evidence;
mod have;
mod limits;
#[cfg(test)]
mod model;
mod order;
mod prepare;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod sentences;
pub mod settle;
mod stale;
mod standing;
mod undo;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::contract::{Change, MetadataType};
use crate::domain::place::Place;
use crate::domain::plan::{Base, Blocked, Exceeded, Plan, Standing, StandingWish, Step, Verb, Wish};
use crate::domain::policy::{Authority, Effective, PolicyEntry, resolve};
use crate::domain::resource::{Resource, ResourceKey, Sort};

pub use assemble::assemble;
pub use batches::{batch, batches};
pub use confirm::confirm;
pub use documents::unmentioned;
pub use limits::{deletes, refusals};
pub use prepare::prepare;
pub use stale::stale;
pub use standing::joining;

/// One document, its spec in the plugin's normal form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    pub metadata_type: String,
    pub id: String,
    /// `None`: the cluster, or every group or node where the type lives on those.
    pub at: Option<Place>,
    pub spec: Option<Value>,
    pub delete: bool,
}

/// What a plan is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    Documents(Vec<Document>),
    Adopt {
        metadata_type: String,
        keys: Vec<ResourceKey>,
    },
    Delete {
        keys: Vec<ResourceKey>,
    },
    /// Brings drift back; all drifted fields where `fields` is `None`.
    Revert {
        keys: Vec<ResourceKey>,
        fields: Option<Vec<String>>,
        by_policy: bool,
    },
    /// The wishes that are pending.
    Resume {
        keys: Vec<ResourceKey>,
    },
    /// Standing wishes, at the places that they were not planned for yet.
    Join {
        wishes: Vec<StandingWish>,
    },
    Undo {
        plan: Box<Plan>,
    },
}

/// By type, the groups or nodes where its resources live.
pub type Homes = BTreeMap<String, Vec<Place>>;

/// All that planning looks at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The cluster's name, for what a person types next.
    pub cluster: String,
    pub types: Vec<MetadataType>,
    /// Those that the request touches, as they were just read. One that is not here is absent.
    pub resources: BTreeMap<ResourceKey, Resource>,
    /// With the defaults filled in, where a single resource was asked for.
    pub effective: BTreeMap<ResourceKey, Value>,
    /// How many resources there are, by type: limits are parts of it.
    pub totals: BTreeMap<String, u64>,
    pub policies: Vec<PolicyEntry>,
    pub authority: Authority,
    /// Resources with a write whose outcome is unknown, and its sort.
    pub unsure: BTreeMap<ResourceKey, Sort>,
    /// For wishes that name none.
    pub homes: Homes,
    /// The wishes that named no place, of the resources that the request names by type and id.
    pub standing: BTreeMap<(String, String), StandingWish>,
}

impl Snapshot {
    pub fn shape(&self, metadata_type: &str) -> Option<&MetadataType> {
        self.types.iter().find(|shape| shape.name == metadata_type)
    }

    pub fn policy(&self, key: &ResourceKey) -> Effective {
        resolve(&self.policies, self.authority, &key.metadata_type, Some(&key.id))
    }
}

/// Limits raised for one plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Raised {
    pub deletes_max: Option<u32>,
    /// Of the resources of a type.
    pub edits_percent_max: Option<u32>,
    pub allow_destructive: bool,
}

/// What the pure compare found: the question to the plugin, and all that needs none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prepared {
    /// Asked of the plugin at once; `assemble` takes an answer each, in this order.
    pub changes: Vec<Change>,
    items: Vec<Item>,
    standing: Vec<Standing>,
    blocked: Vec<Blocked>,
    warnings: Vec<Blocked>,
    unchanged: u32,
}

/// A plan without its name, time and state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    pub wishes: Vec<Wish>,
    pub standing: Vec<Standing>,
    pub base: Vec<Base>,
    pub steps: Vec<Step>,
    pub blocked: Vec<Blocked>,
    pub warnings: Vec<Blocked>,
    pub unchanged: u32,
    pub exceeded: Vec<Exceeded>,
}

/// What is planned for one resource.
#[derive(Clone, Debug, PartialEq)]
struct Item {
    key: ResourceKey,
    /// `None`: the wish stays as it stands.
    wish: Option<Wish>,
    base: Base,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    /// Sends nothing.
    Local { verb: Verb, summary: String },
    /// The plugin's answer to that change.
    Ask { change: usize },
    /// An inverse that was recorded, with the position of the step that it takes back.
    Recorded { step: Box<Step>, undoes: u32 },
}

impl Draft {
    /// Nothing to do, and nothing to say.
    pub fn is_empty(&self) -> bool {
        self.wishes.is_empty() && self.standing.is_empty() && self.steps.is_empty() && self.blocked.is_empty()
    }
}
