//! The contract 0.1 and the domain, each in terms of the other.
//!
//! Errors of this module mean that a guest's answer breaks the contract: JSON that is none.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use serde_json::Value;

use super::bindings::exports::headgate::plugin::{
    config_strategy, manifest, metadata_types, operations, storage_driver,
};
use super::bindings::headgate::host::errors;
use super::bindings::headgate::plugin::types;
use crate::domain::address::NamedNode;
use crate::domain::cluster::{Check, Discovery, Health, Node};
use crate::domain::contract as domain;
use crate::domain::error::{BackendError, ErrorKind};
use crate::domain::operation::{Finished, Forecast, OperationType, PartFailure, Progress, Subject};
use crate::domain::place::Place;
use crate::domain::relation::ToldRelation;
use crate::domain::resource::{
    Action, Edit, ListFailure, Lookup, Observed, Outcome, Page, Query, ResourceKey, Write, Written,
};

/// What breaks the contract, as a sentence.
pub(super) type Broken = String;

fn json(text: &str, what: impl Display) -> Result<Value, Broken> {
    serde_json::from_str(text).map_err(|error| format!("{what} is not JSON: {error}"))
}

fn object(text: &str, what: impl Display) -> Result<Value, Broken> {
    let value = json(text, &what)?;
    if value.is_object() { Ok(value) } else { Err(format!("{what} is not a JSON object")) }
}

/// A JSON Schema that is small enough to be used.
fn schema(text: &str, what: impl Display) -> Result<Value, Broken> {
    let schema = object(text, &what)?;
    crate::domain::schema::check(&schema).map_err(|error| format!("{what} cannot be used: {error}"))?;
    Ok(schema)
}

fn optional(text: Option<&str>, what: impl Display) -> Result<Option<Value>, Broken> {
    text.map(|text| json(text, what)).transpose()
}

fn text(value: &Value) -> String {
    value.to_string()
}

fn each<T, U>(items: Vec<T>, convert: impl Fn(T) -> Result<U, Broken>) -> Result<Vec<U>, Broken> {
    items.into_iter().map(convert).collect()
}

pub(super) fn error(error: errors::Error) -> BackendError {
    let errors::Error { kind, code, message, retry_after_ms, details } = error;
    let kind = match kind {
        errors::ErrorKind::InvalidArgument => ErrorKind::InvalidArgument,
        errors::ErrorKind::Unauthenticated => ErrorKind::Unauthenticated,
        errors::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        errors::ErrorKind::NotFound => ErrorKind::NotFound,
        errors::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
        errors::ErrorKind::Conflict => ErrorKind::Conflict,
        errors::ErrorKind::Unavailable => ErrorKind::Unavailable,
        errors::ErrorKind::Timeout => ErrorKind::Timeout,
        errors::ErrorKind::Exhausted => ErrorKind::Exhausted,
        errors::ErrorKind::Unsupported => ErrorKind::Unsupported,
        errors::ErrorKind::Protocol => ErrorKind::Protocol,
        errors::ErrorKind::Cancelled => ErrorKind::Cancelled,
        errors::ErrorKind::Internal => ErrorKind::Internal,
        errors::ErrorKind::Other => ErrorKind::Other,
    };
    BackendError { kind, code, message, retry_after_ms, details }
}

// Keys, places, resources, writes.

fn place_in(place: types::Place) -> Place {
    match place {
        types::Place::Cluster => Place::Cluster,
        types::Place::Group(name) => Place::Group(name),
        types::Place::Node(id) => Place::Node(id),
    }
}

fn place_out(place: Place) -> types::Place {
    match place {
        Place::Cluster => types::Place::Cluster,
        Place::Group(name) => types::Place::Group(name),
        Place::Node(id) => types::Place::Node(id),
    }
}

fn key_in(key: types::ResourceKey) -> ResourceKey {
    ResourceKey { metadata_type: key.metadata_type, id: key.id, place: place_in(key.place) }
}

pub(super) fn key_out(key: ResourceKey) -> types::ResourceKey {
    types::ResourceKey { metadata_type: key.metadata_type, id: key.id, place: place_out(key.place) }
}

/// What was told already: most resources of a page look like one before them.
#[derive(Default)]
struct Documents(HashMap<String, Arc<Value>>);

