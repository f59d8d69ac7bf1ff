//! A user as it is wished: its fields, their one form, and the words of `ACL SETUSER` that make them so.

use headgate_sdk::json::{Map, Value, json};

use super::rules;

pub(crate) const PASSWORD: &str = "password";
pub(crate) const NOPASS: &str = "nopass";
pub(crate) const ENABLED: &str = "enabled";
pub(crate) const SELECTORS: &str = "selectors";
pub(crate) const RULES: [&str; 3] = ["commands", "keys", "channels"];

/// Without the password, in the order in which they are written: who forbids passwords forgets those that there are.
pub(crate) const FIELDS: [&str; 6] = [NOPASS, ENABLED, "commands", "keys", "channels", SELECTORS];

/// What a user has of whom nothing was said.
pub(crate) fn default_of(name: &str) -> Value {
    match name {
        "commands" => json!(["-@all"]),
        ENABLED | NOPASS => false.into(),
        _ => json!([]),
    }
}

/// The one form of a field. What is not understood stays for the check, and so does `null`.
pub(crate) fn normal(name: &str, value: Value) -> Value {
    match (name, value) {
        (SELECTORS, Value::Array(selectors)) => selectors.into_iter().map(selector).collect(),
        (name, Value::String(text)) if RULES.contains(&name) => {
            words(name, &text.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>())
        }
        (name, Value::Array(list)) if RULES.contains(&name) => match texts(&list) {
            Some(texts) => words(name, &texts),
            None => Value::Array(list),
        },
        (_, value) => value,
    }
}

fn selector(selector: Value) -> Value {
    let Value::Object(mut fields) = selector else { return selector };
    for name in RULES {
        let value = fields.remove(name).filter(|value| !value.is_null());
        let value = value.unwrap_or_else(|| default_of(name));
        fields.insert(name.to_owned(), normal(name, value));
    }
    Value::Object(fields)
}

fn words(name: &str, texts: &[String]) -> Value {
    json!(match name {
        "commands" => rules::commands(texts),
        "keys" => rules::keys(texts),
        _ => rules::channels(texts),
    })
}

pub(crate) fn texts(list: &[Value]) -> Option<Vec<String>> {
    list.iter().map(|one| one.as_str().map(str::to_owned)).collect()
}

/// The secret that a wish's password names.
pub(crate) fn secret_name(password: &Value) -> Option<&str> {
    password.get("$secret").and_then(Value::as_str).filter(|name| !name.is_empty())
}

/// What a field says of a user, as words of `ACL SETUSER`: it replaces what there was. None where it says nothing.
pub(crate) fn modifiers(name: &str, value: &Value) -> Option<Vec<String>> {
    let default = default_of(name);
    let value = if value.is_null() { &default } else { value };
    let one = |word: &str| Some(vec![word.to_owned()]);
    match (name, value) {
        (ENABLED, Value::Bool(true)) => one("on"),
        (ENABLED, Value::Bool(false)) => one("off"),
        (NOPASS, Value::Bool(true)) => one("nopass"),
        (NOPASS, Value::Bool(false)) => one("resetpass"),
        ("commands", Value::Array(list)) => texts(list),
        ("keys", Value::Array(list)) => Some(behind("resetkeys", texts(list)?)),
        ("channels", Value::Array(list)) => Some(behind("resetchannels", texts(list)?)),
        (SELECTORS, Value::Array(list)) => {
            let selectors: Option<Vec<String>> = list.iter().map(bracketed).collect();
            Some(behind("clearselectors", selectors?))
        }
        _ => None,
    }
}

fn behind(reset: &str, mut words: Vec<String>) -> Vec<String> {
    words.insert(0, reset.to_owned());
    words
}

fn bracketed(selector: &Value) -> Option<String> {
    let fields = selector.as_object()?;
    let mut words = Vec::new();
    for name in ["keys", "channels", "commands"] {
        words.extend(modifiers(name, fields.get(name).unwrap_or(&Value::Null))?);
    }
    // A new selector has no keys, and takes no word for it.
    words.retain(|word| word != "resetkeys");
    Some(format!("({})", words.join(" ")))
}

