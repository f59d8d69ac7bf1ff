//! What plugins may try, each by a guest that does it (`tests/fixtures/guests`): the host answers, another cluster goes
//! on, and what is said names the reason.

mod wasi_http;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use headgate_plugin_build::Plugin;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use super::driver::{CallError, Driver, Kinds, Secrets};
use super::registry::{Registry, StateStore};
use super::stories::{cluster, options};
use crate::domain::cluster::Check;
use crate::domain::id::ClusterId;
use crate::domain::place::Place;
use crate::domain::resource::{Action, Query, ResourceKey, Write};

static HOSTILE: LazyLock<Vec<u8>> = LazyLock::new(|| built("guests/hostile"));
static CLOSED: LazyLock<Vec<u8>> = LazyLock::new(|| built("guests/closed"));

/// Of its crate below `tests/fixtures`, beside the other plugins that this build made.
pub(super) fn built(crate_dir: &str) -> Vec<u8> {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(crate_dir);
    let test = std::env::current_exe().unwrap();
    // target/debug/deps/headgate-…
    let target_dir = test.ancestors().nth(3).unwrap().join("plugins");
    headgate_plugin_build::build(&Plugin { crate_dir: &crate_dir, target_dir: &target_dir }).unwrap()
}

/// Compiled once for all the worlds of these tests.
static CACHE: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// By kind, cluster and key.
#[derive(Default)]
pub(super) struct MemoryState(Mutex<HashMap<[String; 3], Vec<u8>>>);

fn place(kind: &str, cluster: &ClusterId, key: &str) -> [String; 3] {
    [kind, &cluster.0, key].map(str::to_owned)
}

#[async_trait]
impl StateStore for MemoryState {
    async fn get(&self, kind: &str, cluster: &ClusterId, key: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.lock().unwrap().get(&place(kind, cluster, key)).cloned())
    }
    async fn set(&self, kind: &str, cluster: &ClusterId, key: &str, value: Vec<u8>) -> Result<(), String> {
        self.0.lock().unwrap().insert(place(kind, cluster, key), value);
        Ok(())
    }
    async fn delete(&self, kind: &str, cluster: &ClusterId, key: &str) -> Result<(), String> {
        self.0.lock().unwrap().remove(&place(kind, cluster, key));
        Ok(())
    }
}

/// A host with one plugin: a new one for each attack, so that nobody is shut out for what another one did.
struct World {
    registry: Registry,
    kind: &'static str,
    _folder: TempDir,
}

impl World {
    async fn of(kind: &'static str, component: &[u8], grants: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plugin.wasm"), component).unwrap();
        std::fs::write(folder.path().join("grants.yaml"), grants).unwrap();
        let mut options = options(folder.path(), CACHE.path());
        options.limits.talk.cpu = Duration::from_secs(1);
        options.limits.decide.cpu = Duration::from_millis(500);
        options.limits.driver.host_calls_max = 20_000;
        options.state = Arc::new(MemoryState::default());
        let registry = Registry::start(options).await.unwrap();
        Self { registry, kind, _folder: folder }
    }

    /// Its author asked for the whole network, and was given it.
    async fn hostile() -> Self {
        let grants = r#"hostile: {network: [{host: "*", ports: "1-65535"}], advertised: any}"#;
        Self::of("hostile", &HOSTILE, grants).await
    }

    async fn closed() -> Self {
        // It asks for HTTP of WASI, and is given nothing.
        Self::of("closed", &CLOSED, "closed: {}").await
    }

    /// Of a cluster by its name, with a password where there is one.
    async fn driver(&self, name: &str, connection: Value, password: Option<&str>) -> Arc<dyn Driver> {
        let refusals = self.registry.refusals();
        let plugin = self.registry.find(self.kind).unwrap_or_else(|| panic!("refused: {refusals:?}"));
        let secret =
            password.map(|password| ("password".to_owned(), Zeroizing::new(password.as_bytes().to_vec())));
        let secrets = Secrets(Arc::new(secret.into_iter().collect()));
        let mut cluster = cluster(self.kind);
        (cluster.id, cluster.name, cluster.connection) =
            (ClusterId(name.to_owned()), name.to_owned(), connection);
        plugin.driver(&cluster, secrets).await.unwrap()
    }
}

