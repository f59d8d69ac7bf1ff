//! Users: what is wrong with a wish, and the writes that lead to it.

use headgate_sdk::json::{self, Map, Value, pointer};
use headgate_sdk::{Action, Change, Edit, Error, Issue, Result, Step, Write};

use super::{document, edited, forgetful, step, until_restart, write};
use crate::users::spec::{
    ENABLED, FIELDS, NOPASS, PASSWORD, RULES, SELECTORS, default_of, normal, secret_name, texts,
};
use crate::words::{did_you_mean, issue, object, warning};

const FORGETFUL: &str = "users_forgotten_by";

pub(super) fn normalize(spec: Value) -> Result<Value, Vec<Issue>> {
    let fields = object(spec)?.into_iter().map(|(name, value)| {
        let value = normal(&name, value);
        (name, value)
    });
    Ok(Value::Object(fields.collect()))
}

pub(super) fn validate(spec: &Value, facts: &Value) -> Vec<Issue> {
    let Some(spec) = spec.as_object() else { return vec![issue("", "a spec is an object of fields")] };
    let mut issues: Vec<Issue> = spec.iter().flat_map(|(name, value)| field(name, value)).collect();
    if spec.get(NOPASS) == Some(&true.into()) && spec.contains_key(PASSWORD) {
        issues.push(issue("/nopass", "whom any password lets in has none: leave out one of the two"));
    }
    let nodes: Vec<&str> = forgetful(facts, FORGETFUL).collect();
    if !nodes.is_empty() {
        let message = format!(
            "until the next start only on {}: with neither a file of users nor one of its configuration, nothing is kept there",
            nodes.join(", ")
        );
        issues.push(warning("", message));
    }
    issues
}

fn field(name: &str, value: &Value) -> Vec<Issue> {
    let path = pointer([name]);
    match name {
        ENABLED | NOPASS if !value.is_null() && !value.is_boolean() => {
            vec![issue(&path, format!("{name} is {value}, it can be true or false"))]
        }
        ENABLED | NOPASS => Vec::new(),
        SELECTORS => selectors(&path, value),
        PASSWORD => password_fault(value).map(|fault| issue(&path, fault)).into_iter().collect(),
        name if RULES.contains(&name) => rules(&path, name, value),
        name => {
            let names = FIELDS.into_iter().chain([PASSWORD]);
            vec![issue(&path, format!("a user has no field {name}{}", did_you_mean(name, names)))]
        }
    }
}

fn selectors(path: &str, value: &Value) -> Vec<Issue> {
    let list = match value {
        Value::Null => return Vec::new(),
        Value::Array(list) => list,
        _ => return vec![issue(path, "selectors are a list of objects with commands, keys and channels")],
    };
    let one = |(place, selector): (usize, &Value)| {
        let path = format!("{path}/{place}");
        let Some(fields) = selector.as_object() else {
            return vec![issue(&path, "a selector is an object with commands, keys and channels")];
        };
        let of = |(name, value): (&String, &Value)| {
            let path = format!("{path}{}", pointer([name.as_str()]));
            if RULES.contains(&name.as_str()) {
                rules(&path, name, value)
            } else {
                vec![issue(&path, format!("a selector has no field {name}: commands, keys, channels"))]
            }
        };
        fields.iter().flat_map(of).collect()
    };
    list.iter().enumerate().flat_map(one).collect()
}

fn rules(path: &str, name: &str, value: &Value) -> Vec<Issue> {
    if value.is_null() {
        return Vec::new();
    }
    let Some(words) = value.as_array().and_then(|list| texts(list)) else {
        return vec![issue(path, format!("{name} are a list of texts"))];
    };
    let fault = |(place, word): (usize, &String)| {
        let fault = match name {
            "commands" => command_fault(word),
            "keys" => key_fault(word),
            _ => pattern_fault(word),
        };
        fault.map(|fault| issue(&format!("{path}/{place}"), fault))
    };
    let mut issues: Vec<Issue> = words.iter().enumerate().filter_map(fault).collect();
    let everything = if name == "keys" { "~*" } else { "&*" };
    if name != "commands" && words.len() > 1 && words.iter().any(|word| word == everything) {
        let message = format!("{everything} is all of them: leave the others out");
        issues.push(issue(path, message));
    }
    issues
}

fn command_fault(word: &str) -> Option<String> {
    let name = word.strip_prefix(['+', '-']).unwrap_or_default();
    let fits = |sign: char| sign.is_ascii_alphanumeric() || "@|-_.".contains(sign);
    (name.is_empty() || !name.chars().all(fits))
        .then(|| format!("{word:?} is no rule of commands: +NAME or -NAME, of a category +@NAME"))
}

fn key_fault(word: &str) -> Option<String> {
    let rights = word.split_once('~').map(|(rights, _)| rights);
    if rights.is_some_and(|rights| ["", "%R", "%W"].contains(&rights)) {
        pattern_fault(word)
    } else {
        Some(format!("{word:?} is no pattern of keys: ~PATTERN, %R~PATTERN to read, %W~PATTERN to write"))
    }
}

fn pattern_fault(word: &str) -> Option<String> {
    word.contains(char::is_whitespace).then(|| format!("{word:?} holds a space, which Redis does not take"))
}

