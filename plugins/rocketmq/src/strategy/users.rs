//! Users: what is wrong with a wish, and the writes that lead to it.

use headgate_sdk::json::{self, Map, Value, pointer};
use headgate_sdk::{Action, Change, Edit, Error, Issue, Result, Step, Write};

use super::did_you_mean;
use super::issue;
use super::steps::{document, edited, shown, step, without_nulls, write};
use crate::access::policies::word;
use crate::access::users::{FIELDS, PASSWORD, secret_name};

pub(super) fn normalize(mut spec: Map<String, Value>) -> Value {
    for (name, _, words) in FIELDS {
        if let Some(Value::String(text)) = spec.get_mut(name) {
            *text = word(&words, text);
        }
    }
    Value::Object(spec)
}

pub(super) fn validate(spec: &Value) -> Vec<Issue> {
    let Some(spec) = spec.as_object() else { return vec![issue("", "a spec is an object of fields")] };
    let fault = |(name, value): (&String, &Value)| {
        let message = match FIELDS.into_iter().find(|(known, ..)| known == name) {
            Some((_, _, words)) => word_fault(name, words, value)?,
            None if name == PASSWORD => password_fault(value)?,
            None => {
                let names = FIELDS.into_iter().map(|(known, ..)| known).chain([PASSWORD]);
                format!("a user has no field {name}{}", did_you_mean(name, names))
            }
        };
        Some(issue(&pointer([name.as_str()]), &message))
    };
    spec.iter().filter_map(fault).collect()
}

fn word_fault(name: &str, words: [&str; 2], value: &Value) -> Option<String> {
    let fits = value.is_null() || value.as_str().is_some_and(|text| words.contains(&text));
    (!fits).then(|| format!("{name} is {value}, it can be {}", words.join(" or ")))
}

/// Deliberately without the value: it may be a password.
fn password_fault(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("a password has no default: leave it out, or name a secret".to_owned()),
        value if secret_name(value).is_some() => reference_fault(value).map(str::to_owned),
        _ => Some("a password is never written down: name a secret, as in {$secret: NAME}".to_owned()),
    }
}

fn reference_fault(reference: &Value) -> Option<&'static str> {
    let version = reference.get("version");
    if version.is_some_and(|version| version.as_i64().is_none()) {
        return Some("version of a password's secret is a whole number");
    }
    let odd = |fields: &Map<String, Value>| fields.keys().any(|name| name != "$secret" && name != "version");
    reference.as_object().is_some_and(odd).then_some("a password is named by $secret, and by nothing else")
}

pub(super) fn steps(change: &Change) -> Result<Vec<Step>> {
    let (before, after) = (document(change.before.as_deref())?, document(change.after.as_deref())?);
    match (before, after) {
        (None, None) => Ok(Vec::new()),
        (None, Some(after)) => Ok(vec![create(change, &after)?]),
        (Some(_), None) => Ok(vec![delete(change)]),
        (Some(before), Some(after)) => Ok(edit(change, &before, &after).into_iter().collect()),
    }
}

fn create(change: &Change, after: &Map<String, Value>) -> Result<Step> {
    let name = &change.key.id;
    if name.is_empty() || name.contains(char::is_whitespace) {
        let message = format!("{name:?} is no user's name: it needs one, without spaces");
        return Err(Error::invalid_argument(message).code("INVALID_NAME"));
    }
    let spec = without_nulls(after);
    let Some(secret) = spec.get(PASSWORD).and_then(secret_name) else {
        let message = format!("user {name} does not exist and needs a password: password: {{$secret: NAME}}");
        return Err(Error::invalid_argument(message).code("NO_PASSWORD"));
    };
    let part = |(field, _, [default, _]): (&str, &str, [&str; 2])| {
        format!("{field}={}", spec.get(field).map_or_else(|| default.to_owned(), shown))
    };
    let parts: Vec<String> = FIELDS.into_iter().map(part).collect();
    let summary = format!("{}, with the password of secret {secret}", parts.join(", "));
    let write = write(change, Action::Create(json::text(&Value::Object(spec))));
    let undo = Write { action: Action::Delete, ..write.clone() };
    Ok(step(write, summary, Some(undo)))
}

/// Nobody can read the password to make the user again.
fn delete(change: &Change) -> Step {
    let lost = "its password and its access rule on this broker are lost".to_owned();
    Step { destructive: true, ..step(write(change, Action::Delete), lost, None) }
}

