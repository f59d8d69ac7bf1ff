//! A single consumer group as the operations on groups need it: who coordinates it, who is in it, how far it has read.

use std::collections::BTreeMap;

use headgate_sdk::{Error, Result};
use kafka_protocol::messages::MetadataRequest;

use crate::cluster::Brokers;
use crate::groups::describe::{self, Described, Member};
use crate::groups::offsets;
use crate::log_offsets::Offsets;

/// So many members are named where they are in the way.
const MEMBERS_NAMED_MAX: usize = 3;

pub(super) struct Group {
    pub(super) id: String,
    pub(super) coordinator: i32,
    /// None where there is no such group.
    pub(super) described: Option<Described>,
}

pub(super) fn find(brokers: &mut Brokers, id: &str) -> Result<Group> {
    brokers.metadata(&MetadataRequest::default().with_topics(Some(Vec::new())))?;
    let missing = || Error::protocol(format_args!("no broker told of group {id}"));
    let coordinator = describe::coordinators(brokers, &[id])?.remove(id).ok_or_else(missing)??;
    let asked = BTreeMap::from([(coordinator, vec![id.to_owned()])]);
    let described = describe::describe(brokers, &asked).remove(id).ok_or_else(missing)??;
    Ok(Group { id: id.to_owned(), coordinator, described })
}

impl Group {
    pub(super) fn committed(&self, brokers: &mut Brokers) -> Result<Offsets> {
        let asked = BTreeMap::from([(self.coordinator, vec![self.id.clone()])]);
        let told = offsets::committed(brokers, &asked).remove(&self.id);
        let missing = || Error::protocol(format_args!("no broker told of the offsets of group {}", self.id));
        Ok(told.ok_or_else(missing)??.unwrap_or_default())
    }

    pub(super) fn there(&self) -> Result<&Described> {
        let missing =
            || Error::not_found(format_args!("there is no group {}", self.id)).code("GROUP_ID_NOT_FOUND");
        self.described.as_ref().ok_or_else(missing)
    }

    pub(super) fn state(&self) -> &str {
        self.described.as_ref().map_or("Dead", |group| group.state.as_str())
    }

    pub(super) fn members(&self) -> &[Member] {
        self.described.as_ref().map_or(&[], |group| group.members.as_slice())
    }

    /// Whether anybody may read in it now.
    pub(super) fn is_live(&self) -> bool {
        !matches!(self.state(), "Empty" | "Dead")
    }

    /// `group pay is Stable, with 2 members (app at /10.0.0.7, app at /10.0.0.8)`
    pub(super) fn shown(&self) -> String {
        let members = self.members();
        let named = members.iter().take(MEMBERS_NAMED_MAX);
        let mut names: Vec<String> =
            named.map(|member| format!("{} at {}", member.client_id, member.host)).collect();
        if members.len() > MEMBERS_NAMED_MAX {
            names.push("…".to_owned());
        }
        let members = match members.len() {
            0 => "no member".to_owned(),
            1 => format!("1 member ({})", names.join(", ")),
            count => format!("{count} members ({})", names.join(", ")),
        };
        format!("group {} is {}, with {members}", self.id, self.state())
    }

    /// Kafka would refuse it too, partition by partition and without saying who is in the way.
    pub(super) fn refuse_live(&self, what: &str) -> Result<()> {
        if !self.is_live() {
            return Ok(());
        }
        let message = format!("{}: stop its consumers before you {what}", self.shown());
        Err(Error::conflict(message).code("NON_EMPTY_GROUP"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::describe::Member;

    fn group(state: &str, members: usize) -> Group {
        let member = |index| Member {
            id: format!("m{index}"),
            instance: None,
            client_id: "app".to_owned(),
            host: format!("/10.0.0.{index}"),
            partitions: BTreeMap::new(),
        };
        let described = Described {
            state: state.to_owned(),
            generation: "classic",
            protocol_type: "consumer".to_owned(),
            assignor: String::new(),
            members: (0..members).map(member).collect(),
        };
        Group { id: "pay".to_owned(), coordinator: 1, described: Some(described) }
    }

    #[test]
    fn who_is_in_the_way_is_named_with_advice() {
        let error = group("Stable", 1).refuse_live("move its offsets").unwrap_err();
        assert_eq!(error.code.as_deref(), Some("NON_EMPTY_GROUP"));
        assert_eq!(
            error.message,
            "group pay is Stable, with 1 member (app at /10.0.0.0): stop its consumers before you move its offsets"
        );
        assert!(
            group("PreparingRebalance", 5)
                .shown()
                .ends_with("with 5 members (app at /10.0.0.0, app at /10.0.0.1, app at /10.0.0.2, …)")
        );
        assert!(group("Empty", 0).refuse_live("x").is_ok());
    }
}
