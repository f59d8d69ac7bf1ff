//! Resources of every type: one table, saved in batches and guarded row by row.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::columns::{Columns, json, json_maybe, word};
use super::statement::{ROWS_MAX, Row, Statement};
use super::{Store, StoreError, Tx};
use crate::domain::id::ClusterId;
use crate::domain::place::Place;
use crate::domain::resource::{Resource, ResourceKey};
use crate::domain::status::Status;

/// What to list; everything where nothing is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceFilter {
    /// Ordered by (id, place) within the type; without it by (type, id, place).
    pub metadata_type: Option<String>,
    /// One of these.
    pub statuses: Vec<Status>,
    pub place: Option<Place>,
    /// One of these.
    pub ids: Vec<String>,
    /// Of ids; `*` stands for any run of characters.
    pub pattern: Option<String>,
    pub internal: Option<bool>,
    pub owned: Option<bool>,
    /// The type of the key to go on after, in a list without `metadata_type`.
    pub after_type: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StatusCount {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub place: Place,
    pub status: Status,
    pub count: u64,
}

const SELECT: &str = "
    select r.type, r.id, r.place, r.desired, r.applied, r.presence, r.observed, r.status_document, r.revision,
        r.incarnation, r.internal, r.partial, r.owned, r.owned_incarnation, r.difference, r.activity, r.status,
        r.written_at_ms, r.updated_at_ms, r.version
    from resources r";

impl Store {
    pub async fn find_resource(
        &self,
        cluster: &ClusterId,
        key: &ResourceKey,
    ) -> Result<Option<Resource>, StoreError> {
        Ok(self.find_resources(cluster, std::slice::from_ref(key)).await?.pop())
    }

    /// Those that are there, by key.
    pub async fn find_resources(
        &self,
        cluster: &ClusterId,
        keys: &[ResourceKey],
    ) -> Result<Vec<Resource>, StoreError> {
        let mut connection = self.reader().await?;
        find(&mut connection, cluster, keys).await
    }

    /// Those after (id, place), in bytewise order.
    pub async fn list_resources(
        &self,
        cluster: &ClusterId,
        filter: &ResourceFilter,
        after: Option<(String, Place)>,
        limit: u32,
    ) -> Result<Vec<Resource>, StoreError> {
        let mut select = Statement::new(SELECT);
        select.push(" where r.cluster_id = ").bind(cluster.as_str());
        restrict(&mut select, filter)?;
        match (&filter.metadata_type, after, &filter.after_type) {
            (Some(_), Some((id, place)), _) => {
                select.push(" and (r.id, r.place) > (").bind(id).push(", ").bind(place.to_string()).push(")");
            }
            (None, Some((id, place)), Some(after_type)) => {
                select.push(" and (r.type, r.id, r.place) > (").bind(after_type.as_str());
                select.push(", ").bind(id).push(", ").bind(place.to_string()).push(")");
            }
            (None, Some(_), None) => {
                return Err(StoreError::Value {
                    what: "after",
                    problem: "a list of all types goes on after a type too: give `after_type`".to_owned(),
                });
            }
            (_, None, _) => {}
        }
        select.push(" order by r.type, r.id, r.place limit ").bind(i64::from(limit));
        let mut connection = self.reader().await?;
        select.fetch_all(&mut connection).await?.iter().map(read_resource).collect()
    }

    /// Ids of a type, in bytewise order, of which not every home has a copy or the copies are not the same text. Two texts
    /// may still mean the same: who asks compares. What is the backend's own is left out.
    pub async fn list_uneven_ids(
        &self,
        cluster: &ClusterId,
        metadata_type: &str,
        homes: usize,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query(
            "select id
            from resources
            where cluster_id = $1 and type = $2 and id > $3 and internal = 0 and presence = 'present'
            group by id
            having count(*) <> $4 or min(observed) <> max(observed)
            order by id
            limit $5",
        )
        .bind(cluster.as_str())
        .bind(metadata_type)
        .bind(after.unwrap_or(""))
        .bind(i64::try_from(homes).unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await?
        .iter()
        .map(|row| Columns::of(row, "resources").text())
        .collect()
    }

    /// By type and place: a cluster's, a group's and a node's status are sums of these.
    pub async fn count_resources(&self, cluster: &ClusterId) -> Result<Vec<StatusCount>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query(
            "select type, place, status, count(*)
            from resources
            where cluster_id = $1
            group by type, place, status
            order by type, place, status",
        )
        .bind(cluster.as_str())
        .fetch_all(&mut *connection)
        .await?
        .iter()
        .map(|row| {
            let mut columns = Columns::of(row, "resources");
            Ok(StatusCount {
                metadata_type: columns.text()?,
                place: columns.parsed()?,
                status: columns.word()?,
                count: columns.number()?,
            })
        })
        .collect()
    }
}

