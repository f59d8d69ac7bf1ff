//! Policies of a cluster, narrowed on its types and resources.

use super::columns::{Columns, json};
use super::{Store, StoreError, Tx};
use crate::domain::id::ClusterId;
use crate::domain::policy::{PolicyEntry, PolicySubject};

impl Store {
    /// From the widest to the narrowest.
    pub async fn list_policies(&self, cluster: &ClusterId) -> Result<Vec<PolicyEntry>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query("select type, id, document from policies where cluster_id = $1 order by type, id")
            .bind(cluster.as_str())
            .fetch_all(&mut *connection)
            .await?
            .iter()
            .map(|row| {
                let mut columns = Columns::of(row, "policies");
                Ok(PolicyEntry {
                    subject: PolicySubject {
                        metadata_type: narrowed(columns.text()?),
                        id: narrowed(columns.text()?),
                    },
                    policy: columns.json()?,
                })
            })
            .collect()
    }
}

impl Tx {
    pub async fn save_policy(&mut self, cluster: &ClusterId, entry: &PolicyEntry) -> Result<(), StoreError> {
        let organization = self.organization_of(cluster).await?;
        sqlx::query(
            "insert into policies (cluster_id, type, id, organization_id, document)
            values ($1, $2, $3, $4, $5)
            on conflict (cluster_id, type, id) do update set document = excluded.document",
        )
        .bind(cluster.as_str())
        .bind(entry.subject.metadata_type.as_deref().unwrap_or(""))
        .bind(entry.subject.id.as_deref().unwrap_or(""))
        .bind(organization.as_str())
        .bind(json("policy", &entry.policy)?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    pub async fn delete_policy(
        &mut self,
        cluster: &ClusterId,
        subject: &PolicySubject,
    ) -> Result<(), StoreError> {
        sqlx::query("delete from policies where cluster_id = $1 and type = $2 and id = $3")
            .bind(cluster.as_str())
            .bind(subject.metadata_type.as_deref().unwrap_or(""))
            .bind(subject.id.as_deref().unwrap_or(""))
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn narrowed(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
