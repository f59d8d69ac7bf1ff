//! Access rules: the one form of a wish, what is wrong with it, and the write that leads to it, a sentence for each policy.

use std::net::IpAddr;

use headgate_sdk::json::{self, Map, Value, pointer};
use headgate_sdk::{Action, Change, Error, Issue, Result, Step, Write};

use super::did_you_mean;
use super::issue;
use super::steps::{document, edited, step, write};
use crate::access::acls::{NO_POLICY, user};
use crate::access::policies::{
    self, ACTIONS, DECISIONS, PARTS, POLICIES, POLICY_TYPES, Policy, RESOURCE_TYPES, word,
};

pub(super) fn normalize(mut spec: Map<String, Value>) -> Value {
    if let Some(Value::Array(wished)) = spec.get(POLICIES)
        && let Some(normal) = wished.iter().map(policy).collect::<Option<Vec<Policy>>>()
    {
        spec.extend(policies::spec(normal));
    }
    Value::Object(spec)
}

/// None where it is not understood, and stays for the check.
fn policy(wish: &Value) -> Option<Policy> {
    let wish = wish.as_object()?;
    if !wish.keys().all(|name| PARTS.contains(&name.as_str())) {
        return None;
    }
    let text = |name: &str| wish.get(name).and_then(Value::as_str);
    let texts = |name: &str| match wish.get(name) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) => Some(text.split(',').map(str::trim).map(str::to_owned).collect()),
        Some(Value::Array(texts)) => {
            texts.iter().map(|text| Some(text.as_str()?.trim().to_owned())).collect::<Option<Vec<String>>>()
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => None,
    };
    let policy_type = match wish.get("policy_type") {
        None | Some(Value::Null) => policies::CUSTOM,
        Some(value) => value.as_str()?,
    };
    Some(Policy {
        policy_type: word(&POLICY_TYPES, policy_type),
        resource: policies::resource(text("resource")?),
        actions: texts("actions")?.iter().map(|action| word(&ACTIONS, action)).collect(),
        source_ips: texts("source_ips")?.into_iter().collect(),
        decision: word(&DECISIONS, text("decision")?),
    })
}

pub(super) fn validate(spec: &Value) -> Vec<Issue> {
    let Some(spec) = spec.as_object() else { return vec![issue("", "a spec is an object of fields")] };
    let mut issues = Vec::new();
    for (name, value) in spec {
        match value {
            Value::Array(wished) if name == POLICIES && !wished.is_empty() => {
                issues.extend(wished.iter().enumerate().flat_map(|(index, wish)| faults(index, wish)));
                issues.extend(twice(wished));
            }
            Value::Array(_) | Value::Null if name == POLICIES => {
                issues.push(issue(&pointer([POLICIES]), NO_POLICY));
            }
            _ if name == POLICIES => {
                issues.push(issue(&pointer([POLICIES]), "policies is a list of policies"));
            }
            _ => {
                let message = format!("an access rule has one field, {POLICIES}, not {name}");
                issues.push(issue(&pointer([name.as_str()]), &message));
            }
        }
    }
    issues
}

fn faults(index: usize, wish: &Value) -> Vec<Issue> {
    let index = index.to_string();
    let at = |name: &str| pointer([POLICIES, &index, name]);
    let Some(understood) = policy(wish) else {
        let names = wish.as_object().into_iter().flat_map(|wish| wish.keys());
        let odd = names.map(String::as_str).find(|name| !PARTS.contains(name));
        let message = match odd {
            Some(odd) => format!("a policy has no field {odd}{}", did_you_mean(odd, PARTS.into_iter())),
            None => "a policy has a resource, a list of actions and a decision; source_ips is a list, too"
                .to_owned(),
        };
        return vec![issue(&pointer([POLICIES, &index]), &message)];
    };
    let mut issues = Vec::new();
    let mut choice = |name: &str, words: &[&str], text: &str| {
        if !words.contains(&text) {
            let message = format!("{name} is {text:?}: it can be {}", words.join(", "));
            issues.push(issue(&at(name), &message));
        }
    };
    choice("decision", &DECISIONS, &understood.decision);
    choice("policy_type", &POLICY_TYPES, &understood.policy_type);
    understood.actions.iter().for_each(|action| choice("actions", &ACTIONS, action));
    if understood.actions.is_empty() {
        issues.push(issue(&at("actions"), &format!("actions is empty: name some of {}", ACTIONS.join(", "))));
    }
    issues.extend(resource_fault(&understood.resource).map(|fault| issue(&at("resource"), &fault)));
    let odd = understood.source_ips.iter().filter(|text| !is_network(text));
    issues.extend(odd.map(|text| {
        let message = format!("{text:?} is neither an IP address nor a network such as 10.0.0.0/8");
        issue(&at("source_ips"), &message)
    }));
    issues
}

