//! Users: their type and status are seen, their password is only written, and goes from the host to the broker unseen.

use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{Action, Error, ErrorKind, Result, Write};

use super::{Present, spec, text};
use crate::wire::{Request, codes};

pub(crate) const TYPES: [&str; 2] = ["Normal", "Super"];
pub(crate) const STATUSES: [&str; 2] = ["enable", "disable"];

/// Name here, name on the wire, words that it takes; the first is the default.
pub(crate) const FIELDS: [(&str, &str, [&str; 2]); 2] =
    [("user_type", "userType", TYPES), ("user_status", "userStatus", STATUSES)];

pub(crate) const PASSWORD: &str = "password";

pub(crate) fn spec_schema() -> Value {
    let choice = |title: &str, words: [&str; 2], description: &str| {
        let [default, _] = words;
        json!({"type": ["string", "null"], "title": title, "description": description, "default": default,
            "examples": words})
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "user_type": choice("Type", TYPES, "Super may do everything; Normal what its access rules allow"),
            "user_status": choice("Status", STATUSES, "Who is disabled is refused"),
            "password": {
                "type": "object", "title": "Password", "writeOnly": true, "required": ["$secret"],
                "description": "Names a secret of the host: {\"$secret\": NAME}; needed where the user is made",
                "additionalProperties": false,
                "properties": {
                    "$secret": {"type": "string", "minLength": 1},
                    "version": {"type": "integer", "description": "Another one means: write the password again"}
                },
                "x-headgate-secret": ["send", "hmac"]
            }
        }
    })
}

/// Brokers tell passwords in the clear: they end here.
pub(super) fn read(told: &Value) -> Option<(String, Map<String, Value>)> {
    let field =
        |(name, wire, _): (&str, &str, [&str; 2])| Some((name.to_owned(), Value::from(text(told, wire)?)));
    Some((text(told, "username")?.to_owned(), FIELDS.into_iter().filter_map(field).collect()))
}

/// The secret that a wish's password names.
pub(crate) fn secret_name(password: &Value) -> Option<&str> {
    text(password, "$secret").filter(|name| !name.is_empty())
}

pub(super) fn requests(write: &Write, present: &Present<'_>) -> Result<Vec<Request>> {
    let name = write.key.id.as_str();
    if present.login == Some(name) {
        let message = "it is the user that Headgate logs in as: change it with another login";
        return Err(Error::conflict(message).code("OWN_USER"));
    }
    let request = match (&write.action, present.users.contains_key(name)) {
        // Deleting what is not there succeeds: a delete that was cut off half-way is finished by its repetition.
        (Action::Delete, _) => Request::new(codes::DELETE_USER).field("username", name),
        (Action::Create(_), true) => {
            let message = "the user is there already: adopt it, or edit it";
            return Err(Error::new(ErrorKind::AlreadyExists, message).code("ALREADY_EXISTS"));
        }
        (Action::Create(wish), false) => {
            let wish = spec(wish)?;
            if wish.get(PASSWORD).is_none_or(Value::is_null) {
                return Err(no_password());
            }
            with_body(codes::CREATE_USER, name, &defaults(wish))?
        }
        (Action::Edit(_) | Action::Replace(_), false) => {
            return Err(Error::not_found("there is no such user any more").code("NOT_FOUND"));
        }
        (Action::Edit(edits), true) => {
            let mut wish = Map::new();
            for edit in edits {
                let value: Option<Value> =
                    edit.value.as_deref().map(|text| json::parse(text, &edit.path)).transpose()?;
                wish.insert(json::pointer_tokens(&edit.path).join("/"), value.unwrap_or_default());
            }
            with_body(codes::UPDATE_USER, name, &wish)?
        }
        (Action::Replace(wish), true) => with_body(codes::UPDATE_USER, name, &defaults(spec(wish)?))?,
        (Action::Run((operation, _)), _) => {
            return Err(Error::unsupported(format_args!("a user has no operation {operation}")));
        }
    };
    Ok(vec![request])
}

fn defaults(mut wish: Map<String, Value>) -> Map<String, Value> {
    for (name, ..) in FIELDS {
        wish.entry(name).or_insert(Value::Null);
    }
    wish
}

