//! Plugins for a released version and for the present one in one host, each on its own cluster.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::VERSIONS;
use crate::domain::cluster::Health;
use crate::domain::contract::Change;
use crate::domain::error::ErrorKind;
use crate::domain::place::Place;
use crate::domain::resource::{Action, Lookup, Outcome, Query, ResourceKey, Write};
use crate::plugins::attacks::{MemoryState, built};
use crate::plugins::driver::{CallError, Driver, Kinds, Secrets};
use crate::plugins::fixture;
use crate::plugins::registry::Registry;
use crate::plugins::stories::{cluster, options};

#[test]
fn every_released_version_is_spoken_beside_the_present_one() {
    let released = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/released");
    let folders = std::fs::read_dir(released).unwrap().map(|entry| entry.unwrap());
    let mut folders: Vec<String> = folders
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    let mut spoken: Vec<&str> = VERSIONS.iter().skip(1).map(|version| version.track).collect();
    spoken.sort_unstable();
    assert_eq!(folders, spoken);
}

fn write(id: &str, action: Action) -> Write {
    Write { key: key(id), action, revision: None, incarnation: None }
}

fn key(id: &str) -> ResourceKey {
    ResourceKey { metadata_type: "note".to_owned(), id: id.to_owned(), place: Place::Cluster }
}

async fn listed(driver: &Arc<dyn Driver>) -> Vec<(String, Value)> {
    let query = Query {
        metadata_type: "note".to_owned(),
        place: Place::Cluster,
        brief: false,
        fields: Vec::new(),
        since: None,
        cursor: None,
        limit: 10,
    };
    let page = driver.list(query).await.unwrap();
    assert!(page.resources.iter().all(|found| found.incarnation.is_none() && !found.partial));
    page.resources.into_iter().map(|found| (found.key.id, (*found.spec).clone())).collect()
}

#[tokio::test]
async fn a_plugin_of_a_released_version_serves_beside_one_of_the_present() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let file = |name: &str| folders[0].path().join(name);
    std::fs::write(file("notes.wasm"), built("released/0.0.1/rust")).unwrap();
    std::fs::write(file("plain.wasm"), fixture::guest("fixture", fixture::NOTHING)).unwrap();
    let mut options = options(folders[0].path(), folders[1].path());
    options.state = Arc::new(MemoryState::default());
    let registry = Registry::start(options).await.unwrap();
    let found = |kind: &str| {
        let refused = format!("{:?}", registry.refusals());
        registry.find(kind).unwrap_or_else(|| panic!("{refused}"))
    };
    let (notes, plain) = (found("notes-rust"), found("fixture"));
    let old = notes.driver(&cluster("notes-rust"), Secrets::default()).await.unwrap();
    let new = plain.driver(&cluster("fixture"), Secrets::default()).await.unwrap();

    let types = notes.types(None).await.unwrap();
    assert_eq!(types.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["note"]);
    let change = Change {
        key: key("a"),
        before: None,
        after: Some(json!({"text": "one"})),
        status: None,
        effective: None,
        revision: None,
        incarnation: Some("unknown to it".to_owned()),
    };
    let steps = notes.steps(vec![change], &json!({})).await.unwrap().remove(0).unwrap();
    assert_eq!(steps[0].write, write("a", Action::Create(json!({"text": "one"}))));

    let writes = vec![steps[0].write.clone(), write("b", Action::Replace(json!({})))];
    let tried = old.write(writes.clone(), true).await;
    assert!(
        matches!(&tried, Err(CallError::Backend(error)) if error.kind == ErrorKind::Unsupported),
        "{tried:?}"
    );
    assert_eq!(listed(&old).await, []);
    let outcomes = old.write(writes, false).await.unwrap();
    assert!(matches!(&outcomes[0], Outcome::Done(_)), "{outcomes:?}");
    assert!(
        matches!(&outcomes[1], Outcome::Failed { error } if error.kind == ErrorKind::NotFound),
        "{outcomes:?}"
    );
    assert_eq!(listed(&old).await, [("a".to_owned(), json!({"text": "one"}))]);
    let looked = old.get(vec![key("a"), key("b")]).await.unwrap();
    assert!(matches!(&looked[..], [Lookup::Found(_), Lookup::Absent]), "{looked:?}");

    let healths: Vec<Health> = old.discover().await.unwrap().nodes.iter().map(|node| node.health).collect();
    assert_eq!(healths, [Health::Up, Health::Down, Health::Unknown]);
    new.discover().await.unwrap();
    new.probe().await.unwrap();
    assert!(notes.operations(None).await.unwrap().is_empty());
    let polled = old.poll("gone").await;
    assert!(
        matches!(&polled, Err(CallError::Backend(error)) if error.message == "the plugin has no operations")
    );
}