fn resource_fault(resource: &str) -> Option<String> {
    if resource == "*" {
        return None;
    }
    match resource.split_once(':') {
        Some((kind, name)) if RESOURCE_TYPES.contains(&kind) && !name.is_empty() => None,
        Some((kind, name)) if !name.is_empty() => {
            let hint = did_you_mean(kind, RESOURCE_TYPES.into_iter());
            Some(format!("{kind:?} is no type of resource{hint}: it can be {}", RESOURCE_TYPES.join(", ")))
        }
        _ => {
            let message =
                "it is a type and a name, as in Topic:orders, Group:app-* or Cluster:*; * is everything";
            Some(format!("resource is {resource:?}: {message}"))
        }
    }
}

fn is_network(text: &str) -> bool {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
}

/// A broker would lay one over the other.
fn twice(wished: &[Value]) -> Vec<Issue> {
    let policies: Vec<Policy> = wished.iter().filter_map(policy).collect();
    let again = |(index, one): (usize, &Policy)| {
        let earlier = policies.iter().take(index).any(|other| other.is_same_as(one));
        let message = format!("{} stands twice: say all of it in one policy", one.resource);
        earlier.then(|| issue(&pointer([POLICIES, &index.to_string()]), &message))
    };
    policies.iter().enumerate().filter_map(again).collect()
}

pub(super) fn steps(change: &Change) -> Result<Vec<Step>> {
    let (before, after) = (document(change.before.as_deref())?, document(change.after.as_deref())?);
    let name = user(&change.key.id)?;
    match (before, after) {
        (None, None) => Ok(Vec::new()),
        (None, Some(after)) => {
            let wanted = Policy::all(&after);
            if wanted.is_empty() {
                return Err(Error::invalid_argument(NO_POLICY).code("NO_POLICY"));
            }
            let create = write(change, Action::Create(json::text(&after)));
            let undo = Write { action: Action::Delete, ..create.clone() };
            Ok(vec![step(create, lines(name, &[], &wanted), Some(undo))])
        }
        (Some(before), None) => {
            let delete = write(change, Action::Delete);
            let undo = Write { action: Action::Create(json::text(&before)), ..delete.clone() };
            Ok(vec![step(delete, lines(name, &Policy::all(&before), &[]), Some(undo))])
        }
        (Some(before), Some(after)) => Ok(edit(change, name, &before, &after).into_iter().collect()),
    }
}

