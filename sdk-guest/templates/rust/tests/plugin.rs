//! The plugin against a real server of the API, natively: the SDK stands in for the host.

#[path = "../examples/server.rs"]
mod server;

use std::net::TcpListener;
use std::thread;

use headgate_sdk::json::{Value, json};
use headgate_sdk::{
    Action, Change, ConfigStrategy, ErrorKind, Lookup, Outcome, Place, Query, ResourceKey, StorageDriver,
    Target, Write, native,
};
use my_kind::MyKind;

fn opened(token: &str) -> MyKind {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || server::serve(&listener, Some("s3cret")));
    connected(&address, token)
}

fn connected(address: &str, token: &str) -> MyKind {
    native::secrets::set("token", token.as_bytes());
    let connection = json!({"address": address, "token": "token"}).to_string();
    MyKind::open(&Target { id: "1".to_owned(), name: "lab".to_owned(), connection, nodes: Vec::new() })
        .unwrap()
}

fn key(id: &str) -> ResourceKey {
    ResourceKey { metadata_type: "note".to_owned(), id: id.to_owned(), place: Place::Cluster }
}

/// Plans a change as the host does, and writes its steps: the summary and the outcome of each.
fn carry_out(
    plugin: &mut MyKind,
    id: &str,
    before: Option<Value>,
    after: Option<Value>,
) -> Vec<(String, Outcome)> {
    let text = |value: Option<Value>| value.map(|value| value.to_string());
    let change = Change {
        key: key(id),
        before: text(before),
        after: text(after),
        status: None,
        effective: None,
        revision: None,
        incarnation: None,
        extra: None,
    };
    let steps = MyKind::steps(&[change], &json!({})).remove(0).unwrap();
    let writes: Vec<Write> = steps.iter().map(|step| step.write.clone()).collect();
    let outcomes = plugin.write_resources(&writes, false).unwrap();
    steps.into_iter().map(|step| step.summary).zip(outcomes).collect()
}

fn page(plugin: &mut MyKind, limit: u32, cursor: Option<String>) -> (Vec<String>, Option<String>) {
    let query = Query {
        metadata_type: "note".to_owned(),
        place: Place::Cluster,
        brief: false,
        fields: Vec::new(),
        since: None,
        cursor,
        limit,
        extra: None,
    };
    let page = plugin.list_resources(&query).unwrap();
    (page.resources.into_iter().map(|one| one.key.id).collect(), page.next)
}

#[test]
fn a_note_is_made_changed_and_deleted() {
    let mut plugin = opened("s3cret");
    let spec = |text: &str| Some(json!({"text": text, "tags": ["home"]}));
    let made = carry_out(&mut plugin, "groceries", None, spec("milk"));
    assert!(
        matches!(&made[..], [(_, Outcome::Done(written))] if written.revision.as_deref() == Some("1")),
        "{made:?}"
    );
    let found = plugin.get_resources(&[key("groceries")]).unwrap().remove(0);
    assert!(
        matches!(&found, Lookup::Found(note) if note.spec == r#"{"tags":["home"],"text":"milk"}"#),
        "{found:?}"
    );

    let changed = carry_out(&mut plugin, "groceries", spec("milk"), spec("bread"));
    assert_eq!(changed[0].0, r#"text "milk" → "bread""#);
    carry_out(&mut plugin, "groceries", spec("bread"), None);
    assert_eq!(plugin.get_resources(&[key("groceries")]).unwrap(), [Lookup::Absent]);
}

#[test]
fn a_note_that_somebody_else_changed_is_not_overwritten() {
    let mut plugin = opened("s3cret");
    let mut write = |revision: Option<&str>| {
        let action = Action::Replace(json!({"text": "x"}).to_string());
        let revision = revision.map(str::to_owned);
        let write = Write { key: key("shared"), action, revision, incarnation: None, extra: None };
        plugin.write_resources(&[write], false).unwrap().remove(0)
    };
    assert!(matches!(write(None), Outcome::Done(_)));
    assert!(matches!(write(Some("1")), Outcome::Done(_)));
    let refused = write(Some("1"));
    assert!(matches!(&refused, Outcome::Failed(error) if error.kind == ErrorKind::Conflict), "{refused:?}");
}

#[test]
fn pages_end_hold_each_note_once_and_are_in_order() {
    let mut plugin = opened("s3cret");
    for name in ["c", "a", "b"] {
        carry_out(&mut plugin, name, None, Some(json!({"text": name})));
    }
    let (first, next) = page(&mut plugin, 2, None);
    let (second, end) = page(&mut plugin, 2, next);
    assert_eq!((first.join(""), second.join(""), end), ("ab".to_owned(), "c".to_owned(), None));
}

#[test]
fn a_wrong_token_and_a_server_that_is_not_there_are_told_apart() {
    assert_eq!(opened("guessed").discover().unwrap_err().kind, ErrorKind::Unauthenticated);
    let mut gone = connected("127.0.0.1:1", "s3cret");
    assert_eq!(gone.probe().unwrap_err().kind, ErrorKind::Unavailable);
    let lost = carry_out(&mut gone, "a", None, Some(json!({"text": "x"})));
    assert!(matches!(&lost[0].1, Outcome::Unknown(_)), "{lost:?}");
}

#[test]
fn equal_wishes_are_written_alike_and_an_empty_text_is_refused() {
    let facts = json!({});
    let once = MyKind::normalize("note", json!({"text": "x", "tags": ["b", "a", "b"]}), &facts).unwrap();
    assert_eq!(once["tags"], json!(["a", "b"]));
    assert_eq!(MyKind::normalize("note", once.clone(), &facts).unwrap(), once);
    assert!(MyKind::validate("note", &json!({"text": " "}), &facts)[0].message.contains("says nothing"));
}