impl Tx {
    /// As `Store::find_resources`, but as this transaction sees them.
    pub async fn find_resources(
        &mut self,
        cluster: &ClusterId,
        keys: &[ResourceKey],
    ) -> Result<Vec<Resource>, StoreError> {
        find(self.connection(), cluster, keys).await
    }

    /// Inserts those of version 0, updates the others, and counts their versions up. Answers the keys that were not
    /// saved: their row changed, appeared or went meanwhile.
    pub async fn save_resources(
        &mut self,
        cluster: &ClusterId,
        resources: &mut [Resource],
    ) -> Result<Vec<ResourceKey>, StoreError> {
        if resources.is_empty() {
            return Ok(Vec::new());
        }
        let organization = self.organization_of(cluster).await?;
        let (fresh, known): (Vec<&Resource>, Vec<&Resource>) =
            resources.iter().partition(|resource| resource.version == 0);
        let mut saved = BTreeSet::new();
        for rows in fresh.chunks(ROWS_MAX) {
            let insert = insert(cluster, organization.as_str(), rows)?;
            saved.extend(read_keys(&insert.fetch_all(self.connection()).await?)?);
        }
        for rows in known.chunks(ROWS_MAX) {
            let update = update(cluster, rows)?;
            saved.extend(read_keys(&update.fetch_all(self.connection()).await?)?);
        }
        let mut refused = Vec::new();
        for resource in resources {
            if saved.contains(&resource.key) {
                resource.version += 1;
            } else {
                refused.push(resource.key.clone());
            }
        }
        Ok(refused)
    }

    pub async fn delete_resources(
        &mut self,
        cluster: &ClusterId,
        keys: &[ResourceKey],
    ) -> Result<(), StoreError> {
        for keys in keys.chunks(ROWS_MAX) {
            let mut delete = Statement::new("delete from resources where cluster_id = ");
            delete.bind(cluster.as_str());
            delete
                .push(" and (type, id, place) in (values ")
                .rows(keys, |row, key| {
                    bind_key(row, key);
                    Ok(())
                })?
                .push(")");
            delete.execute(self.connection()).await?;
        }
        Ok(())
    }
}

async fn find(
    connection: &mut AnyConnection,
    cluster: &ClusterId,
    keys: &[ResourceKey],
) -> Result<Vec<Resource>, StoreError> {
    let mut found = BTreeMap::new();
    for keys in keys.chunks(ROWS_MAX) {
        // Joined, so that each key is one look-up in the primary key.
        let mut select = Statement::new("with wanted (k_type, k_id, k_place) as (values ");
        select
            .rows(keys, |row, key| {
                bind_key(row, key);
                Ok(())
            })?
            .push(")")
            .push(SELECT);
        select.push(" join wanted on r.type = k_type and r.id = k_id and r.place = k_place");
        select.push(" where r.cluster_id = ").bind(cluster.as_str());
        for row in &select.fetch_all(connection).await? {
            let resource = read_resource(row)?;
            found.insert(resource.key.clone(), resource);
        }
    }
    Ok(found.into_values().collect())
}

fn restrict(select: &mut Statement, filter: &ResourceFilter) -> Result<(), StoreError> {
    if let Some(metadata_type) = &filter.metadata_type {
        select.push(" and r.type = ").bind(metadata_type.as_str());
    }
    select.among("r.status", &filter.statuses)?;
    if let Some(place) = &filter.place {
        select.push(" and r.place = ").bind(place.to_string());
    }
    if !filter.ids.is_empty() {
        select.push(" and r.id in (").list(filter.ids.iter().map(String::as_str)).push(")");
    }
    if let Some(pattern) = &filter.pattern {
        select.push(" and r.id like ").bind(like(pattern)).push(" escape '!'");
    }
    if let Some(internal) = filter.internal {
        select.push(" and r.internal = ").bind(i64::from(internal));
    }
    if let Some(owned) = filter.owned {
        select.push(" and r.owned = ").bind(i64::from(owned));
    }
    Ok(())
}

/// `*` of a pattern as `like` spells it, everything else as it is.
pub(super) fn like(pattern: &str) -> String {
    pattern.replace('!', "!!").replace('%', "!%").replace('_', "!_").replace('*', "%")
}

