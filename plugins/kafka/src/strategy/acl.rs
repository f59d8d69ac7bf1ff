//! Access rules: the one form of a wish, what is wrong with it, and the one write that makes or deletes a rule.
//!
//! The name of a rule says all of it. What `spec` says besides must be the same.

use std::net::IpAddr;

use headgate_sdk::json::{self, Map, Value, pointer};
use headgate_sdk::{Action, Change, Error, Issue, Result, Step, Write};

use super::steps::{document, step, write};
use super::{issue, warning};
use crate::acls::words::{
    self, OPERATIONS, PATTERN_TYPES, PERMISSIONS, RESOURCE_TYPES, Words, kebab, operations_on,
};
use crate::acls::{Binding, PARTS};

/// What the one resource of type `cluster` is called.
const CLUSTER_NAME: &str = "kafka-cluster";

const ANY: &str = "*";

pub(super) fn normalize(mut spec: Map<String, Value>) -> Value {
    for (name, value) in &mut spec {
        if let Value::Number(number) = value {
            *value = Value::String(number.to_string());
        }
        if let Value::String(text) = value {
            let normal = if words_of(name).is_some() { kebab(text) } else { text.trim().to_owned() };
            *text = normal;
        }
    }
    Value::Object(spec)
}

pub(super) fn validate(spec: &Value) -> Vec<Issue> {
    let Some(spec) = spec.as_object() else { return vec![issue("", "a spec is an object of fields")] };
    let mut issues = Vec::new();
    for (name, value) in spec {
        let path = pointer([name.as_str()]);
        match value {
            _ if !PARTS.contains(&name.as_str()) => {
                let message = format!("an access rule has no field {name}: it has {}", PARTS.join(", "));
                issues.push(issue(&path, &message));
            }
            Value::String(text) => {
                issues.extend(text_fault(name, text).map(|message| issue(&path, &message)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                let message = format!("{name} is a text; leave it out where the rule's name says it");
                issues.push(issue(&path, &message));
            }
        }
    }
    issues.extend(doubts(spec));
    issues
}

fn words_of(name: &str) -> Option<&'static Words> {
    match name {
        "resource_type" => Some(&RESOURCE_TYPES),
        "pattern_type" => Some(&PATTERN_TYPES),
        "operation" => Some(&OPERATIONS),
        "permission" => Some(&PERMISSIONS),
        _ => None,
    }
}

fn text_fault(name: &str, text: &str) -> Option<String> {
    match (name, words_of(name)) {
        (_, Some(_)) if words::unknown(text).is_some() => Some(format!(
            "{name} is {text}, of a newer Kafka than this plugin knows: it can be shown, not written"
        )),
        (_, Some(words)) if words::code(words, text).is_none() => Some(words::fault(name, words, text)),
        ("principal", None) if !is_principal(text) => Some(format!(
            "principal is {text:?}: write its type and name, as in User:{}",
            if text.is_empty() { "alice" } else { text }
        )),
        ("resource_name", None) if text.is_empty() => {
            Some("resource_name is empty: `*` is every one".to_owned())
        }
        ("host", None) if text.is_empty() => Some("host is empty: `*` is any".to_owned()),
        _ => None,
    }
}

fn is_principal(text: &str) -> bool {
    text.split_once(':').is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty())
}

/// What Kafka takes, or most often takes, and what then does not do what was meant.
fn doubts(spec: &Map<String, Value>) -> Vec<Issue> {
    let part = |name: &str| spec.get(name).and_then(Value::as_str).unwrap_or_default();
    let (kind, operation, name, host) =
        (part("resource_type"), part("operation"), part("resource_name"), part("host"));
    let mut issues = Vec::new();
    if kind == "cluster" && !matches!(name, "" | CLUSTER_NAME) {
        let message = format!("resource_name is {name:?}: the one cluster is called {CLUSTER_NAME}");
        issues.push(issue("/resource_name", &message));
    }
    let asked = operations_on(kind);
    let is_word = words::code(&OPERATIONS, operation).is_some_and(|code| words::knows(&OPERATIONS, code));
    if !asked.is_empty() && is_word && operation != "all" && !asked.contains(&operation) {
        let message = format!(
            "Kafka never asks for {operation} on a {kind}: the rule would change nothing; it asks for {}",
            asked.join(", ")
        );
        issues.push(warning("/operation", &message));
    }
    if part("pattern_type") == "prefixed" && name == ANY {
        let message = "prefixed `*` means names that begin with an asterisk: for every name set pattern_type to literal";
        issues.push(warning("/resource_name", message));
    }
    if !matches!(host, "" | ANY) && host.parse::<IpAddr>().is_err() {
        let message = format!("host is {host:?}: Kafka compares IP addresses, so a name never fits");
        issues.push(warning("/host", &message));
    }
    issues
}

