//! A store of its own for each test, and rows to put into it.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::{Options, SealingKey, Store, sqlite_url};
use crate::clock::SystemClock;
use crate::domain::address::AddressMap;
use crate::domain::cluster::{Cluster, Reach};
use crate::domain::id::{ClusterId, DEFAULT_ORGANIZATION, OrganizationId};
use crate::domain::place::Place;
use crate::domain::policy::Authority;
use crate::domain::resource::{Presence, Resource, ResourceKey};
use crate::domain::status::{Activity, Difference, Status};

mod postgres;

pub(crate) use postgres::Postgres;

/// An empty store on SQLite, in a folder that goes with it.
pub(crate) async fn store() -> Store {
    let backend = Sqlite::start();
    let store = backend.open().await;
    store.inner.folder.set(backend.folder).unwrap();
    store
}

/// An empty database that a test opens, as often as it likes.
pub(crate) trait Backend {
    fn url(&self) -> String;
    fn key(&self) -> SealingKey;

    async fn open(&self) -> Store {
        let options = Options { url: self.url(), key: self.key() };
        Store::open(options, Arc::new(SystemClock)).await.unwrap()
    }
}

pub(crate) struct Sqlite {
    folder: tempfile::TempDir,
    key: SealingKey,
}

impl Sqlite {
    pub(crate) fn start() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), key: SealingKey::generate().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("headgate.db")
    }
}

impl Backend for Sqlite {
    fn url(&self) -> String {
        sqlite_url(&self.path())
    }

    fn key(&self) -> SealingKey {
        self.key.clone()
    }
}

pub(crate) fn cluster(name: &str) -> Cluster {
    Cluster {
        id: ClusterId(uuid::Uuid::now_v7().to_string()),
        organization: OrganizationId(DEFAULT_ORGANIZATION.to_owned()),
        name: name.to_owned(),
        kind: "kafka".to_owned(),
        connection: json!({"bootstrap": "localhost:9092"}),
        addresses: AddressMap::default(),
        named_nodes: Vec::new(),
        credential_revision: 1,
        authority: Authority::Manage,
        paused: false,
        identity: None,
        backend_version: Some("4.3.1".to_owned()),
        facts: json!({}),
        discovered_at_ms: None,
        reach: Reach::New,
        created_at_ms: 1,
        updated_at_ms: 2,
        version: 1,
    }
}

pub(crate) fn resource(id: &str) -> Resource {
    Resource {
        key: ResourceKey { metadata_type: "topic".to_owned(), id: id.to_owned(), place: Place::Cluster },
        desired: None,
        applied: Some(json!({"partitions": 3})),
        presence: Presence::Present,
        observed: json!({"partitions": 3, "config": {"retention.ms": "7200000"}}),
        status_document: json!({}),
        revision: Some("7".to_owned()),
        incarnation: None,
        internal: false,
        partial: false,
        owned: true,
        owned_incarnation: None,
        difference: Difference::Synced,
        activity: Activity::Idle,
        status: Status::Synced,
        written_at_ms: Some(3),
        updated_at_ms: 4,
        version: 0,
    }
}