impl Documents {
    fn object(&mut self, text: String, what: impl Display) -> Result<Arc<Value>, Broken> {
        if let Some(known) = self.0.get(&text) {
            return Ok(Arc::clone(known));
        }
        let document = Arc::new(object(&text, what)?);
        self.0.insert(text, Arc::clone(&document));
        Ok(document)
    }
}

fn observed(resource: types::Resource, documents: &mut Documents) -> Result<Observed, Broken> {
    let id = &resource.key.id;
    Ok(Observed {
        spec: documents.object(resource.spec, format_args!("the spec of `{id}`"))?,
        effective: optional(resource.effective.as_deref(), format_args!("the effective values of `{id}`"))?,
        status: documents.object(resource.status, format_args!("the status of `{id}`"))?,
        key: key_in(resource.key),
        revision: resource.revision,
        incarnation: resource.incarnation,
        internal: resource.internal,
        partial: resource.partial,
    })
}

pub(super) fn write_out(write: Write) -> types::Write {
    let action = match write.action {
        Action::Create(spec) => types::Action::Create(text(&spec)),
        Action::Edit(edits) => {
            let edit = |edit: Edit| types::Edit { path: edit.path, value: edit.value.as_ref().map(text) };
            types::Action::Edit(edits.into_iter().map(edit).collect())
        }
        Action::Replace(spec) => types::Action::Replace(text(&spec)),
        Action::Delete => types::Action::Delete,
        Action::Run { name, input } => types::Action::Run((name, text(&input))),
    };
    let (revision, incarnation) = (write.revision, write.incarnation);
    types::Write { key: key_out(write.key), action, revision, incarnation, extra: None }
}

fn write_in(write: types::Write) -> Result<Write, Broken> {
    let action = match write.action {
        types::Action::Create(spec) => Action::Create(json(&spec, "what a step creates")?),
        types::Action::Edit(edits) => Action::Edit(each(edits, |edit| {
            let value = optional(edit.value.as_deref(), "the value of an edit")?;
            Ok(Edit { path: edit.path, value })
        })?),
        types::Action::Replace(spec) => Action::Replace(json(&spec, "what a step replaces")?),
        types::Action::Delete => Action::Delete,
        types::Action::Run((name, input)) => {
            Action::Run { name, input: json(&input, "the input of an operation")? }
        }
    };
    let (revision, incarnation) = (write.revision, write.incarnation);
    Ok(Write { key: key_in(write.key), action, revision, incarnation })
}

// Manifest and metadata types.

pub(super) fn description(from: manifest::Description) -> Result<domain::Description, Broken> {
    let role = |role: manifest::Role| domain::Role {
        name: role.name,
        title: role.title,
        count_min: role.count_min,
        count_max: role.count_max,
    };
    let grant = |grant: manifest::Grant| match grant {
        manifest::Grant::Network(network) => {
            domain::Grant::Network { host: network.host, ports: network.ports }
        }
        manifest::Grant::SecretsReveal => domain::Grant::SecretsReveal,
        manifest::Grant::Wasi(interface) => domain::Grant::Wasi(interface),
    };
    Ok(domain::Description {
        connection: object(&from.connection, "the connection form")?,
        kind: from.kind,
        title: from.title,
        version: from.version,
        vendor: from.vendor,
        documentation: from.documentation,
        roles: from.roles.into_iter().map(role).collect(),
        grouped: from.grouped,
        relations: from.relations,
        grants: from.grants.into_iter().map(grant).collect(),
        protocols: from.protocols,
    })
}

fn divergence(from: metadata_types::Divergence) -> domain::Divergence {
    match from {
        metadata_types::Divergence::Single => domain::Divergence::Single,
        metadata_types::Divergence::Forbidden => domain::Divergence::Forbidden,
        metadata_types::Divergence::Allowed => domain::Divergence::Allowed,
    }
}

fn field(from: metadata_types::Field) -> Result<domain::Field, Broken> {
    let edits = match from.edits {
        metadata_types::EditRule::Free => domain::EditRule::Free,
        metadata_types::EditRule::GrowOnly => domain::EditRule::GrowOnly,
        metadata_types::EditRule::Immutable => domain::EditRule::Immutable,
        metadata_types::EditRule::Recreate => domain::EditRule::Recreate,
        metadata_types::EditRule::WriteOnly => domain::EditRule::WriteOnly,
        metadata_types::EditRule::ReadOnly => domain::EditRule::ReadOnly,
        metadata_types::EditRule::Other => domain::EditRule::Other,
    };
    Ok(domain::Field {
        default: optional(from.default.as_deref(), format!("the default of `{}`", from.path))?,
        path: from.path,
        edits,
        divergence: divergence(from.divergence),
        restart: from.restart,
        unordered: from.unordered,
        since: from.since,
        until: from.until,
    })
}

