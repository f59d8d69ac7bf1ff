//! Records: kept in the transaction of the change that they speak of, in batches, and searched.

use sqlx::any::AnyRow;

use super::belongings::{Belongings, belongings};
use super::columns::{Columns, json_maybe, word};
use super::resources::like;
use super::statement::{ROWS_MAX, Statement};
use super::{Store, StoreError, Tx};
use crate::domain::cluster::Cluster;
use crate::domain::id::{ClusterId, OrganizationId, RecordId};
use crate::domain::record::{By, Change, Record, RecordFilter, RecordOutcome};

impl Store {
    /// Newest first, those kept before `after`.
    pub async fn list_records(
        &self,
        organization: &OrganizationId,
        filter: &RecordFilter,
        after: Option<&RecordId>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let mut select = Statement::new(
            "select id, at_ms, organization_id, cluster_id, cluster_name, actor, request_id, action, subject, part_of,
                before, after, outcome, message
            from records
            where organization_id = ",
        );
        select.bind(organization.as_str());
        narrow(&mut select, filter)?;
        if let Some(after) = after {
            select.push(" and id < ").bind(after.as_str());
        }
        select.push(" order by id desc limit ").bind(i64::from(limit));
        let mut connection = self.reader().await?;
        select.fetch_all(&mut connection).await?.iter().map(read).collect()
    }
}

fn narrow(select: &mut Statement, filter: &RecordFilter) -> Result<(), StoreError> {
    let same = [
        (" and cluster_name = ", &filter.cluster),
        (" and actor = ", &filter.actor),
        (" and request_id = ", &filter.request_id),
        (" and part_of = ", &filter.part_of),
    ];
    for (condition, value) in same {
        if let Some(value) = value {
            select.push(condition).bind(value.clone());
        }
    }
    if let Some(action) = &filter.action {
        select.push(" and action like ").bind(like(&format!("{action}*"))).push(" escape '!'");
    }
    if let Some(subject) = &filter.subject {
        let pattern = like(&format!("*{}*", subject.to_ascii_lowercase()));
        select.push(" and lower(subject) like ").bind(pattern).push(" escape '!'");
    }
    select.among("outcome", &filter.outcomes)?;
    if let Some(since_ms) = filter.since_ms {
        select.push(" and at_ms >= ").bind(since_ms);
    }
    if let Some(until_ms) = filter.until_ms {
        select.push(" and at_ms < ").bind(until_ms);
    }
    Ok(())
}

impl Tx {
    /// Keeps what was done, in that order, and by whom. The cluster's name is kept as it is now.
    pub async fn keep(
        &mut self,
        organization: &OrganizationId,
        cluster: Option<&Cluster>,
        by: &By,
        changes: &[Change],
    ) -> Result<(), StoreError> {
        let at_ms = self.store.inner.clock.now_ms();
        for changes in changes.chunks(ROWS_MAX) {
            let mut insert = Statement::new(
                "insert into records (id, at_ms, organization_id, cluster_id, cluster_name, actor, request_id, action,
                    subject, part_of, before, after, outcome, message)
                values ",
            );
            let inner = std::sync::Arc::clone(&self.store.inner);
            insert.rows(changes, |row, change| {
                row.bind(inner.next_id())
                    .bind(at_ms)
                    .bind(organization.as_str())
                    .bind(cluster.map(|cluster| cluster.id.to_string()))
                    .bind(cluster.map(|cluster| cluster.name.clone()))
                    .bind(by.actor.as_str())
                    .bind(by.request_id.clone())
                    .bind(change.action.as_str())
                    .bind(change.subject.as_str())
                    .bind(change.part_of.clone())
                    .bind(json_maybe("before", change.before.as_ref())?)
                    .bind(json_maybe("after", change.after.as_ref())?)
                    .bind(word("outcome", &change.outcome)?)
                    .bind(change.message.clone());
                Ok(())
            })?;
            insert.execute(self.connection()).await?;
        }
        self.kept.extend(changes.iter().map(|change| Kept::of(cluster, by, change)));
        Ok(())
    }

    pub async fn prune_records(&mut self, before_ms: i64) -> Result<u64, StoreError> {
        let pruned = sqlx::query("delete from records where at_ms < $1")
            .bind(before_ms)
            .execute(self.connection())
            .await?;
        Ok(pruned.rows_affected())
    }

    /// What goes with a cluster when it is removed, as it stands in this transaction.
    pub async fn count_belongings(&mut self, cluster: &ClusterId) -> Result<Belongings, StoreError> {
        belongings(self.connection(), cluster).await
    }
}

/// What the log says of a record, once it is committed.
pub(super) struct Kept {
    cluster: String,
    by: By,
    action: String,
    subject: String,
    outcome: RecordOutcome,
}

impl Kept {
    fn of(cluster: Option<&Cluster>, by: &By, change: &Change) -> Self {
        Self {
            cluster: cluster.map(|cluster| cluster.name.clone()).unwrap_or_default(),
            by: by.clone(),
            action: change.action.clone(),
            subject: change.subject.clone(),
            outcome: change.outcome,
        }
    }

    pub(super) fn log(&self) {
        use crate::domain::stream::OPERATION;
        let Self { cluster, by, action, subject, outcome } = self;
        let (actor, request, outcome) = (&by.actor, by.request_id.as_deref(), outcome.word());
        // A plan of thousands of steps is one line; each of them is there for whoever asks.
        if action.starts_with("step.") {
            tracing::debug!(target: OPERATION, actor, request, cluster, action, subject, outcome, "recorded");
        } else {
            tracing::info!(target: OPERATION, actor, request, cluster, action, subject, outcome, "recorded");
        }
    }
}

fn read(row: &AnyRow) -> Result<Record, StoreError> {
    let mut columns = Columns::of(row, "records");
    Ok(Record {
        id: RecordId(columns.text()?),
        at_ms: columns.int()?,
        organization: OrganizationId(columns.text()?),
        cluster: columns.text_maybe()?.map(ClusterId),
        cluster_name: columns.text_maybe()?,
        by: By { actor: columns.text()?, request_id: columns.text_maybe()? },
        change: Change {
            action: columns.text()?,
            subject: columns.text()?,
            part_of: columns.text_maybe()?,
            before: columns.json_maybe()?,
            after: columns.json_maybe()?,
            outcome: columns.word()?,
            message: columns.text_maybe()?,
        },
    })
}
