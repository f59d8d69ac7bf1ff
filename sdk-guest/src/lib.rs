//! What a plugin author imports: implement the traits, name the type in `export!`, and it is a component.
//!
//! ```text
//! struct Mine { /* connections, caches */ }
//! impl headgate_sdk::Manifest for Mine { … }
//! impl headgate_sdk::MetadataTypes for Mine { … }
//! impl headgate_sdk::ConfigStrategy for Mine { … }
//! impl headgate_sdk::StorageDriver for Mine { … }
//! headgate_sdk::export!(Mine);
//! ```
//!
//! With actions beside the edits it also implements `Operations`, and is exported as `export!(Mine, operations)`.
//!
//! The same code compiles natively: there `native` stands in for the host, with real sockets, for unit tests, debuggers and
//! benches.

pub mod address;
pub mod bindings;
pub mod call;
mod error;
mod export;
pub mod framed;
pub mod http;
pub mod json;
pub mod log;
mod metadata_type;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
pub mod net;
mod operations;
mod plugin;
pub mod release;
pub mod secrets;
pub mod state;

pub use bindings::exports::headgate::plugin::config_strategy::{Change, Issue, Severity, Step};
pub use bindings::exports::headgate::plugin::manifest::{Description, Grant, Network, Role};
pub use bindings::exports::headgate::plugin::metadata_types::{
    Divergence, EditRule, Field, Granularity, MetadataType, Verbs,
};
pub use bindings::exports::headgate::plugin::storage_driver::{
    Check, Cluster, Failure, Health, Lookup, NamedNode, Node, Outcome, Page, Query, Relation, Target, Written,
};
pub use bindings::headgate::host::errors::{Error, ErrorKind};
pub use bindings::headgate::plugin::types::{Action, Edit, Place, Resource, ResourceKey, Scope, Write};
pub use bindings::operations::exports::headgate::plugin::operations::{
    Finished, Forecast, Operation, Progress, Subject,
};
pub use error::Result;
pub use export::Exported;
pub use plugin::{ConfigStrategy, Manifest, MetadataTypes, Operations, StorageDriver};