fn scope(from: types::Scope) -> domain::Scope {
    match from {
        types::Scope::Cluster => domain::Scope::Cluster,
        types::Scope::Group => domain::Scope::Group,
        types::Scope::Node => domain::Scope::Node,
    }
}

pub(super) fn metadata_type(from: metadata_types::MetadataType) -> Result<domain::MetadataType, Broken> {
    let named = |part: &str| format!("the {part} schema of the type `{}`", from.name);
    let spec = schema(&from.spec, named("spec"))?;
    let status = schema(&from.status, named("status"))?;
    let granularity = match from.granularity {
        metadata_types::Granularity::None => domain::Granularity::None,
        metadata_types::Granularity::PerKey => domain::Granularity::PerKey,
        metadata_types::Granularity::Whole => domain::Granularity::Whole,
    };
    let metadata_types::Verbs { create, update, delete } = from.verbs;
    Ok(domain::MetadataType {
        spec,
        status,
        scope: scope(from.scope),
        granularity,
        name: from.name,
        plural: from.plural,
        title: from.title,
        roles: from.roles,
        identity: from.identity,
        tells_defaults: from.tells_defaults,
        verbs: domain::Verbs { create, update, delete },
        divergence: divergence(from.divergence),
        fields: each(from.fields, field)?,
        after: from.after,
        since: from.since,
        until: from.until,
    })
}

// The config strategy.

pub(super) fn issue(from: config_strategy::Issue) -> domain::Issue {
    let severity = match from.severity {
        config_strategy::Severity::Error => domain::Severity::Error,
        config_strategy::Severity::Warning => domain::Severity::Warning,
    };
    domain::Issue { severity, path: from.path, message: from.message }
}

pub(super) fn normalized(
    from: Result<String, Vec<config_strategy::Issue>>,
) -> Result<Result<Value, Vec<domain::Issue>>, Broken> {
    match from {
        Ok(spec) => object(&spec, "a normalised spec").map(Ok),
        Err(issues) => Ok(Err(issues.into_iter().map(issue).collect())),
    }
}

pub(super) fn change(from: domain::Change) -> config_strategy::Change {
    config_strategy::Change {
        key: key_out(from.key),
        before: from.before.as_ref().map(text),
        after: from.after.as_ref().map(text),
        status: from.status.as_ref().map(text),
        effective: from.effective.as_ref().map(text),
        revision: from.revision,
        incarnation: from.incarnation,
        extra: None,
    }
}

pub(super) fn steps(
    from: Result<Vec<config_strategy::Step>, errors::Error>,
) -> Result<Result<Vec<domain::StrategyStep>, BackendError>, Broken> {
    let step = |step: config_strategy::Step| {
        Ok(domain::StrategyStep {
            write: write_in(step.write)?,
            summary: step.summary,
            destructive: step.destructive,
            undo: step.undo.map(write_in).transpose()?,
            restart: step.restart,
        })
    };
    match from {
        Ok(steps) => each(steps, step).map(Ok),
        Err(refused) => Ok(Err(error(refused))),
    }
}

// The driver.

fn health(from: storage_driver::Health) -> Health {
    match from {
        storage_driver::Health::Up => Health::Up,
        storage_driver::Health::Degraded => Health::Degraded,
        storage_driver::Health::Down => Health::Down,
        storage_driver::Health::Unknown => Health::Unknown,
    }
}

pub(super) fn check(from: storage_driver::Check) -> Check {
    Check {
        name: from.name,
        place: place_in(from.place),
        health: health(from.health),
        latency_us: from.latency_us,
        message: from.message,
    }
}

pub(super) fn discovery(from: storage_driver::Cluster) -> Result<Discovery, Broken> {
    let node = |node: storage_driver::Node| {
        Ok(Node {
            facts: json(&node.facts, format!("the facts of node `{}`", node.id))?,
            id: node.id,
            roles: node.roles,
            group: node.group,
            rank: node.rank,
            addresses: node.addresses,
            version: node.version,
            rack: node.rack,
            health: health(node.health),
        })
    };
    let relation = |told: storage_driver::Relation| {
        let relation = told.name.parse()?;
        Ok(ToldRelation { relation, kind: told.kind, addresses: told.addresses })
    };
    Ok(Discovery {
        identity: from.identity,
        version: from.version,
        facts: json(&from.facts, "the cluster's facts")?,
        nodes: each(from.nodes, node)?,
        relations: from.relations.map(|told| each(told, relation)).transpose()?,
    })
}

