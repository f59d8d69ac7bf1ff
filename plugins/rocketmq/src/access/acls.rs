//! Access rules: all that one user may do, one resource for each user.
//!
//! A broker lays new policies over those that are there and takes policies away one by one: a rule is changed by one request
//! that holds what is wished for, and one for each policy that goes.

use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{Action, Error, ErrorKind, Result, Write};

use super::policies::{self, DECISIONS, POLICIES, POLICY_TYPES, Policy};
use super::{Present, spec, text};
use crate::wire::{Request, codes};

/// The one sort of subject that RocketMQ has.
const USER: &str = "User:";

pub(crate) fn spec_schema() -> Value {
    let text = |title: &str, description: &str| json!({"type": "string", "title": title, "description": description});
    let texts = |title: &str, description: &str| json!({"type": "array", "title": title, "description": description, "items": {"type": "string"}});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "description": "The name of a rule is whom it is about, as in User:alice: the user comes first",
        "properties": {
            POLICIES: {
                "type": "array", "title": "Policies", "minItems": 1,
                "description": "All of them: what is not named here is taken away",
                "items": {
                    "type": "object", "additionalProperties": false,
                    "required": ["resource", "actions", "decision"],
                    "properties": {
                        "resource": text("Resource", "Topic:orders, Group:app-* (every one that begins so), Cluster:*, or * for all"),
                        "actions": texts("Actions", &policies::ACTIONS.join(", ")),
                        "decision": text("Decision", &DECISIONS.join(" or ")),
                        "source_ips": texts("From", "IP addresses or networks (10.0.0.0/8); from anywhere where empty"),
                        "policy_type": text("Type", &format!("{}: the first is looked at first", POLICY_TYPES.join(" or ")))
                    }
                }
            }
        }
    })
}

pub(super) fn read(told: &Value) -> Option<(String, Map<String, Value>)> {
    let spec = policies::read(told);
    // Its last policy went, and the user is still known as one who had some.
    let is_empty = Policy::all(&spec).is_empty();
    (!is_empty).then_some((text(told, "subject")?.to_owned(), spec))
}

/// The user whom a rule is about; else what is wrong with the name, and how to write it.
pub(crate) fn user(id: &str) -> Result<&str> {
    let name = id.strip_prefix(USER).filter(|name| !name.is_empty());
    name.ok_or_else(|| {
        let right = id.rsplit_once(':').map_or(id, |(_, name)| name);
        let right = if right.is_empty() { "alice" } else { right };
        let message = format!(
            "{id:?} is nobody whom an access rule can be about: RocketMQ knows users only, as in {USER}{right}"
        );
        Error::invalid_argument(message).code("INVALID_PRINCIPAL")
    })
}

pub(super) fn requests(write: &Write, present: &Present<'_>) -> Result<Vec<Request>> {
    let id = write.key.id.as_str();
    let name = user(id)?;
    let there = present.acls.get(id);
    let wanted = match (&write.action, there) {
        // Deleting what is not there succeeds: a delete that was cut off half-way is finished by its repetition.
        (Action::Delete, None) => return Ok(Vec::new()),
        (Action::Delete, Some(_)) => {
            return Ok(vec![Request::new(codes::DELETE_ACL).field("subject", id)]);
        }
        (Action::Create(_), Some(_)) => {
            let message = "the access rule is there already: adopt it, or edit it";
            return Err(Error::new(ErrorKind::AlreadyExists, message).code("ALREADY_EXISTS"));
        }
        (Action::Create(wish), None) | (Action::Replace(wish), Some(_)) => Policy::all(&spec(wish)?),
        (Action::Edit(_) | Action::Replace(_), None) => {
            return Err(Error::not_found("there is no such access rule any more").code("NOT_FOUND"));
        }
        (Action::Edit(edits), Some(_)) => match edits.as_slice() {
            [edit] if json::pointer_tokens(&edit.path) == [POLICIES] => {
                let policies: Value = json::parse(edit.value.as_deref().unwrap_or("null"), &edit.path)?;
                Policy::all(&Map::from_iter([(POLICIES.to_owned(), policies)]))
            }
            _ => return Err(Error::invalid_argument("an access rule has one field, /policies")),
        },
        (Action::Run((operation, _)), _) => {
            return Err(Error::unsupported(format_args!("an access rule has no operation {operation}")));
        }
    };
    if wanted.is_empty() {
        return Err(Error::invalid_argument(NO_POLICY).code("NO_POLICY"));
    }
    // A broker answers success for a user that it does not know, and keeps nothing.
    if !present.users.contains_key(name) {
        let message = format!("the broker knows no user {name}: make the user first");
        return Err(Error::not_found(message).code("NO_SUCH_USER"));
    }
    Ok(changes(id, there, &wanted))
}

