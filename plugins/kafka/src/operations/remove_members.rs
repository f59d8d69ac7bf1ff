//! Removes members from a group of the classic protocol: those that died without a word, or all.

use std::collections::BTreeSet;

use headgate_sdk::json::{Value, json};
use headgate_sdk::{Error, Finished, Forecast, Operation, Progress, Result};
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{GroupId, LeaveGroupRequest};

use super::group::{self, Group};
use super::input::{self, Fields, wrong};
use super::{Parts, WORK_TIMEOUT_MS, ask, count, lost, operation};
use crate::cluster::{Brokers, text};
use crate::groups::describe::Member;
use crate::types::CONSUMER_GROUP;
use crate::wire::codes;

pub(super) const NAME: &str = "remove-members";

/// What coordinators write into their logs where nobody says why.
const REASON: &str = "removed by an administrator";

/// Coordinators cut a longer reason off.
const REASON_CHARS_MAX: usize = 255;

/// Who is meant: by its id, or, where it stays over restarts, by the name that it was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Member(String),
    Instance(String),
}

#[derive(Debug, PartialEq)]
struct Wish {
    /// None for all.
    members: Option<BTreeSet<Who>>,
    reason: String,
}

pub(super) fn describe() -> Operation {
    let input = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "members": {
                "type": ["array", "null"], "title": "Members", "minItems": 1,
                "description": "Ids of members, or {\"instance\": group.instance.id}",
                "items": {"oneOf": [
                    {"type": "string"},
                    {
                        "type": "object", "required": ["instance"], "additionalProperties": false,
                        "properties": {"instance": {"type": "string"}}
                    }
                ]}
            },
            "all": {"type": ["boolean", "null"], "title": "All", "description": "Every member, in place of some"},
            "reason": {
                "type": ["string", "null"], "title": "Reason", "maxLength": REASON_CHARS_MAX,
                "description": "Stands in the coordinator's log"
            }
        }
    });
    let output = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "group": {"type": "string"},
            "members": {"type": "array", "description": "id, instance, client_id, host of each that was removed"}
        }
    });
    operation(NAME, "Remove members", Some(CONSUMER_GROUP), input, output)
}

pub(super) fn preview(brokers: &mut Brokers, id: &str, input: &Value) -> Result<Forecast> {
    let wish = parse(input)?;
    let group = classic(brokers, id)?;
    let (found, missing) = chosen(&group, &wish);
    let mut forecast = Forecast::of(&document(id, &found));
    for member in &found {
        forecast = forecast.line(line(member));
    }
    for who in &missing {
        forecast = forecast.warning(format_args!("{} is not in the group", who.shown()));
    }
    if found.is_empty() {
        return Ok(forecast.line("no member is removed"));
    }
    Ok(forecast
        .warning("the group hands its partitions out anew")
        .warning("a client that still runs joins again: stop it first where it must not"))
}

pub(super) fn run(brokers: &mut Brokers, id: &str, input: &Value) -> Result<Progress> {
    let wish = parse(input)?;
    let group = classic(brokers, id)?;
    let (found, missing) = chosen(&group, &wish);
    let mut parts: Parts<Member> = Parts::of(Vec::new());
    for who in missing {
        let error = Error::not_found(format_args!("{} is not in group {id}", who.shown()));
        parts.failures.push((who.name().to_owned(), error.code("UNKNOWN_MEMBER_ID")));
    }
    if found.is_empty() {
        return parts.finish(|members| finished(id, members));
    }
    let members = found.iter().map(|member| identity(member, &wish.reason)).collect();
    let request = LeaveGroupRequest::default().with_group_id(GroupId(text(id))).with_members(members);
    let answer = match ask(brokers, group.coordinator, request, WORK_TIMEOUT_MS) {
        Ok(answer) => answer,
        Err(gone) => return lost(gone),
    };
    if answer.error_code != codes::NONE {
        return Err(codes::error(answer.error_code, None, &format!("remove members of group {id}")));
    }
    for member in found {
        settle(member.clone(), &answer.members, &mut parts);
    }
    parts.finish(|members| finished(id, members))
}

fn settle(member: Member, answers: &[MemberResponse], parts: &mut Parts<Member>) {
    let what = format!("remove {} from the group", member.id);
    let told = answers.iter().find(|one| match &member.instance {
        Some(instance) => {
            one.group_instance_id.as_ref().is_some_and(|told| told.as_str() == instance.as_str())
        }
        None => one.member_id.as_str() == member.id.as_str(),
    });
    match told {
        Some(one) if one.error_code == codes::NONE => parts.done.push(member),
        Some(one) => {
            let error = codes::error(one.error_code, None, &what);
            parts.failures.push((member.id, error));
        }
        None => parts.miss(member.id, &what),
    }
}