pub(super) fn named_node(node: &NamedNode) -> storage_driver::NamedNode {
    storage_driver::NamedNode {
        id: node.id.clone(),
        roles: node.roles.clone(),
        address: node.address.clone(),
    }
}

pub(super) fn query(from: Query) -> storage_driver::Query {
    storage_driver::Query {
        metadata_type: from.metadata_type,
        place: place_out(from.place),
        brief: from.brief,
        fields: from.fields,
        since: from.since,
        cursor: from.cursor,
        limit: from.limit,
        extra: None,
    }
}

pub(super) fn page(from: storage_driver::Page) -> Result<Page, Broken> {
    let failure = |failure: storage_driver::Failure| ListFailure {
        metadata_type: failure.metadata_type,
        id: failure.id,
        place: place_in(failure.place),
        error: error(failure.error),
    };
    let mut documents = Documents::default();
    let resources = from.resources.into_iter().map(|resource| observed(resource, &mut documents));
    Ok(Page {
        resources: resources.collect::<Result<_, Broken>>()?,
        failures: from.failures.into_iter().map(failure).collect(),
        next: from.next,
        version: from.version,
    })
}

pub(super) fn lookup(from: storage_driver::Lookup) -> Result<Lookup, Broken> {
    Ok(match from {
        storage_driver::Lookup::Found(resource) => {
            Lookup::Found(Box::new(observed(resource, &mut Documents::default())?))
        }
        storage_driver::Lookup::Absent => Lookup::Absent,
        storage_driver::Lookup::Failed(failed) => Lookup::Failed(error(failed)),
    })
}

pub(super) fn outcome(from: storage_driver::Outcome) -> Outcome {
    let written = |written: storage_driver::Written| Written {
        id: written.id,
        revision: written.revision,
        incarnation: written.incarnation,
    };
    match from {
        storage_driver::Outcome::Done(done) => Outcome::Done(written(done)),
        storage_driver::Outcome::Accepted((done, lag_ms)) => {
            Outcome::Accepted { written: written(done), lag_ms }
        }
        storage_driver::Outcome::Started(handle) => Outcome::Started { handle },
        storage_driver::Outcome::Failed(failed) => Outcome::Failed { error: error(failed) },
        storage_driver::Outcome::Unknown(failed) => Outcome::Unknown { error: error(failed) },
    }
}

// Operations.

pub(super) fn operation_type(from: operations::Operation) -> Result<OperationType, Broken> {
    let named = |part: &str| format!("the {part} schema of the operation `{}`", from.name);
    Ok(OperationType {
        input: schema(&from.input, named("input"))?,
        output: schema(&from.output, named("output"))?,
        name: from.name,
        title: from.title,
        metadata_type: from.metadata_type,
        scope: scope(from.scope),
        roles: from.roles,
        destructive: from.destructive,
        previewed: from.previewed,
    })
}

pub(super) fn asked(name: &str, subject: Subject, input: &Value) -> super::operations::Asked {
    let subject = match subject {
        Subject::Resource(key) => operations::Subject::Resource(key_out(key)),
        Subject::Place(place) => operations::Subject::Place(place_out(place)),
    };
    super::operations::Asked { name: name.to_owned(), subject, input: text(input) }
}

pub(super) fn forecast(from: operations::Forecast) -> Result<Forecast, Broken> {
    let operations::Forecast { lines, warnings, document } = from;
    Ok(Forecast { lines, warnings, document: object(&document, "what a preview tells")? })
}

pub(super) fn progress(from: operations::Progress) -> Result<Progress, Broken> {
    Ok(match from {
        operations::Progress::Done(done) => Progress::Done(Finished {
            summary: done.summary,
            output: object(&done.output, "the output of an operation")?,
            failures: done
                .failures
                .into_iter()
                .map(|(part, failed)| PartFailure { part, error: error(failed) })
                .collect(),
            undo: optional(done.undo.as_deref(), "what takes an operation back")?,
        }),
        operations::Progress::Running((handle, share)) => Progress::Running { handle, share },
        operations::Progress::Unknown(failed) => Progress::Unknown(error(failed)),
    })
}
