//! Documents as written become documents as planned: every fault is named at its own place, none stops the others.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::schema::{SpecSchema, as_text};
use super::{Proposal, ProposeError, ProposeIssue, RawDocument};
use crate::domain::contract::{MetadataType, Severity};
use crate::domain::fields;
use crate::domain::place::Place;
use crate::domain::plan::Blocked;
use crate::domain::resource::ResourceKey;
use crate::pipelines::sync::plan::Document;
use crate::pipelines::sync::session::find_type;
use crate::pipelines::sync::{Sync, SyncError};

/// One document on its way through the checks.
struct Checked {
    index: usize,
    document: Document,
}

impl Sync {
    pub(super) async fn check_documents(
        &self,
        proposal: &mut Proposal<'_>,
        raw: Vec<RawDocument>,
    ) -> Result<Vec<Document>, ProposeError> {
        let mut issues = Vec::new();
        let mut schemas = Schemas::default();
        let mut seen = BTreeMap::new();
        let mut checked = Vec::with_capacity(raw.len());
        for (index, raw) in raw.into_iter().enumerate() {
            let twin = seen.insert((raw.metadata_type.clone(), raw.name.clone(), raw.at.clone()), index);
            if let Some(twin) = twin {
                issues.push(issue(index, "/name", format!("document {twin} names the same resource")));
            }
            match check_one(&proposal.types, &mut schemas, raw) {
                Ok(document) => checked.push(Checked { index, document }),
                Err(found) => {
                    issues.extend(found.into_iter().map(|(at, message)| issue(index, &at, message)));
                }
            }
        }
        self.resolve_secrets(proposal, &mut checked, &mut issues).await?;
        normalize(proposal, &mut checked, &mut issues).await?;
        if issues.is_empty() {
            validate(proposal, &checked, &mut issues).await?;
        }
        if issues.is_empty() {
            return Ok(checked.into_iter().map(|checked| checked.document).collect());
        }
        issues.sort_by_key(|issue| issue.document);
        Err(ProposeError::Invalid(issues))
    }
}

impl Sync {
    /// A reference to a secret gets the version of its value: a secret that was set anew is another wish.
    async fn resolve_secrets(
        &self,
        proposal: &Proposal<'_>,
        checked: &mut [Checked],
        issues: &mut Vec<ProposeIssue>,
    ) -> Result<(), ProposeError> {
        if !checked.iter().any(|checked| !secrets_in(&checked.document).is_empty()) {
            return Ok(());
        }
        let (versions, cluster) =
            (self.store.secret_versions(&proposal.cluster.id).await?, &proposal.cluster.name);
        for Checked { index, document } in checked {
            for path in secrets_in(document) {
                let reference = document.spec.as_mut().and_then(|spec| spec.pointer_mut(&path));
                let Some(reference) = reference.and_then(Value::as_object_mut) else { continue };
                let name = reference.get("$secret").and_then(Value::as_str).unwrap_or_default().to_owned();
                if let Some(version) = versions.get(&name) {
                    reference.insert("version".to_owned(), json!(version));
                } else {
                    let set = format!("headgate cluster set {cluster} --secret {name}=@FILE");
                    let message = format!("the cluster has no secret `{name}`; set it: {set}");
                    issues.push(issue(*index, &format!("/spec{path}"), message));
                }
            }
        }
        Ok(())
    }
}

/// Where the document names secrets.
fn secrets_in(document: &Document) -> Vec<String> {
    let leaves = document.spec.as_ref().map(fields::leaves).unwrap_or_default();
    leaves.into_iter().filter(|(_, value)| fields::is_secret(value)).map(|(path, _)| path).collect()
}

/// Compiled when the first document of the type comes by.
#[derive(Default)]
struct Schemas(BTreeMap<String, Result<SpecSchema, String>>);

impl Schemas {
    fn of(&mut self, shape: &MetadataType) -> Result<&SpecSchema, String> {
        let made = || SpecSchema::new(&shape.spec);
        self.0.entry(shape.name.clone()).or_insert_with(made).as_ref().map_err(Clone::clone)
    }
}

type Faults = Vec<(String, String)>;

fn check_one(types: &[MetadataType], schemas: &mut Schemas, raw: RawDocument) -> Result<Document, Faults> {
    let Some(shape) = find_type(types, &raw.metadata_type) else {
        let message = format!("there is no type `{}`; there are {}", raw.metadata_type, names(types));
        return Err(vec![("/type".to_owned(), message)]);
    };
    let mut faults = Vec::new();
    if raw.name.is_empty() {
        faults.push(("/name".to_owned(), "the name is empty".to_owned()));
    }
    if shape.verbs.read_only() {
        faults.push(("/type".to_owned(), format!("`{}` can only be read", shape.name)));
    }
    let at = match raw.at.as_deref().map(str::parse::<Place>).transpose() {
        Ok(at) => at,
        Err(error) => {
            faults.push(("/at".to_owned(), error.to_string()));
            None
        }
    };
    let spec = check_spec(shape, schemas, raw.spec, raw.delete, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Document { metadata_type: raw.metadata_type, id: raw.name, at, spec, delete: raw.delete })
}

