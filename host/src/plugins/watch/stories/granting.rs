//! What plugins ask for and operators decide, through the whole registry.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::World;
use crate::domain::grant::{Advertised, GrantChange, GrantSource, NetworkGrant};
use crate::domain::plugin::PluginState;
use crate::plugins::driver::{Kinds, PluginChange, PluginChangeError};
use crate::plugins::fixture;

const FORM: (&str, &str) = ("${connection./addresses}", "1-65535");
const PATTERN: (&str, &str) = ("*.registry.svc", "8848");

fn toy(version: &str, asks: &[(&str, &str)]) -> Vec<u8> {
    fixture::asking("toy", version, asks)
}

fn all() -> GrantChange {
    GrantChange { all: true, ..GrantChange::default() }
}

impl World {
    async fn until_waiting(&self, version: &str) {
        let waits = |world: &Self| {
            let waiting = world.status("toy").and_then(|status| status.waiting);
            waiting.is_some_and(|waiting| waiting.version == version)
        };
        self.until(version, waits).await;
    }

    async fn grant(&self, change: GrantChange) -> Result<(), PluginChangeError> {
        self.change("toy", PluginChange::Grant(change)).await
    }

    fn given(&self) -> Vec<String> {
        let granted = self.status("toy").unwrap().granted.unwrap();
        granted.given.network.iter().map(NetworkGrant::to_string).collect()
    }
}

#[tokio::test]
async fn a_first_version_that_asks_for_the_form_alone_serves_with_it_and_with_nothing_else() {
    let world = World::of(&[("toy.wasm", toy("1.0.0", &[FORM]))]).await;
    let granted = world.status("toy").unwrap().granted.unwrap();
    assert_eq!((granted.source, granted.by), (GrantSource::Default, None));
    assert_eq!(granted.given.advertised, Advertised::None);
    assert_eq!(world.given(), ["${connection./addresses}:1-65535"]);
}

#[tokio::test]
async fn a_first_version_that_asks_for_more_waits_until_somebody_decides() {
    let mut world = World::of(&[("toy.wasm", toy("1.0.0", &[FORM, PATTERN]))]).await;
    world.until_waiting("1.0.0").await;
    let status = world.status("toy").unwrap();
    assert_eq!((status.state, status.waiting.unwrap().more.len()), (PluginState::Waiting, 1));
    assert!(world.registry.find("toy").is_none());
    let why = world.registry.why_absent("toy");
    assert!(
        why.contains("it asks for *.registry.svc, port 8848; `headgate plugin grant toy` decides"),
        "{why}"
    );
    assert_eq!(world.told("plugin.waiting"), 1);
    world.grant(all()).await.unwrap();
    world.until_version("1.0.0").await;
    assert_eq!(world.given(), ["${connection./addresses}:1-65535", "*.registry.svc:8848"]);
    let granted = world.status("toy").unwrap().granted.unwrap();
    assert_eq!((granted.source, granted.by.as_deref()), (GrantSource::Decision, Some("ann")));
    assert_eq!(granted.digest, world.status("toy").unwrap().digest);
    world.restart().await;
    assert_eq!(world.version().as_deref(), Some("1.0.0"), "the decision was kept");
}

#[tokio::test]
async fn a_new_version_inherits_the_decision_unless_it_asks_for_more_and_the_old_one_serves_on() {
    let mut world = World::of(&[("toy.wasm", toy("1.0.0", &[FORM]))]).await;
    world.put("toy.wasm", &toy("1.1.0", &[FORM, PATTERN]));
    world.until_waiting("1.1.0").await;
    let status = world.status("toy").unwrap();
    assert_eq!((status.state, status.version.as_deref()), (PluginState::Active, Some("1.0.0")));
    world.probe("lab").await.unwrap();
    // Neither a touch nor a restart nor `enable` lets it in.
    world.put("toy.wasm", &toy("1.1.0", &[FORM, PATTERN]));
    world.restart().await;
    world.until_waiting("1.1.0").await;
    world.change("toy", PluginChange::Enable { downgrade: false }).await.unwrap();
    world.until_waiting("1.1.0").await;
    assert_eq!(world.version().as_deref(), Some("1.0.0"));

    let part = NetworkGrant { host: "db.registry.svc".to_owned(), ports: "8848".to_owned() };
    world.grant(GrantChange { network: vec![part], ..GrantChange::default() }).await.unwrap();
    world.until_version("1.1.0").await;
    assert_eq!(world.given(), ["${connection./addresses}:1-65535", "db.registry.svc:8848"]);
    // What was asked and not given was decided, too.
    world.put("toy.wasm", &toy("1.2.0", &[FORM, PATTERN]));
    world.until_version("1.2.0").await;
    world.put("toy.wasm", &toy("1.3.0", &[FORM, ("*", "8848")]));
    world.until_waiting("1.3.0").await;
    assert_eq!(world.version().as_deref(), Some("1.2.0"));
    // The file goes back to what it was: nobody waits any more.
    world.put("toy.wasm", &toy("1.2.0", &[FORM, PATTERN]));
    world.until("it is forgotten", |world| world.status("toy").unwrap().waiting.is_none()).await;
}

