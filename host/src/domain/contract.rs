//! What a plugin says of its kind: description, metadata types, and the answers of its config strategy.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::resource::{ResourceKey, Write};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Role {
    pub name: String,
    pub title: String,
    pub count_min: u32,
    /// 0 is no limit.
    pub count_max: u32,
}

/// What a plugin asks for, and the operator grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Grant {
    /// `host` may hold `*` in front; `ports` is `9092` or `9092-9099`; `${connection./bootstrap}` stands for the
    /// addresses of the cluster's connection form.
    Network {
        host: String,
        ports: String,
    },
    SecretsReveal,
    Wasi(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Description {
    pub kind: String,
    pub title: String,
    pub version: String,
    pub vendor: String,
    pub documentation: Option<String>,
    /// JSON Schema (2020-12) of the connection form, with `x-headgate-*` hints.
    pub connection: Value,
    pub roles: Vec<Role>,
    pub grouped: bool,
    pub relations: Vec<(String, String)>,
    pub grants: Vec<Grant>,
    pub protocols: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    Cluster,
    Group,
    Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Verbs {
    pub create: bool,
    pub update: bool,
    pub delete: bool,
}

impl Verbs {
    pub fn read_only(self) -> bool {
        !(self.create || self.update || self.delete)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    None,
    PerKey,
    Whole,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Divergence {
    Single,
    Forbidden,
    Allowed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EditRule {
    Free,
    GrowOnly,
    Immutable,
    Recreate,
    WriteOnly,
    ReadOnly,
    Other,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Field {
    /// JSON Pointer into `spec`; `*` is any one key.
    pub path: String,
    pub default: Option<Value>,
    pub edits: EditRule,
    pub divergence: Divergence,
    pub restart: bool,
    /// Compare as a set, not in order.
    pub unordered: bool,
    /// The first release of the backend that knows it; any where absent.
    #[serde(default)]
    pub since: Option<String>,
    /// The first release that no longer knows it.
    #[serde(default)]
    pub until: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MetadataType {
    /// Singular, lower case: `topic`, `consumer-group`.
    pub name: String,
    pub plural: String,
    pub title: String,
    pub scope: Scope,
    pub roles: Vec<String>,
    pub identity: Vec<String>,
    pub tells_defaults: bool,
    pub verbs: Verbs,
    pub granularity: Granularity,
    pub divergence: Divergence,
    /// JSON Schema of `spec`, and of `status`.
    pub spec: Value,
    pub status: Value,
    pub fields: Vec<Field>,
    pub after: Vec<String>,
    /// The first release of the backend that has it; any where absent.
    #[serde(default)]
    pub since: Option<String>,
    /// The first release that no longer has it.
    #[serde(default)]
    pub until: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Error,
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Issue {
    pub severity: Severity,
    /// JSON Pointer into the spec.
    pub path: String,
    pub message: String,
}

/// One difference that a plan wants to close, as asked of the config strategy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Change {
    pub key: ResourceKey,
    /// `None`: it is not there.
    pub before: Option<Value>,
    /// `None`: it shall not be there.
    pub after: Option<Value>,
    pub status: Option<Value>,
    pub effective: Option<Value>,
    pub revision: Option<String>,
    pub incarnation: Option<String>,
}

/// One write of the config strategy's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StrategyStep {
    pub write: Write,
    /// For a person: `partitions 3 → 6`.
    pub summary: String,
    pub destructive: bool,
    pub undo: Option<Write>,
    pub restart: Vec<String>,
}
