//! Operations: forecast, asked for, read, cancelled, undone. Carrying them out is the reconciler's.

use std::collections::BTreeMap;

use super::caller::Caller;
use super::engine::OperationWanted;
use super::{App, AppError};
use crate::domain::cluster::Cluster;
use crate::domain::id::OperationId;
use crate::domain::operation::{Forecast, Operation, OperationState, OperationType};

/// An operation with the name of its cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedOperation {
    pub operation: Operation,
    pub cluster: String,
}

impl App {
    pub async fn list_operation_types(
        &self,
        caller: &Caller,
        cluster: &str,
    ) -> Result<Vec<OperationType>, AppError> {
        let cluster = self.find_cluster(caller, cluster).await?;
        self.engine.operation_types(&cluster).await
    }

    pub async fn preview_operation(
        &self,
        caller: &Caller,
        cluster: &str,
        wanted: OperationWanted,
    ) -> Result<Forecast, AppError> {
        caller.may_write()?;
        let cluster = self.find_cluster(caller, cluster).await?;
        self.engine.preview(&cluster, wanted).await
    }

    /// The reconciler carries it out.
    pub async fn run_operation(
        &self,
        caller: &Caller,
        cluster: &str,
        wanted: OperationWanted,
    ) -> Result<NamedOperation, AppError> {
        caller.may_write()?;
        let cluster = self.find_cluster(caller, cluster).await?;
        let operation = self.engine.operate(&cluster, wanted, &caller.by).await?;
        self.engine.nudge(&cluster.id);
        Ok(NamedOperation { operation, cluster: cluster.name })
    }

    /// Newest first.
    pub async fn list_operations(
        &self,
        caller: &Caller,
        cluster: Option<&str>,
        states: &[OperationState],
        after: Option<&OperationId>,
        limit: u32,
    ) -> Result<Vec<NamedOperation>, AppError> {
        let cluster = match cluster {
            Some(name) => Some(self.find_cluster(caller, name).await?),
            None => None,
        };
        let id = cluster.as_ref().map(|cluster| &cluster.id);
        let found = self.store.list_operations(&caller.organization, id, states, after, limit).await?;
        let mut names = BTreeMap::new();
        let mut named = Vec::with_capacity(found.len());
        for operation in found {
            if !names.contains_key(&operation.cluster) {
                let cluster = self.store.find_cluster_by_id(&operation.cluster).await?;
                names.insert(
                    operation.cluster.clone(),
                    cluster.map(|cluster| cluster.name).unwrap_or_default(),
                );
            }
            let cluster = names.get(&operation.cluster).cloned().unwrap_or_default();
            named.push(NamedOperation { operation, cluster });
        }
        Ok(named)
    }

    pub async fn show_operation(
        &self,
        caller: &Caller,
        id: &OperationId,
    ) -> Result<NamedOperation, AppError> {
        let (operation, cluster) = self.find_operation(caller, id).await?;
        Ok(NamedOperation { operation, cluster: cluster.name })
    }

    pub async fn cancel_operation(
        &self,
        caller: &Caller,
        id: &OperationId,
    ) -> Result<NamedOperation, AppError> {
        caller.may_write()?;
        let (_, cluster) = self.find_operation(caller, id).await?;
        let operation = self.engine.cancel_operation(&cluster, id, &caller.by).await?;
        self.engine.nudge(&cluster.id);
        Ok(NamedOperation { operation, cluster: cluster.name })
    }

    pub async fn undo_operation(
        &self,
        caller: &Caller,
        id: &OperationId,
        allow_destructive: bool,
    ) -> Result<NamedOperation, AppError> {
        caller.may_write()?;
        let (undone, cluster) = self.find_operation(caller, id).await?;
        let undoing = self.engine.undo_operation(&cluster, &undone, allow_destructive, &caller.by);
        let operation = undoing.await?;
        self.engine.nudge(&cluster.id);
        Ok(NamedOperation { operation, cluster: cluster.name })
    }

    /// An operation of another organization is not there.
    async fn find_operation(
        &self,
        caller: &Caller,
        id: &OperationId,
    ) -> Result<(Operation, Cluster), AppError> {
        let missing = || AppError::not_found("operation", id.as_str());
        let operation = self.store.find_operation(id).await?.ok_or_else(missing)?;
        let cluster = self.store.find_cluster_by_id(&operation.cluster).await?;
        let cluster =
            cluster.filter(|cluster| cluster.organization == caller.organization).ok_or_else(missing)?;
        Ok((operation, cluster))
    }
}