fn edit(
    change: &Change,
    name: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Option<Step> {
    let wish = after.get(POLICIES).filter(|wish| !wish.is_null())?;
    let (was, wanted) = (Policy::all(before), Policy::all(after));
    let sorted = |mut policies: Vec<Policy>| {
        policies.sort();
        policies
    };
    if sorted(was.clone()) == sorted(wanted.clone()) {
        return None;
    }
    let path = pointer([POLICIES]);
    let edit = write(change, Action::Edit(vec![edited(&path, Some(wish))]));
    let undo = before
        .get(POLICIES)
        .map(|was| Write { action: Action::Edit(vec![edited(&path, Some(was))]), ..edit.clone() });
    Some(step(edit, lines(name, &was, &wanted), undo))
}

/// `alice: Allow Pub on Topic:a; no longer: Allow Sub on Topic:b`
fn lines(name: &str, before: &[Policy], after: &[Policy]) -> String {
    let mut parts = Vec::new();
    for wish in after {
        match before.iter().find(|was| was.is_same_as(wish)) {
            Some(was) if was == wish => {}
            Some(was) => parts.push(format!("{} instead of: {}", wish.sentence(), was.sentence())),
            None => parts.push(wish.sentence()),
        }
    }
    let gone = before.iter().filter(|was| !after.iter().any(|wish| wish.is_same_as(was)));
    parts.extend(gone.map(|was| format!("no longer: {}", was.sentence())));
    format!("{name}: {}", parts.join("; "))
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;
    use headgate_sdk::{Place, ResourceKey};

    use super::*;

    fn change(id: &str, before: Value, after: Value) -> Result<Vec<Step>> {
        let text = |value: Value| (!value.is_null()).then(|| value.to_string());
        let place = Place::Group("broker-a".to_owned());
        steps(&Change {
            key: ResourceKey { metadata_type: "acl".to_owned(), id: id.to_owned(), place },
            before: text(before),
            after: text(after),
            status: None,
            effective: None,
            revision: None,
            incarnation: None,
            extra: None,
        })
    }

    fn check(before: Value, after: Value, summary: &str) -> Step {
        let [step] = change("User:alice", before, after).unwrap().try_into().unwrap();
        assert_eq!(step.summary, summary);
        step
    }

    fn rule(policies: Value) -> Value {
        json!({"policies": policies})
    }

    fn policy(resource: &str, actions: &[&str]) -> Value {
        json!({"resource": resource, "actions": actions, "decision": "Allow"})
    }

    fn said(spec: &Value) -> Vec<String> {
        validate(spec).into_iter().map(|issue| format!("{} {}", issue.path, issue.message)).collect()
    }

    #[test]
    fn a_wish_has_one_form() {
        let wish = rule(json!([
            {"resource": "topic:b", "actions": "sub, PUB", "decision": "allow", "source_ips": [], "policy_type": "custom"},
            {"resource": "Group:a", "actions": ["Sub", "sub"], "decision": "Deny", "source_ips": ["10.0.0.1"]}
        ]));
        let expected = rule(json!([
            {"resource": "Group:a", "actions": ["Sub"], "decision": "Deny", "source_ips": ["10.0.0.1"]},
            {"resource": "Topic:b", "actions": ["Pub", "Sub"], "decision": "Allow"}
        ]));
        for wish in [wish, expected.clone()] {
            let Value::Object(wish) = wish else { panic!("no object") };
            assert_eq!(normalize(wish), expected);
        }
        assert!(validate(&expected).is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_write() {
        let odd = rule(json!([
            {"resource": "Topics:a", "actions": [], "decision": "Permit"},
            {"resource": "orders", "actions": ["Read"], "decision": "Allow", "source_ips": ["db.local", "10.0.0.0/33"]},
            {"resource": "Topic:a", "action": ["Pub"], "decision": "Allow"}
        ]));
        let all = said(&odd);
        for (line, part) in all.iter().zip([
            "/policies/0/decision decision is \"Permit\": it can be Allow, Deny",
            "/policies/0/actions actions is empty",
            "/policies/0/resource \"Topics\" is no type of resource: did you mean Topic?",
            "/policies/1/actions actions is \"Read\": it can be All",
            "/policies/1/resource resource is \"orders\": it is a type and a name",
            "/policies/1/source_ips \"10.0.0.0/33\" is neither",
            "/policies/1/source_ips \"db.local\" is neither",
            "/policies/2 a policy has no field action: did you mean actions?",
        ]) {
            assert!(line.starts_with(part), "{line}");
        }
        assert_eq!(all.len(), 8);
        assert_eq!(said(&rule(json!([]))), [format!("/policies {NO_POLICY}")]);
        let both = rule(json!([policy("Topic:a", &["Pub"]), policy("Topic:a", &["Sub"])]));
        assert_eq!(said(&both), ["/policies/1 Topic:a stands twice: say all of it in one policy"]);
    }

    #[test]
    fn a_rule_reads_as_sentences_and_is_taken_back_whole() {
        let before = rule(json!([policy("Topic:a", &["Pub"]), policy("Topic:b", &["Pub"])]));
        let after = rule(json!([policy("Topic:b", &["Pub", "Sub"]), policy("Topic:c", &["Sub"])]));
        let step = check(
            before.clone(),
            after.clone(),
            "alice: Allow Pub, Sub on Topic:b instead of: Allow Pub on Topic:b; Allow Sub on Topic:c; \
             no longer: Allow Pub on Topic:a",
        );
        let undo = Action::Edit(vec![edited("/policies", Some(&before["policies"]))]);
        assert_eq!(step.undo.unwrap().action, undo);
        let step =
            check(Value::Null, rule(json!([policy("Topic:a", &["Pub"])])), "alice: Allow Pub on Topic:a");
        assert_eq!(step.undo.unwrap().action, Action::Delete);
        let step = check(
            rule(json!([policy("Topic:a", &["Pub"])])),
            Value::Null,
            "alice: no longer: Allow Pub on Topic:a",
        );
        assert!(!step.destructive && matches!(step.undo.unwrap().action, Action::Create(_)));
        assert!(change("User:alice", after.clone(), after).unwrap().is_empty());
        assert!(change("User:alice", before, json!({})).unwrap().is_empty());
    }

    #[test]
    fn a_rule_is_about_a_user() {
        let error = change("alice", Value::Null, rule(json!([policy("Topic:a", &["Pub"])]))).unwrap_err();
        assert_eq!(error.code.as_deref(), Some("INVALID_PRINCIPAL"));
        assert_eq!(
            change("User:alice", Value::Null, json!({})).unwrap_err().code.as_deref(),
            Some("NO_POLICY")
        );
    }
}