/// Deliberately without the value: it may be a password.
fn password_fault(value: &Value) -> Option<&'static str> {
    if value.is_null() {
        return Some("a password has no default: leave it out, or name a secret");
    }
    if secret_name(value).is_none() {
        return Some("a password is never written down: name a secret, as in {$secret: NAME}");
    }
    if value.get("version").is_some_and(|version| version.as_i64().is_none()) {
        return Some("version of a password's secret is a whole number");
    }
    let odd = |fields: &Map<String, Value>| fields.keys().any(|name| name != "$secret" && name != "version");
    value.as_object().is_some_and(odd).then_some("a password is named by $secret, and by nothing else")
}

pub(super) fn steps(change: &Change, facts: &Value) -> Result<Vec<Step>> {
    let (before, after) = (document(change.before.as_deref())?, document(change.after.as_deref())?);
    let steps = match (before, after) {
        (None, None) => Vec::new(),
        (None, Some(after)) => vec![create(change, &after)?],
        (Some(_), None) => vec![delete(change)],
        (Some(before), Some(after)) => edit(change, &before, &after).into_iter().collect(),
    };
    let told = |step: Step| Step { summary: step.summary + until_restart(change, facts, FORGETFUL), ..step };
    Ok(steps.into_iter().map(told).collect())
}

fn create(change: &Change, after: &Map<String, Value>) -> Result<Step> {
    let name = &change.key.id;
    if name.is_empty() || name.contains(char::is_whitespace) || name.contains('\0') {
        let message = format!("{name:?} is no user's name: it needs one, without spaces");
        return Err(Error::invalid_argument(message).code("INVALID_NAME"));
    }
    let mut spec = after.clone();
    spec.retain(|_, value| !value.is_null());
    let wished = FIELDS.into_iter().filter_map(|field| Some((field, spec.get(field)?)));
    let mut parts: Vec<String> = wished
        .filter(|(field, value)| **value != default_of(field))
        .map(|(field, value)| said(field, value))
        .collect();
    let nopass = spec.get(NOPASS) == Some(&true.into());
    match spec.get(PASSWORD).and_then(secret_name) {
        Some(secret) => parts.push(format!("with the password of secret {secret}")),
        None if !nopass => parts.push("without a password: nobody can log in".to_owned()),
        None => {}
    }
    let write = write(change, Action::Create(json::text(&Value::Object(spec))));
    let undo = Write { action: Action::Delete, ..write.clone() };
    Ok(step(write, parts.join(", "), Some(undo)))
}

fn said(field: &str, value: &Value) -> String {
    let list = |value: &Value| {
        let words: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if words.is_empty() { "none".to_owned() } else { words.join(" ") }
    };
    match (field, value) {
        (_, Value::Bool(flag)) => format!("{field}={flag}"),
        (SELECTORS, value) => format!("{} more rules", value.as_array().map_or(0, Vec::len)),
        (field, value) => format!("{field} {}", list(value)),
    }
}

/// Nobody can read the passwords to make the user again.
fn delete(change: &Change) -> Step {
    let lost = "its passwords on this node are lost".to_owned();
    Step { destructive: true, ..step(write(change, Action::Delete), lost, None) }
}

fn edit(change: &Change, before: &Map<String, Value>, after: &Map<String, Value>) -> Option<Step> {
    let (mut edits, mut undo, mut parts) = (Vec::<Edit>::new(), Vec::<Edit>::new(), Vec::new());
    let mut forgets = false;
    for name in FIELDS {
        let Some(wish) = after.get(name) else { continue };
        let default = default_of(name);
        let (was, wish) = (before.get(name), if wish.is_null() { &default } else { wish });
        if was.is_some_and(|was| same(name, was, wish)) {
            continue;
        }
        edits.push(edited(&pointer([name]), Some(wish)));
        undo.extend(was.map(|was| edited(&pointer([name]), Some(was))));
        let was = was.map_or_else(|| "unknown".to_owned(), |was| said(name, was));
        parts.push(format!("{was} → {}", said(name, wish)));
        forgets |= name == NOPASS && has_passwords(change);
    }
    let wish = after.get(PASSWORD).and_then(|wish| Some((wish, secret_name(wish)?)));
    // Never observed: what was there is what was applied, where that is known. Another version is another password.
    if let Some((wish, secret)) = wish.filter(|(wish, _)| before.get(PASSWORD) != Some(wish)) {
        edits.push(edited(&pointer([PASSWORD]), Some(wish)));
        // A secret's earlier version is gone: only one of another name can be written back.
        let was = before.get(PASSWORD).filter(|was| secret_name(was) != Some(secret));
        undo.extend(was.map(|was| edited(&pointer([PASSWORD]), Some(was))));
        parts.push(format!("password of secret {secret}"));
        forgets = false;
    }
    if edits.is_empty() {
        return None;
    }
    if forgets {
        parts.push("its passwords on this node are lost".to_owned());
    }
    let write = write(change, Action::Edit(edits));
    let undo = (!undo.is_empty()).then(|| Write { action: Action::Edit(undo), ..write.clone() });
    Some(Step { destructive: forgets, ..step(write, parts.join(", "), undo) })
}

/// Where the server did not tell, there may be some.
fn has_passwords(change: &Change) -> bool {
    let status = document(change.status.as_deref()).ok().flatten().unwrap_or_default();
    status.get("passwords").and_then(Value::as_u64) != Some(0)
}

fn same(name: &str, was: &Value, wish: &Value) -> bool {
    if name != "keys" && name != "channels" {
        return was == wish;
    }
    let sorted = |value: &Value| {
        let mut words = value.as_array().and_then(|list| texts(list))?;
        words.sort_unstable();
        Some(words)
    };
    was == wish || sorted(was).is_some_and(|was| Some(was) == sorted(wish))
}

#[cfg(test)]
mod tests;
