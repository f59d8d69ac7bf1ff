//! The policies of an access rule: their words, the one way to write them, and how they go to a broker and come from it.

use std::collections::BTreeSet;

use headgate_sdk::json::{Map, Value, json};

pub(crate) const POLICIES: &str = "policies";

/// Asked before any other type of policy, and what a rule means where it says nothing.
pub(crate) const CUSTOM: &str = "Custom";
pub(crate) const POLICY_TYPES: [&str; 2] = [CUSTOM, "Default"];
pub(crate) const DECISIONS: [&str; 2] = ["Allow", "Deny"];
pub(crate) const ACTIONS: [&str; 8] = ["All", "Create", "Delete", "Get", "List", "Pub", "Sub", "Update"];
pub(crate) const RESOURCE_TYPES: [&str; 4] = ["Cluster", "Group", "Namespace", "Topic"];

/// Fields of a policy in a spec.
pub(crate) const PARTS: [&str; 5] = ["actions", "decision", "policy_type", "resource", "source_ips"];

/// A broker keeps one policy for each type and resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Policy {
    pub(crate) policy_type: String,
    pub(crate) resource: String,
    pub(crate) actions: BTreeSet<String>,
    pub(crate) source_ips: BTreeSet<String>,
    pub(crate) decision: String,
}

impl Policy {
    /// Of a spec in its normal form, which `validate` let through.
    pub(crate) fn of(policy: &Value) -> Self {
        let text = |name: &str| policy.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let policy_type = Some(text("policy_type")).filter(|text| !text.is_empty());
        Self {
            policy_type: policy_type.unwrap_or_else(|| CUSTOM.to_owned()),
            resource: text("resource"),
            actions: texts(policy, "actions"),
            source_ips: texts(policy, "source_ips"),
            decision: text("decision"),
        }
    }

    pub(crate) fn all(spec: &Map<String, Value>) -> Vec<Self> {
        spec.get(POLICIES).and_then(Value::as_array).into_iter().flatten().map(Self::of).collect()
    }

    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        (&self.policy_type, &self.resource) == (&other.policy_type, &other.resource)
    }

    /// The normal form: what is meant anyway is left out.
    fn spec(&self) -> Value {
        let mut spec = Map::new();
        let mut put = |name: &str, value: Value| drop(spec.insert(name.to_owned(), value));
        put("resource", self.resource.as_str().into());
        put("actions", json!(self.actions));
        put("decision", self.decision.as_str().into());
        if !self.source_ips.is_empty() {
            put("source_ips", json!(self.source_ips));
        }
        if self.policy_type != CUSTOM {
            put("policy_type", self.policy_type.as_str().into());
        }
        Value::Object(spec)
    }

    /// `Allow Pub, Sub on Topic:orders from 10.0.0.0/8`
    pub(crate) fn sentence(&self) -> String {
        let list = |texts: &BTreeSet<String>| texts.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let from = match self.source_ips.is_empty() {
            true => String::new(),
            false => format!(" from {}", list(&self.source_ips)),
        };
        let by_default = if self.policy_type == CUSTOM { "" } else { " (by default)" };
        format!("{} {} on {}{from}{by_default}", self.decision, list(&self.actions), self.resource)
    }
}

fn texts(policy: &Value, name: &str) -> BTreeSet<String> {
    let texts = policy.get(name).and_then(Value::as_array).into_iter().flatten();
    texts.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// In one order, and each once.
pub(crate) fn spec(mut policies: Vec<Policy>) -> Map<String, Value> {
    policies.sort();
    policies.dedup();
    let policies: Vec<Value> = policies.iter().map(Policy::spec).collect();
    Map::from_iter([(POLICIES.to_owned(), policies.into())])
}

/// As brokers tell a rule: entries by their type.
pub(super) fn read(told: &Value) -> Map<String, Value> {
    let list =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut policies = Vec::new();
    for policy in list(told, "policies") {
        for entry in list(&policy, "entries") {
            policies.push(Policy {
                policy_type: policy.get("policyType").and_then(Value::as_str).unwrap_or(CUSTOM).to_owned(),
                source_ips: texts(&entry, "sourceIps"),
                ..Policy::of(&entry)
            });
        }
    }
    spec(policies)
}

/// As brokers take them.
pub(super) fn for_wire(subject: &str, policies: &[Policy]) -> Value {
    let of_type = |policy_type: &&str| {
        let entry = |policy: &Policy| {
            json!({"resource": policy.resource, "actions": policy.actions, "sourceIps": policy.source_ips,
                "decision": policy.decision})
        };
        let entries: Vec<Value> =
            policies.iter().filter(|policy| policy.policy_type == **policy_type).map(entry).collect();
        (!entries.is_empty()).then(|| json!({"policyType": policy_type, "entries": entries}))
    };
    let policies: Vec<Value> = POLICY_TYPES.iter().filter_map(of_type).collect();
    json!({"subject": subject, "policies": policies})
}

/// A word as RocketMQ writes it, however it was written; what is none stays.
pub(crate) fn word(words: &[&str], text: &str) -> String {
    let text = text.trim();
    let known = words.iter().find(|word| word.eq_ignore_ascii_case(text));
    known.map_or(text, |word| word).to_owned()
}

/// `topic:orders` is `Topic:orders`.
pub(crate) fn resource(text: &str) -> String {
    match text.trim().split_once(':') {
        Some((kind, name)) => format!("{}:{}", word(&RESOURCE_TYPES, kind), name.trim()),
        None => text.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_and_written_as_the_broker_does() {
        let told = json!({"subject": "User:alice", "policies": [
            {"policyType": "Default", "entries": [{"resource": "Topic:*", "actions": ["Sub"], "decision": "Deny"}]},
            {"policyType": "Custom", "entries": [
                {"resource": "Topic:orders", "actions": ["Sub", "Pub"], "sourceIps": ["10.0.0.1"], "decision": "Allow"},
                {"resource": "Group:g*", "actions": ["Sub"], "sourceIps": [], "decision": "Allow"}]}]});
        let spec = read(&told);
        let expected = json!({"policies": [
            {"resource": "Group:g*", "actions": ["Sub"], "decision": "Allow"},
            {"resource": "Topic:orders", "actions": ["Pub", "Sub"], "source_ips": ["10.0.0.1"], "decision": "Allow"},
            {"resource": "Topic:*", "actions": ["Sub"], "policy_type": "Default", "decision": "Deny"}]});
        assert_eq!(Value::Object(spec.clone()), expected);
        let policies = Policy::all(&spec);
        let sentences: Vec<String> = policies.iter().map(Policy::sentence).collect();
        assert_eq!(
            sentences,
            [
                "Allow Sub on Group:g*",
                "Allow Pub, Sub on Topic:orders from 10.0.0.1",
                "Deny Sub on Topic:* (by default)"
            ]
        );
        assert_eq!(read(&for_wire("User:alice", &policies)), spec);
    }
}
