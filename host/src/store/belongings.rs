//! What goes with a cluster when it is removed, counted.

use std::collections::BTreeMap;

use sqlx::AnyConnection;

use super::columns::Columns;
use super::statement::Statement;
use super::{Store, StoreError};
use crate::domain::id::ClusterId;

/// By noun, then by its type or state (empty where the noun has neither).
pub type Belongings = BTreeMap<String, BTreeMap<String, u64>>;

const PARTS: [(&str, &str); 9] = [
    ("select 'resources', type, count(*) from resources where cluster_id = ", " group by type"),
    (
        " union all select 'owned', type, count(*) from resources where owned = 1 and cluster_id = ",
        " group by type",
    ),
    (
        " union all select 'wishes', type, count(*) from resources where desired is not null and cluster_id = ",
        " group by type",
    ),
    (" union all select 'plans', state, count(*) from plans where cluster_id = ", " group by state"),
    (
        " union all select 'operations', state, count(*) from operations where cluster_id = ",
        " group by state",
    ),
    (" union all select 'nodes', '', count(*) from nodes where cluster_id = ", ""),
    (" union all select 'policies', '', count(*) from policies where cluster_id = ", ""),
    (" union all select 'standing_wishes', '', count(*) from standing_wishes where cluster_id = ", ""),
    (" union all select 'secrets', '', count(*) from secrets where cluster_id = ", ""),
];

impl Store {
    /// What there is none of is left out.
    pub async fn count_belongings(&self, cluster: &ClusterId) -> Result<Belongings, StoreError> {
        let mut connection = self.reader().await?;
        belongings(&mut connection, cluster).await
    }
}

pub(super) async fn belongings(
    connection: &mut AnyConnection,
    cluster: &ClusterId,
) -> Result<Belongings, StoreError> {
    let mut select = Statement::new("");
    for (part, grouped) in PARTS {
        select.push(part).bind(cluster.as_str()).push(grouped);
    }
    let mut belongings = Belongings::new();
    for row in &select.fetch_all(connection).await? {
        let mut columns = Columns::of(row, "clusters");
        let (noun, word, count) = (columns.text()?, columns.text()?, columns.number()?);
        if count > 0 {
            belongings.entry(noun).or_default().insert(word, count);
        }
    }
    Ok(belongings)
}
