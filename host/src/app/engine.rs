//! What the use cases need of the sync pipeline and the reconciler. `boot` hands in the one that runs.

use async_trait::async_trait;
use serde_json::Value;

use super::error::AppError;
use crate::domain::cluster::Cluster;
use crate::domain::id::{ClusterId, OperationId, PlanId};
use crate::domain::operation::{Forecast, Operation, OperationType};
use crate::domain::place::Place;
use crate::domain::plan::Plan;
use crate::domain::record::By;
use crate::domain::resource::{ListFailure, Lookup, ResourceKey};

/// A wish as a file or a caller wrote it, not normalised.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub metadata_type: String,
    pub id: String,
    pub at: Option<Place>,
    pub spec: Option<Value>,
    pub delete: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Proposal {
    Documents(Vec<Wanted>),
    /// Documents that make copies alike.
    Repair(Vec<Wanted>),
    Adopt {
        metadata_type: String,
        pattern: String,
    },
    Delete {
        key: ResourceKey,
    },
    Revert {
        keys: Vec<ResourceKey>,
        fields: Option<Vec<String>>,
    },
    Undo {
        plan: PlanId,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProposeOptions {
    /// Raises the limit, for this plan only.
    pub deletes_max: Option<u32>,
    pub edits_percent_max: Option<u32>,
    /// The documents are all that is wished for: the rest is listed as warnings.
    pub complete: bool,
    pub store: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Approval {
    pub allow_destructive: bool,
    pub deletes_max: Option<u32>,
    /// The plan's, as the caller saw it.
    pub version: Option<i64>,
}

/// What one cycle saw.
#[derive(Clone, Debug, PartialEq)]
pub struct Cycle {
    pub started_at_ms: i64,
    pub ended_at_ms: i64,
    pub types: Vec<TypeCycle>,
    pub error: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TypeCycle {
    pub metadata_type: String,
    pub seen: u64,
    pub new: u64,
    pub changed: u64,
    pub gone: u64,
    pub failures: Vec<ListFailure>,
}

/// An action on a resource or a place, as a caller asks for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperationWanted {
    pub name: String,
    /// Of the resource, where the operation works on one.
    pub id: Option<String>,
    pub at: Option<Place>,
    pub input: Value,
    pub allow_destructive: bool,
}

#[async_trait]
pub trait Engine: Send + Sync {
    /// Reads what the wishes touch, decides, and stores the plan. Where there is nothing to do, its id is empty.
    async fn propose(
        &self,
        cluster: &Cluster,
        proposal: Proposal,
        options: ProposeOptions,
        by: &By,
    ) -> Result<Plan, AppError>;
    async fn approve(&self, plan: &PlanId, approval: Approval, by: &By) -> Result<Plan, AppError>;
    async fn cancel(&self, plan: &PlanId, by: &By) -> Result<Plan, AppError>;
    /// Takes the cluster's value into the wish.
    async fn accept(
        &self,
        cluster: &Cluster,
        key: &ResourceKey,
        fields: Option<Vec<String>>,
        by: &By,
    ) -> Result<(), AppError>;
    async fn ignore(
        &self,
        cluster: &Cluster,
        key: &ResourceKey,
        field: Option<String>,
        by: &By,
    ) -> Result<(), AppError>;
    async fn release(&self, cluster: &Cluster, key: &ResourceKey, by: &By) -> Result<(), AppError>;
    /// By name.
    async fn operation_types(&self, cluster: &Cluster) -> Result<Vec<OperationType>, AppError>;
    /// Asks the cluster what it would do; nothing is written.
    async fn preview(&self, cluster: &Cluster, wanted: OperationWanted) -> Result<Forecast, AppError>;
    /// Stores it for the reconciler.
    async fn operate(
        &self,
        cluster: &Cluster,
        wanted: OperationWanted,
        by: &By,
    ) -> Result<Operation, AppError>;
    /// Another operation that takes this one back.
    async fn undo_operation(
        &self,
        cluster: &Cluster,
        undone: &Operation,
        allow_destructive: bool,
        by: &By,
    ) -> Result<Operation, AppError>;
    async fn cancel_operation(
        &self,
        cluster: &Cluster,
        id: &OperationId,
        by: &By,
    ) -> Result<Operation, AppError>;
    /// Asks the cluster now, with `effective` and `status`.
    async fn look(&self, cluster: &Cluster, keys: &[ResourceKey]) -> Result<Vec<Lookup>, AppError>;
    /// One cycle before the next one is due; waits for it.
    async fn sync_now(&self, cluster: &Cluster) -> Result<Cycle, AppError>;
    /// Wakes the cluster's reconciler; never waits.
    fn nudge(&self, cluster: &ClusterId);
}
