//! Pages of groups: every broker names those that it coordinates, all asked at once.

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{Map, Value, json};
use headgate_sdk::{Error, Failure, Page, Place, Query, Result};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{ListGroupsRequest, ListGroupsResponse, MetadataRequest};

use super::{resource, share};
use crate::cluster::Brokers;
use crate::types::{CONSUMER_GROUP, SHARE_GROUP};
use crate::wire::{READ_TIMEOUT_MS, codes};

/// Which groups are listed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Consumer,
    Share,
}

/// The listing that is being paged through.
pub(crate) struct Sweep {
    kind: Kind,
    groups: Vec<Listed>,
}

#[derive(Debug, Clone, PartialEq)]
struct Listed {
    id: String,
    state: String,
    protocol_type: String,
    generation: String,
    coordinator: i32,
}

impl Kind {
    fn metadata_type(self) -> &'static str {
        match self {
            Self::Consumer => CONSUMER_GROUP,
            Self::Share => SHARE_GROUP,
        }
    }

    /// Connect's workers and streams are neither.
    fn covers(self, generation: &str, protocol_type: &str) -> bool {
        match self {
            Self::Consumer => {
                matches!(generation, "" | "classic" | "consumer") && matches!(protocol_type, "" | "consumer")
            }
            Self::Share => generation == "share",
        }
    }
}

impl Sweep {
    pub(crate) fn of(kind: Kind) -> Self {
        Self { kind, groups: Vec::new() }
    }

    pub(crate) fn page(&mut self, brokers: &mut Brokers, query: &Query, limit: usize) -> Result<Page> {
        if query.place != Place::Cluster {
            return Err(Error::invalid_argument("groups live on the cluster, not on a node"));
        }
        let mut failures = Vec::new();
        if query.cursor.is_none() || self.groups.is_empty() {
            (self.groups, failures) = listing(brokers, self.kind)?;
        }
        let after = |cursor: &str| self.groups.partition_point(|group| group.id.as_str() <= cursor);
        let from = query.cursor.as_deref().map_or(0, after);
        let to = self.groups.len().min(from + limit);
        let page = self.groups.get(from..to).unwrap_or_default();
        let next = page.last().filter(|_| to < self.groups.len()).map(|group| group.id.clone());
        let resources = page
            .iter()
            .map(|group| resource(self.kind.metadata_type(), &group.id, group.status(self.kind)))
            .collect();
        if next.is_none() {
            self.groups.clear();
        }
        Ok(Page { resources, failures, next, version: None, extra: None })
    }
}

impl Listed {
    /// None for what is of another kind.
    fn of(group: &ListedGroup, coordinator: i32, kind: Kind) -> Option<Self> {
        let generation = group.group_type.to_lowercase();
        kind.covers(&generation, group.protocol_type.as_str()).then(|| Self {
            id: group.group_id.to_string(),
            state: group.group_state.to_string(),
            protocol_type: group.protocol_type.to_string(),
            generation: if generation.is_empty() { "classic".to_owned() } else { generation },
            coordinator,
        })
    }

    fn status(&self, kind: Kind) -> Map<String, Value> {
        let mut status = Map::new();
        status.insert("state".to_owned(), json!(self.state));
        if kind == Kind::Consumer {
            status.insert("type".to_owned(), json!(self.generation));
            status.insert("protocol_type".to_owned(), json!(self.protocol_type));
        }
        status.insert("coordinator".to_owned(), json!(self.coordinator));
        status
    }
}

/// All groups in order of id, and the brokers that could not be asked: without them the listing is not complete.
fn listing(brokers: &mut Brokers, kind: Kind) -> Result<(Vec<Listed>, Vec<Failure>)> {
    if kind == Kind::Share && !share::are_known(brokers)? {
        return Ok((Vec::new(), Vec::new()));
    }
    brokers.metadata(&MetadataRequest::default().with_topics(Some(Vec::new())))?;
    let ids: Vec<i32> = brokers.known.keys().copied().collect();
    let questions = ids.iter().map(|id| (*id, ListGroupsRequest::default())).collect();
    let (mut groups, mut failures) = (Vec::new(), Vec::new());
    for (id, answer) in ids.iter().zip(brokers.ask_each(questions, READ_TIMEOUT_MS)) {
        match named(answer) {
            Ok(found) => groups.extend(found.iter().filter_map(|group| Listed::of(group, *id, kind))),
            Err(error) => failures.push(Failure {
                metadata_type: kind.metadata_type().to_owned(),
                id: None,
                place: Place::Node(id.to_string()),
                error,
            }),
        }
    }
    groups.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    // A group that moved while we asked is named by both of its coordinators.
    groups.dedup_by(|a, b| a.id == b.id);
    Ok((groups, failures))
}

fn named(answer: Result<ListGroupsResponse, Lost>) -> Result<Vec<ListedGroup>> {
    let answer = answer?;
    match answer.error_code {
        codes::NONE => Ok(answer.groups),
        code => Err(codes::error(code, None, "list the groups of a broker")),
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::GroupId;
    use kafka_protocol::protocol::StrBytes;

    use super::*;

    fn listed(kind: Kind, protocol_type: &'static str, group_type: &'static str) -> Option<String> {
        let group = ListedGroup::default()
            .with_group_id(GroupId(StrBytes::from_static_str("g")))
            .with_protocol_type(StrBytes::from_static_str(protocol_type))
            .with_group_type(StrBytes::from_static_str(group_type));
        Listed::of(&group, 1, kind).map(|listed| listed.generation)
    }

    #[test]
    fn only_consumers_are_consumer_groups() {
        let listed = |protocol_type, group_type| listed(Kind::Consumer, protocol_type, group_type);
        assert_eq!(listed("consumer", "Consumer").as_deref(), Some("consumer"));
        assert_eq!(listed("consumer", "Classic").as_deref(), Some("classic"));
        assert_eq!(listed("", "").as_deref(), Some("classic"));
        assert_eq!(listed("connect", "Classic"), None);
        assert_eq!(listed("share", "Share"), None);
    }

    #[test]
    fn share_groups_are_listed_by_themselves() {
        assert_eq!(listed(Kind::Share, "share", "Share").as_deref(), Some("share"));
        assert_eq!(listed(Kind::Share, "consumer", "Consumer"), None);
        assert_eq!(listed(Kind::Share, "", ""), None);
    }
}
