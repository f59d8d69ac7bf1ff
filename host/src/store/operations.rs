//! Operations that somebody asked for.

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::columns::{Columns, json, json_maybe, word};
use super::statement::Statement;
use super::{Store, StoreError, Tx};
use crate::domain::id::{ClusterId, OperationId, OrganizationId};
use crate::domain::operation::{Operation, OperationState};

const SELECT: &str = "
    select id, cluster_id, name, subject, input, destructive, state, created_by, request_id, created_at_ms, started_at_ms,
        ended_at_ms, handle, percent, cancelled_by, message, output, failures, undo, undoes, version
    from operations";

impl Store {
    pub async fn find_operation(&self, id: &OperationId) -> Result<Option<Operation>, StoreError> {
        let mut select = Statement::new(SELECT);
        select.push(" where id = ").bind(id.as_str());
        let mut connection = self.reader().await?;
        Ok(operations(&mut connection, select).await?.pop())
    }

    /// Newest first, those made before `after`.
    pub async fn list_operations(
        &self,
        organization: &OrganizationId,
        cluster: Option<&ClusterId>,
        states: &[OperationState],
        after: Option<&OperationId>,
        limit: u32,
    ) -> Result<Vec<Operation>, StoreError> {
        let mut select = Statement::new(SELECT);
        select.push(" where organization_id = ").bind(organization.as_str());
        if let Some(cluster) = cluster {
            select.push(" and cluster_id = ").bind(cluster.as_str());
        }
        select.among("state", states)?;
        if let Some(after) = after {
            select.push(" and id < ").bind(after.as_str());
        }
        select.push(" order by id desc limit ").bind(i64::from(limit));
        let mut connection = self.reader().await?;
        operations(&mut connection, select).await
    }

    /// Those of a cluster that have not ended, the oldest first.
    pub async fn open_operations(&self, cluster: &ClusterId) -> Result<Vec<Operation>, StoreError> {
        let mut select = Statement::new(SELECT);
        select.push(" where cluster_id = ").bind(cluster.as_str());
        select.among("state", &[OperationState::Waiting, OperationState::Running])?;
        select.push(" order by id");
        let mut connection = self.reader().await?;
        operations(&mut connection, select).await
    }
}

impl Tx {
    pub async fn insert_operation(&mut self, operation: &Operation) -> Result<(), StoreError> {
        let organization = self.organization_of(&operation.cluster).await?;
        let mut insert = Statement::new(
            "insert into operations (id, organization_id, cluster_id, name, subject, input, destructive, state,
                created_by, request_id, created_at_ms, failures, undoes, version)
            values ",
        );
        insert.rows(&[operation], |row, operation| {
            row.bind(operation.id.as_str())
                .bind(organization.as_str())
                .bind(operation.cluster.as_str())
                .bind(operation.name.as_str())
                .bind(json("subject", &operation.subject)?)
                .bind(json("input", &operation.input)?)
                .bind(i64::from(operation.destructive))
                .bind(word("state", &operation.state)?)
                .bind(operation.created_by.as_str())
                .bind(operation.request_id.clone())
                .bind(operation.created_at_ms)
                .bind(json("failures", &operation.failures)?)
                .bind(operation.undoes.as_ref().map(ToString::to_string))
                .bind(operation.version);
            Ok(())
        })?;
        insert.execute(self.connection()).await?;
        Ok(())
    }

    /// What becomes of it. Guarded by the version, which grows; `false`: it changed meanwhile.
    pub async fn save_operation(&mut self, operation: &mut Operation) -> Result<bool, StoreError> {
        let mut update = Statement::new("update operations set state = ");
        update.bind(word("state", &operation.state)?);
        update.push(", started_at_ms = ").bind(operation.started_at_ms);
        update.push(", ended_at_ms = ").bind(operation.ended_at_ms);
        update.push(", handle = ").bind(operation.handle.clone());
        update.push(", percent = ").bind(operation.percent.map(i64::from));
        update.push(", cancelled_by = ").bind(operation.cancelled_by.clone());
        update.push(", message = ").bind(operation.message.clone());
        update.push(", output = ").bind(json_maybe("output", operation.output.as_ref())?);
        update.push(", failures = ").bind(json("failures", &operation.failures)?);
        update.push(", undo = ").bind(json_maybe("undo", operation.undo.as_ref())?);
        update.push(", version = version + 1 where id = ").bind(operation.id.as_str());
        update.push(" and version = ").bind(operation.version);
        let saved = update.execute(self.connection()).await? == 1;
        operation.version += i64::from(saved);
        Ok(saved)
    }
}

async fn operations(connection: &mut AnyConnection, select: Statement) -> Result<Vec<Operation>, StoreError> {
    select.fetch_all(connection).await?.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Operation, StoreError> {
    let mut columns = Columns::of(row, "operations");
    Ok(Operation {
        id: OperationId(columns.text()?),
        cluster: ClusterId(columns.text()?),
        name: columns.text()?,
        subject: columns.json()?,
        input: columns.json()?,
        destructive: columns.flag()?,
        state: columns.word()?,
        created_by: columns.text()?,
        request_id: columns.text_maybe()?,
        created_at_ms: columns.int()?,
        started_at_ms: columns.int_maybe()?,
        ended_at_ms: columns.int_maybe()?,
        handle: columns.text_maybe()?,
        percent: columns.int_maybe()?.map(|percent| u8::try_from(percent).unwrap_or(100)),
        cancelled_by: columns.text_maybe()?,
        message: columns.text_maybe()?,
        output: columns.json_maybe()?,
        failures: columns.json()?,
        undo: columns.json_maybe()?,
        undoes: columns.text_maybe()?.map(OperationId),
        version: columns.int()?,
    })
}
