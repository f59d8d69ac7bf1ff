//! Users: the one form of a wish, what is wrong with it, and the writes that lead to it.

use headgate_sdk::json::{self, Map, Value, pointer};
use headgate_sdk::{Action, Change, Edit, Error, Issue, Result, Step, Write};

use super::issue;
use super::steps::{document, step, write};
use crate::users::{
    ITERATIONS, ITERATIONS_MAX, ITERATIONS_MIN, KNOWN, MECHANISMS, OTHERS, PASSWORD, known_names, mechanism,
    secret_name,
};

pub(super) fn normalize(mut spec: Map<String, Value>) -> Value {
    if let Some(Value::Object(mechanisms)) = spec.get_mut(MECHANISMS) {
        for iterations in mechanisms.values_mut().filter_map(|one| one.get_mut(ITERATIONS)) {
            if let Some(number) = iterations.as_str().and_then(|text| text.trim().parse::<i64>().ok()) {
                *iterations = number.into();
            }
        }
    }
    Value::Object(spec)
}

pub(super) fn validate(spec: &Value) -> Vec<Issue> {
    let Some(spec) = spec.as_object() else { return vec![issue("", "a spec is an object of fields")] };
    let mut issues = Vec::new();
    for (name, value) in spec {
        match (name.as_str(), value) {
            (MECHANISMS, Value::Object(each)) => {
                issues.extend(each.iter().filter_map(|(name, value)| {
                    Some(issue(&pointer([MECHANISMS, name]), &mechanism_fault(name, value)?))
                }));
            }
            (MECHANISMS, _) => issues.push(issue(
                "/mechanisms",
                "mechanisms is an object of names, as in SCRAM-SHA-512: {iterations: 8192}",
            )),
            (PASSWORD, value) => {
                issues.extend(password_fault(value).map(|message| issue("/password", &message)));
            }
            (name, _) => {
                let message = format!("a user has no field {name}: it has {MECHANISMS}, {PASSWORD}");
                issues.push(issue(&pointer([name]), &message));
            }
        }
    }
    issues
}

fn mechanism_fault(name: &str, value: &Value) -> Option<String> {
    if mechanism(name).is_none() {
        return Some(format!("{name} is no mechanism of users: it can be {}", known_names()));
    }
    let fields = match value {
        Value::Null => return None,
        Value::Object(fields) => fields,
        _ => {
            return Some(format!(
                "{name} is an object, as in {{{ITERATIONS}: 8192}}, or null to take it away"
            ));
        }
    };
    if let Some(odd) = fields.keys().find(|field| *field != ITERATIONS) {
        return Some(format!("{name} has no field {odd}: it has {ITERATIONS}"));
    }
    let range = i64::from(ITERATIONS_MIN)..=i64::from(ITERATIONS_MAX);
    match fields.get(ITERATIONS) {
        Some(told) if told.as_i64().is_some_and(|told| range.contains(&told)) => None,
        Some(told) => Some(format!(
            "{ITERATIONS} of {name} is {told}: Kafka takes {ITERATIONS_MIN} to {ITERATIONS_MAX}"
        )),
        None => Some(format!("{name} needs {ITERATIONS}: Kafka takes {ITERATIONS_MIN} to {ITERATIONS_MAX}")),
    }
}

/// Deliberately without the value: it may be a password.
fn password_fault(value: &Value) -> Option<String> {
    let reference = value.as_object().filter(|_| secret_name(value).is_some());
    let Some(reference) = reference else {
        return Some(match value {
            Value::Null => "a password has no default: leave it out, or name a secret".to_owned(),
            _ => "a password is never written down: name a secret, as in {$secret: NAME}".to_owned(),
        });
    };
    let version = reference.get("version");
    if version.is_some_and(|version| version.as_i64().is_none()) {
        return Some("version of a password's secret is a whole number".to_owned());
    }
    let odd = reference.keys().any(|field| field != "$secret" && field != "version");
    odd.then(|| "a password is named by $secret, and by nothing else".to_owned())
}

pub(super) fn steps(change: &Change) -> Result<Vec<Step>> {
    let (before, after) = (document(change.before.as_deref())?, document(change.after.as_deref())?);
    match (before, after) {
        (None, None) => Ok(Vec::new()),
        (None, Some(after)) => Ok(vec![create(change, &after)?]),
        (Some(before), None) => Ok(vec![delete(change, &before)]),
        (Some(before), Some(after)) => Ok(edit(change, &before, &after)?.into_iter().collect()),
    }
}

fn create(change: &Change, after: &Map<String, Value>) -> Result<Step> {
    let name = &change.key.id;
    if name.is_empty() {
        return Err(Error::invalid_argument("a user needs a name").code("INVALID_NAME"));
    }
    let (mut made, mut summary) = (Map::new(), Vec::new());
    for known in KNOWN {
        if let Some(wish) = has(after, known.name) {
            summary.push(format!("{} with {} iterations", known.name, iterations(wish)));
            made.insert(known.name.to_owned(), wish.clone());
        }
    }
    if made.is_empty() {
        let message = format!("user {name} does not exist and needs a mechanism: {}", known_names());
        return Err(Error::invalid_argument(message).code("NO_MECHANISM"));
    }
    let Some((password, secret)) = named_secret(after) else {
        return Err(no_password(&format!("user {name} does not exist and needs a password")));
    };
    summary.push(format!("password of secret {secret}"));
    let spec = Map::from_iter([
        (MECHANISMS.to_owned(), Value::Object(made)),
        (PASSWORD.to_owned(), password.clone()),
    ]);
    let write = write(change, Action::Create(json::text(&Value::Object(spec))));
    let undo = Write { action: Action::Delete, ..write.clone() };
    Ok(step(write, summary.join(", "), Some(undo)))
}

