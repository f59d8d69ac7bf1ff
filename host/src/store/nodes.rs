//! Nodes as discovery showed them. One that is gone stays with health `unknown`: places are remembered.

use std::collections::BTreeMap;

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::columns::{Columns, json};
use super::statement::{ROWS_MAX, Statement};
use super::{Store, StoreError, Tx};
use crate::domain::cluster::{Health, Node};
use crate::domain::id::ClusterId;

/// An unchanged node's row is written this often at most: an unchanged cluster writes next to nothing.
const SEEN_EVERY_MS: i64 = 60_000;

impl Store {
    /// By id, each with the Unix time in ms when it was last seen (a minute less exact where nothing changed).
    pub async fn list_nodes(&self, cluster: &ClusterId) -> Result<Vec<(Node, i64)>, StoreError> {
        let mut connection = self.reader().await?;
        nodes(&mut connection, cluster).await
    }
}

impl Tx {
    /// What discovery showed at `at_ms`: writes only what differs.
    pub async fn save_nodes(
        &mut self,
        cluster: &ClusterId,
        discovered: &[Node],
        at_ms: i64,
    ) -> Result<(), StoreError> {
        let organization = self.organization_of(cluster).await?;
        let mut known: BTreeMap<String, (Node, i64)> = nodes(self.connection(), cluster)
            .await?
            .into_iter()
            .map(|(node, seen_at_ms)| (node.id.clone(), (node, seen_at_ms)))
            .collect();
        let mut changed = Vec::new();
        for node in discovered {
            match known.remove(&node.id) {
                Some((before, seen_at_ms)) if before == *node && at_ms - seen_at_ms < SEEN_EVERY_MS => {}
                Some(_) | None => changed.push((node.clone(), at_ms)),
            }
        }
        for (mut gone, seen_at_ms) in known.into_values() {
            if gone.health != Health::Unknown {
                gone.health = Health::Unknown;
                changed.push((gone, seen_at_ms));
            }
        }
        for rows in changed.chunks(ROWS_MAX) {
            let mut upsert = Statement::new(
                "insert into nodes (cluster_id, id, organization_id, document, seen_at_ms) values ",
            );
            upsert.rows(rows, |row, (node, seen_at_ms)| {
                row.bind(cluster.as_str()).bind(node.id.as_str()).bind(organization.as_str());
                row.bind(json("node", node)?).bind(*seen_at_ms);
                Ok(())
            })?;
            upsert.push(
                " on conflict (cluster_id, id) do update
                set document = excluded.document, seen_at_ms = excluded.seen_at_ms",
            );
            upsert.execute(self.connection()).await?;
        }
        Ok(())
    }

    /// A person's word that a node will not come back.
    pub async fn delete_node(&mut self, cluster: &ClusterId, id: &str) -> Result<(), StoreError> {
        sqlx::query("delete from nodes where cluster_id = $1 and id = $2")
            .bind(cluster.as_str())
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

async fn nodes(connection: &mut AnyConnection, cluster: &ClusterId) -> Result<Vec<(Node, i64)>, StoreError> {
    sqlx::query("select document, seen_at_ms from nodes where cluster_id = $1 order by id")
        .bind(cluster.as_str())
        .fetch_all(connection)
        .await?
        .iter()
        .map(read_node)
        .collect()
}

fn read_node(row: &AnyRow) -> Result<(Node, i64), StoreError> {
    let mut columns = Columns::of(row, "nodes");
    Ok((columns.json()?, columns.int()?))
}
