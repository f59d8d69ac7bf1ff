//! Makes a plan: what is asked for is checked and normalised, the world is looked at, and the pure planner decides.

mod check;
pub(super) mod schema;
mod world;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::plan::{self as planning, Draft, Raised, Request};
use super::session::Session;
use super::{Sync, SyncError, Told};
use crate::domain::cluster::{Cluster, Reach};
use crate::domain::contract::MetadataType;
use crate::domain::id::PlanId;
use crate::domain::plan::{Blocked, Plan, PlanState, Reason, StandingWish, StepState};
use crate::domain::record::{By, Change};
use crate::domain::resource::ResourceKey;
use crate::store::StoreError;

/// A document as a person wrote it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawDocument {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub name: String,
    /// `cluster`, `group:NAME`, `node:ID`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<Value>,
    #[serde(default)]
    pub delete: bool,
}

/// What a plan is wanted for.
#[derive(Clone, Debug)]
pub enum Asked {
    Documents(Vec<RawDocument>),
    /// Documents that make copies alike.
    Repair(Vec<RawDocument>),
    /// `*` in the pattern stands for any run of characters.
    Adopt {
        metadata_type: String,
        pattern: String,
    },
    Delete {
        keys: Vec<ResourceKey>,
    },
    Revert {
        keys: Vec<ResourceKey>,
        fields: Option<Vec<String>>,
        by_policy: bool,
    },
    Resume {
        keys: Vec<ResourceKey>,
    },
    Join {
        wishes: Vec<StandingWish>,
    },
    Undo {
        plan: PlanId,
    },
}

#[derive(Clone, Debug)]
pub struct ProposeRequest {
    pub asked: Asked,
    pub raised: Raised,
    /// The documents are all that is wished for: what is wished in none of them is warned of.
    pub complete: bool,
    /// The plan is shown and not stored.
    pub dry_run: bool,
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProposeIssue {
    /// Its position among those handed in, from 0.
    pub document: usize,
    /// JSON Pointer into the document: `/spec/config/x`.
    pub pointer: String,
    pub message: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    #[error("{}", issues_in_words(.0))]
    Invalid(Vec<ProposeIssue>),
    #[error("there is no type `{name}` in kind `{kind}`; it has {known}")]
    NoType { name: String, kind: String, known: String },
    #[error("there is no plan `{0}`")]
    NoPlan(PlanId),
    #[error("plan {0} belongs to another cluster")]
    OtherCluster(PlanId),
    #[error("plan {0} was never applied: there is nothing to undo")]
    NeverApplied(PlanId),
    #[error("cluster `{cluster}` was never seen, and cannot be reached now: {reason}")]
    NeverSeen { cluster: String, reason: String },
    #[error(transparent)]
    Sync(#[from] SyncError),
}

impl From<StoreError> for ProposeError {
    fn from(error: StoreError) -> Self {
        Self::Sync(SyncError::Store(error))
    }
}

impl From<crate::plugins::driver::CallError> for ProposeError {
    fn from(error: crate::plugins::driver::CallError) -> Self {
        Self::Sync(SyncError::Call(error))
    }
}

/// What all parts of one proposal share.
struct Proposal<'a> {
    cluster: &'a Cluster,
    session: Session,
    types: Vec<MetadataType>,
    warnings: Vec<Blocked>,
    /// Why the plan stands on what was last seen.
    unseen: Option<String>,
}

impl Sync {
    /// Reads the cluster and writes nothing to it. A plan with nothing in it, or a dry one, is not stored: its id is
    /// empty.
    pub async fn propose(
        &self,
        cluster: &Cluster,
        request: ProposeRequest,
        by: &By,
    ) -> Result<Plan, ProposeError> {
        let cluster = self.seen_once(cluster).await?;
        let session = self.open(&cluster).await?;
        let types = session.kind.types(Some(&cluster.facts)).await?;
        let mut proposal = Proposal { cluster: &cluster, session, types, warnings: Vec::new(), unseen: None };
        let reason = reason_of(&request.asked);
        let wanted = self.wanted(&mut proposal, request.asked).await?;
        if let Request::Documents(documents) = &wanted
            && request.complete
        {
            let wished = self.wished(&cluster).await?;
            proposal.warnings.extend(planning::unmentioned(documents, &wished));
        }
        let snapshot = self.snapshot(&mut proposal, &wanted).await?;
        let prepared = planning::prepare(&wanted, &snapshot);
        let answers = match prepared.changes.is_empty() {
            true => Vec::new(),
            false => proposal.session.kind.steps(prepared.changes.clone(), &cluster.facts).await?,
        };
        let draft = planning::assemble(prepared, answers, &snapshot, &request.raised);
        let plan = self.plan_of_draft(&proposal, draft, reason, &request.raised, by);
        self.keep(&cluster, plan, request.dry_run, by).await
    }

