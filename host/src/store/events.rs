//! What happened, as a list that can be read on from any event, and as a live stream.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::Row;

use super::columns::{Columns, json};
use super::statement::Statement;
use super::{Store, StoreError, Tx};
use crate::domain::id::{ClusterId, EventId, OrganizationId};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Given when it is inserted: what stands here before is not looked at.
    pub id: EventId,
    pub at_ms: i64,
    pub organization: OrganizationId,
    pub cluster: Option<ClusterId>,
    /// `plan.applied`, `resource.drifted`, `cluster.unreachable`, …
    pub kind: String,
    /// What it happened to, for a person.
    pub subject: String,
    pub data: Value,
    /// Who did it: a token's name, or `headgate`.
    pub actor: String,
}

impl Store {
    /// Those after `after`, oldest first.
    pub async fn list_events(
        &self,
        organization: &OrganizationId,
        cluster: Option<&ClusterId>,
        after: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let mut select = Statement::new(
            "select id, at_ms, organization_id, cluster_id, kind, subject, data, actor
            from events
            where organization_id = ",
        );
        select.bind(organization.as_str());
        select.push(" and id > ").bind(after.map_or("", EventId::as_str));
        if let Some(cluster) = cluster {
            select.push(" and cluster_id = ").bind(cluster.as_str());
        }
        select.push(" order by id limit ").bind(i64::from(limit));
        let mut connection = self.reader().await?;
        let rows = select.fetch_all(&mut connection).await?;
        let read = |row| {
            let mut columns = Columns::of(row, "events");
            Ok(Event {
                id: EventId(columns.text()?),
                at_ms: columns.int()?,
                organization: OrganizationId(columns.text()?),
                cluster: columns.text_maybe()?.map(ClusterId),
                kind: columns.text()?,
                subject: columns.text()?,
                data: columns.json()?,
                actor: columns.text()?,
            })
        };
        rows.iter().map(read).collect()
    }

    pub async fn newest_event_id(&self) -> Result<Option<EventId>, StoreError> {
        let mut connection = self.reader().await?;
        let row = sqlx::query("select max(id) from events").fetch_one(&mut *connection).await?;
        Ok(row.try_get::<Option<String>, _>(0)?.map(EventId))
    }
}

impl Tx {
    /// Gives the event its id, which is greater than that of every event committed before, and answers it.
    pub async fn insert_event(&mut self, event: &Event) -> Result<EventId, StoreError> {
        let event = Event { id: EventId(self.store.inner.next_id()), ..event.clone() };
        sqlx::query(
            "insert into events (id, at_ms, organization_id, cluster_id, kind, subject, data, actor)
            values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(event.id.as_str())
        .bind(event.at_ms)
        .bind(event.organization.as_str())
        .bind(event.cluster.as_ref().map(ClusterId::as_str))
        .bind(event.kind.as_str())
        .bind(event.subject.as_str())
        .bind(json("event", &event.data)?)
        .bind(event.actor.as_str())
        .execute(self.connection())
        .await?;
        let id = event.id.clone();
        self.events.push(event);
        Ok(id)
    }

    pub async fn prune_events(&mut self, before_ms: i64) -> Result<u64, StoreError> {
        let pruned = sqlx::query("delete from events where at_ms < $1")
            .bind(before_ms)
            .execute(self.connection())
            .await?;
        Ok(pruned.rows_affected())
    }
}
