//! Relations: typed edges between clusters. The one that an edge begins at depends on the one where it ends.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::id::ClusterId;

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RelationType {
    RegistersWith,
    StoresIn,
    ReplicatesTo,
    RunsOn,
}

impl RelationType {
    pub const ALL: [Self; 4] = [Self::RegistersWith, Self::StoresIn, Self::ReplicatesTo, Self::RunsOn];

    pub fn word(self) -> &'static str {
        match self {
            Self::RegistersWith => "registers-with",
            Self::StoresIn => "stores-in",
            Self::ReplicatesTo => "replicates-to",
            Self::RunsOn => "runs-on",
        }
    }
}

impl std::str::FromStr for RelationType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|known| known.word() == text)
            .ok_or_else(|| format!("`{text}` is no relation: write {}", Self::ALL.map(Self::word).join(", ")))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    pub from: ClusterId,
    pub relation: RelationType,
    pub to: ClusterId,
}

/// What a cluster's own configuration names: another one of that kind, at these addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ToldRelation {
    pub relation: RelationType,
    pub kind: String,
    pub addresses: Vec<String>,
}

/// The way that leads from one cluster to another over the edges, both ends included; the shortest one.
pub fn way(relations: &[Relation], from: &ClusterId, to: &ClusterId) -> Option<Vec<ClusterId>> {
    let mut came_from: BTreeMap<&ClusterId, &ClusterId> = BTreeMap::new();
    let mut seen = BTreeSet::from([from]);
    let mut reached = vec![from];
    while !seen.contains(to) {
        let mut next = Vec::new();
        for at in reached {
            for edge in relations.iter().filter(|edge| edge.from == *at) {
                if seen.insert(&edge.to) {
                    came_from.insert(&edge.to, at);
                    next.push(&edge.to);
                }
            }
        }
        if next.is_empty() {
            return None;
        }
        reached = next;
    }
    let mut way = vec![to.clone()];
    let mut at = to;
    while let Some(before) = came_from.get(at) {
        way.push((*before).clone());
        at = before;
    }
    way.reverse();
    Some(way)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> ClusterId {
        ClusterId(name.to_owned())
    }

    fn edges(pairs: &[(&str, &str)]) -> Vec<Relation> {
        let edge = |(from, to): &(&str, &str)| Relation {
            from: id(from),
            relation: RelationType::RegistersWith,
            to: id(to),
        };
        pairs.iter().map(edge).collect()
    }

    #[test]
    fn a_way_is_found_over_several_edges_and_circles_end() {
        let edges = edges(&[("a", "b"), ("b", "c"), ("c", "a"), ("b", "d"), ("a", "x"), ("x", "d")]);
        assert_eq!(way(&edges, &id("a"), &id("c")), Some(vec![id("a"), id("b"), id("c")]));
        assert_eq!(way(&edges, &id("a"), &id("a")), Some(vec![id("a")]));
        assert_eq!(way(&edges, &id("d"), &id("a")), None);
    }

    #[test]
    fn a_relation_reads_back_as_it_was_written() {
        for relation in RelationType::ALL {
            assert_eq!(relation.word().parse(), Ok(relation));
            assert_eq!(serde_json::to_value(relation).unwrap(), relation.word());
        }
        assert!("likes".parse::<RelationType>().unwrap_err().contains("registers-with, stores-in"));
    }
}