/// Only what the wish names is sent, and is all that changes.
fn with_body(code: i32, user: &str, wish: &Map<String, Value>) -> Result<Request> {
    let mut body = Map::from_iter([("username".to_owned(), Value::from(user))]);
    let mut secret = None;
    for (name, value) in wish {
        let field = FIELDS.into_iter().find(|(known, ..)| known == name);
        match (field, value) {
            (Some((_, wire, [default, _])), Value::Null) => {
                body.insert(wire.to_owned(), default.into());
            }
            (Some((_, wire, words)), Value::String(word)) if words.contains(&word.as_str()) => {
                body.insert(wire.to_owned(), value.clone());
            }
            (None, password) if name == PASSWORD => {
                secret = Some(secret_name(password).ok_or_else(no_password)?);
            }
            _ => return Err(Error::invalid_argument(format_args!("{name} cannot be {value}"))),
        }
    }
    let request = Request::new(code).field("username", user);
    let mut text = json::text(&Value::Object(body)).into_bytes();
    let Some(secret) = secret else { return Ok(request.body(text)) };
    // In front of the brace that ends the object.
    text.pop();
    text.extend_from_slice(br#","password":"#);
    let at = text.len();
    text.push(b'}');
    Ok(request.body(text).splice(at, secret))
}

fn no_password() -> Error {
    let message = "a user needs a password: name a secret, as in password: {$secret: NAME}";
    Error::invalid_argument(message).code("NO_PASSWORD")
}

#[cfg(test)]
mod tests {
    use headgate_sdk::{Edit, Place, ResourceKey};

    use super::super::Kept;
    use super::*;

    fn sent(action: Action, login: Option<&str>) -> Result<Request> {
        let place = Place::Group("broker-a".to_owned());
        let key = ResourceKey { metadata_type: "user".to_owned(), id: "alice".to_owned(), place };
        let there = !matches!(action, Action::Create(_));
        let write = Write { key, action, revision: None, incarnation: None, extra: None };
        let users: Kept = there.then(|| ("alice".to_owned(), Map::new())).into_iter().collect();
        let present = Present { users: &users, acls: &Kept::new(), login };
        Ok(requests(&write, &present)?.remove(0))
    }

    fn edit(path: &str, value: &str) -> Edit {
        Edit { path: path.to_owned(), value: Some(value.to_owned()) }
    }

    #[test]
    fn a_new_user_has_the_defaults_and_a_password_that_nobody_here_sees() {
        let spec = json!({"password": {"$secret": "alice-1", "version": 2}});
        let request = sent(Action::Create(spec.to_string()), Some("admin")).unwrap();
        let body = br#"{"userStatus":"enable","userType":"Normal","username":"alice","password":}"#;
        let expected = Request::new(codes::CREATE_USER).field("username", "alice").body(body.to_vec());
        assert_eq!(request, expected.splice(body.len() - 1, "alice-1"));
        for bad in [json!({}), json!({"password": null}), json!({"password": "hunter2"})] {
            let error = sent(Action::Create(bad.to_string()), None).unwrap_err();
            assert_eq!(error.code.as_deref(), Some("NO_PASSWORD"));
        }
    }

    #[test]
    fn an_edit_sends_only_what_it_names() {
        let request = sent(Action::Edit(vec![edit("/user_status", r#""disable""#)]), None).unwrap();
        assert_eq!(request.body, br#"{"userStatus":"disable","username":"alice"}"#);
        let request = sent(Action::Edit(vec![edit("/password", r#"{"$secret":"s"}"#)]), None).unwrap();
        assert_eq!(request.body, br#"{"username":"alice","password":}"#);
        assert!(sent(Action::Edit(vec![edit("/user_type", r#""Root""#)]), None).is_err());
        assert!(sent(Action::Edit(vec![edit("/password/$secret", r#""s""#)]), None).is_err());
    }

    #[test]
    fn headgate_does_not_lock_itself_out() {
        let error = sent(Action::Delete, Some("alice")).unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Conflict, Some("OWN_USER")));
        assert_eq!(sent(Action::Delete, Some("admin")).unwrap().code, codes::DELETE_USER);
    }
}
