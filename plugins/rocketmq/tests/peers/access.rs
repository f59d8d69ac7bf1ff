//! Users and access rules against a scripted broker: what is sent in which order, and what is not shown.

use headgate_rocketmq::RocketMq;
use headgate_sdk::json::{Value, json};
use headgate_sdk::{
    Action, Edit, ErrorKind, Lookup, Outcome, Place, Query, ResourceKey, StorageDriver, Write,
};

use super::{Asked, Fake, Said, open, query, table};

const PASSWORD: &str = "hunter2";

/// Knows alice, who may write to the topics `a` and `b`.
fn broker(asked: &Asked, own: &str) -> Said {
    let entry = |topic: &str| json!({"resource": topic, "actions": ["Pub"], "decision": "Allow"});
    let entries = [entry("Topic:a"), entry("Topic:b")];
    let body = match asked.code {
        106 => table(&["broker-a"], own),
        3005 => {
            json!([{"username": "alice", "password": PASSWORD, "userType": "Normal", "userStatus": "enable"}])
                .to_string()
        }
        3010 => {
            json!([{"subject": "User:alice", "policies": [{"policyType": "Custom", "entries": entries}]}])
                .to_string()
        }
        _ => String::new(),
    };
    Some((0, body))
}

fn key(metadata_type: &str, id: &str) -> ResourceKey {
    let place = Place::Group("broker-a".to_owned());
    ResourceKey { metadata_type: metadata_type.to_owned(), id: id.to_owned(), place }
}

/// Alice may read the topic `b` then, and nothing else.
fn edit(rocketmq: &mut RocketMq) -> Outcome {
    let policies = json!([{"resource": "Topic:b", "actions": ["Sub"], "decision": "Allow"}]);
    let edit = Edit { path: "/policies".to_owned(), value: Some(policies.to_string()) };
    let action = Action::Edit(vec![edit]);
    let write =
        Write { key: key("acl", "User:alice"), action, revision: None, incarnation: None, extra: None };
    rocketmq.write_resources(&[write], false).unwrap().remove(0)
}

fn all(metadata_type: &str) -> Query {
    Query { metadata_type: metadata_type.to_owned(), ..query(9, None) }
}

#[test]
fn what_goes_is_taken_away_after_what_is_wished_for_is_there() {
    let fake = Fake::start(broker);
    assert!(matches!(edit(&mut open(&fake.address)), Outcome::Done(_)));
    let (updates, deletes) = (fake.asked(3007), fake.asked(3008));
    assert_eq!((updates.len(), deletes.len()), (1, 1));
    let body: Value = serde_json::from_slice(&updates[0].body).unwrap();
    let entry = json!({"resource": "Topic:b", "actions": ["Sub"], "sourceIps": [], "decision": "Allow"});
    assert_eq!(body["policies"], json!([{"policyType": "Custom", "entries": [entry]}]));
    assert_eq!(deletes[0].fields["resource"], "Topic:a");
    assert!(updates[0].opaque < deletes[0].opaque, "the rule is never empty in between");
}

#[test]
fn a_policy_that_does_not_go_is_a_failure() {
    let fake = Fake::start(
        |asked, own| if asked.code == 3008 { Some((16, String::new())) } else { broker(asked, own) },
    );
    let Outcome::Failed(error) = edit(&mut open(&fake.address)) else { panic!("it was done") };
    assert_eq!(error.kind, ErrorKind::PermissionDenied, "{error:?}");
}

#[test]
fn a_write_that_was_cut_off_half_way_is_unknown() {
    let fake = Fake::start(|asked, own| if asked.code == 3008 { None } else { broker(asked, own) });
    assert!(matches!(edit(&mut open(&fake.address)), Outcome::Unknown(_)));
}

#[test]
fn a_password_is_not_shown() {
    let fake = Fake::start(broker);
    let page = open(&fake.address).list_resources(&all("user")).unwrap();
    assert_eq!((page.resources.len(), page.failures.len()), (1, 0));
    assert!(!format!("{page:?}").contains(PASSWORD), "{page:?}");
}

#[test]
fn an_old_broker_has_no_users_and_says_so_to_who_asks() {
    let fake = Fake::start(|asked, own| match asked.code {
        106 => broker(asked, own),
        _ => Some((3, String::new())),
    });
    let mut rocketmq = open(&fake.address);
    for name in ["user", "acl"] {
        let page = rocketmq.list_resources(&all(name)).unwrap();
        assert_eq!((page.resources.len(), page.failures.len()), (0, 0));
        let [Lookup::Failed(error)] = &rocketmq.get_resources(&[key(name, "User:alice")]).unwrap()[..] else {
            panic!("it was read")
        };
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Unsupported, Some("TOO_OLD")));
    }
}