fn answer(checks: Result<Vec<Check>, CallError>) -> String {
    match checks {
        Ok(checks) => checks.into_iter().filter_map(|check| check.message).collect(),
        Err(error) => error.to_string(),
    }
}

/// What came of an attack, while a bystander of the same plugin was served.
async fn attacked(told: &Value) -> String {
    attacked_in(&World::hostile().await, "attacker", told).await
}

async fn attacked_in(world: &World, name: &str, told: &Value) -> String {
    let password = "p".repeat(64 << 10);
    let attacker = world.driver(name, told.clone(), Some(&password)).await;
    let bystander = world.driver("bystander", json!({}), None).await;
    let others = async {
        for _ in 0..3 {
            bystander.discover().await.unwrap();
        }
    };
    let attack = async {
        match told["in"].as_str() {
            Some("discover") => {
                let found = attacker.discover().await;
                found.map_or_else(|error| error.to_string(), |found| found.facts.to_string())
            }
            Some("list-resources") => {
                let listed = attacker.list(query()).await;
                listed.map_or_else(|error| error.to_string(), |_| "listed".to_owned())
            }
            _ => answer(attacker.probe().await),
        }
    };
    let (said, ()) = tokio::join!(attack, others);
    bystander.probe().await.unwrap();
    said
}

#[tokio::test]
async fn an_attack_ends_with_its_reason_while_another_cluster_is_served() {
    let cases = [
        (json!({"attack": "spin"}), "it used more than 1s of CPU time"),
        (json!({"attack": "host-calls"}), "it made more than 20000 host calls in one call"),
        (json!({"attack": "derive"}), "it used more than 1s of CPU time"),
        (json!({"attack": "memory"}), "it wanted more than 67108864 bytes of memory"),
        (json!({"attack": "recursion"}), "attack::deep"),
        (json!({"attack": "panic", "text": "on purpose"}), "on purpose"),
        (json!({"attack": "answer", "in": "discover"}), "too much data is being copied"),
        (json!({"attack": "long-line"}), "too much data is being copied"),
        (json!({"attack": "nesting", "in": "list-resources"}), "recursion limit exceeded"),
        (json!({"attack": "log-flood"}), "logged"),
        (json!({"attack": "handles"}), "the plugin holds too many connections and secrets; drop some"),
        (json!({"attack": "pieces"}), "a message may have 33554432 bytes at most, its secrets put in"),
        (json!({"attack": "other-secret", "text": "theirs"}), "the cluster has no secret `theirs`"),
        (json!({"attack": "many-places"}), "it named 200000 places to connect to in one host call"),
        (json!({"attack": "sleep"}), "slept"),
    ];
    for (told, part) in cases {
        let said = attacked(&told).await;
        assert!(said.contains(part), "{told}: no `{part}`: {said}");
    }
}

#[tokio::test]
async fn addresses_that_no_plugin_reaches_are_refused_in_every_form() {
    let cases = [
        ("169.254.169.254", "a link-local address: no plugin may reach it"),
        ("::ffff:169.254.169.254", "a link-local address: no plugin may reach it"),
        ("::ffff:a9fe:a9fe", "a link-local address: no plugin may reach it"),
        ("64:ff9b::a9fe:a9fe", "a link-local address: no plugin may reach it"),
        ("100.100.100.200", "a cloud metadata address: no plugin may reach it"),
        ("fd00:ec2::254", "a cloud metadata address: no plugin may reach it"),
        ("0.0.0.0", "an unspecified address: no plugin may reach it"),
    ];
    for (address, part) in cases {
        let told = json!({"attack": "connect", "address": address, "port": 80});
        let said = attacked(&told).await;
        assert!(said.contains(part), "{address}: no `{part}`: {said}");
    }
}