pub(crate) const NO_POLICY: &str = "an access rule without a policy is none: name policies, or delete it";

/// What is wished for first: a rule whose last policy went is gone.
fn changes(id: &str, there: Option<&Map<String, Value>>, wanted: &[Policy]) -> Vec<Request> {
    let code = if there.is_some() { codes::UPDATE_ACL } else { codes::CREATE_ACL };
    let body = json::text(&policies::for_wire(id, wanted)).into_bytes();
    let mut requests = vec![Request::new(code).field("subject", id).body(body)];
    let there = there.map(Policy::all).unwrap_or_default();
    for gone in there.iter().filter(|one| !wanted.iter().any(|wish| wish.is_same_as(one))) {
        requests.push(
            Request::new(codes::DELETE_ACL)
                .field("subject", id)
                .field("policyType", &gone.policy_type)
                .field("resource", &gone.resource),
        );
    }
    requests
}

#[cfg(test)]
mod tests {
    use headgate_sdk::{Edit, Place, ResourceKey};

    use super::super::Kept;
    use super::*;

    fn policy(resource: &str, action: &str) -> Value {
        json!({"resource": resource, "actions": [action], "decision": "Allow"})
    }

    fn sent(id: &str, action: Action, there: &[Value]) -> Result<Vec<Request>> {
        let place = Place::Group("broker-a".to_owned());
        let key = ResourceKey { metadata_type: "acl".to_owned(), id: id.to_owned(), place };
        let write = Write { key, action, revision: None, incarnation: None, extra: None };
        let users = Kept::from([("alice".to_owned(), Map::new())]);
        let rule = Map::from_iter([(POLICIES.to_owned(), there.into())]);
        let acls: Kept = (!there.is_empty()).then(|| (id.to_owned(), rule)).into_iter().collect();
        requests(&write, &Present { users: &users, acls: &acls, login: None })
    }

    fn edit(policies: &[Value]) -> Action {
        Action::Edit(vec![Edit { path: "/policies".to_owned(), value: Some(json::text(&policies)) }])
    }

    #[test]
    fn what_is_wished_for_is_sent_before_what_goes_is_taken_away() {
        let there = [policy("Topic:a", "Pub"), policy("Topic:b", "Pub")];
        let sent = sent("User:alice", edit(&[policy("Topic:b", "Sub"), policy("Topic:c", "Sub")]), &there);
        let [update, delete] = sent.unwrap().try_into().unwrap();
        assert_eq!(update.code, codes::UPDATE_ACL);
        let body: Value = serde_json::from_slice(&update.body).unwrap();
        assert_eq!(body["policies"][0]["entries"].as_array().unwrap().len(), 2);
        let expected = Request::new(codes::DELETE_ACL)
            .field("subject", "User:alice")
            .field("policyType", "Custom")
            .field("resource", "Topic:a");
        assert_eq!(delete, expected);
    }

    #[test]
    fn a_rule_needs_a_policy_and_somebody_whom_it_is_about() {
        let code =
            |id: &str, action: Action, there: &[Value]| sent(id, action, there).unwrap_err().code.unwrap();
        let rule = |policies: &[Value]| Action::Create(json!({"policies": policies}).to_string());
        let one = [policy("Topic:a", "Pub")];
        assert_eq!(sent("User:alice", rule(&one), &[]).unwrap()[0].code, codes::CREATE_ACL);
        assert_eq!(code("User:alice", rule(&[]), &[]), "NO_POLICY");
        assert_eq!(code("User:bob", rule(&one), &[]), "NO_SUCH_USER");
        assert_eq!(code("User:alice", rule(&one), &one), "ALREADY_EXISTS");
        assert_eq!(code("User:alice", edit(&one), &[]), "NOT_FOUND");
        assert_eq!(sent("User:alice", Action::Delete, &[]), Ok(vec![]));
        for (id, right) in
            [("alice", "as in User:alice"), ("Role:ops", "as in User:ops"), ("User:", "User:alice")]
        {
            let error = user(id).unwrap_err();
            assert_eq!(error.code.as_deref(), Some("INVALID_PRINCIPAL"));
            assert!(error.message.contains(right), "{}", error.message);
        }
    }
}
