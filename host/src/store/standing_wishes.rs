//! Wishes that named no place, with the places that they were planned for.

use std::collections::BTreeSet;

use sqlx::any::AnyRow;

use super::columns::{Columns, json};
use super::statement::{ROWS_MAX, Statement};
use super::{Store, StoreError, Tx};
use crate::domain::id::ClusterId;
use crate::domain::place::Place;
use crate::domain::plan::StandingWish;

const SELECT: &str = "select type, id, spec, places from standing_wishes where cluster_id = ";

impl Store {
    /// The sets of places that the wishes of each type were planned for: few, however many wishes there are.
    pub async fn standing_places(
        &self,
        cluster: &ClusterId,
    ) -> Result<Vec<(String, Vec<Place>)>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query(
            "select distinct type, places from standing_wishes where cluster_id = $1 order by type, places",
        )
        .bind(cluster.as_str())
        .fetch_all(&mut *connection)
        .await?
        .iter()
        .map(|row| {
            let mut columns = Columns::of(row, "standing_wishes");
            Ok((columns.text()?, columns.json()?))
        })
        .collect()
    }

    /// Those of a type that were planned for exactly these places and still stand on one of them, by id.
    pub async fn list_standing_wishes(
        &self,
        cluster: &ClusterId,
        metadata_type: &str,
        places: &[Place],
    ) -> Result<Vec<StandingWish>, StoreError> {
        let mut select = Statement::new(SELECT);
        select.bind(cluster.as_str());
        select.push(" and type = ").bind(metadata_type);
        select.push(" and places = ").bind(json("places", places)?);
        select.push(
            " and exists (
                select 1
                from resources
                where resources.cluster_id = standing_wishes.cluster_id and resources.type = standing_wishes.type
                    and resources.id = standing_wishes.id and resources.desired is not null
            )
            order by id",
        );
        let mut connection = self.reader().await?;
        select.fetch_all(&mut connection).await?.iter().map(read).collect()
    }

    /// By (type, id).
    pub async fn find_standing_wishes(
        &self,
        cluster: &ClusterId,
        keys: &BTreeSet<(String, String)>,
    ) -> Result<Vec<StandingWish>, StoreError> {
        let keys: Vec<&(String, String)> = keys.iter().collect();
        let mut found = Vec::new();
        let mut connection = self.reader().await?;
        for keys in keys.chunks(ROWS_MAX) {
            let mut select = Statement::new(SELECT);
            select.bind(cluster.as_str());
            select.push(" and (type, id) in (values ");
            select.rows(keys, |row, (metadata_type, id)| {
                row.bind(metadata_type.as_str()).bind(id.as_str());
                Ok(())
            })?;
            select.push(")");
            for row in &select.fetch_all(&mut connection).await? {
                found.push(read(row)?);
            }
        }
        Ok(found)
    }
}

impl Tx {
    pub async fn save_standing_wish(
        &mut self,
        cluster: &ClusterId,
        wish: &StandingWish,
    ) -> Result<(), StoreError> {
        let organization = self.organization_of(cluster).await?;
        sqlx::query(
            "insert into standing_wishes (cluster_id, type, id, organization_id, spec, places)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (cluster_id, type, id) do update set spec = excluded.spec, places = excluded.places",
        )
        .bind(cluster.as_str())
        .bind(wish.metadata_type.as_str())
        .bind(wish.id.as_str())
        .bind(organization.as_str())
        .bind(json("spec", &wish.spec)?)
        .bind(json("places", &wish.places)?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    pub async fn delete_standing_wish(
        &mut self,
        cluster: &ClusterId,
        metadata_type: &str,
        id: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("delete from standing_wishes where cluster_id = $1 and type = $2 and id = $3")
            .bind(cluster.as_str())
            .bind(metadata_type)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<StandingWish, StoreError> {
    let mut columns = Columns::of(row, "standing_wishes");
    Ok(StandingWish {
        metadata_type: columns.text()?,
        id: columns.text()?,
        spec: columns.json()?,
        places: columns.json()?,
    })
}