#[tokio::test]
async fn what_is_taken_back_is_gone_for_the_version_that_serves_and_lets_nobody_in() {
    let mut world = World::of(&[("toy.wasm", toy("1.0.0", &[FORM]))]).await;
    world.put("toy.wasm", &toy("1.1.0", &[FORM, PATTERN]));
    world.until_waiting("1.1.0").await;
    let before = world.registry.find("toy").unwrap();
    world.grant(GrantChange { revoke: true, ..GrantChange::default() }).await.unwrap();
    assert!(!Arc::ptr_eq(&before, &world.registry.find("toy").unwrap()), "sessions from now on have less");
    assert!(world.given().is_empty());
    world.until_waiting("1.1.0").await;
    world.put("toy.wasm", &toy("1.0.0", &[FORM]));
    world.until("nothing waits", |world| world.status("toy").unwrap().waiting.is_none()).await;
    world.restart().await;
    assert_eq!((world.version().as_deref(), world.given().len()), (Some("1.0.0"), 0));
}

#[tokio::test]
async fn a_decision_is_for_the_content_that_was_seen_and_says_what_it_cannot_give() {
    let world = World::of(&[("toy.wasm", toy("1.0.0", &[PATTERN]))]).await;
    world.until_waiting("1.0.0").await;
    let other = GrantChange { digest: Some("of another file".to_owned()), ..all() };
    assert!(matches!(world.grant(other).await, Err(PluginChangeError::Changed(_))));
    let foreign = NetworkGrant { host: "a.example".to_owned(), ports: "1".to_owned() };
    let wrong =
        world.grant(GrantChange { network: vec![foreign], ..GrantChange::default() }).await.unwrap_err();
    assert!(
        wrong.to_string().contains("does not ask for a.example:1: it asks for *.registry.svc"),
        "{wrong}"
    );
    let unknown = world.change("nobody", PluginChange::Grant(all())).await;
    assert!(matches!(unknown, Err(PluginChangeError::NotFound(_))));
    world.memory.is_broken.store(true, Ordering::Relaxed);
    assert!(matches!(world.grant(all()).await, Err(PluginChangeError::NotKept(_))));
    assert!(world.registry.find("toy").is_none(), "what is not kept is not in force");
    world.memory.is_broken.store(false, Ordering::Relaxed);
    world.grant(all()).await.unwrap();
    world.until_version("1.0.0").await;
}

#[tokio::test]
async fn what_another_host_decides_holds_here_too() {
    let world = World::of(&[("toy.wasm", toy("1.0.0", &[PATTERN]))]).await;
    world.until_waiting("1.0.0").await;
    let other = super::start(&world.directory, &world.data, &world.memory).await;
    let by = crate::domain::record::By { actor: "bob".to_owned(), request_id: None };
    crate::plugins::driver::Plugins::change(&*other, "toy", PluginChange::Grant(all()), &by).await.unwrap();
    world.until_version("1.0.0").await;
    assert_eq!(world.status("toy").unwrap().granted.unwrap().by.as_deref(), Some("bob"));
}

#[tokio::test]
async fn while_nobody_knows_what_was_decided_nothing_is_given() {
    let mut world = World::of(&[]).await;
    world.memory.is_broken.store(true, Ordering::Relaxed);
    std::fs::write(world.path("toy.wasm"), toy("1.0.0", &[FORM])).unwrap();
    world.restart().await;
    world.until_waiting("1.0.0").await;
    assert!(matches!(world.grant(all()).await, Err(PluginChangeError::NotKept(_))));
    world.memory.is_broken.store(false, Ordering::Relaxed);
    world.until_version("1.0.0").await;
}

#[tokio::test]
async fn what_stands_in_the_file_wins_and_lets_every_version_in() {
    let world = World::of(&[("toy.wasm", toy("1.0.0", &[FORM, PATTERN]))]).await;
    world.until_waiting("1.0.0").await;
    world.put("grants.yaml", b"toy: {network: [{host: \"${connection./addresses}\", ports: \"80\"}]}");
    world.until_version("1.0.0").await;
    assert_eq!(world.given(), ["${connection./addresses}:80"]);
    let refused = world.grant(all()).await.unwrap_err().to_string();
    assert!(refused.contains("stand in `grants.yaml` of the plugin directory, which wins"), "{refused}");
    world.put("toy.wasm", &toy("1.1.0", &[FORM, ("*", "1")]));
    world.until_version("1.1.0").await;
    assert_eq!(world.status("toy").unwrap().granted.unwrap().source, GrantSource::File);
}
