//! The engine that runs: the sync pipeline and the reconciler, and what their refusals mean to a caller.

use async_trait::async_trait;

use crate::app::connection::Wrong;
use crate::app::engine::{
    Approval, Cycle, Engine, OperationWanted, Proposal, ProposeOptions, TypeCycle, Wanted,
};
use crate::app::{AppError, Refusal};
use crate::domain::cluster::Cluster;
use crate::domain::id::{ClusterId, OperationId, PlanId};
use crate::domain::operation::{Forecast, Operation, OperationType};
use crate::domain::plan::Plan;
use crate::domain::record::By;
use crate::domain::resource::{Lookup, ResourceKey};
use crate::pipelines::sync::plan::Raised;
use crate::pipelines::sync::{
    ApproveError, Asked, CycleReport, DriftError, OperateError, OperateRequest, ProposeError, ProposeRequest,
    RawDocument, Sync, SyncError, TypeReport,
};
use crate::reconcile::{Reconciler, SweepError};

pub(super) struct Live {
    pub(super) sync: Sync,
    pub(super) reconciler: Reconciler,
}

#[async_trait]
impl Engine for Live {
    async fn propose(
        &self,
        cluster: &Cluster,
        proposal: Proposal,
        options: ProposeOptions,
        by: &By,
    ) -> Result<Plan, AppError> {
        let ProposeOptions { deletes_max, edits_percent_max, complete, store } = options;
        let raised = Raised { deletes_max, edits_percent_max, ..Raised::default() };
        let request = ProposeRequest { asked: asked(proposal), raised, complete, dry_run: !store };
        self.sync.propose(cluster, request, by).await.map_err(|error| propose_error(cluster, error))
    }

    async fn approve(&self, plan: &PlanId, approval: Approval, by: &By) -> Result<Plan, AppError> {
        let Approval { allow_destructive, deletes_max, version } = approval;
        let approval = crate::pipelines::sync::Approval { allow_destructive, deletes_max, version };
        self.sync.approve(plan, approval, by).await.map_err(approve_error)
    }

    async fn cancel(&self, plan: &PlanId, by: &By) -> Result<Plan, AppError> {
        self.sync.cancel(plan, by).await.map_err(approve_error)
    }

    async fn accept(
        &self,
        cluster: &Cluster,
        key: &ResourceKey,
        fields: Option<Vec<String>>,
        by: &By,
    ) -> Result<(), AppError> {
        self.sync
            .accept(cluster, key, fields, by)
            .await
            .map(drop)
            .map_err(|error| drift_error(cluster, error))
    }

    async fn ignore(
        &self,
        cluster: &Cluster,
        key: &ResourceKey,
        field: Option<String>,
        by: &By,
    ) -> Result<(), AppError> {
        self.sync.ignore(cluster, key, field, by).await.map(drop).map_err(|error| drift_error(cluster, error))
    }

    async fn release(&self, cluster: &Cluster, key: &ResourceKey, by: &By) -> Result<(), AppError> {
        self.sync.release(cluster, key, by).await.map(drop).map_err(|error| drift_error(cluster, error))
    }

    async fn operation_types(&self, cluster: &Cluster) -> Result<Vec<OperationType>, AppError> {
        self.sync.operation_types(cluster).await.map_err(|error| sync_error(cluster, error))
    }

    async fn preview(&self, cluster: &Cluster, wanted: OperationWanted) -> Result<Forecast, AppError> {
        let forecast = self.sync.preview(cluster, operate_request(wanted)).await;
        forecast.map_err(|error| operate_error(cluster, error))
    }

    async fn operate(
        &self,
        cluster: &Cluster,
        wanted: OperationWanted,
        by: &By,
    ) -> Result<Operation, AppError> {
        let operation = self.sync.operate(cluster, operate_request(wanted), by).await;
        operation.map_err(|error| operate_error(cluster, error))
    }

