//! What the pipelines see of a plugin: a `Kind` decides, a `Driver` talks to one cluster.
//!
//! Invariant: nothing here knows the contract's version; every released one is adapted into these two traits.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::domain::cluster::{Check, Cluster, Discovery};
use crate::domain::contract::{Change, Description, Issue, MetadataType, StrategyStep};
use crate::domain::error::BackendError;
use crate::domain::grant::GrantChange;
use crate::domain::id::OperationId;
use crate::domain::operation::{Forecast, OperationType, Progress, Subject};
use crate::domain::plugin::PluginStatus;
use crate::domain::record::By;
use crate::domain::resource::{Lookup, Outcome, Page, Query, ResourceKey, Write};

/// Why a call into a plugin gave no answer, or the answer that it refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// The plugin's own answer.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The guest trapped, used up its CPU, memory or wall time, or broke the contract. Its session is thrown away.
    #[error("plugin `{plugin}` failed in `{call}`: {failure}")]
    Plugin { plugin: String, call: &'static str, failure: Failure },
    /// More calls wait than the session's queue takes.
    #[error("plugin `{plugin}` has {waiting} calls waiting for this cluster; try again later")]
    Busy { plugin: String, waiting: usize },
    /// The host refuses: a grant is missing, the kind is not loaded.
    #[error("{0}")]
    Refused(String),
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    #[error("it trapped: {0}")]
    Trap(String),
    #[error("it used more than {0:?} of CPU time")]
    Cpu(Duration),
    #[error("it did not answer within {0:?}")]
    Wall(Duration),
    #[error("it wanted more than {0} bytes of memory")]
    Memory(usize),
    #[error("its answer breaks the contract: {0}")]
    Protocol(String),
    #[error("the host's own part of the call panicked: {0}")]
    HostPanic(String),
    #[error("the host has no room for another instance: {0}; try again later")]
    Room(String),
}

impl Failure {
    /// What the host itself broke or lacks is not held against a plugin.
    pub fn is_the_plugins(&self) -> bool {
        match self {
            Self::Trap(_) | Self::Cpu(_) | Self::Wall(_) | Self::Memory(_) | Self::Protocol(_) => true,
            Self::HostPanic(_) | Self::Room(_) => false,
        }
    }

    /// In metrics and incidents.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Trap(_) => "trap",
            Self::Cpu(_) => "cpu",
            Self::Wall(_) => "wall",
            Self::Memory(_) => "memory",
            Self::Protocol(_) => "protocol",
            Self::HostPanic(_) => "host-panic",
            Self::Room(_) => "room",
        }
    }
}

/// One version of a plugin: what it is and how it decides. Pure calls, on fresh instances.
#[async_trait]
pub trait Kind: Send + Sync {
    fn description(&self) -> &Description;
    /// Of the component, lower-case hexadecimal SHA-256.
    fn digest(&self) -> &str;
    async fn types(&self, facts: Option<&Value>) -> Result<Vec<MetadataType>, CallError>;
    /// An answer each, in order.
    async fn normalize(
        &self,
        metadata_type: &str,
        specs: Vec<Value>,
        facts: &Value,
    ) -> Result<Vec<Result<Value, Vec<Issue>>>, CallError>;
    async fn validate(
        &self,
        metadata_type: &str,
        specs: Vec<Value>,
        facts: &Value,
    ) -> Result<Vec<Vec<Issue>>, CallError>;
    async fn steps(
        &self,
        changes: Vec<Change>,
        facts: &Value,
    ) -> Result<Vec<Result<Vec<StrategyStep>, BackendError>>, CallError>;
    /// Actions beside the edits; none where the plugin has none.
    async fn operations(&self, facts: Option<&Value>) -> Result<Vec<OperationType>, CallError>;
    /// The session of this kind with that cluster: cheap, connects with the first call.
    async fn driver(&self, cluster: &Cluster, secrets: Secrets) -> Result<Arc<dyn Driver>, CallError>;
}

/// Talks to one cluster. Calls run one at a time; a dropped future cancels its call.
#[async_trait]
pub trait Driver: Send + Sync {
    async fn probe(&self) -> Result<Vec<Check>, CallError>;
    async fn discover(&self) -> Result<Discovery, CallError>;
    async fn list(&self, query: Query) -> Result<Page, CallError>;
    /// An answer each, in order.
    async fn get(&self, keys: Vec<ResourceKey>) -> Result<Vec<Lookup>, CallError>;
    /// An outcome each, in order. `Err(Backend)`, `Err(Busy)` and `Err(Refused)` mean that nothing was sent;
    /// `Err(Plugin)` that nobody knows.
    async fn write(&self, writes: Vec<Write>, dry_run: bool) -> Result<Vec<Outcome>, CallError>;
    /// What an operation would do. Reads, never writes.
    async fn preview(&self, name: &str, subject: Subject, input: Value) -> Result<Forecast, CallError>;
    /// `Err` as for `write`. The id is the same for the same run.
    async fn run(
        &self,
        name: &str,
        subject: Subject,
        input: Value,
        id: &OperationId,
    ) -> Result<Progress, CallError>;
    /// With the handle of what runs, or of a write that was started.
    async fn poll(&self, handle: &str) -> Result<Progress, CallError>;
    async fn cancel(&self, handle: &str) -> Result<(), CallError>;
    async fn close(&self);
}

/// The loaded plugins, by kind. What it gives stays valid while it is held, and is of the version that served then:
/// whoever works for long asks again between two batches.
pub trait Kinds: Send + Sync {
    fn find(&self, kind: &str) -> Option<Arc<dyn Kind>>;
    /// Sorted by kind.
    fn list(&self) -> Vec<Arc<dyn Kind>>;
    /// Why a kind is not found, and what to do: `is …`.
    fn why_absent(&self, _kind: &str) -> String {
        NOT_LOADED.to_owned()
    }
}

/// Of a kind that nobody has heard of.
pub const NOT_LOADED: &str = "is not loaded; install its plugin or look at `headgate plugin list`";

/// What an operator may ask of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginChange {
    /// Calls are refused until it is enabled.
    Disable,
    /// Serves again, is released from quarantine, and what was refused or taken back is tried again.
    Enable {
        /// Also where the file is older than what serves.
        downgrade: bool,
    },
    /// The version before serves again, and the one that serves stays out.
    RollBack,
    /// Decides what it may reach.
    Grant(GrantChange),
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum PluginChangeError {
    #[error("there is no plugin `{0}`")]
    NotFound(String),
    #[error("{0}")]
    Refused(String),
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Somebody was faster.
    #[error("the grants of `{0}` were changed meanwhile")]
    Changed(String),
    /// It could not be stored, and is not in force.
    #[error("the decision could not be stored: {0}")]
    NotKept(String),
    #[error("the host is stopping")]
    Stopping,
}

/// The plugins of this host, as an operator sees and changes them.
#[async_trait]
pub trait Plugins: Send + Sync {
    /// Kinds by name, then files that serve none.
    fn statuses(&self) -> Vec<PluginStatus>;
    /// `name` is a kind, or a file that serves none.
    async fn change(&self, name: &str, change: PluginChange, by: &By) -> Result<(), PluginChangeError>;
}

/// The opened secrets of one cluster, by the name of the connection form's field. Never printed.
#[derive(Clone, Default)]
pub struct Secrets(pub Arc<std::collections::BTreeMap<String, zeroize::Zeroizing<Vec<u8>>>>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({} names)", self.0.len())
    }
}
