//! Wishes of users, and the steps that lead to them.

use headgate_sdk::json::json;
use headgate_sdk::{Place, ResourceKey, Severity};

use super::*;

fn change(before: Value, after: Value, status: Value) -> Result<Vec<Step>> {
    let text = |value: Value| (!value.is_null()).then(|| value.to_string());
    let place = Place::Node("n".to_owned());
    let change = Change {
        key: ResourceKey { metadata_type: "user".to_owned(), id: "alice".to_owned(), place },
        before: text(before),
        after: text(after),
        status: text(status),
        effective: None,
        revision: None,
        incarnation: None,
        extra: None,
    };
    steps(&change, &Value::Null)
}

fn check(before: Value, after: Value, summary: &str) -> Step {
    let [step] = change(before, after, Value::Null).unwrap().try_into().unwrap();
    assert_eq!(step.summary, summary);
    step
}

#[test]
fn a_user_is_made_with_a_password_and_undone() {
    let wish = json!({
        "enabled": true, "keys": ["~a"], "channels": null, "commands": ["-@all", "+get"],
        "password": {"$secret": "alice-1"}
    });
    let summary = "enabled=true, commands -@all +get, keys ~a, with the password of secret alice-1";
    let made = check(Value::Null, wish, summary);
    assert_eq!(made.undo.unwrap().action, Action::Delete);
    check(Value::Null, json!({"enabled": false}), "without a password: nobody can log in");
    check(Value::Null, json!({"nopass": true}), "nopass=true");
}

#[test]
fn only_what_differs_is_edited_and_patterns_have_no_order() {
    let before = json!({"enabled": true, "keys": ["~a", "~b"], "commands": ["-@all"], "selectors": []});
    assert!(
        change(before.clone(), json!({"keys": ["~b", "~a"], "enabled": true}), Value::Null)
            .unwrap()
            .is_empty()
    );
    let after = json!({"enabled": null, "commands": ["-@all", "+get"]});
    let step = check(before, after, "enabled=true → enabled=false, commands -@all → commands -@all +get");
    let undo = vec![edited("/enabled", Some(&json!(true))), edited("/commands", Some(&json!(["-@all"])))];
    assert_eq!(step.undo.unwrap().action, Action::Edit(undo));
    assert!(!step.destructive);
}

#[test]
fn passwords_that_would_be_forgotten_ask_for_approval() {
    let nopass = |passwords: Value| {
        let (before, after) = (json!({"nopass": false}), json!({"nopass": true}));
        change(before, after, passwords).unwrap().remove(0)
    };
    assert!(nopass(json!({"passwords": 1})).destructive && nopass(Value::Null).destructive);
    assert!(!nopass(json!({"passwords": 0})).destructive);
    let gone = check(json!({}), Value::Null, "its passwords on this node are lost");
    assert!(gone.destructive && gone.undo.is_none());
}

#[test]
fn another_password_is_another_secret_or_another_version() {
    let step = check(json!({}), json!({"password": {"$secret": "two"}}), "password of secret two");
    assert!(step.undo.is_none(), "nobody knows what it was");
    let applied = json!({"password": {"$secret": "a", "version": 1}});
    assert!(change(applied.clone(), applied.clone(), Value::Null).unwrap().is_empty());
    let newer = json!({"password": {"$secret": "a", "version": 2}});
    let step = check(applied.clone(), newer, "password of secret a");
    assert!(step.undo.is_none(), "the host has the new one only");
    assert!(check(applied, json!({"password": {"$secret": "b"}}), "password of secret b").undo.is_some());
}

#[test]
fn a_name_that_cannot_be_is_refused() {
    let place = Place::Node("n".to_owned());
    let key = ResourceKey { metadata_type: "user".to_owned(), id: "a b".to_owned(), place };
    let change = Change {
        key,
        before: None,
        after: Some("{}".to_owned()),
        status: None,
        effective: None,
        revision: None,
        incarnation: None,
        extra: None,
    };
    assert_eq!(steps(&change, &Value::Null).unwrap_err().code.as_deref(), Some("INVALID_NAME"));
}

#[test]
fn what_is_wrong_is_told_at_its_place_and_no_password_is_repeated() {
    let wish = json!({
        "enable": true, "enabled": "yes", "keys": ["~*", "%X~a", "~b c"], "commands": ["get", "+"],
        "channels": "x", "selectors": [{"keys": [1], "colour": 1}, 7], "password": "hunter2"
    });
    let issues = validate(&wish, &Value::Null);
    let paths: Vec<&str> = issues.iter().map(|issue| issue.path.as_str()).collect();
    let expected = [
        "/channels",
        "/commands/0",
        "/commands/1",
        "/enable",
        "/enabled",
        "/keys/1",
        "/keys/2",
        "/keys",
        "/password",
        "/selectors/0/colour",
        "/selectors/0/keys",
        "/selectors/1",
    ];
    assert_eq!(paths, expected);
    assert!(issues[3].message.contains("did you mean enabled?"));
    assert!(!issues.iter().any(|issue| issue.message.contains("hunter2")));
    assert_eq!(validate(&json!({"nopass": true, "password": {"$secret": "a"}}), &Value::Null).len(), 1);
    let warned = validate(&json!({}), &json!({FORGETFUL: ["n"]}));
    assert_eq!(warned[0].severity, Severity::Warning);
}

#[test]
fn a_wish_has_one_form() {
    let once =
        normalize(json!({"commands": "+GET", "keys": ["a"], "password": {"$secret": "x"}, "odd": [1]}));
    let once = once.unwrap();
    let expected = json!({
        "commands": ["-@all", "+get"], "keys": ["~a"], "password": {"$secret": "x"}, "odd": [1]
    });
    assert_eq!(once, expected);
    assert_eq!(normalize(once.clone()).unwrap(), once);
    assert!(normalize(json!([])).is_err());
}