    async fn undo_operation(
        &self,
        cluster: &Cluster,
        undone: &Operation,
        allow_destructive: bool,
        by: &By,
    ) -> Result<Operation, AppError> {
        let operation = self.sync.undo_operation(cluster, undone, allow_destructive, by).await;
        operation.map_err(|error| operate_error(cluster, error))
    }

    async fn cancel_operation(
        &self,
        cluster: &Cluster,
        id: &OperationId,
        by: &By,
    ) -> Result<Operation, AppError> {
        let operation = self.sync.cancel_operation(cluster, id, by).await;
        operation.map_err(|error| operate_error(cluster, error))
    }

    async fn look(&self, cluster: &Cluster, keys: &[ResourceKey]) -> Result<Vec<Lookup>, AppError> {
        self.sync.look(cluster, keys).await.map_err(|error| sync_error(cluster, error))
    }

    async fn sync_now(&self, cluster: &Cluster) -> Result<Cycle, AppError> {
        let report =
            self.reconciler.sweep_now(&cluster.id).await.map_err(|error| sweep_error(cluster, error))?;
        match report.error {
            Some(reason) if report.foreign => Err(AppError::refused(Refusal::Foreign, reason)),
            Some(reason) if report.unreachable => {
                Err(AppError::Unreachable { cluster: cluster.name.clone(), reason })
            }
            Some(_) | None => Ok(cycle(report)),
        }
    }

    fn nudge(&self, cluster: &ClusterId) {
        self.reconciler.nudge(cluster);
    }
}

fn asked(proposal: Proposal) -> Asked {
    match proposal {
        Proposal::Documents(documents) => Asked::Documents(documents.into_iter().map(raw).collect()),
        Proposal::Repair(documents) => Asked::Repair(documents.into_iter().map(raw).collect()),
        Proposal::Adopt { metadata_type, pattern } => Asked::Adopt { metadata_type, pattern },
        Proposal::Delete { key } => Asked::Delete { keys: vec![key] },
        Proposal::Revert { keys, fields } => Asked::Revert { keys, fields, by_policy: false },
        Proposal::Undo { plan } => Asked::Undo { plan },
    }
}

fn raw(wanted: Wanted) -> RawDocument {
    let Wanted { metadata_type, id, at, spec, delete } = wanted;
    RawDocument { metadata_type, name: id, at: at.map(|place| place.to_string()), spec, delete }
}

fn cycle(report: CycleReport) -> Cycle {
    let CycleReport { started_at_ms, ended_at_ms, types, error, .. } = report;
    Cycle { started_at_ms, ended_at_ms, types: types.into_iter().map(type_cycle).collect(), error }
}

fn type_cycle(report: TypeReport) -> TypeCycle {
    let TypeReport { metadata_type, seen, new, changed, gone, failures, .. } = report;
    TypeCycle { metadata_type, seen, new, changed, gone, failures }
}

fn sync_error(cluster: &Cluster, error: SyncError) -> AppError {
    let message = error.to_string();
    match error {
        SyncError::NoCluster(_) => AppError::not_found("cluster", cluster.name.as_str()),
        SyncError::Paused(_) => AppError::refused(Refusal::Paused, message),
        SyncError::Foreign { .. } => AppError::refused(Refusal::Foreign, message),
        SyncError::Twice { .. } => AppError::refused(Refusal::OneWriter, message),
        SyncError::NoKind { kind, reason } => AppError::UnknownKind { kind, reason, loaded: Vec::new() },
        SyncError::Changed(name) => AppError::ChangedMeanwhile { noun: "resource", name },
        SyncError::Contract(_) => AppError::Contract(message),
        SyncError::Call(source) => AppError::Cluster { cluster: cluster.name.clone(), source },
        SyncError::Store(error) => AppError::Store(error),
    }
}

