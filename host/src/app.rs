//! Use cases: the transaction boundary and the authorisation check. Every one begins with the caller.

pub mod caller;
pub mod connection;
pub mod engine;
pub mod error;
pub mod names;

mod clusters;
mod differences;
mod divergence;
mod drift;
mod events;
mod idempotency;
mod kinds;
mod log_levels;
mod model;
mod nodes;
mod operations;
mod plans;
mod plugins;
mod policies;
mod previews;
mod rebind;
mod records;
mod relations;
mod removal;
mod resources;
mod tokens;

use std::sync::Arc;

use ring::rand::SystemRandom;
use serde_json::Value;

pub use clusters::{ClusterChange, ClusterDetails, NewCluster};
pub use divergence::DivergenceQuery;
pub use error::{AppError, Refusal};
pub use events::EventQuery;
pub use idempotency::Answered;
pub use kinds::LoadedKind;
pub use nodes::NewNode;
pub use operations::NamedOperation;
pub use plans::NamedPlan;
pub use previews::{AuthorityPreview, Removal};
pub use relations::{NamedRelation, ToldOfRelation};
pub use resources::{KnownResource, LOOK_DEADLINE, ResourceQuery, SeenResource};
pub use tokens::{Minted, NewToken};

use crate::clock::SharedClock;
use crate::domain::cluster::Cluster;
use crate::domain::id::EventId;
use crate::domain::record::Change;
use crate::plugins::driver::{Kinds, Plugins};
use crate::store::{Event, Store, StoreError, Tx};
use crate::telemetry::Log;
use caller::Caller;
use engine::Engine;

pub type SharedApp = Arc<App>;

/// What the use cases work with.
pub struct App {
    store: Store,
    kinds: Arc<dyn Kinds>,
    plugins: Arc<dyn Plugins>,
    engine: Arc<dyn Engine>,
    clock: SharedClock,
    random: SystemRandom,
    log: Log,
}

/// What a caller did: told by an event, kept by a record.
struct Happened<'a> {
    cluster: Option<&'a Cluster>,
    kind: &'static str,
    subject: &'a str,
    data: Value,
    change: Change,
}

impl App {
    pub fn new(
        store: Store,
        kinds: Arc<dyn Kinds>,
        plugins: Arc<dyn Plugins>,
        engine: Arc<dyn Engine>,
        clock: SharedClock,
        log: Log,
    ) -> Self {
        Self { store, kinds, plugins, engine, clock, random: SystemRandom::new(), log }
    }

    /// Whether calls can be answered: the store does.
    pub async fn check_ready(&self) -> Result<(), AppError> {
        Ok(self.store.ping().await?)
    }

    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// The text of an id that sorts by its time.
    fn next_id(&self) -> String {
        let now_ms = u64::try_from(self.now_ms()).unwrap_or_default();
        let nanoseconds = u32::try_from(now_ms % 1_000).unwrap_or_default() * 1_000_000;
        uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, now_ms / 1_000, nanoseconds))
            .to_string()
    }

    /// In the transaction of what happened: no event or record without its change, no change without both.
    async fn record(&self, tx: &mut Tx, caller: &Caller, happened: Happened<'_>) -> Result<(), StoreError> {
        let changes = std::slice::from_ref(&happened.change);
        tx.keep(&caller.organization, happened.cluster, &caller.by, changes).await?;
        tx.insert_event(&Event {
            // Given by the transaction, in the order of commits.
            id: EventId(String::new()),
            at_ms: self.now_ms(),
            organization: caller.organization.clone(),
            cluster: happened.cluster.map(|cluster| cluster.id.clone()),
            kind: happened.kind.to_owned(),
            subject: happened.subject.to_owned(),
            data: happened.data,
            actor: caller.by.actor.clone(),
        })
        .await
        .map(drop)
    }
}