pub(super) fn steps(change: &Change) -> Result<Vec<Step>> {
    let (before, after) = (document(change.before.as_deref())?, document(change.after.as_deref())?);
    if before.is_none() && after.is_none() {
        return Ok(Vec::new());
    }
    let binding = binding(&change.key.id, after.as_ref())?;
    if !binding.is_known() {
        return Err(Error::unsupported(format_args!(
            "{} is of a newer Kafka than this plugin knows: it can be shown, not written",
            change.key.id
        )));
    }
    let create =
        Write { action: Action::Create(json::text(&binding.spec())), ..write(change, Action::Delete) };
    let delete = write(change, Action::Delete);
    match (before, after) {
        (Some(_), None) => Ok(vec![step(delete, format!("no longer: {}", sentence(&binding)), Some(create))]),
        (None, _) => Ok(vec![step(create, sentence(&binding), Some(delete))]),
        // Its name says all of it, so nothing of it can differ.
        (Some(_), Some(_)) => Ok(Vec::new()),
    }
}

/// The rule that name and spec speak of; where they speak of two, the name that the spec wants.
fn binding(id: &str, spec: Option<&Map<String, Value>>) -> Result<Binding> {
    let named = Binding::parse(id);
    let of_name = named.as_ref().map(|binding| binding.parts().map(|(_, part)| part)).ok();
    let mut parts: [Option<&str>; 7] = [None; 7];
    for (index, (slot, name)) in parts.iter_mut().zip(PARTS).enumerate() {
        let told = spec.and_then(|spec| spec.get(name)).and_then(Value::as_str);
        let named = of_name.as_ref().and_then(|parts| parts.get(index)).map(String::as_str);
        *slot = told.or(named);
    }
    let wanted = match parts {
        [Some(a), Some(b), Some(c), Some(d), Some(e), Some(f), Some(g)] => Binding::of([a, b, c, d, e, f, g])
            .map_err(|(_, fault)| Error::invalid_argument(format_args!("access rule {id}: {fault}")))?,
        _ => {
            let fault = named.err().unwrap_or_default();
            let message = format!(
                "{id} is no access rule's name: {fault}; it is made of {}, \
                 as in User:alice|topic|literal|orders|read|allow|*",
                PARTS.join("|")
            );
            return Err(Error::invalid_argument(message).code("INVALID_NAME"));
        }
    };
    let right = wanted.id();
    if right != id {
        let message = format!(
            "{id} is not the name of the access rule in its spec: call it {right}, or change the spec"
        );
        return Err(Error::invalid_argument(message).code("INVALID_NAME"));
    }
    if !is_principal(&wanted.principal) {
        let message =
            format!("access rule {id}: {}", text_fault("principal", &wanted.principal).unwrap_or_default());
        return Err(Error::invalid_argument(message));
    }
    Ok(wanted)
}

