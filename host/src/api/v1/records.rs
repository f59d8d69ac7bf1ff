//! Records: who changed what, also of clusters that are gone.

pub(crate) mod list;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::page::PageQuery;
use crate::api::problem::Problem;
use crate::api::v1::choices;
use crate::domain::id::{ClusterId, RecordId};
use crate::domain::record::{Record, RecordFilter, RecordOutcome};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordView {
    pub id: RecordId,
    pub at_ms: i64,
    /// `token:NAME`, or `headgate` where no person asked.
    pub actor: String,
    /// `x-request-id` of the call that asked for it.
    pub request_id: Option<String>,
    /// `plan.approve`, `cluster.pause`, `step.create`, `operation.NAME` …
    pub action: String,
    pub cluster: Option<ClusterId>,
    /// As it was then.
    pub cluster_name: Option<String>,
    pub subject: String,
    /// The id of the plan or operation that it belongs to.
    pub part_of: Option<String>,
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub outcome: RecordOutcome,
    pub message: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RecordsQuery {
    /// The cluster's name, also of one that is gone.
    cluster: Option<String>,
    /// `token:NAME` or `headgate`.
    actor: Option<String>,
    /// How the action begins: `plan.`, `step.delete`.
    action: Option<String>,
    /// What the subject contains, in either case; `*` stands for any run of characters.
    subject: Option<String>,
    /// One or several, with commas between: `failed,unknown`.
    outcome: Option<String>,
    /// Unix time: those of then and later.
    since_ms: Option<i64>,
    /// Unix time: those before it.
    until_ms: Option<i64>,
    /// `x-request-id` of a call.
    request_id: Option<String>,
    /// The id of a plan or an operation.
    part_of: Option<String>,
    /// Items of a page, 1 to 1,000; 100 when absent.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
}

impl RecordsQuery {
    fn split(self) -> Result<(RecordFilter, PageQuery), Box<Problem>> {
        if let (Some(since_ms), Some(until_ms)) = (self.since_ms, self.until_ms)
            && since_ms >= until_ms
        {
            let detail = format!("`since_ms` is {since_ms}, which is not before `until_ms`, {until_ms}");
            return Err(Box::new(Problem::new(StatusCode::BAD_REQUEST, "invalid-query", detail)));
        }
        let filter = RecordFilter {
            cluster: self.cluster,
            actor: self.actor,
            action: self.action,
            subject: self.subject,
            outcomes: choices("outcome", self.outcome.as_deref())?,
            since_ms: self.since_ms,
            until_ms: self.until_ms,
            request_id: self.request_id,
            part_of: self.part_of,
        };
        Ok((filter, PageQuery { limit: self.limit, after: self.after }))
    }
}

impl From<Record> for RecordView {
    fn from(record: Record) -> Self {
        let Record { id, at_ms, organization: _, cluster, cluster_name, by, change } = record;
        Self {
            id,
            at_ms,
            actor: by.actor,
            request_id: by.request_id,
            action: change.action,
            cluster,
            cluster_name,
            subject: change.subject,
            part_of: change.part_of,
            before: change.before,
            after: change.after,
            outcome: change.outcome,
            message: change.message,
        }
    }
}
