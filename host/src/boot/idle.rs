//! The engine of a host that stands by: it knows what the plugins say, asks no cluster and changes nothing.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::app::AppError;
use crate::app::engine::{Approval, Cycle, Engine, OperationWanted, Proposal, ProposeOptions};
use crate::domain::cluster::Cluster;
use crate::domain::host::ActiveHost;
use crate::domain::id::{ClusterId, OperationId, PlanId};
use crate::domain::operation::{Forecast, Operation, OperationType};
use crate::domain::plan::Plan;
use crate::domain::record::By;
use crate::domain::resource::{Lookup, ResourceKey};
use crate::plugins::driver::Kinds;

pub(super) struct Idle {
    pub(super) kinds: Arc<dyn Kinds>,
    pub(super) active: watch::Receiver<Option<ActiveHost>>,
}

impl Idle {
    fn refuse<T>(&self) -> Result<T, AppError> {
        Err(AppError::StandsBy(self.active.borrow().clone()))
    }
}

#[async_trait]
impl Engine for Idle {
    async fn propose(&self, _: &Cluster, _: Proposal, _: ProposeOptions, _: &By) -> Result<Plan, AppError> {
        self.refuse()
    }

    async fn approve(&self, _: &PlanId, _: Approval, _: &By) -> Result<Plan, AppError> {
        self.refuse()
    }

    async fn cancel(&self, _: &PlanId, _: &By) -> Result<Plan, AppError> {
        self.refuse()
    }

    async fn accept(
        &self,
        _: &Cluster,
        _: &ResourceKey,
        _: Option<Vec<String>>,
        _: &By,
    ) -> Result<(), AppError> {
        self.refuse()
    }

    async fn ignore(&self, _: &Cluster, _: &ResourceKey, _: Option<String>, _: &By) -> Result<(), AppError> {
        self.refuse()
    }

    async fn release(&self, _: &Cluster, _: &ResourceKey, _: &By) -> Result<(), AppError> {
        self.refuse()
    }

    async fn operation_types(&self, cluster: &Cluster) -> Result<Vec<OperationType>, AppError> {
        let name = &cluster.kind;
        let kind = self.kinds.find(name).ok_or_else(|| AppError::UnknownKind {
            kind: name.clone(),
            reason: self.kinds.why_absent(name),
            loaded: self.kinds.list().iter().map(|kind| kind.description().kind.clone()).collect(),
        })?;
        let facts = cluster.discovered_at_ms.map(|_| &cluster.facts);
        let mut types =
            kind.operations(facts).await.map_err(|source| AppError::Kind { kind: name.clone(), source })?;
        types.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(types)
    }

    async fn preview(&self, _: &Cluster, _: OperationWanted) -> Result<Forecast, AppError> {
        self.refuse()
    }

    async fn operate(&self, _: &Cluster, _: OperationWanted, _: &By) -> Result<Operation, AppError> {
        self.refuse()
    }

    async fn undo_operation(
        &self,
        _: &Cluster,
        _: &Operation,
        _: bool,
        _: &By,
    ) -> Result<Operation, AppError> {
        self.refuse()
    }

    async fn cancel_operation(&self, _: &Cluster, _: &OperationId, _: &By) -> Result<Operation, AppError> {
        self.refuse()
    }

    async fn look(&self, _: &Cluster, _: &[ResourceKey]) -> Result<Vec<Lookup>, AppError> {
        self.refuse()
    }

    async fn sync_now(&self, _: &Cluster) -> Result<Cycle, AppError> {
        self.refuse()
    }

    fn nudge(&self, _: &ClusterId) {}
}