    /// What was registered a moment ago is looked at first.
    async fn seen_once(&self, cluster: &Cluster) -> Result<Cluster, ProposeError> {
        if cluster.discovered_at_ms.is_some()
            || cluster.paused
            || matches!(cluster.reach, Reach::Foreign { .. })
        {
            return Ok(cluster.clone());
        }
        let report = Box::pin(self.cycle(&cluster.id, super::Depth::Full)).await;
        match report.error {
            Some(reason) => Err(ProposeError::NeverSeen { cluster: cluster.name.clone(), reason }),
            None => Ok(self.cluster(&cluster.id).await?),
        }
    }

    fn plan_of_draft(
        &self,
        proposal: &Proposal<'_>,
        draft: Draft,
        reason: Reason,
        raised: &Raised,
        by: &By,
    ) -> Plan {
        let now_ms = self.now_ms();
        let mut warnings = draft.warnings;
        warnings.extend(proposal.warnings.iter().cloned());
        Plan {
            id: PlanId(uuid::Uuid::now_v7().to_string()),
            cluster: proposal.cluster.id.clone(),
            state: PlanState::Proposed,
            reason,
            created_by: by.actor.clone(),
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            wishes: draft.wishes,
            standing: draft.standing,
            base: draft.base,
            steps: draft.steps,
            blocked: draft.blocked,
            warnings,
            unchanged: draft.unchanged,
            exceeded: draft.exceeded,
            allow_destructive: raised.allow_destructive,
            deletes_max: raised.deletes_max,
            message: proposal.unseen.clone(),
            approved_by: None,
            approved_request_id: None,
            version: 1,
        }
    }

    async fn keep(
        &self,
        cluster: &Cluster,
        mut plan: Plan,
        dry_run: bool,
        by: &By,
    ) -> Result<Plan, ProposeError> {
        // What is only blocked changes nothing, now or later: it is answered, and there is nothing to approve.
        let does_nothing = plan.steps.is_empty() && plan.wishes.is_empty() && plan.standing.is_empty();
        if dry_run || does_nothing {
            plan.id = PlanId(String::new());
            return Ok(plan);
        }
        let mut tx = self.store.begin().await?;
        tx.insert_plan(&plan).await?;
        let data = json!({"steps": plan.steps.len(), "blocked": plan.blocked.len(), "reason": plan.reason});
        let id = plan.id.as_str();
        let change = Change::new(action_of(&plan.reason), id).part_of(id).after(data.clone());
        let told = Told::new("plan.proposed", id, data).by(by).kept(change);
        self.tell(&mut tx, cluster, told).await?;
        tx.commit().await?;
        Ok(plan)
    }

    async fn wanted(&self, proposal: &mut Proposal<'_>, asked: Asked) -> Result<Request, ProposeError> {
        Ok(match asked {
            Asked::Documents(raw) | Asked::Repair(raw) => {
                Request::Documents(self.check_documents(proposal, raw).await?)
            }
            Asked::Adopt { metadata_type, pattern } => {
                let keys = self.adoptable(proposal, &metadata_type, &pattern).await?;
                Request::Adopt { metadata_type, keys }
            }
            Asked::Delete { keys } => Request::Delete { keys },
            Asked::Revert { keys, fields, by_policy } => Request::Revert { keys, fields, by_policy },
            Asked::Resume { keys } => Request::Resume { keys },
            Asked::Join { wishes } => Request::Join { wishes },
            Asked::Undo { plan } => Request::Undo { plan: Box::new(self.undoable(proposal, &plan).await?) },
        })
    }

    async fn undoable(&self, proposal: &Proposal<'_>, id: &PlanId) -> Result<Plan, ProposeError> {
        let plan = self.store.find_plan(id).await?.ok_or_else(|| ProposeError::NoPlan(id.clone()))?;
        if plan.cluster != proposal.cluster.id {
            return Err(ProposeError::OtherCluster(id.clone()));
        }
        if !plan.steps.iter().any(|step| step.state == StepState::Done) {
            return Err(ProposeError::NeverApplied(id.clone()));
        }
        Ok(plan)
    }
}

/// What a person would call it: a plan is how it is done.
fn action_of(reason: &Reason) -> &'static str {
    match reason {
        Reason::Documents | Reason::Adopt | Reason::Delete | Reason::Resume | Reason::Join => "plan.propose",
        Reason::Undo { .. } => "plan.undo",
        Reason::Revert { .. } => "drift.revert",
        Reason::Repair => "divergence.repair",
    }
}

fn reason_of(asked: &Asked) -> Reason {
    match asked {
        Asked::Documents(_) => Reason::Documents,
        Asked::Repair(_) => Reason::Repair,
        Asked::Adopt { .. } => Reason::Adopt,
        Asked::Delete { .. } => Reason::Delete,
        Asked::Revert { by_policy, .. } => Reason::Revert { by_policy: *by_policy },
        Asked::Resume { .. } => Reason::Resume,
        Asked::Join { .. } => Reason::Join,
        Asked::Undo { plan } => Reason::Undo { plan: plan.clone() },
    }
}

fn issues_in_words(issues: &[ProposeIssue]) -> String {
    let first = issues.first().map_or(String::new(), |issue| {
        format!("document {} at `{}`: {}", issue.document, issue.pointer, issue.message)
    });
    match issues.len() {
        0 | 1 => first,
        several => format!("{first} (and {} more)", several - 1),
    }
}
