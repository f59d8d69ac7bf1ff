//! Quotas: the one form of a wish, what is wrong with it, and the writes that lead to it.

use headgate_sdk::json::{self, Map, Value, pointer};
use headgate_sdk::{Action, Change, Edit, Error, Issue, Result, Step, Write};

use super::issue;
use super::steps::{document, step, write};
use crate::quotas::{Entity, OTHERS, RATES, number, rate};

pub(super) fn normalize(mut spec: Map<String, Value>) -> Value {
    for value in spec.values_mut() {
        let told = match &value {
            Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            value => value.as_f64(),
        };
        if let Some(told) = told {
            *value = number(told);
        }
    }
    Value::Object(spec)
}

pub(super) fn validate(spec: &Value) -> Vec<Issue> {
    let Some(spec) = spec.as_object() else { return vec![issue("", "a spec is an object of fields")] };
    let fault = |(name, value): (&String, &Value)| {
        let message = match rate(name) {
            None => Some(format!(
                "a quota has no field {name}: it has {}",
                RATES.map(|rate| rate.name).join(", ")
            )),
            Some(_) if value.is_null() => None,
            Some(rate) => number_fault(name, value, rate.whole_max),
        };
        message.map(|message| issue(&pointer([name.as_str()]), &message))
    };
    spec.iter().filter_map(fault).collect()
}

fn number_fault(name: &str, value: &Value, whole_max: Option<f64>) -> Option<String> {
    let Some(told) = value.as_f64() else {
        return Some(format!("{name} is no number; null is no limit"));
    };
    match whole_max {
        _ if told <= 0.0 => Some(format!("{name} is {value}: it takes more than 0; null is no limit")),
        Some(max) if told.fract() != 0.0 || told > max => {
            Some(format!("{name} is {value}: it takes a whole number up to {max}"))
        }
        Some(_) | None => None,
    }
}

pub(super) fn steps(change: &Change) -> Result<Vec<Step>> {
    let (before, after) = (document(change.before.as_deref())?, document(change.after.as_deref())?);
    let entity = match (&before, &after) {
        (None, None) => return Ok(Vec::new()),
        _ => entity(&change.key.id)?,
    };
    match (before, after) {
        (Some(before), None) => Ok(vec![delete(change, &before)?]),
        (before, Some(after)) => {
            fits(change, &entity, &after)?;
            match before {
                None => Ok(vec![create(change, after)]),
                Some(before) => Ok(edit(change, &before, &after).into_iter().collect()),
            }
        }
        (None, None) => Ok(Vec::new()),
    }
}

fn entity(id: &str) -> Result<Entity> {
    let refused = |why: &str| {
        let message = format!(
            "{id} is no quota's name: {why}; write user=NAME, client-id=NAME, user=NAME,client-id=NAME or ip=ADDRESS, \
             and <default> for a NAME that stands for all others"
        );
        Error::invalid_argument(message).code("INVALID_NAME")
    };
    let entity = Entity::parse(id).map_err(|fault| refused(&fault))?;
    if !entity.is_known() {
        return Err(refused("Kafka limits nothing of that kind"));
    }
    let right = entity.id();
    if right != id {
        let message = format!("{id} is not how the quota is called: call it {right}");
        return Err(Error::invalid_argument(message).code("INVALID_NAME"));
    }
    Ok(entity)
}

/// Kafka keeps no quota without a limit, and some limits only for some.
fn fits(change: &Change, entity: &Entity, after: &Map<String, Value>) -> Result<()> {
    let id = &change.key.id;
    let (mut set, allowed) = (set(after).peekable(), entity.rates());
    if set.peek().is_none() {
        let message = if change.before.is_some() {
            format!(
                "nothing would be left of quota {id}, and Kafka keeps none without a limit: delete it instead"
            )
        } else {
            format!("quota {id} sets no limit, and Kafka keeps none without one: set {}", allowed.join(", "))
        };
        return Err(Error::invalid_argument(message));
    }
    match set.find(|(name, _)| !allowed.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, _)) => {
            let message = format!("quota {id} cannot have {name}: it can have {}", allowed.join(", "));
            Err(Error::invalid_argument(message))
        }
    }
}

fn create(change: &Change, mut after: Map<String, Value>) -> Step {
    after.retain(|_, value| !value.is_null());
    let summary = listed(&after);
    let write = write(change, Action::Create(json::text(&Value::Object(after))));
    let undo = Write { action: Action::Delete, ..write.clone() };
    step(write, summary, Some(undo))
}

fn delete(change: &Change, before: &Map<String, Value>) -> Result<Step> {
    let status = document(change.status.as_deref())?.unwrap_or_default();
    if let Some(others) = status.get(OTHERS).and_then(Value::as_object).filter(|others| !others.is_empty()) {
        return Err(Error::unsupported(format_args!(
            "quota {} also limits {}, which this plugin does not know: take that away with kafka-configs first",
            change.key.id,
            others.keys().cloned().collect::<Vec<_>>().join(", ")
        )));
    }
    let write = write(change, Action::Delete);
    let undo = Write { action: Action::Create(json::text(before)), ..write.clone() };
    Ok(step(write, format!("no longer: {}", listed(before)), Some(undo)))
}