fn insert(cluster: &ClusterId, organization: &str, rows: &[&Resource]) -> Result<Statement, StoreError> {
    let mut insert = Statement::new(
        "insert into resources (type, id, place, desired, applied, presence, observed, status_document, revision,
            incarnation, internal, partial, owned, owned_incarnation, difference, activity, status, written_at_ms,
            updated_at_ms, version, cluster_id, organization_id)
        values ",
    );
    insert.rows(rows, |row, resource| {
        bind_resource(row, resource)?;
        row.bind(1_i64).bind(cluster.as_str()).bind(organization);
        Ok(())
    })?;
    insert.push(" on conflict do nothing returning type, id, place");
    Ok(insert)
}

fn update(cluster: &ClusterId, rows: &[&Resource]) -> Result<Statement, StoreError> {
    let mut update = Statement::new(
        "with given (k_type, k_id, k_place, n_desired, n_applied, n_presence, n_observed, n_status_document,
            n_revision, n_incarnation, n_internal, n_partial, n_owned, n_owned_incarnation, n_difference, n_activity,
            n_status, n_written_at_ms, n_updated_at_ms, k_version) as (values ",
    );
    update.rows(rows, |row, resource| {
        bind_resource(row, resource)?;
        row.bind(resource.version);
        Ok(())
    })?;
    update.push(
        ")
        update resources
        set desired = n_desired, applied = n_applied, presence = n_presence, observed = n_observed,
            status_document = n_status_document, revision = n_revision, incarnation = n_incarnation,
            internal = n_internal, partial = n_partial, owned = n_owned, owned_incarnation = n_owned_incarnation,
            difference = n_difference, activity = n_activity, status = n_status, written_at_ms = n_written_at_ms,
            updated_at_ms = n_updated_at_ms, version = k_version + 1
        from given
        where type = k_type and id = k_id and place = k_place and version = k_version and cluster_id = ",
    );
    update.bind(cluster.as_str()).push(" returning type, id, place");
    Ok(update)
}

fn bind_key(row: &mut Row<'_>, key: &ResourceKey) {
    row.bind(key.metadata_type.as_str()).bind(key.id.as_str()).bind(key.place.to_string());
}

/// Everything but the version.
fn bind_resource(row: &mut Row<'_>, resource: &Resource) -> Result<(), StoreError> {
    bind_key(row, &resource.key);
    row.bind(json_maybe("desired", resource.desired.as_ref())?)
        .bind(json_maybe("applied", resource.applied.as_ref())?)
        .bind(word("presence", &resource.presence)?)
        .bind(json("observed", &resource.observed)?)
        .bind(json("status document", &resource.status_document)?)
        .bind(resource.revision.clone())
        .bind(resource.incarnation.clone())
        .bind(i64::from(resource.internal))
        .bind(i64::from(resource.partial))
        .bind(i64::from(resource.owned))
        .bind(resource.owned_incarnation.clone())
        .bind(word("difference", &resource.difference)?)
        .bind(json("activity", &resource.activity)?)
        .bind(word("status", &resource.status)?)
        .bind(resource.written_at_ms)
        .bind(resource.updated_at_ms);
    Ok(())
}

fn read_keys(rows: &[AnyRow]) -> Result<Vec<ResourceKey>, StoreError> {
    rows.iter().map(|row| read_key(&mut Columns::of(row, "resources"))).collect()
}

pub(super) fn read_key(columns: &mut Columns<'_>) -> Result<ResourceKey, StoreError> {
    Ok(ResourceKey { metadata_type: columns.text()?, id: columns.text()?, place: columns.parsed()? })
}

fn read_resource(row: &AnyRow) -> Result<Resource, StoreError> {
    let mut columns = Columns::of(row, "resources");
    Ok(Resource {
        key: read_key(&mut columns)?,
        desired: columns.json_maybe()?,
        applied: columns.json_maybe()?,
        presence: columns.word()?,
        observed: columns.json()?,
        status_document: columns.json()?,
        revision: columns.text_maybe()?,
        incarnation: columns.text_maybe()?,
        internal: columns.flag()?,
        partial: columns.flag()?,
        owned: columns.flag()?,
        owned_incarnation: columns.text_maybe()?,
        difference: columns.word()?,
        activity: columns.json()?,
        status: columns.word()?,
        written_at_ms: columns.int_maybe()?,
        updated_at_ms: columns.int()?,
        version: columns.int()?,
    })
}