fn propose_error(cluster: &Cluster, error: ProposeError) -> AppError {
    let message = error.to_string();
    match error {
        ProposeError::Invalid(issues) => {
            let wrong = issues.into_iter().map(|issue| Wrong {
                pointer: format!("/documents/{}{}", issue.document, issue.pointer),
                message: issue.message,
            });
            AppError::Invalid { code: "invalid-documents", message, wrong: wrong.collect() }
        }
        ProposeError::NoType { name, kind, known } => {
            AppError::UnknownType { kind, metadata_type: name, known: vec![known] }
        }
        ProposeError::NoPlan(id) => AppError::not_found("plan", id.as_str()),
        ProposeError::OtherCluster(_) | ProposeError::NeverApplied(_) => {
            AppError::refused(Refusal::State, message)
        }
        ProposeError::NeverSeen { cluster, reason } => AppError::Unreachable { cluster, reason },
        ProposeError::Sync(error) => sync_error(cluster, error),
    }
}

fn approve_error(error: ApproveError) -> AppError {
    let message = error.to_string();
    match error {
        ApproveError::NoPlan(id) => AppError::not_found("plan", id.as_str()),
        ApproveError::State { .. } => AppError::refused(Refusal::State, message),
        ApproveError::Changed(id) => AppError::ChangedMeanwhile { noun: "plan", name: id.to_string() },
        ApproveError::Observed(_) => AppError::refused(Refusal::Authority, message),
        ApproveError::Foreign(_) => AppError::refused(Refusal::Foreign, message),
        ApproveError::Limits(limits) => {
            let only_destructive = limits.iter().all(|exceeded| exceeded.limit == "destructive");
            let refusal = if only_destructive { Refusal::Destructive } else { Refusal::Limit };
            AppError::refused(refusal, message)
        }
        ApproveError::Store(error) => AppError::Store(error),
    }
}

fn drift_error(cluster: &Cluster, error: DriftError) -> AppError {
    let message = error.to_string();
    match error {
        DriftError::NoResource(key) => {
            AppError::not_found("resource", format!("{} {}", key.metadata_type, key.id))
        }
        DriftError::NoWish(_) => AppError::refused(Refusal::NotOurs, message),
        DriftError::NotSeen(_) | DriftError::NoDifference { .. } | DriftError::InFlight(_) => {
            AppError::refused(Refusal::State, message)
        }
        DriftError::Sync(error) => sync_error(cluster, error),
    }
}

fn operate_request(wanted: OperationWanted) -> OperateRequest {
    let OperationWanted { name, id, at, input, allow_destructive } = wanted;
    OperateRequest { name, id, at, input, allow_destructive, undoes: None }
}

fn operate_error(cluster: &Cluster, error: OperateError) -> AppError {
    let message = error.to_string();
    match error {
        OperateError::NoOperation { kind, name, known } => {
            AppError::UnknownOperation { kind, name, known: vec![known] }
        }
        OperateError::Subject(_) => AppError::Invalid { code: "invalid-subject", message, wrong: Vec::new() },
        OperateError::Invalid { issues, .. } => {
            let wrong = issues
                .into_iter()
                .map(|issue| Wrong { pointer: format!("/input{}", issue.pointer), message: issue.message });
            AppError::Invalid { code: "invalid-input", message, wrong: wrong.collect() }
        }
        OperateError::NoPreview(_) | OperateError::State { .. } => AppError::refused(Refusal::State, message),
        OperateError::Observed { .. } => AppError::refused(Refusal::Authority, message),
        OperateError::Destructive { .. } => AppError::refused(Refusal::Destructive, message),
        OperateError::NotOurs(_) => AppError::refused(Refusal::NotOurs, message),
        OperateError::NoRecord(id) => AppError::not_found("operation", id.as_str()),
        OperateError::Changed(id) => AppError::ChangedMeanwhile { noun: "operation", name: id.to_string() },
        OperateError::Sync(error) => sync_error(cluster, error),
    }
}

fn sweep_error(cluster: &Cluster, error: SweepError) -> AppError {
    let message = error.to_string();
    match error {
        SweepError::NoCluster(_) => AppError::not_found("cluster", cluster.name.as_str()),
        SweepError::Busy(_) => AppError::Busy(message),
        SweepError::Stopping => AppError::Stopping,
        SweepError::Store(error) => AppError::Store(error),
    }
}
