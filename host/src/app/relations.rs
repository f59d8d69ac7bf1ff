//! Relations between clusters: given by hand or found, without circles, and what stands on a cluster when it is to go.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::caller::Caller;
use super::{App, AppError, Happened, Refusal};
use crate::domain::cluster::Cluster;
use crate::domain::id::ClusterId;
use crate::domain::record::Change;
use crate::domain::relation::{Relation, RelationType, way};
use crate::domain::source::Source;

/// A relation by the names of its clusters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedRelation {
    pub from: String,
    pub relation: RelationType,
    pub to: String,
}

/// `pay registers-with zk`
impl std::fmt::Display for NamedRelation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.from, self.relation.word(), self.to)
    }
}

/// With who told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldOfRelation {
    pub edge: NamedRelation,
    pub source: Source,
}

impl App {
    /// In the order of the names; those that begin or end at a cluster where one is given.
    pub async fn list_relations(
        &self,
        caller: &Caller,
        cluster: Option<&str>,
    ) -> Result<Vec<ToldOfRelation>, AppError> {
        if let Some(name) = cluster {
            self.find_cluster(caller, name).await?;
        }
        let names = self.cluster_names(caller).await?;
        let relations = self.store.relation_sources(&caller.organization).await?;
        let told = |(one, source): (&Relation, &Source)| {
            Some(ToldOfRelation { edge: named(one, &names)?, source: *source })
        };
        let mut told: Vec<ToldOfRelation> = relations.iter().filter_map(told).collect();
        told.retain(|one| cluster.is_none_or(|name| one.edge.from == name || one.edge.to == name));
        told.sort_by(|one, other| one.edge.cmp(&other.edge));
        Ok(told)
    }

    pub async fn add_relation(&self, caller: &Caller, wanted: NamedRelation) -> Result<Source, AppError> {
        caller.may_write()?;
        let (from, relation) = self.relation_of(caller, &wanted).await?;
        let sources = self.store.relation_sources(&caller.organization).await?;
        let source = match sources.get(&relation) {
            Some(told @ (Source::Hand | Source::Both)) => return Ok(*told),
            Some(Source::Found) => Source::Both,
            None => Source::Hand,
        };
        let standing: Vec<Relation> = sources.into_keys().filter(|one| *one != relation).collect();
        if let Some(back) = way(&standing, &relation.to, &relation.from) {
            let names = self.cluster_names(caller).await?;
            let name = |id: &ClusterId| names.get(id).cloned().unwrap_or_default();
            let circle: Vec<String> = std::iter::once(&relation.from).chain(&back).map(name).collect();
            let message =
                format!("it would close a circle: {}; take one of these relations off", circle.join(" → "));
            return Err(AppError::refused(Refusal::State, message));
        }
        let mut tx = self.store.begin().await?;
        tx.save_relation(&relation, source, &caller.by.actor, self.now_ms()).await?;
        self.record(&mut tx, caller, happened(&from, "relation.added", "relation.add", &wanted)).await?;
        tx.commit().await?;
        Ok(source)
    }

    pub async fn remove_relation(&self, caller: &Caller, unwanted: NamedRelation) -> Result<(), AppError> {
        caller.may_write()?;
        let (from, relation) = self.relation_of(caller, &unwanted).await?;
        let source = self.store.relation_sources(&caller.organization).await?.remove(&relation);
        let mut tx = self.store.begin().await?;
        match source {
            None => return Err(AppError::not_found("relation", unwanted.to_string())),
            Some(Source::Found) => {
                let message = format!(
                    "the configuration of `{}` itself names `{}`: it would be found again",
                    unwanted.from, unwanted.to
                );
                return Err(AppError::refused(Refusal::State, message));
            }
            Some(Source::Both) => {
                tx.save_relation(&relation, Source::Found, &caller.by.actor, self.now_ms()).await?;
            }
            Some(Source::Hand) => drop(tx.delete_relation(&relation).await?),
        }
        self.record(&mut tx, caller, happened(&from, "relation.removed", "relation.remove", &unwanted))
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removal is refused while others stand on the cluster, unless each of them is named.
    pub(super) async fn refuse_while_depended_on(
        &self,
        caller: &Caller,
        cluster: &Cluster,
        despite: &[String],
    ) -> Result<(), AppError> {
        let relations = self.list_relations(caller, Some(&cluster.name)).await?;
        let dependants = dependants(&relations, &cluster.name);
        let left: Vec<&str> =
            dependants.iter().filter(|name| !despite.contains(name)).map(String::as_str).collect();
        if left.is_empty() {
            return Ok(());
        }
        let (left, all) = (left.join(", "), dependants.iter().cloned().collect::<Vec<_>>().join(","));
        let message =
            format!("{left} stands on `{}`; where it is to go all the same: --despite {all}", cluster.name);
        Err(AppError::refused(Refusal::State, message))
    }

    async fn relation_of(
        &self,
        caller: &Caller,
        named: &NamedRelation,
    ) -> Result<(Cluster, Relation), AppError> {
        let from = self.find_cluster(caller, &named.from).await?;
        let to = self.find_cluster(caller, &named.to).await?;
        if from.id == to.id {
            let message = format!("`{}` cannot be related to itself", from.name);
            return Err(AppError::wrong("invalid-relation", "/to", message));
        }
        let relation = Relation { from: from.id.clone(), relation: named.relation, to: to.id };
        Ok((from, relation))
    }

    async fn cluster_names(&self, caller: &Caller) -> Result<BTreeMap<ClusterId, String>, AppError> {
        let clusters = self.store.all_clusters().await?;
        let own = clusters.into_iter().filter(|cluster| cluster.organization == caller.organization);
        Ok(own.map(|cluster| (cluster.id, cluster.name)).collect())
    }
}

fn named(relation: &Relation, names: &BTreeMap<ClusterId, String>) -> Option<NamedRelation> {
    let name = |id: &ClusterId| names.get(id).cloned();
    Some(NamedRelation { from: name(&relation.from)?, relation: relation.relation, to: name(&relation.to)? })
}

fn happened<'a>(
    from: &'a Cluster,
    kind: &'static str,
    action: &'static str,
    relation: &NamedRelation,
) -> Happened<'a> {
    let data = json!({"relation": relation.relation, "to": relation.to});
    let change = Change::new(action, relation.to_string());
    Happened { cluster: Some(from), kind, subject: &from.name, data, change }
}

/// Clusters that stand on the one of that name.
pub(super) fn dependants(relations: &[ToldOfRelation], name: &str) -> BTreeSet<String> {
    relations.iter().filter(|one| one.edge.to == name).map(|one| one.edge.from.clone()).collect()
}
