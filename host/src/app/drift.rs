//! Drift: shown, taken into the wish, brought back, or ignored.

use super::caller::Caller;
use super::differences::Shapes;
use super::engine::{Proposal, ProposeOptions};
use super::{App, AppError, KnownResource, NamedPlan, ResourceQuery};
use crate::domain::compare::FieldDifference;
use crate::domain::resource::ResourceKey;
use crate::domain::status::Status;

impl App {
    pub async fn list_drift(
        &self,
        caller: &Caller,
        cluster: &str,
        after: Option<ResourceKey>,
        limit: u32,
    ) -> Result<Vec<(KnownResource, Vec<FieldDifference>)>, AppError> {
        let cluster = self.find_cluster(caller, cluster).await?;
        let statuses = vec![Status::Drifted, Status::Conflicted];
        let query = ResourceQuery { statuses, after, limit, ..ResourceQuery::default() };
        let known = self.known_resources(&cluster, query).await?;
        if known.is_empty() {
            return Ok(Vec::new());
        }
        let shapes = Shapes::of(self, &cluster).await?;
        let with_fields = |known: KnownResource| {
            let fields = shapes.fields(&known.resource);
            (known, fields)
        };
        Ok(known.into_iter().map(with_fields).collect())
    }

    /// Takes the cluster's value into the wish.
    pub async fn accept_drift(
        &self,
        caller: &Caller,
        cluster: &str,
        key: &ResourceKey,
        field: Option<String>,
    ) -> Result<KnownResource, AppError> {
        caller.may_write()?;
        let cluster = self.find_cluster(caller, cluster).await?;
        let fields = field.map(|field| vec![field]);
        self.engine.accept(&cluster, key, fields, &caller.by).await?;
        self.known_resource(&cluster, key).await
    }

    /// Hides the difference by a rule, which the policies show.
    pub async fn ignore_drift(
        &self,
        caller: &Caller,
        cluster: &str,
        key: &ResourceKey,
        field: Option<String>,
    ) -> Result<KnownResource, AppError> {
        caller.may_write()?;
        let cluster = self.find_cluster(caller, cluster).await?;
        self.engine.ignore(&cluster, key, field, &caller.by).await?;
        self.known_resource(&cluster, key).await
    }

    /// A plan that brings the wish back.
    pub async fn revert_drift(
        &self,
        caller: &Caller,
        cluster: &str,
        key: ResourceKey,
        field: Option<String>,
    ) -> Result<NamedPlan, AppError> {
        let proposal = Proposal::Revert { keys: vec![key], fields: field.map(|field| vec![field]) };
        self.propose_plan(
            caller,
            cluster,
            proposal,
            ProposeOptions { store: true, ..ProposeOptions::default() },
        )
        .await
    }
}