#[tokio::test]
async fn without_a_grant_nothing_is_reached() {
    let world = World::of("hostile", &HOSTILE, "hostile: {}").await;
    let told = json!({"attack": "connect", "address": "127.0.0.1", "port": 1});
    let said = attacked_in(&world, "attacker", &told).await;
    assert!(said.contains("`headgate plugin grant hostile --network 127.0.0.1:1` gives it"), "{said}");
}

/// Answers every request with the same text, and keeps every connection.
async fn serve(text: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            if !text.is_empty() {
                let mut read = [0; 1024];
                let count = stream.read(&mut read).await.unwrap();
                assert!(count > 0);
                stream.write_all(text.as_bytes()).await.unwrap();
            }
            kept.push(stream);
        }
    });
    port
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_leads_no_further_than_the_grants() {
    let location = "http://169.254.169.254/latest/meta-data";
    let port =
        serve(format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")).await;
    let told = json!({"attack": "redirect", "address": "127.0.0.1", "port": port});
    let said = attacked(&told).await;
    assert!(said.starts_with("302, then Err(") && said.contains("a link-local address"), "{said}");
}

#[tokio::test]
async fn who_hoards_connections_has_its_own_share_and_others_still_connect() {
    let world = World::hostile().await;
    let port = serve(String::new()).await;
    let told = json!({"attack": "hoard", "address": "127.0.0.1", "port": port});
    for name in ["one", "two"] {
        let said = attacked_in(&world, name, &told).await;
        assert!(said.contains("the session has 128 connections open, the most that is allowed"), "{said}");
    }
    let told = json!({"attack": "connect", "address": "127.0.0.1", "port": port});
    assert_eq!(attacked_in(&world, "three", &told).await, "connected");
}

#[tokio::test]
async fn state_and_secrets_are_of_one_cluster() {
    let world = World::hostile().await;
    let ask = async |cluster: &str, told: Value, password: Option<&str>| {
        answer(world.driver(cluster, told, password).await.probe().await)
    };
    let note = json!({"attack": "remember", "text": "mine"});
    assert_eq!(ask("one", note, Some("pencil")).await, "kept");
    assert_eq!(ask("two", json!({"attack": "recall"}), None).await, "None");
    let said = ask("three", json!({"attack": "other-secret", "text": "password"}), None).await;
    assert!(said.contains("the cluster has no secret `password`"), "{said}");
}

fn query() -> Query {
    Query {
        metadata_type: "item".to_owned(),
        place: Place::Cluster,
        brief: false,
        fields: Vec::new(),
        since: None,
        cursor: None,
        limit: 10,
    }
}

fn write() -> Write {
    Write { key: key(), action: Action::Delete, revision: None, incarnation: None }
}

fn key() -> ResourceKey {
    ResourceKey { metadata_type: "item".to_owned(), id: "a".to_owned(), place: Place::Cluster }
}

/// The call's answer, as far as it tells of a failure.
async fn call(driver: &Arc<dyn Driver>, name: &str) -> Option<CallError> {
    match name {
        "probe" | "open" => driver.probe().await.err(),
        "discover" => driver.discover().await.err(),
        "list-resources" => driver.list(query()).await.err(),
        "get-resources" => driver.get(vec![key()]).await.err(),
        "write-resources" => driver.write(vec![write()], false).await.err(),
        other => panic!("no call {other}"),
    }
}

#[tokio::test]
async fn a_trap_in_any_export_is_told_with_the_call_and_the_message() {
    let calls = ["open", "probe", "discover", "list-resources", "get-resources", "write-resources"];
    for name in calls {
        let world = World::hostile().await;
        let bystander = world.driver("bystander", json!({}), None).await;
        let told = json!({"attack": "panic", "in": name, "text": "in the way"});
        let driver = world.driver("attacker", told, None).await;
        for _ in 0..2 {
            let said = call(&driver, name).await.unwrap().to_string();
            let expected = format!("plugin `hostile` failed in `{name}`: it trapped");
            assert!(said.starts_with(&expected) && said.contains("in the way"), "{said}");
        }
        assert!(call(&bystander, name).await.is_none(), "{name} of another cluster");
    }
    let world = World::hostile().await;
    let closing = world.driver("close", json!({"attack": "panic", "in": "close"}), None).await;
    closing.probe().await.unwrap();
    closing.close().await;
    closing.probe().await.unwrap();
}

#[tokio::test]
async fn what_decides_has_no_more_than_its_time_and_its_log() {
    let world = World::hostile().await;
    let kind = world.registry.find("hostile").unwrap();
    let cases = [
        (json!({"attack": "spin"}), "it used more than 500ms of CPU time"),
        (json!({"attack": "memory"}), "it wanted more than 33554432 bytes of memory"),
        (json!({"attack": "panic", "text": "in the way"}), "in the way"),
        (
            json!({"attack": "connect", "address": "127.0.0.1"}),
            "it called headgate:host/net#connect while it decides",
        ),
        (json!({"attack": "recall"}), "it called headgate:host/state#get while it decides"),
        (
            json!({"attack": "other-secret", "text": "a"}),
            "it called headgate:host/secrets#get while it decides",
        ),
        (json!({"attack": "host-calls"}), "it called headgate:host/clock#now-ms while it decides"),
        (
            json!({"attack": "schema"}),
            "the spec schema of the type `bomb` cannot be used: it has more than 50000 parts",
        ),
    ];
    for (told, part) in cases {
        let said = kind.types(Some(&told)).await.unwrap_err().to_string();
        assert!(said.contains(part), "{told}: no `{part}`: {said}");
        assert!(kind.types(None).await.unwrap().is_empty());
    }
    let panics = json!({"attack": "panic", "text": "in the way"});
    let said = kind.normalize("item", vec![panics.clone()], &json!({})).await.unwrap_err().to_string();
    assert!(said.contains("failed in `normalize`") && said.contains("in the way"), "{said}");
    let said = kind.validate("item", vec![panics.clone()], &json!({})).await.unwrap_err().to_string();
    assert!(said.contains("failed in `validate`") && said.contains("in the way"), "{said}");
    let said = kind.steps(Vec::new(), &panics).await.unwrap_err().to_string();
    assert!(said.contains("failed in `steps`") && said.contains("in the way"), "{said}");
}

#[tokio::test]
async fn wasi_is_there_and_closed() {
    let world = World::closed().await;
    let found = answer(world.driver("lab", json!({}), None).await.probe().await);
    let expected = [
        "environment []",
        "arguments []",
        "directory None",
        "input ended true",
        "folders 0",
        r#"socket Some(ErrorCode { code: 1, name: "access-denied", message: "" })"#,
        r#"name Some(ErrorCode { code: 1, name: "access-denied", message: "" })"#,
        "http Some(ErrorCode::HttpRequestDenied)",
        "ready [0], waited true",
        "year true",
        "random true",
    ];
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
    let kind = world.registry.find("closed").unwrap();
    let began = Instant::now();
    let (first, second) = (kind.types(None).await.unwrap(), kind.types(None).await.unwrap());
    assert_eq!(first[0].title, second[0].title, "what decides saw the time or chance");
    assert!(began.elapsed() < Duration::from_secs(600), "it waited an hour for an answer");
}

#[tokio::test]
async fn what_wasi_is_misused_for_is_told() {
    let world = World::closed().await;
    let failing = world.driver("failing", json!({"wish": "fail"}), None).await;
    let said = answer(failing.probe().await);
    assert!(said.contains("it ended its own process, and said that it failed"), "{said}");
    assert!(said.contains("(Traceback: |   ValueError: on purpose)"), "{said}");
    let leaking = world.driver("leaking", json!({"wish": "leak"}), None).await;
    let said = answer(leaking.probe().await);
    assert!(said.contains("it holds more than the handles that a plugin may hold"), "{said}");
    assert!(answer(world.driver("lab", json!({}), None).await.probe().await).contains("folders 0"));
}