fn edit(change: &Change, before: &Map<String, Value>, after: &Map<String, Value>) -> Option<Step> {
    let (mut edits, mut undo, mut summary) = (Vec::<Edit>::new(), Vec::<Edit>::new(), Vec::new());
    for (name, _, [default, _]) in FIELDS {
        let Some(wish) = after.get(name) else { continue };
        let default = Value::from(default);
        let (was, wish) = (before.get(name), if wish.is_null() { &default } else { wish });
        if was != Some(wish) {
            edits.push(edited(&pointer([name]), Some(wish)));
            undo.push(edited(&pointer([name]), was));
            summary.push(format!(
                "{name} {} → {}",
                was.map_or_else(|| "unknown".to_owned(), shown),
                shown(wish)
            ));
        }
    }
    let wish = after.get(PASSWORD).and_then(|wish| Some((wish, secret_name(wish)?)));
    // Never observed: what was there is what was applied, where that is known. Another version is another password.
    if let Some((wish, secret)) = wish.filter(|(wish, _)| before.get(PASSWORD) != Some(wish)) {
        edits.push(edited(&pointer([PASSWORD]), Some(wish)));
        // A secret's earlier version is gone: only one of another name can be written back.
        let was = before.get(PASSWORD).filter(|was| secret_name(was) != Some(secret));
        undo.extend(was.map(|was| edited(&pointer([PASSWORD]), Some(was))));
        summary.push(format!("password of secret {secret}"));
    }
    if edits.is_empty() {
        return None;
    }
    let write = write(change, Action::Edit(edits));
    let undo = (!undo.is_empty()).then(|| Write { action: Action::Edit(undo), ..write.clone() });
    Some(step(write, summary.join(", "), undo))
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;
    use headgate_sdk::{Place, ResourceKey};

    use super::*;

    fn change(before: Value, after: Value) -> Result<Vec<Step>> {
        let text = |value: Value| (!value.is_null()).then(|| value.to_string());
        let place = Place::Group("broker-a".to_owned());
        steps(&Change {
            key: ResourceKey { metadata_type: "user".to_owned(), id: "alice".to_owned(), place },
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
        let [step] = change(before, after).unwrap().try_into().unwrap();
        assert_eq!(step.summary, summary);
        step
    }

    #[test]
    fn a_user_is_made_with_a_password_and_undone() {
        let wish = json!({"user_type": null, "password": {"$secret": "alice-1"}});
        let summary = "user_type=Normal, user_status=enable, with the password of secret alice-1";
        let made = check(Value::Null, wish, summary);
        assert_eq!(made.undo.unwrap().action, Action::Delete);
        let error = change(Value::Null, json!({"user_type": "Super"})).unwrap_err();
        assert_eq!(error.code.as_deref(), Some("NO_PASSWORD"));
    }

    #[test]
    fn only_what_differs_is_edited() {
        let before = json!({"user_type": "Normal", "user_status": "disable"});
        let step = check(
            before.clone(),
            json!({"user_type": "Normal", "user_status": null}),
            "user_status disable → enable",
        );
        let undo = Action::Edit(vec![edited("/user_status", Some(&json!("disable")))]);
        assert_eq!(step.undo.unwrap().action, undo);
        let step = check(before.clone(), json!({"password": {"$secret": "two"}}), "password of secret two");
        assert!(step.undo.is_none(), "nobody knows what it was");
        assert!(change(before, json!({"user_status": "disable"})).unwrap().is_empty());
        let applied = json!({"password": {"$secret": "a", "version": 1}});
        assert!(change(applied.clone(), applied.clone()).unwrap().is_empty());
        let newer = json!({"password": {"$secret": "a", "version": 2}});
        let step = check(applied.clone(), newer, "password of secret a");
        assert!(step.undo.is_none(), "the host has the new one only");
        let step = check(applied, json!({"password": {"$secret": "b"}}), "password of secret b");
        assert!(step.undo.is_some());
    }

    #[test]
    fn a_delete_says_what_is_lost() {
        let step = check(json!({}), Value::Null, "its password and its access rule on this broker are lost");
        assert!(step.destructive && step.undo.is_none());
    }

    #[test]
    fn words_are_rocketmqs_and_a_password_is_a_reference() {
        let Value::Object(wish) = json!({"user_type": " super", "user_status": "ENABLE"}) else { panic!() };
        let normal = normalize(wish);
        assert_eq!(normal, json!({"user_type": "Super", "user_status": "enable"}));
        assert!(validate(&normal).is_empty());
        let issues = validate(&json!({"user_typ": 1, "user_type": "Root", "password": "hunter2"}));
        let said: Vec<&str> = issues.iter().map(|issue| issue.message.as_str()).collect();
        assert_eq!(
            said,
            [
                "a password is never written down: name a secret, as in {$secret: NAME}",
                "a user has no field user_typ: did you mean user_type?",
                "user_type is \"Root\", it can be Normal or Super"
            ]
        );
        assert_eq!(validate(&json!({"password": null})).len(), 1);
        let password = |version: Value| json!({"password": {"$secret": "a", "version": version}});
        assert!(validate(&password(json!(3))).is_empty());
        assert_eq!(validate(&password(json!("3"))).len(), 1);
    }
}
