//! One cycle over a cluster: who answers there, and what it holds, type by type.

mod listing;
mod reach;
mod relate;
mod stored;

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;
use serde_json::json;

use super::observe::Lens;
use super::session::Session;
use super::{Sync, SyncError};
use crate::domain::cluster::Cluster;
use crate::domain::contract::MetadataType;
use crate::domain::id::ClusterId;
use crate::domain::resource::{ListFailure, Sweep};
use crate::domain::stream::{HEARTBEAT, METADATA};

/// How much of each resource a cycle asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// What the listing gives for nothing; the other fields keep their value and age.
    Brief,
    Full,
}

#[derive(Clone, Debug, Serialize)]
pub struct CycleReport {
    pub cluster: ClusterId,
    pub depth: Depth,
    pub started_at_ms: i64,
    pub ended_at_ms: i64,
    pub discovered: Option<Discovered>,
    pub types: Vec<TypeReport>,
    /// Why the cycle ended early.
    pub error: Option<String>,
    /// No answer, or none that can be used: the API says 502 for it.
    pub unreachable: bool,
    /// Another cluster answers under the address.
    pub foreign: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Discovered {
    pub identity: Option<String>,
    pub version: Option<String>,
    pub nodes: usize,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct TypeReport {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub seen: u64,
    pub new: u64,
    pub changed: u64,
    pub gone: u64,
    pub complete: bool,
    pub failures: Vec<ListFailure>,
}

/// What all listings of one cycle share.
struct Cycle<'a> {
    cluster: &'a Cluster,
    session: &'a Session,
    lens: Lens,
    depth: Depth,
    sweeps: Vec<Sweep>,
    /// What the rows are judged by.
    basis: String,
}

impl Sync {
    /// Failures are part of the report, and of the cluster's row: deliberately no retry here.
    pub async fn cycle(&self, cluster: &ClusterId, depth: Depth) -> CycleReport {
        let mut report = CycleReport {
            cluster: cluster.clone(),
            depth,
            started_at_ms: self.now_ms(),
            ended_at_ms: 0,
            discovered: None,
            types: Vec::new(),
            error: None,
            unreachable: false,
            foreign: false,
        };
        if let Err(error) = self.cycle_into(&mut report).await {
            tracing::warn!(target: HEARTBEAT, %cluster, %error, "the cycle ended early");
            report.foreign = matches!(error, SyncError::Foreign { .. });
            report.unreachable = error.is_of_the_cluster() && !report.foreign;
            report.error = Some(error.to_string());
            if let Err(failed) = self.save_unreached(cluster, &error).await {
                tracing::error!(target: HEARTBEAT, %cluster, error = %failed, "the cluster's state could not be saved");
            }
        }
        report.ended_at_ms = self.now_ms();
        let took_ms = report.ended_at_ms - report.started_at_ms;
        tracing::debug!(target: HEARTBEAT, %cluster, ?depth, took_ms, answered = !report.unreachable, "a cycle ended");
        report
    }

    async fn cycle_into(&self, report: &mut CycleReport) -> Result<(), SyncError> {
        let cluster = self.cluster(&report.cluster).await?;
        let session = self.open(&cluster).await?;
        let discovery = session.driver.discover().await?;
        report.discovered = Some(Discovered {
            identity: discovery.identity.clone(),
            version: discovery.version.clone(),
            nodes: discovery.nodes.len(),
        });
        let cluster = self.save_reached(cluster, &discovery).await?;
        self.relate(&cluster, &session, &discovery).await?;
        let types = session.kind.types(Some(&cluster.facts)).await?;
        let lens = self.lens(&cluster, types).await?;
        let sweeps = self.store.list_sweeps(&cluster.id).await?;
        let basis = basis(&cluster, session.kind.digest(), &lens);
        let cycle = Cycle { cluster: &cluster, session: &session, lens, depth: report.depth, sweeps, basis };
        for shape in &cycle.lens.types {
            if self.is_held(&cluster.id).await? {
                return if self.is_stopping() {
                    Ok(())
                } else {
                    Err(SyncError::Paused(cluster.name.clone()))
                };
            }
            let swept = self.sweep(&cycle, shape).await?;
            let TypeReport { seen, new, changed, gone, complete, .. } = swept;
            tracing::debug!(
                target: METADATA, cluster = %cluster.name, metadata_type = shape.name, seen, new, changed, gone, complete,
                "a type was listed"
            );
            report.types.push(swept);
        }
        self.follow_policies(&cluster, &cycle.lens, &report.types).await
    }
}

impl Cycle<'_> {
    /// Types that nobody can write are listed briefly: what changes all the time is read when it is asked for.
    fn is_brief(&self, shape: &MetadataType) -> bool {
        self.depth == Depth::Brief || shape.verbs.read_only()
    }

    /// The state that the rows of a type show; cycles in full take nobody's word for it.
    fn known(&self, shape: &MetadataType) -> Option<&str> {
        let listed = self.last_sweep(&shape.name)?.listed.as_ref()?;
        (self.depth == Depth::Brief && listed.basis == self.basis).then_some(&listed.version)
    }

    fn last_sweep(&self, metadata_type: &str) -> Option<&Sweep> {
        self.sweeps.iter().find(|sweep| sweep.metadata_type == metadata_type)
    }
}

/// Another one means that rows may be judged otherwise, though the cluster tells the same.
fn basis(cluster: &Cluster, digest: &str, lens: &Lens) -> String {
    let judged_by = json!([lens.types, lens.policies, lens.authority, cluster.credential_revision]);
    let mut hasher = DefaultHasher::new();
    (digest, judged_by.to_string()).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
