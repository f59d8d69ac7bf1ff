//! Carries out what was asked for: sent once, then asked about until it ends.

use serde_json::json;

use super::SAVES_MAX;
use crate::domain::cluster::Cluster;
use crate::domain::id::ClusterId;
use crate::domain::operation::{Operation, OperationState};
use crate::domain::record::Change;
use crate::domain::stream::OPERATION;
use crate::pipelines::sync::session::Session;
use crate::pipelines::sync::{Sync, SyncError, Told};
use crate::plugins::driver::CallError;

/// What one go over a cluster's operations did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operated {
    pub ended: usize,
    /// Go on in the backend: ask again soon.
    pub running: usize,
}

impl Sync {
    /// All that wait are sent, the oldest first, and those that run are asked about. One go at a time for a cluster.
    pub async fn run_operations(&self, id: &ClusterId) -> Operated {
        let mut operated = Operated::default();
        match self.store.open_operations(id).await {
            Ok(open) if open.is_empty() => {}
            Ok(open) => {
                if let Err(error) = self.run_each(id, open, &mut operated).await {
                    tracing::warn!(target: OPERATION, cluster = %id, %error, "operations wait");
                }
            }
            Err(error) => {
                tracing::error!(target: OPERATION, cluster = %id, %error, "open operations could not be read");
            }
        }
        operated
    }

    async fn run_each(
        &self,
        id: &ClusterId,
        open: Vec<Operation>,
        operated: &mut Operated,
    ) -> Result<(), SyncError> {
        let cluster = self.cluster(id).await?;
        if cluster.paused {
            return Ok(());
        }
        for mut operation in open {
            if self.is_stopping() {
                return Ok(());
            }
            self.advance_operation(&cluster, &mut operation).await?;
            match operation.state.is_end() {
                true => operated.ended += 1,
                false => operated.running += 1,
            }
        }
        Ok(())
    }

    async fn advance_operation(&self, cluster: &Cluster, operation: &mut Operation) -> Result<(), SyncError> {
        match (operation.state, operation.handle.clone()) {
            (OperationState::Waiting, _) => {
                if let Some(actor) = operation.cancelled_by.clone() {
                    let message = format!("cancelled by {actor} before it was sent");
                    operation.end(OperationState::Cancelled, message, self.now_ms());
                    return self.save_operation(cluster, operation).await;
                }
                self.send_operation(cluster, operation).await
            }
            (OperationState::Running, Some(handle)) => self.poll_operation(cluster, operation, &handle).await,
            // Another life of the host sent it, and nobody heard the answer.
            (OperationState::Running, None) => {
                let message =
                    "the host stopped while it was sent; look at the cluster before it is run again";
                operation.end(OperationState::Unknown, message.to_owned(), self.now_ms());
                self.save_operation(cluster, operation).await
            }
            (
                OperationState::Done
                | OperationState::Partial
                | OperationState::Failed
                | OperationState::Unknown
                | OperationState::Cancelled,
                _,
            ) => Ok(()),
        }
    }

    async fn send_operation(&self, cluster: &Cluster, operation: &mut Operation) -> Result<(), SyncError> {
        let session = match self.open(cluster).await {
            Ok(session) => session,
            Err(error) => return self.fail_operation(cluster, operation, &error).await,
        };
        operation.start(self.now_ms());
        self.save_operation(cluster, operation).await?;
        if operation.cancelled_by.is_some() {
            // It was cancelled in the moment in which it was taken up.
            let message = "cancelled before it was sent".to_owned();
            operation.end(OperationState::Cancelled, message, self.now_ms());
            return self.save_operation(cluster, operation).await;
        }
        let (subject, input) = (operation.subject.clone(), operation.input.clone());
        tracing::debug!(target: OPERATION, cluster = %cluster.name, id = %operation.id, name = operation.name, "sent");
        match session.driver.run(&operation.name, subject, input, &operation.id).await {
            Ok(progress) => operation.follow(progress, self.now_ms()),
            Err(error) => {
                let state = match &error {
                    CallError::Plugin { .. } => OperationState::Unknown,
                    CallError::Backend(_) | CallError::Busy { .. } | CallError::Refused(_) => {
                        OperationState::Failed
                    }
                };
                operation.end(state, error.to_string(), self.now_ms());
            }
        }
        self.save_operation(cluster, operation).await
    }

    async fn fail_operation(
        &self,
        cluster: &Cluster,
        operation: &mut Operation,
        error: &SyncError,
    ) -> Result<(), SyncError> {
        operation.end(OperationState::Failed, format!("not sent: {error}"), self.now_ms());
        self.save_operation(cluster, operation).await
    }

    /// A cluster that does not answer leaves it running: it is asked again.
    async fn poll_operation(
        &self,
        cluster: &Cluster,
        operation: &mut Operation,
        handle: &str,
    ) -> Result<(), SyncError> {
        let session = self.open(cluster).await?;
        let before = operation.clone();
        if operation.cancelled_by.is_some() {
            self.cancel_in_backend(&session, operation, handle).await;
        }
        match session.driver.poll(handle).await {
            Ok(progress) => operation.follow(progress, self.now_ms()),
            Err(error) => operation.message = Some(format!("not heard of: {error}")),
        }
        // What runs for hours is written when it moves, not at every look.
        if *operation == before { Ok(()) } else { self.save_operation(cluster, operation).await }
    }

    async fn cancel_in_backend(&self, session: &Session, operation: &mut Operation, handle: &str) {
        if let Err(error) = session.driver.cancel(handle).await {
            operation.message = Some(format!("it could not be cancelled: {error}"));
        }
    }

    /// A cancel that came meanwhile is taken in; everything else is the executor's.
    async fn save_operation(&self, cluster: &Cluster, operation: &mut Operation) -> Result<(), SyncError> {
        for _ in 0..SAVES_MAX {
            let mut tx = self.store.begin().await?;
            if tx.save_operation(operation).await? {
                let kind = match operation.state {
                    OperationState::Waiting | OperationState::Running => "operation.progress",
                    OperationState::Done => "operation.done",
                    OperationState::Partial => "operation.partial",
                    OperationState::Failed => "operation.failed",
                    OperationState::Unknown => "operation.unknown",
                    OperationState::Cancelled => "operation.cancelled",
                };
                let data = json!({
                    "name": operation.name, "subject": operation.subject, "percent": operation.percent,
                    "message": operation.message,
                });
                let mut told = Told::new(kind, operation.id.as_str(), data);
                if operation.state.is_end() {
                    told = told.by(&operation.by()).kept(Change::of_operation(operation));
                }
                self.tell(&mut tx, cluster, told).await?;
                tx.commit().await?;
                return Ok(());
            }
            drop(tx);
            let Some(now) = self.store.find_operation(&operation.id).await? else { break };
            operation.cancelled_by = now.cancelled_by;
            operation.version = now.version;
        }
        Err(SyncError::Changed(format!("operation {}", operation.id)))
    }
}