/// `allow User:alice to read topic orders`
fn sentence(binding: &Binding) -> String {
    let [_, (_, kind), _, _, (_, operation), (_, permission), _] = binding.parts();
    let Binding { principal, resource_name, host, .. } = binding;
    let operation = if operation == "all" { "do everything on".to_owned() } else { operation };
    let object = match (binding.resource_type, binding.pattern_type) {
        (words::RESOURCE_CLUSTER, _) => "the cluster".to_owned(),
        (_, words::PATTERN_PREFIXED) => format!("every {kind} that begins with {resource_name}"),
        _ if resource_name == ANY => format!("every {kind}"),
        _ => format!("{kind} {resource_name}"),
    };
    let from = if host == ANY { String::new() } else { format!(" from {host}") };
    format!("{permission} {principal} to {operation} {object}{from}")
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;
    use headgate_sdk::{Place, ResourceKey, Severity};

    use super::*;

    const ID: &str = "User:alice|topic|literal|orders|read|allow|*";

    fn change(id: &str, before: Value, after: Value) -> Result<Vec<Step>> {
        let text = |value: Value| (!value.is_null()).then(|| value.to_string());
        let key = ResourceKey { metadata_type: "acl".to_owned(), id: id.to_owned(), place: Place::Cluster };
        steps(&Change {
            key,
            before: text(before),
            after: text(after),
            status: None,
            effective: None,
            revision: None,
            incarnation: None,
            extra: None,
        })
    }

    fn check(id: &str, before: Value, after: Value, summary: &str) -> Step {
        let [step] = change(id, before, after).unwrap().try_into().unwrap();
        assert_eq!(step.summary, summary);
        step
    }

    fn issues(spec: Value) -> Vec<(Severity, String)> {
        validate(&spec)
            .into_iter()
            .map(|issue| (issue.severity, format!("{} {}", issue.path, issue.message)))
            .collect()
    }

    #[test]
    fn words_are_written_one_way() {
        let Value::Object(wish) = json!({"operation": "DESCRIBE_CONFIGS", "resource_type": "TransactionalId",
            "resource_name": 7, "principal": " User:Alice ", "host": null})
        else {
            panic!("no object")
        };
        let normal = normalize(wish);
        assert_eq!(
            normal,
            json!({"operation": "describe-configs", "resource_type": "transactional-id",
            "resource_name": "7", "principal": "User:Alice", "host": null})
        );
        let Value::Object(again) = normal.clone() else { panic!("no object") };
        assert_eq!(normalize(again), normal);
    }

    #[test]
    fn a_rule_is_made_from_its_name_and_undone() {
        let made = check(ID, Value::Null, json!({}), "allow User:alice to read topic orders");
        let spec = Value::Object(Binding::parse(ID).unwrap().spec());
        assert_eq!(made.write.action, Action::Create(spec.to_string()));
        assert_eq!(made.undo.unwrap().action, Action::Delete);
        let gone = check(ID, spec.clone(), Value::Null, "no longer: allow User:alice to read topic orders");
        assert_eq!(gone.undo.unwrap().action, Action::Create(spec.to_string()));
        assert!(!gone.destructive, "it can be taken back whole");
        assert!(change(ID, spec.clone(), spec).unwrap().is_empty());
    }

    #[test]
    fn rules_read_as_sentences() {
        let of = |id: &str| sentence(&Binding::parse(id).unwrap());
        assert_eq!(
            of("User:*|group|prefixed|app-|all|deny|10.0.0.1"),
            "deny User:* to do everything on every group that begins with app- from 10.0.0.1"
        );
        assert_eq!(
            of("User:a|cluster|literal|kafka-cluster|create|allow|*"),
            "allow User:a to create the cluster"
        );
        assert_eq!(of("User:a|topic|literal|*|write|allow|*"), "allow User:a to write every topic");
    }

    #[test]
    fn the_right_name_is_said() {
        let wish = json!({"principal": "User:alice", "resource_type": "topic", "pattern_type": "literal",
            "resource_name": "orders", "operation": "read", "permission": "allow", "host": "*"});
        let refusal = |id: &str, spec: &Value| change(id, Value::Null, spec.clone()).unwrap_err().message;
        assert!(refusal("alice-reads", &wish).contains(&format!("call it {ID}")));
        assert!(refusal(&ID.replace("read", "write"), &wish).contains(&format!("call it {ID}")));
        assert!(refusal(&ID.replace("|*", "|%2A"), &json!({"host": "*"})).contains(&format!("call it {ID}")));
        assert!(refusal("alice-reads", &json!({})).contains("is no access rule's name"));
        assert!(refusal(&ID.replace("User:", ""), &json!({})).contains("as in User:alice"));
        assert!(refusal("User:a|unknown(17)|literal|x|read|allow|*", &json!({})).contains("newer Kafka"));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_write() {
        use Severity::{Error, Warning};
        let one = |severity, text: &str| vec![(severity, text.to_owned())];
        assert!(issues(Value::Object(Binding::parse(ID).unwrap().spec())).is_empty());
        assert_eq!(
            issues(json!({"principal": "alice"})),
            one(Error, "/principal principal is \"alice\": write its type and name, as in User:alice")
        );
        assert_eq!(
            issues(json!({"pattern_type": "match"})),
            one(Error, "/pattern_type pattern_type is \"match\": it can be literal, prefixed")
        );
        assert_eq!(
            issues(json!({"resource_type": "cluster", "resource_name": "lab"})),
            one(Error, "/resource_name resource_name is \"lab\": the one cluster is called kafka-cluster")
        );
        assert_eq!(issues(json!({"host": "db.local"})).first().unwrap().0, Warning);
        assert_eq!(
            issues(json!({"resource_type": "group", "operation": "write"})).first().unwrap().0,
            Warning
        );
        assert_eq!(
            issues(json!({"pattern_type": "prefixed", "resource_name": "*"})).first().unwrap().0,
            Warning
        );
        assert_eq!(issues(json!({"operation": "unknown(17)"})).first().unwrap().0, Error);
        assert_eq!(issues(json!({"user": "a", "host": null})).len(), 2);
    }
}