/// A static member is known by its name: whoever has that name now is meant.
fn identity(member: &Member, reason: &str) -> MemberIdentity {
    let identity = MemberIdentity::default().with_reason(Some(text(reason)));
    match &member.instance {
        Some(instance) => identity.with_group_instance_id(Some(text(instance))),
        None => identity.with_member_id(text(&member.id)),
    }
}

/// In the new protocol a member leaves only by its own word, and Kafka refuses any other's.
fn classic(brokers: &mut Brokers, id: &str) -> Result<Group> {
    let group = group::find(brokers, id)?;
    if group.there()?.generation != "classic" {
        let message = format!(
            "group {id} speaks the consumer protocol (KIP-848), in which nobody can remove a member: stop its \
             client, or wait until its session ends"
        );
        return Err(Error::unsupported(message).code("CONSUMER_PROTOCOL"));
    }
    Ok(group)
}

fn chosen<'a>(group: &'a Group, wish: &Wish) -> (Vec<&'a Member>, Vec<Who>) {
    let Some(wanted) = &wish.members else { return (group.members().iter().collect(), Vec::new()) };
    let is_meant = |who: &Who, member: &Member| match who {
        Who::Member(id) => member.id == *id,
        Who::Instance(name) => member.instance.as_deref() == Some(name.as_str()),
    };
    let members = group.members();
    let found = members.iter().filter(|member| wanted.iter().any(|who| is_meant(who, member))).collect();
    let missing = wanted.iter().filter(|who| !members.iter().any(|member| is_meant(who, member)));
    (found, missing.cloned().collect())
}

impl Who {
    fn name(&self) -> &str {
        match self {
            Self::Member(name) | Self::Instance(name) => name,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Member(id) => format!("member {id}"),
            Self::Instance(name) => format!("instance {name}"),
        }
    }
}

fn parse(input: &Value) -> Result<Wish> {
    let fields = Fields::of(input, &["members", "all", "reason"])?;
    let reason = fields.text("reason")?.unwrap_or(REASON).chars().take(REASON_CHARS_MAX).collect();
    let members = match (fields.get("members"), fields.flag("all")?) {
        (Some(_), true) => return Err(wrong("/all", "name members, or say all, not both")),
        (None, false) => return Err(wrong("/members", "name members, or say \"all\": true")),
        (None, true) => None,
        (Some(list), false) => Some(members(list)?),
    };
    Ok(Wish { members, reason })
}

fn members(list: &Value) -> Result<BTreeSet<Who>> {
    let what = r#"a member's id is needed, or {"instance": name}"#;
    let list = list.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| wrong("/members", "a list of members is needed"))?;
    let who = |(index, one): (usize, &Value)| {
        let path = format!("/members/{index}");
        if let Some(id) = one.as_str().filter(|id| !id.is_empty()) {
            return Ok(Who::Member(id.to_owned()));
        }
        let fields = input::object(one, &path, what)?;
        let instance = fields.get("instance").and_then(Value::as_str).filter(|_| fields.len() == 1);
        instance.map(|name| Who::Instance(name.to_owned())).ok_or_else(|| wrong(&path, what))
    };
    list.iter().enumerate().map(who).collect()
}

fn line(member: &Member) -> String {
    let partitions: usize = member.partitions.values().map(Vec::len).sum();
    let instance = member.instance.as_ref().map(|name| format!(" (instance {name})")).unwrap_or_default();
    format!(
        "{}{instance}, {} at {}, is removed: it reads {}",
        member.id,
        member.client_id,
        member.host,
        count(partitions, "partition")
    )
}

fn finished(id: &str, members: &[Member]) -> Finished {
    let members: Vec<&Member> = members.iter().collect();
    let summary = match members.len() {
        0 => format!("group {id} has no member"),
        number => format!("removed {} from group {id}", count(number, "member")),
    };
    Finished::of(summary, &document(id, &members))
}

fn document(id: &str, members: &[&Member]) -> Value {
    let member = |member: &&Member| {
        json!({
            "id": member.id,
            "instance": member.instance,
            "client_id": member.client_id,
            "host": member.host,
        })
    };
    json!({"group": id, "members": members.iter().map(member).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_ids_or_instances() {
        let wish = parse(&json!({"members": ["m-1", {"instance": "i-1"}], "reason": "gone"})).unwrap();
        let expected = [Who::Member("m-1".to_owned()), Who::Instance("i-1".to_owned())];
        assert_eq!(wish, Wish { members: Some(expected.into()), reason: "gone".to_owned() });
        assert_eq!(parse(&json!({"all": true})).unwrap().members, None);
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        let message = |input| parse(&input).unwrap_err().message;
        assert_eq!(message(json!({})), "/members: name members, or say \"all\": true");
        assert_eq!(
            message(json!({"all": true, "members": ["m"]})),
            "/all: name members, or say all, not both"
        );
        assert_eq!(message(json!({"members": []})), "/members: a list of members is needed");
        assert_eq!(
            message(json!({"members": ["m", {"id": "x"}]})),
            r#"/members/1: a member's id is needed, or {"instance": name}"#
        );
    }
}
