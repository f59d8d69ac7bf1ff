//! Plans: what would be changed, what is being changed, and what became of it.

pub(crate) mod approve;
pub(crate) mod cancel;
pub(crate) mod list;
pub(crate) mod propose;
pub(crate) mod show;
pub(crate) mod undo;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::resources::ResourceName;
use crate::api::extract::tagged;
use crate::api::problem::{FieldError, Problem};
use crate::app::NamedPlan;
use crate::app::engine::{Proposal, ProposeOptions, Wanted};
use crate::domain::place::Place;
use crate::domain::plan::Plan;
use crate::domain::resource::ResourceKey;

/// What to plan: exactly one of `documents`, `adopt` and `delete`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposePlan {
    /// The cluster's name.
    pub cluster: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<Vec<DocumentBody>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<AdoptBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<ResourceName>,
    /// Raises the limit of deletes, for this plan only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_deletes: Option<u32>,
    /// Raises the limit of edits, for this plan only: percent of the resources of each type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_edits_percent: Option<u32>,
    /// The documents are all that is wished for: what is wished in none of them is listed as a warning.
    #[serde(default)]
    pub complete: bool,
    /// Answers the plan without storing it.
    #[serde(default)]
    pub dry_run: bool,
}

/// A wish for one resource, as a file holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentBody {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub name: String,
    /// `cluster`, `group:NAME` or `node:ID`; every place of the type when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<Value>,
    #[serde(default)]
    pub delete: bool,
}

/// What exists and shall become ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdoptBody {
    #[serde(rename = "type")]
    pub metadata_type: String,
    /// Of ids; `*` stands for any run of characters.
    pub pattern: String,
}

/// What the person who approves raises for this plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovePlan {
    #[serde(default)]
    pub allow_destructive: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_deletes: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    #[serde(flatten)]
    pub plan: Plan,
    pub cluster_name: String,
    /// One line for a person: `Plan 0197…: 1 create, 1 edit. Nothing is destructive.`
    pub summary: String,
    /// Steps by verb (`create`, `edit`, …), and `blocked`, `destructive`, `unchanged`; only what is not 0.
    pub counts: BTreeMap<String, u64>,
}

/// 201 for a plan that was stored, 200 where there was nothing to store.
pub(crate) fn proposed(view: PlanView) -> Response {
    let status = if view.plan.id.as_str().is_empty() { StatusCode::OK } else { StatusCode::CREATED };
    tagged(status, view.plan.version, view)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PlansQuery {
    /// The cluster's name.
    pub(crate) cluster: Option<String>,
    /// One or several, with commas between: `proposed,approved`.
    pub(crate) state: Option<String>,
    /// Items of a page, 1 to 1,000; 100 when absent.
    pub(crate) limit: Option<u32>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
}

impl ProposePlan {
    pub(crate) fn split(self) -> Result<(String, Proposal, ProposeOptions), Box<Problem>> {
        let options = ProposeOptions {
            deletes_max: self.max_deletes,
            edits_percent_max: self.max_edits_percent,
            complete: self.complete,
            store: !self.dry_run,
        };
        let proposal = match (self.documents, self.adopt, self.delete) {
            (Some(documents), None, None) => {
                Proposal::Documents(documents.into_iter().map(Wanted::from).collect())
            }
            (None, Some(AdoptBody { metadata_type, pattern }), None) => {
                Proposal::Adopt { metadata_type, pattern }
            }
            (None, None, Some(name)) => Proposal::Delete { key: ResourceKey::from(name) },
            (None, None, None) | (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                let message = "give exactly one of `documents`, `adopt` and `delete`".to_owned();
                let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-plan", message.clone());
                return Err(Box::new(problem.errors([FieldError { pointer: String::new(), message }])));
            }
        };
        Ok((self.cluster, proposal, options))
    }
}

impl From<DocumentBody> for Wanted {
    fn from(body: DocumentBody) -> Self {
        let DocumentBody { metadata_type, name, at, spec, delete } = body;
        Self { metadata_type, id: name, at, spec, delete }
    }
}

impl From<NamedPlan> for PlanView {
    fn from(named: NamedPlan) -> Self {
        let counts = counts(&named.plan);
        Self { summary: summary(&named.plan, &counts), plan: named.plan, cluster_name: named.cluster, counts }
    }
}

fn counts(plan: &Plan) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let mut add = |name: &str, count: u64| {
        if count > 0 {
            *counts.entry(name.to_owned()).or_default() += count;
        }
    };
    for step in &plan.steps {
        add(step.verb.word(), 1);
        add("destructive", u64::from(step.destructive));
    }
    if plan.steps.is_empty() {
        // Recorded for places that join later: there is nothing else to say about it.
        add("wish", u64::try_from(plan.standing.len()).unwrap_or(u64::MAX));
    }
    add("blocked", u64::try_from(plan.blocked.len()).unwrap_or(u64::MAX));
    add("unchanged", u64::from(plan.unchanged));
    counts
}

/// `Plan 0197…: 1 create, 1 edit, 1 adopt. Nothing is destructive.`
fn summary(plan: &Plan, counts: &BTreeMap<String, u64>) -> String {
    let name = if plan.id.as_str().is_empty() { "Plan".to_owned() } else { format!("Plan {}", plan.id) };
    let parts: Vec<String> = ["create", "edit", "delete", "adopt", "release", "wish", "blocked"]
        .iter()
        .filter_map(|word| counts.get(*word).map(|count| format!("{count} {word}")))
        .collect();
    if parts.is_empty() {
        return match counts.get("unchanged") {
            Some(count) => format!("{name}: nothing to do, {count} as wished."),
            None => format!("{name}: nothing to do."),
        };
    }
    let destructive = match counts.get("destructive") {
        None => "Nothing is destructive.".to_owned(),
        Some(1) => "1 step is destructive.".to_owned(),
        Some(count) => format!("{count} steps are destructive."),
    };
    format!("{name}: {}. {destructive}", parts.join(", "))
}