/// Nobody can read the password to make the user again.
fn delete(change: &Change, before: &Map<String, Value>) -> Step {
    let lost: Vec<&str> =
        KNOWN.into_iter().map(|known| known.name).filter(|name| has(before, name).is_some()).collect();
    let lost = if lost.is_empty() { "its credentials".to_owned() } else { lost.join(" and ") };
    let summary = format!("it can no longer log in ({lost}); not undone, for nobody can read its password");
    Step { destructive: true, ..step(write(change, Action::Delete), summary, None) }
}

/// What becomes of a mechanism.
struct Turn<'a> {
    name: &'static str,
    was: Option<&'a Value>,
    wish: Option<&'a Value>,
}

fn edit(change: &Change, before: &Map<String, Value>, after: &Map<String, Value>) -> Result<Option<Step>> {
    let user = &change.key.id;
    let password = named_secret(after);
    // Never observed: what was there is what was applied, where that is known. One password counts for all mechanisms.
    let anew = password.is_some_and(|(wish, _)| before.get(PASSWORD) != Some(wish));
    let turns: Vec<Turn<'_>> = KNOWN.into_iter().map(|known| Turn::of(known.name, before, after)).collect();
    let turned: Vec<&Turn<'_>> = turns.iter().filter(|turn| turn.was != turn.wish).collect();
    if turned.is_empty() && !anew {
        return Ok(None);
    }
    if turns.iter().all(|turn| turn.wish.is_none()) {
        return Err(nothing_left(change)?);
    }
    if let (None, Some(turn)) = (password, turned.iter().find(|turn| turn.wish.is_some())) {
        return Err(no_password(&format!("user {user}: {} needs the password", turn.said())));
    }
    let mut summary: Vec<String> = turned.iter().map(|turn| turn.summary()).collect();
    summary.extend(password.filter(|_| anew).map(|(_, secret)| format!("password of secret {secret}")));
    let mut edits: Vec<Edit> = turned.iter().map(|turn| edited(turn.name, turn.wish)).collect();
    // It goes to every mechanism that the user has, or the old one would still log in.
    if anew || turned.iter().any(|turn| turn.wish.is_some()) {
        edits.extend(password.map(|(wish, _)| password_edit(wish)));
    }
    let write = write(change, Action::Edit(edits));
    let undo = undo(&turned, anew, before, after);
    let undo = undo.map(|edits| Write { action: Action::Edit(edits), ..write.clone() });
    Ok(Some(step(write, summary.join(", "), undo)))
}

/// None where it takes a password that is not known, or that the host no longer has.
fn undo(
    turned: &[&Turn<'_>],
    anew: bool,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Option<Vec<Edit>> {
    let mut edits: Vec<Edit> = turned.iter().map(|turn| edited(turn.name, turn.was)).collect();
    if anew || turned.iter().any(|turn| turn.was.is_some()) {
        let (was, secret) = named_secret(before)?;
        // A secret's earlier version is gone.
        let replaced = named_secret(after).is_some_and(|(wish, name)| name == secret && wish != was);
        if replaced {
            return None;
        }
        edits.push(password_edit(was));
    }
    Some(edits)
}

impl<'a> Turn<'a> {
    fn of(name: &'static str, before: &'a Map<String, Value>, after: &'a Map<String, Value>) -> Self {
        let was = has(before, name);
        let named = after.get(MECHANISMS).is_some_and(|each| each.get(name).is_some());
        Self { name, was, wish: if named { has(after, name) } else { was } }
    }

    /// What a password is needed for.
    fn said(&self) -> String {
        match self.was {
            None => format!("adding {}", self.name),
            Some(_) => format!("changing the iterations of {}", self.name),
        }
    }

    fn summary(&self) -> String {
        match (self.was, self.wish) {
            (Some(was), Some(wish)) => {
                format!("{} {} → {} iterations", self.name, iterations(was), iterations(wish))
            }
            (None, Some(wish)) => format!("{} with {} iterations", self.name, iterations(wish)),
            (_, None) => format!("no longer {}", self.name),
        }
    }
}

fn has<'a>(spec: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    spec.get(MECHANISMS)?.get(name).filter(|value| !value.is_null())
}

fn iterations(mechanism: &Value) -> String {
    mechanism.get(ITERATIONS).map(Value::to_string).unwrap_or_default()
}

fn named_secret(spec: &Map<String, Value>) -> Option<(&Value, &str)> {
    let password = spec.get(PASSWORD)?;
    Some((password, secret_name(password)?))
}

fn edited(name: &str, value: Option<&Value>) -> Edit {
    Edit { path: pointer([MECHANISMS, name]), value: value.map(json::text) }
}

fn password_edit(password: &Value) -> Edit {
    Edit { path: pointer([PASSWORD]), value: Some(json::text(password)) }
}

fn no_password(what: &str) -> Error {
    let message = format!("{what}: name a secret, as in password: {{$secret: NAME}}");
    Error::invalid_argument(message).code("NO_PASSWORD")
}

fn nothing_left(change: &Change) -> Result<Error> {
    let user = &change.key.id;
    let status = document(change.status.as_deref())?.unwrap_or_default();
    let message = if status.contains_key(OTHERS) {
        format!(
            "user {user} would log in only with mechanisms that this plugin does not know: keep {}",
            known_names()
        )
    } else {
        format!("nothing would be left of user {user}: delete it instead")
    };
    Ok(Error::invalid_argument(message))
}

#[cfg(test)]
mod tests;