fn edit(change: &Change, before: &Map<String, Value>, after: &Map<String, Value>) -> Option<Step> {
    let (mut edits, mut undo, mut summary) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in after {
        let was = before.get(name).filter(|was| !was.is_null());
        let wish = Some(value).filter(|value| !value.is_null());
        if was == wish {
            continue;
        }
        let to =
            |value: Option<&Value>| Edit { path: pointer([name.as_str()]), value: value.map(json::text) };
        edits.push(to(wish));
        undo.push(to(was));
        let shown = |value: Option<&Value>| value.map_or_else(|| "no limit".to_owned(), Value::to_string);
        summary.push(format!("{name} {} → {}", shown(was), shown(wish)));
    }
    if edits.is_empty() {
        return None;
    }
    let write = write(change, Action::Edit(edits));
    let undo = Write { action: Action::Edit(undo), ..write.clone() };
    Some(step(write, summary.join(", "), Some(undo)))
}

fn set(spec: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    spec.iter().filter(|(_, value)| !value.is_null())
}

/// `producer_byte_rate 1048576, request_percentage 50`
fn listed(spec: &Map<String, Value>) -> String {
    set(spec).map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;
    use headgate_sdk::{Place, ResourceKey};

    use super::*;

    fn change(id: &str, before: Value, after: Value, status: Value) -> Result<Vec<Step>> {
        let text = |value: Value| (!value.is_null()).then(|| value.to_string());
        let key = ResourceKey { metadata_type: "quota".to_owned(), id: id.to_owned(), place: Place::Cluster };
        steps(&Change {
            key,
            before: text(before),
            after: text(after),
            status: text(status),
            effective: None,
            revision: None,
            incarnation: None,
            extra: None,
        })
    }

    fn check(before: Value, after: Value, expected: &[&str]) -> Vec<Step> {
        let steps = change("user=a", before, after, Value::Null).unwrap();
        assert_eq!(steps.iter().map(|step| step.summary.as_str()).collect::<Vec<_>>(), expected);
        steps
    }

    fn refusal(id: &str, before: Value, after: Value) -> String {
        change(id, before, after, Value::Null).unwrap_err().message
    }

    #[test]
    fn numbers_are_written_one_way() {
        let Value::Object(wish) = json!({"producer_byte_rate": "1048576", "request_percentage": 50.0,
            "controller_mutation_rate": 0.5, "consumer_byte_rate": null, "connection_creation_rate": "many"})
        else {
            panic!("no object")
        };
        let normal = json!({"producer_byte_rate": 1_048_576, "request_percentage": 50,
            "controller_mutation_rate": 0.5, "consumer_byte_rate": null, "connection_creation_rate": "many"});
        assert_eq!(normalize(wish), normal);
        let Value::Object(again) = normal.clone() else { panic!("no object") };
        assert_eq!(normalize(again), normal);
    }

    #[test]
    fn limits_are_checked() {
        let issues = |spec: Value| -> Vec<String> {
            validate(&spec).into_iter().map(|issue| format!("{} {}", issue.path, issue.message)).collect()
        };
        assert!(
            issues(json!({"producer_byte_rate": 1, "request_percentage": 0.5, "consumer_byte_rate": null}))
                .is_empty()
        );
        assert_eq!(
            issues(json!({"producer_byte_rate": 0})),
            ["/producer_byte_rate producer_byte_rate is 0: it takes more than 0; null is no limit"]
        );
        assert_eq!(
            issues(json!({"connection_creation_rate": 1.5})),
            [
                "/connection_creation_rate connection_creation_rate is 1.5: it takes a whole number up to 2147483647"
            ]
        );
        assert_eq!(issues(json!({"request_percentage": "x", "speed": 1})).len(), 2);
    }

    #[test]
    fn a_quota_is_made_edited_and_deleted_and_each_is_undone() {
        let one = json!({"producer_byte_rate": 5});
        let made = check(
            Value::Null,
            json!({"producer_byte_rate": 5, "request_percentage": null}),
            &["producer_byte_rate 5"],
        );
        assert_eq!(made[0].write.action, Action::Create(one.to_string()));
        assert_eq!(made[0].undo.as_ref().unwrap().action, Action::Delete);

        let after = json!({"producer_byte_rate": null, "request_percentage": 12.5});
        let edited = check(
            one.clone(),
            after,
            &["producer_byte_rate 5 → no limit, request_percentage no limit → 12.5"],
        );
        let edit = |name: &str, value: Option<&str>| Edit {
            path: format!("/{name}"),
            value: value.map(str::to_owned),
        };
        let undo = vec![edit("producer_byte_rate", Some("5")), edit("request_percentage", None)];
        assert_eq!(edited[0].undo.as_ref().unwrap().action, Action::Edit(undo));

        let gone = check(one.clone(), Value::Null, &["no longer: producer_byte_rate 5"]);
        assert_eq!(gone[0].undo.as_ref().unwrap().action, Action::Create(one.to_string()));
        check(one.clone(), one, &[]);
    }

    #[test]
    fn what_kafka_would_not_keep_is_refused_with_what_to_do() {
        assert!(
            refusal("user=a", Value::Null, json!({"producer_byte_rate": null}))
                .contains("set consumer_byte_rate")
        );
        let emptied =
            refusal("user=a", json!({"producer_byte_rate": 5}), json!({"producer_byte_rate": null}));
        assert!(emptied.contains("delete it instead"), "{emptied}");
        assert!(
            refusal("ip=10.0.0.1", Value::Null, json!({"producer_byte_rate": 5}))
                .contains("it can have connection_creation_rate")
        );
        assert!(refusal("alice", Value::Null, json!({})).contains("write user=NAME"));
        assert!(refusal("client-id=b,user=a", Value::Null, json!({})).contains("call it user=a,client-id=b"));
        let newer =
            change("user=a", json!({}), Value::Null, json!({"others": {"disk_rate": 1}})).unwrap_err();
        assert!(newer.message.contains("disk_rate"), "{newer:?}");
    }
}
