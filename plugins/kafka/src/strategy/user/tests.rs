//! What a wish for a user leads to.

use headgate_sdk::json::json;
use headgate_sdk::{Place, ResourceKey};

use super::*;

fn change(before: Value, after: Value) -> Result<Vec<Step>> {
    let text = |value: Value| (!value.is_null()).then(|| value.to_string());
    steps(&Change {
        key: ResourceKey { metadata_type: "user".to_owned(), id: "alice".to_owned(), place: Place::Cluster },
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

fn refusal(before: Value, after: Value) -> String {
    change(before, after).unwrap_err().message
}

/// One mechanism, and the secret's name and version.
fn sha256(iterations: i32) -> Value {
    json!({"mechanisms": {"SCRAM-SHA-256": {"iterations": iterations}}})
}

fn with(mut spec: Value, password: Value) -> Value {
    spec["password"] = password;
    spec
}

fn secret(name: &str, version: i32) -> Value {
    json!({"$secret": name, "version": version})
}

fn edits(edits: &[(&str, Value)]) -> Action {
    let edit = |(path, value): &(&str, Value)| Edit {
        path: (*path).to_owned(),
        value: (!value.is_null()).then(|| value.to_string()),
    };
    Action::Edit(edits.iter().map(edit).collect())
}

const SHA256: &str = "/mechanisms/SCRAM-SHA-256";
const SHA512: &str = "/mechanisms/SCRAM-SHA-512";

#[test]
fn a_user_is_made_with_a_password_and_undone() {
    let mut wish = with(sha256(8192), secret("one", 1));
    let spec = wish.clone();
    wish["mechanisms"]["SCRAM-SHA-512"] = Value::Null;
    let made = check(Value::Null, wish, "SCRAM-SHA-256 with 8192 iterations, password of secret one");
    assert_eq!(made.write.action, Action::Create(spec.to_string()));
    assert_eq!(made.undo.unwrap().action, Action::Delete);
    assert!(refusal(Value::Null, sha256(8192)).contains("needs a password: name a secret"));
    assert!(refusal(Value::Null, json!({"password": {"$secret": "one"}})).contains("needs a mechanism"));
}

#[test]
fn a_delete_says_that_it_is_not_undone() {
    let summary = "it can no longer log in (SCRAM-SHA-256); not undone, for nobody can read its password";
    let step = check(sha256(4096), Value::Null, summary);
    assert!(step.destructive && step.undo.is_none());
}

#[test]
fn other_iterations_are_written_and_undone_with_the_password() {
    let (before, after) = (with(sha256(4096), secret("one", 1)), with(sha256(8192), secret("one", 1)));
    let step = check(before, after, "SCRAM-SHA-256 4096 → 8192 iterations");
    let password = ("/password", secret("one", 1));
    let to = |iterations: i32| edits(&[(SHA256, json!({"iterations": iterations})), password.clone()]);
    assert_eq!(step.write.action, to(8192));
    assert_eq!(step.undo.unwrap().action, to(4096));
    let refused = refusal(sha256(4096), sha256(8192));
    assert_eq!(
        refused,
        "user alice: changing the iterations of SCRAM-SHA-256 needs the password: name a secret, as in password: \
         {$secret: NAME}"
    );
}

#[test]
fn a_mechanism_comes_with_the_password_and_goes_without() {
    let both =
        json!({"mechanisms": {"SCRAM-SHA-256": {"iterations": 4096}, "SCRAM-SHA-512": {"iterations": 4096}}});
    assert!(refusal(sha256(4096), both.clone()).contains("adding SCRAM-SHA-512 needs the password"));
    let before = with(sha256(4096), secret("one", 1));
    let step = check(before, with(both.clone(), secret("one", 1)), "SCRAM-SHA-512 with 4096 iterations");
    let set = [(SHA512, json!({"iterations": 4096})), ("/password", secret("one", 1))];
    assert_eq!(step.write.action, edits(&set));
    assert_eq!(step.undo.unwrap().action, edits(&[(SHA512, Value::Null)]));

    let gone = json!({"mechanisms": {"SCRAM-SHA-512": null}});
    let step = check(both, gone, "no longer SCRAM-SHA-512");
    assert_eq!(step.write.action, edits(&[(SHA512, Value::Null)]));
    assert!(step.undo.is_none(), "nobody knows the password");
    let last = json!({"mechanisms": {"SCRAM-SHA-256": null}});
    assert!(refusal(sha256(4096), last).contains("delete it instead"));
}

#[test]
fn another_version_alone_writes_the_password_again() {
    let both =
        json!({"mechanisms": {"SCRAM-SHA-256": {"iterations": 4096}, "SCRAM-SHA-512": {"iterations": 8192}}});
    let (before, after) = (with(both, secret("one", 1)), with(sha256(4096), secret("one", 2)));
    let step = check(before.clone(), after, "password of secret one");
    assert_eq!(step.write.action, edits(&[("/password", secret("one", 2))]));
    assert!(step.undo.is_none(), "the host has the new one only");
    let other = check(before.clone(), with(sha256(4096), secret("two", 1)), "password of secret two");
    assert!(other.undo.is_some());
    assert!(change(before.clone(), before).unwrap().is_empty());
    let adopted = check(sha256(4096), with(sha256(4096), secret("one", 1)), "password of secret one");
    assert!(adopted.undo.is_none(), "nobody knows what it was");
}

#[test]
fn numbers_are_written_one_way_and_a_reference_stays() {
    let Value::Object(wish) = with(
        json!({"mechanisms": {"SCRAM-SHA-256": {"iterations": " 8192"}, "SCRAM-SHA-512": null}}),
        secret("one", 3),
    ) else {
        panic!("no object")
    };
    let normal = with(
        json!({"mechanisms": {"SCRAM-SHA-256": {"iterations": 8192}, "SCRAM-SHA-512": null}}),
        secret("one", 3),
    );
    assert_eq!(normalize(wish), normal);
    assert!(validate(&normal).is_empty());
}

#[test]
fn what_kafka_would_refuse_is_said_before() {
    let said = |spec: Value| -> Vec<String> {
        validate(&spec).into_iter().map(|issue| format!("{} {}", issue.path, issue.message)).collect()
    };
    let range = "Kafka takes 4096 to 16384";
    assert_eq!(
        said(sha256(4095)),
        [format!("/mechanisms/SCRAM-SHA-256 iterations of SCRAM-SHA-256 is 4095: {range}")]
    );
    assert_eq!(
        said(json!({"mechanisms": {"SCRAM-SHA-256": {}, "SCRAM-MD5": {}}, "groups": 1})),
        [
            "/groups a user has no field groups: it has mechanisms, password".to_owned(),
            "/mechanisms/SCRAM-MD5 SCRAM-MD5 is no mechanism of users: it can be SCRAM-SHA-256 or SCRAM-SHA-512"
                .to_owned(),
            format!("/mechanisms/SCRAM-SHA-256 SCRAM-SHA-256 needs iterations: {range}"),
        ]
    );
    for bad in [
        json!("hunter2"),
        json!(null),
        json!({"$secret": "a", "version": "b"}),
        json!({"$secret": "a", "x": 1}),
    ] {
        let said = said(json!({"password": bad}));
        assert!(said.len() == 1 && !said[0].contains("hunter2"), "{said:?}");
    }
}
