//! Signatures beside plugins, through the whole registry.

use std::fs;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Memory, World, toy};
use crate::domain::minisign::SecretKey;
use crate::domain::plugin::PluginState;
use crate::domain::signature::{SignaturePolicy, SignatureRules, Signed};
use crate::plugins::driver::{Kinds, PluginChange};

fn key(seed: u8) -> SecretKey {
    SecretKey::make(&Zeroizing::new([seed; 32]), [seed; 8]).unwrap().0
}

fn rules(policy: SignaturePolicy) -> SignatureRules {
    SignatureRules { policy, keys: vec![key(1).public()] }
}

impl World {
    async fn with_signatures(policy: SignaturePolicy) -> Self {
        let (directory, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let memory = Arc::new(Memory::default());
        let registry = super::start_with(&directory, &data, &memory, rules(policy)).await;
        Self { registry, memory, directory, data }
    }

    fn sign(&self, bytes: &[u8], seed: u8, comment: &str) {
        self.put("toy.wasm.minisig", key(seed).sign(bytes, comment).unwrap().as_bytes());
    }

    fn signed(&self) -> Option<Signed> {
        self.status("toy").and_then(|status| status.signature)
    }
}

fn by_the_key(comment: &str) -> Signed {
    Signed::Valid { key: "0101010101010101".to_owned(), comment: comment.to_owned() }
}

#[tokio::test]
async fn what_is_not_signed_is_refused_until_its_signature_arrives() {
    let world = World::with_signatures(SignaturePolicy::Enforce).await;
    let first = toy("1.0.0");
    world.put("toy.wasm", &first);
    let refusal = world.until_refused("toy.wasm", "verify").await;
    for part in [
        "a signature in `toy.wasm.minisig` by one of the keys 0101010101010101",
        "no signature",
        "headgate plugin sign",
    ] {
        assert!(refusal.contains(part), "no `{part}`: {refusal}");
    }
    assert!(world.registry.find("toy").is_none());
    world.sign(&first, 1, "toy 1.0.0");
    world.until_version("1.0.0").await;
    assert_eq!(world.signed(), Some(by_the_key("toy 1.0.0")));
    assert!(!world.status("toy").unwrap().toolchain.is_empty());
}

#[tokio::test]
async fn a_foreign_wrong_or_broken_signature_and_a_changed_file_leave_the_old_version_serving() {
    let world = World::with_signatures(SignaturePolicy::Enforce).await;
    let (first, second) = (toy("1.0.0"), toy("1.1.0"));
    world.sign(&first, 1, "toy 1.0.0");
    world.put("toy.wasm", &first);
    world.until_version("1.0.0").await;
    // The signature is still the one of the version before.
    world.put("toy.wasm", &second);
    let refusal = world.until_refused("toy", "verify").await;
    assert!(refusal.contains("by 0101010101010101 that does not fit the content"), "{refusal}");
    let told = |world: &World, part: &str| {
        let refusal = world.status("toy").and_then(|status| status.refusal);
        refusal.is_some_and(|refusal| refusal.stage == "verify" && refusal.found.contains(part))
    };
    world.sign(&second, 2, "toy 1.1.0");
    let foreign = "by the key 0202020202020202, which is none of these";
    world.until(foreign, |world| told(world, foreign)).await;
    world.put("toy.wasm.minisig", b"text");
    world.until("no signature at all", |world| told(world, "a file that is no signature")).await;
    let changed = key(1).sign(&second, "toy 1.1.0").unwrap().replace("toy 1.1.0", "toy 9.9.9");
    world.put("toy.wasm.minisig", changed.as_bytes());
    world.until("another comment", |world| told(world, "whose trusted comment was changed")).await;
    let status = world.status("toy").unwrap();
    assert_eq!((status.state, status.version.as_deref()), (PluginState::Active, Some("1.0.0")));
    world.probe("lab").await.unwrap();
    world.sign(&second, 1, "toy 1.1.0");
    world.until_version("1.1.0").await;
    assert_eq!(world.signed(), Some(by_the_key("toy 1.1.0")));
}

#[tokio::test]
async fn a_policy_that_warns_takes_what_it_warns_of_and_a_later_signature_is_seen() {
    let world = World::with_signatures(SignaturePolicy::Warn).await;
    let first = toy("1.0.0");
    world.put("toy.wasm", &first);
    world.until_version("1.0.0").await;
    assert_eq!(world.signed(), Some(Signed::Unsigned));
    world.sign(&first, 1, "later");
    world.until("it is signed", |world| world.signed() == Some(by_the_key("later"))).await;
    assert_eq!((world.status("toy").unwrap().generation, world.told("plugin.signed")), (1, 1));
    fs::remove_file(world.path("toy.wasm.minisig")).unwrap();
    world.until("it is not", |world| world.signed() == Some(Signed::Unsigned)).await;
    let kept = world.memory.records.lock().unwrap()["toy"].versions[0].clone();
    assert_eq!(kept.signature, Some(Signed::Unsigned));
}

#[tokio::test]
async fn a_signature_that_goes_does_not_stop_what_serves_and_keeps_it_out_after_a_restart() {
    let mut world = World::with_signatures(SignaturePolicy::Enforce).await;
    let first = toy("1.0.0");
    world.sign(&first, 1, "toy 1.0.0");
    world.put("toy.wasm", &first);
    world.until_version("1.0.0").await;
    fs::remove_file(world.path("toy.wasm.minisig")).unwrap();
    world.until_refused("toy", "verify").await;
    world.probe("lab").await.unwrap();
    // The host's own copy was signed when it came.
    let enforce = rules(SignaturePolicy::Enforce);
    world.registry = super::start_with(&world.directory, &world.data, &world.memory, enforce.clone()).await;
    assert_eq!((world.version().as_deref(), world.signed()), (Some("1.0.0"), Some(by_the_key("toy 1.0.0"))));
    // Its key is not trusted any more.
    let other = SignatureRules { keys: vec![key(2).public()], ..enforce };
    world.registry = super::start_with(&world.directory, &world.data, &world.memory, other).await;
    assert!(world.registry.find("toy").is_none());
}

#[tokio::test]
async fn a_version_that_nobody_signed_is_no_way_back() {
    let mut world = World::with_signatures(SignaturePolicy::Warn).await;
    world.put("toy.wasm", &toy("1.0.0"));
    world.until_version("1.0.0").await;
    let second = toy("1.1.0");
    world.sign(&second, 1, "toy 1.1.0");
    world.put("toy.wasm", &second);
    world.until_version("1.1.0").await;
    let enforce = rules(SignaturePolicy::Enforce);
    world.registry = super::start_with(&world.directory, &world.data, &world.memory, enforce).await;
    let refused = world.change("toy", PluginChange::RollBack).await.unwrap_err().to_string();
    assert!(refused.contains("version 1.0.0 has no signature"), "{refused}");
    assert_eq!(world.version().as_deref(), Some("1.1.0"));
}