fn check_spec(
    shape: &MetadataType,
    schemas: &mut Schemas,
    spec: Option<Value>,
    delete: bool,
    faults: &mut Faults,
) -> Option<Value> {
    if delete {
        if spec.is_some() {
            let message = "a document that deletes has no spec; leave one of the two out";
            faults.push(("/spec".to_owned(), message.to_owned()));
        }
        return None;
    }
    let mut spec = spec.unwrap_or_else(|| json!({}));
    as_text(&shape.spec, &mut spec);
    match schemas.of(shape) {
        Ok(schema) => {
            let found = schema.issues(&spec).into_iter();
            faults.extend(found.map(|issue| (format!("/spec{}", issue.pointer), issue.message)));
        }
        Err(error) => {
            let message = format!("the plugin's schema of `{}` cannot be used: {error}", shape.name);
            faults.push(("/type".to_owned(), message));
        }
    }
    Some(spec)
}

/// By type, in one call each.
async fn normalize(
    proposal: &Proposal<'_>,
    checked: &mut [Checked],
    issues: &mut Vec<ProposeIssue>,
) -> Result<(), ProposeError> {
    for (metadata_type, positions) in by_type(checked) {
        let specs = specs_at(checked, &positions);
        let asked = specs.len();
        let answers = proposal.session.kind.normalize(&metadata_type, specs, &proposal.cluster.facts).await?;
        if answers.len() != asked {
            return Err(short("normalize", asked, answers.len()));
        }
        for (position, answer) in positions.into_iter().zip(answers) {
            let Some(checked) = checked.get_mut(position) else { continue };
            match answer {
                Ok(spec) => checked.document.spec = Some(spec),
                Err(found) => issues.extend(
                    found
                        .into_iter()
                        .map(|fault| issue(checked.index, &format!("/spec{}", fault.path), fault.message)),
                ),
            }
        }
    }
    Ok(())
}

async fn validate(
    proposal: &mut Proposal<'_>,
    checked: &[Checked],
    issues: &mut Vec<ProposeIssue>,
) -> Result<(), ProposeError> {
    for (metadata_type, positions) in by_type(checked) {
        let specs = specs_at(checked, &positions);
        let asked = specs.len();
        let answers = proposal.session.kind.validate(&metadata_type, specs, &proposal.cluster.facts).await?;
        if answers.len() != asked {
            return Err(short("validate", asked, answers.len()));
        }
        for (position, found) in positions.into_iter().zip(answers) {
            let Some(checked) = checked.get(position) else { continue };
            for fault in found {
                match fault.severity {
                    Severity::Error => {
                        let pointer = format!("/spec{}", fault.path);
                        issues.push(issue(checked.index, &pointer, fault.message));
                    }
                    Severity::Warning => proposal.warnings.push(Blocked {
                        key: key_of(&checked.document),
                        reason: fault.message,
                        path: Some(fault.path),
                    }),
                }
            }
        }
    }
    Ok(())
}

fn by_type(checked: &[Checked]) -> BTreeMap<String, Vec<usize>> {
    let mut positions: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (position, checked) in checked.iter().enumerate() {
        if checked.document.spec.is_some() {
            positions.entry(checked.document.metadata_type.clone()).or_default().push(position);
        }
    }
    positions
}

fn specs_at(checked: &[Checked], positions: &[usize]) -> Vec<Value> {
    positions.iter().filter_map(|at| checked.get(*at)?.document.spec.clone()).collect()
}

fn key_of(document: &Document) -> ResourceKey {
    ResourceKey {
        metadata_type: document.metadata_type.clone(),
        id: document.id.clone(),
        place: document.at.clone().unwrap_or(Place::Cluster),
    }
}

fn short(call: &str, asked: usize, answered: usize) -> ProposeError {
    let message = format!("`{call}` of {asked} specs gave {answered} answers");
    ProposeError::Sync(SyncError::Contract(message))
}

fn issue(document: usize, pointer: &str, message: String) -> ProposeIssue {
    ProposeIssue { document, pointer: pointer.to_owned(), message }
}

pub(super) fn names(types: &[MetadataType]) -> String {
    types.iter().map(|shape| format!("`{}`", shape.name)).collect::<Vec<_>>().join(", ")
}
