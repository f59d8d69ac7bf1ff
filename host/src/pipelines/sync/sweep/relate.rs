//! Relations that a cluster's own configuration tells of: which of the registered clusters is meant, and what changed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::session::Session;
use super::super::{Sync, SyncError, Told};
use crate::domain::address::same_address;
use crate::domain::cluster::{Cluster, Discovery};
use crate::domain::id::ClusterId;
use crate::domain::record::{Change, HOST};
use crate::domain::relation::{Relation, ToldRelation, way};
use crate::domain::source::Source;
use crate::domain::stream::METADATA;

/// A cluster that may be meant, with every address that it is known by.
struct Candidate {
    id: ClusterId,
    kind: String,
    addresses: Vec<String>,
}

/// What becomes of one relation; `None` takes it off.
type Turn = (Relation, Option<Source>);

impl Sync {
    /// Kinds that tell of no relation cost nothing here.
    pub(super) async fn relate(
        &self,
        cluster: &Cluster,
        session: &Session,
        found: &Discovery,
    ) -> Result<(), SyncError> {
        let declared = &session.kind.description().relations;
        let Some(told) = found.relations.as_ref().filter(|_| !declared.is_empty()) else { return Ok(()) };
        let sources = self.store.relation_sources(&cluster.organization).await?;
        let is_declared = |told: &&ToldRelation| {
            declared.iter().any(|(name, kind)| *name == told.relation.word() && *kind == told.kind)
        };
        let told: Vec<&ToldRelation> = told.iter().filter(is_declared).collect();
        let candidates = if told.is_empty() { Vec::new() } else { self.candidates(cluster, &told).await? };
        let wanted: Vec<Relation> =
            told.iter().filter_map(|told| meant(cluster, told, &candidates)).collect();
        let changes = changes(cluster, &wanted, &sources);
        if changes.is_empty() {
            return Ok(());
        }
        let mut news = Vec::new();
        for (relation, source) in &changes {
            let (kind, action) = match source {
                Some(_) if sources.contains_key(relation) => continue,
                Some(_) => ("relation.found", "relation.add"),
                None => ("relation.lost", "relation.remove"),
            };
            let data = json!({"relation": relation.relation, "to_id": relation.to});
            let to = self.cluster(&relation.to).await?.name;
            let change = Change::new(action, format!("{} {} {to}", cluster.name, relation.relation.word()));
            news.push(Told::new(kind, &cluster.name, data).kept(change));
        }
        let mut tx = self.store.begin().await?;
        for (relation, source) in changes {
            match source {
                Some(source) => tx.save_relation(&relation, source, HOST, self.now_ms()).await?,
                None => drop(tx.delete_relation(&relation).await?),
            }
        }
        for told in news {
            self.tell(&mut tx, cluster, told).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn candidates(
        &self,
        cluster: &Cluster,
        told: &[&ToldRelation],
    ) -> Result<Vec<Candidate>, SyncError> {
        let mut candidates = Vec::new();
        for other in self.store.all_clusters().await? {
            let is_kind = told.iter().any(|told| told.kind == other.kind);
            if !is_kind || other.organization != cluster.organization || other.id == cluster.id {
                continue;
            }
            let nodes = self.store.list_nodes(&other.id).await?;
            let found = nodes.into_iter().flat_map(|(node, _)| node.addresses).map(|(_, address)| address);
            let named = other.named_nodes.iter().map(|node| node.address.clone());
            let addresses = found.chain(named).chain(written(&other.connection)).collect();
            candidates.push(Candidate { id: other.id, kind: other.kind, addresses });
        }
        Ok(candidates)
    }
}

/// Texts of a connection form that may be addresses: which field holds them is the kind's own.
fn written(connection: &Value) -> Vec<String> {
    let texts = connection.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str());
    texts.flat_map(|text| text.split([',', ';'])).map(|part| part.trim().to_owned()).collect()
}

/// Of several registrations of one backend, the first.
fn meant(cluster: &Cluster, told: &ToldRelation, candidates: &[Candidate]) -> Option<Relation> {
    let has = |candidate: &&Candidate| {
        candidate.kind == told.kind
            && told
                .addresses
                .iter()
                .any(|one| candidate.addresses.iter().any(|other| same_address(one, other)))
    };
    let to = candidates.iter().find(has)?.id.clone();
    Some(Relation { from: cluster.id.clone(), relation: told.relation, to })
}

/// What a person said stays said. A relation that would close a circle is not taken in.
fn changes(cluster: &Cluster, wanted: &[Relation], sources: &BTreeMap<Relation, Source>) -> Vec<Turn> {
    let standing: Vec<Relation> = sources.keys().cloned().collect();
    let mut changes: Vec<Turn> = Vec::new();
    for relation in wanted {
        match sources.get(relation) {
            Some(Source::Found | Source::Both) => {}
            Some(Source::Hand) => changes.push((relation.clone(), Some(Source::Both))),
            None if way(&standing, &relation.to, &relation.from).is_some() => {
                tracing::warn!(target: METADATA, cluster = %cluster.name, to = %relation.to, "a relation that was found would close a circle");
            }
            None => changes.push((relation.clone(), Some(Source::Found))),
        }
    }
    let own =
        sources.iter().filter(|(relation, _)| relation.from == cluster.id && !wanted.contains(relation));
    changes.extend(own.filter_map(|(relation, source)| match source {
        Source::Found => Some((relation.clone(), None)),
        Source::Both => Some((relation.clone(), Some(Source::Hand))),
        Source::Hand => None,
    }));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::relation::RelationType;
    use crate::store::testing::cluster;

    fn edge(from: &ClusterId, to: &str) -> Relation {
        Relation { from: from.clone(), relation: RelationType::RegistersWith, to: ClusterId(to.to_owned()) }
    }

    #[test]
    fn the_cluster_that_has_one_of_the_addresses_is_meant() {
        let pay = cluster("pay");
        let candidate = |id: &str, kind: &str, address: &str| Candidate {
            id: ClusterId(id.to_owned()),
            kind: kind.to_owned(),
            addresses: vec![address.to_owned()],
        };
        let candidates = [
            candidate("a", "etcd", "zk-2:2181"),
            candidate("b", "zookeeper", "ZK-2:2181"),
            candidate("c", "zookeeper", "zk-2:2181"),
        ];
        let told = |addresses: &[&str]| ToldRelation {
            relation: RelationType::RegistersWith,
            kind: "zookeeper".to_owned(),
            addresses: addresses.iter().map(|one| (*one).to_owned()).collect(),
        };
        assert_eq!(meant(&pay, &told(&["zk-1:2181", "zk-2:2181"]), &candidates), Some(edge(&pay.id, "b")));
        assert_eq!(meant(&pay, &told(&["zk-2:2182"]), &candidates), None);
        assert_eq!(written(&json!({"servers": "a:1, b:2", "tls": true})), ["a:1", "b:2"]);
    }

    #[test]
    fn what_is_told_no_more_goes_unless_a_person_said_it_too() {
        let pay = cluster("pay");
        let edges = ["new", "hand", "both", "lost"].map(|to| edge(&pay.id, to));
        let [new, hand, both, lost] = edges.clone();
        let sources = BTreeMap::from([
            (hand.clone(), Source::Hand),
            (both.clone(), Source::Both),
            (lost.clone(), Source::Found),
            (edge(&ClusterId("circle".to_owned()), pay.id.as_str()), Source::Hand),
        ]);
        let wanted = [new.clone(), hand.clone(), edge(&pay.id, "circle")];
        let expected = [
            (new, Some(Source::Found)),
            (hand, Some(Source::Both)),
            (both, Some(Source::Hand)),
            (lost, None),
        ];
        assert_eq!(changes(&pay, &wanted, &sources).len(), expected.len());
        for change in expected {
            assert!(changes(&pay, &wanted, &sources).contains(&change), "{change:?}");
        }
        assert_eq!(changes(&pay, &[], &BTreeMap::new()), []);
    }
}