/// Of all fields but the password; of what the wish does not name, the default.
pub(crate) fn whole(wish: &Map<String, Value>) -> Map<String, Value> {
    let field = |name: &str| (name.to_owned(), wish.get(name).cloned().unwrap_or(Value::Null));
    FIELDS.map(field).into_iter().collect()
}

pub(crate) fn schema() -> Value {
    let commands = "In order, later ones count more: +COMMAND, -COMMAND, +@CATEGORY, +COMMAND|SUBCOMMAND";
    let keys = "Patterns: ~app:* to read and write, %R~app:* to read, %W~app:* to write";
    let rules = |name: &str, title: &str, description: &str| {
        json!({"type": ["array", "string", "null"], "items": {"type": "string", "minLength": 1},
            "title": title, "description": format!("{description}. A list, or one text with spaces between"),
            "default": default_of(name)})
    };
    let commands = rules("commands", "Commands", commands);
    let keys = rules("keys", "Keys", keys);
    let channels = rules("channels", "Channels", "Patterns of channels of publish and subscribe: &news:*");
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "examples": [{"enabled": true, "commands": ["-@all", "+@read", "-@dangerous"], "keys": ["~app:*"]}],
        "properties": {
            "enabled": {
                "type": ["boolean", "null"], "title": "Enabled", "default": false,
                "description": "Who is not enabled cannot log in; who did already stays"
            },
            "nopass": {
                "type": ["boolean", "null"], "title": "Without a password", "default": false,
                "description": "Any password lets it in. Setting it, and taking it back, forgets the passwords that there are"
            },
            "commands": commands, "keys": keys, "channels": channels,
            "selectors": {
                "type": ["array", "null"], "title": "More rules", "default": [],
                "description": "Each has commands, keys and channels of its own: a command is allowed where one of them allows it",
                "items": {
                    "type": "object", "additionalProperties": false,
                    "properties": {"commands": commands, "keys": keys, "channels": channels}
                }
            },
            "password": {
                "type": "object", "title": "Password", "writeOnly": true, "required": ["$secret"],
                "description": "Names a secret of the host: {\"$secret\": NAME}. It takes the place of all that there are",
                "additionalProperties": false,
                "properties": {
                    "$secret": {"type": "string", "minLength": 1},
                    "version": {"type": "integer", "description": "Another one means: write the password again"}
                },
                "x-headgate-secret": ["send"]
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_words_that_replace_what_there_was() {
        let words = |name: &str, value: Value| modifiers(name, &normal(name, value)).unwrap().join(" ");
        assert_eq!(words(ENABLED, Value::Null), "off");
        assert_eq!(words(NOPASS, true.into()), "nopass");
        assert_eq!(words("commands", json!("+get -set")), "-@all +get -set");
        assert_eq!(words("keys", json!(["app:*"])), "resetkeys ~app:*");
        assert_eq!(words("channels", Value::Null), "resetchannels");
        let selector = json!([{"commands": ["+get"], "keys": ["x"]}, {"channels": null}]);
        let expected = "clearselectors (~x resetchannels -@all +get) (resetchannels -@all)";
        assert_eq!(words(SELECTORS, selector), expected);
        assert_eq!(modifiers("keys", &json!([1])), None);
        assert_eq!(modifiers("colour", &json!(true)), None);
    }

    #[test]
    fn the_one_form_is_one() {
        let odd = json!([{"keys": "a", "colour": 1}, 7]);
        let once = normal(SELECTORS, odd);
        assert_eq!(once[0]["keys"], json!(["~a"]));
        assert_eq!(once[0]["commands"], json!(["-@all"]));
        assert_eq!(once[1], 7);
        assert_eq!(normal(SELECTORS, once.clone()), once);
        assert_eq!(normal("keys", json!([1])), json!([1]));
        assert_eq!(normal(ENABLED, json!("yes")), "yes");
    }
}
