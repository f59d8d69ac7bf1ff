//! Calls a built-in plugin without the rest of the host: for trying a plugin against a cluster.
//!
//! `plugin_call KIND [--set KEY=VALUE] [--secret KEY=@FILE] describe|types|probe|discover|list TYPE|get TYPE ID|`
//! `create TYPE ID SPEC|edit TYPE ID POINTER VALUE|delete TYPE ID`

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use headgate::clock::SystemClock;
use headgate::domain::cluster::{Cluster, Reach};
use headgate::domain::id::{ClusterId, DEFAULT_ORGANIZATION, OrganizationId};
use headgate::domain::place::Place;
use headgate::domain::policy::Authority;
use headgate::domain::resource::{Action, Edit, Query, ResourceKey, Write};
use headgate::plugins::builtin::builtin;
use headgate::plugins::driver::{Driver, Kind, Kinds, Secrets};
use headgate::plugins::limits::Limits;
use headgate::plugins::metrics::Metrics;
use headgate::plugins::registry::{Options, Registry, StateStore};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

/// Nothing is kept: one run is one session.
struct Forgetful;

#[async_trait]
impl StateStore for Forgetful {
    async fn get(&self, _: &str, _: &ClusterId, _: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }
    async fn set(&self, _: &str, _: &ClusterId, _: &str, _: Vec<u8>) -> Result<(), String> {
        Ok(())
    }
    async fn delete(&self, _: &str, _: &ClusterId, _: &str) -> Result<(), String> {
        Ok(())
    }
}

#[derive(Default)]
struct Arguments {
    connection: Map<String, Value>,
    secrets: BTreeMap<String, Zeroizing<Vec<u8>>>,
    words: Vec<String>,
}

fn arguments() -> Result<Arguments> {
    let mut all = Arguments::default();
    let mut given = std::env::args().skip(1);
    while let Some(word) = given.next() {
        if word != "--set" && word != "--secret" {
            all.words.push(word);
            continue;
        }
        let pair = given.next().context("KEY=VALUE is missing")?;
        let (key, value) = pair.split_once('=').context("it is KEY=VALUE")?;
        let bytes = match value.strip_prefix('@') {
            Some(file) => std::fs::read(file).with_context(|| format!("read {file}"))?,
            None => value.as_bytes().to_vec(),
        };
        if word == "--set" {
            all.connection.insert(key.to_owned(), String::from_utf8(bytes)?.into());
        } else {
            all.connection.insert(key.to_owned(), key.into());
            all.secrets.insert(key.to_owned(), Zeroizing::new(bytes));
        }
    }
    Ok(all)
}

fn cluster(kind: &str, connection: Map<String, Value>) -> Cluster {
    Cluster {
        id: ClusterId("0197-example".to_owned()),
        organization: OrganizationId(DEFAULT_ORGANIZATION.to_owned()),
        name: "example".to_owned(),
        kind: kind.to_owned(),
        connection: Value::Object(connection),
        credential_revision: 1,
        authority: Authority::Observe,
        paused: false,
        identity: None,
        backend_version: None,
        facts: Value::Null,
        discovered_at_ms: None,
        reach: Reach::New,
        created_at_ms: 0,
        updated_at_ms: 0,
        version: 1,
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let Arguments { connection, secrets, words } = arguments()?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [kind, words @ ..] = words.as_slice() else { bail!("name a kind") };
    let mut prometheus = prometheus_client::registry::Registry::default();
    let registry = Registry::start(Options {
        builtin: builtin(),
        directory: std::env::var_os("PLUGINS").map(Into::into),
        cache: std::env::temp_dir().join("headgate-example-cache"),
        limits: Limits::default(),
        clock: Arc::new(SystemClock),
        state: Arc::new(Forgetful),
        metrics: Metrics::register(&mut prometheus),
    })
    .await?;
    let plugin = registry.find(kind).with_context(|| format!("no kind {kind}"))?;
    let cluster = cluster(kind, connection);
    let driver = plugin.driver(&cluster, Secrets(Arc::new(secrets))).await?;
    for round in 0..std::env::var("ROUNDS").map_or(Ok(1), |rounds| rounds.parse::<u32>())? {
        let began = Instant::now();
        let answer = call(&*plugin, &*driver, words).await;
        eprintln!("round {round}: {:?}", began.elapsed());
        match answer {
            Ok(answer) => println!("{answer:#}"),
            Err(error) => println!("ERROR {error:#}"),
        }
    }
    driver.close().await;
    if std::env::var_os("METRICS").is_some() {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &prometheus)?;
        println!("{text}");
    }
    Ok(())
}

async fn call(plugin: &dyn Kind, driver: &dyn Driver, words: &[&str]) -> Result<Value> {
    let key = |metadata_type: &str, id: &str| ResourceKey {
        metadata_type: metadata_type.to_owned(),
        id: id.to_owned(),
        place: std::env::var("PLACE").ok().and_then(|place| place.parse().ok()).unwrap_or(Place::Cluster),
    };
    let action = match words {
        ["describe"] => return Ok(serde_json::to_value(plugin.description())?),
        ["types"] => return Ok(serde_json::to_value(plugin.types(None).await?)?),
        ["probe"] => return Ok(serde_json::to_value(driver.probe().await?)?),
        ["discover"] => return Ok(serde_json::to_value(driver.discover().await?)?),
        ["list", metadata_type] => return list(driver, metadata_type).await,
        ["get", metadata_type, id] => {
            return Ok(json!(format!("{:?}", driver.get(vec![key(metadata_type, id)]).await?)));
        }
        ["create", metadata_type, id, spec] => {
            (key(metadata_type, id), Action::Create(serde_json::from_str(spec)?))
        }
        ["edit", metadata_type, id, path, value] => {
            let value = serde_json::from_str(value).ok();
            (key(metadata_type, id), Action::Edit(vec![Edit { path: (*path).to_owned(), value }]))
        }
        ["delete", metadata_type, id] => (key(metadata_type, id), Action::Delete),
        other => bail!("unknown call {other:?}"),
    };
    let write = Write { key: action.0, action: action.1, revision: None, incarnation: None };
    Ok(serde_json::to_value(driver.write(vec![write], false).await?)?)
}

async fn list(driver: &dyn Driver, metadata_type: &str) -> Result<Value> {
    let (mut count, mut lines, mut cursor) = (0, Vec::new(), None);
    loop {
        let page = driver
            .list(Query {
                metadata_type: metadata_type.to_owned(),
                place: Place::Cluster,
                brief: false,
                fields: Vec::new(),
                since: None,
                cursor,
                limit: 1000,
            })
            .await?;
        count += page.resources.len();
        lines.extend(page.resources.iter().take(20).map(|one| json!([one.key.id, one.spec, one.status])));
        lines.extend(page.failures.iter().map(|failure| json!({"failure": failure})));
        cursor = page.next;
        if cursor.is_none() {
            return Ok(json!({"count": count, "first": lines}));
        }
    }
}
