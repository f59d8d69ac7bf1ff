//! Clusters: registering, changing, pausing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::caller::Caller;
use super::connection::{Filled, Form, Standing, Wrong, fill};
use super::engine::Cycle;
use super::names::is_cluster_name;
use super::nodes::{NewNode, check_addresses};
use super::{App, AppError, Happened, Refusal, ToldOfRelation};
use crate::domain::address::{AddressMap, KnownNode};
use crate::domain::cluster::{Cluster, Reach};
use crate::domain::id::ClusterId;
use crate::domain::plan::PlanState;
use crate::domain::policy::Authority;
use crate::domain::record::Change;
use crate::domain::resource::Sweep;
use crate::store::{StatusCount, Tx};

/// A save that loses against the reconciler's own is tried so often: each try reads the row anew.
const SAVES_MAX: u32 = 5;

#[derive(Default)]
pub struct NewCluster {
    pub name: String,
    /// The model's where there is one.
    pub kind: Option<String>,
    /// The name of the cluster whose settings it begins with.
    pub like: Option<String>,
    pub connection: Value,
    pub secrets: BTreeMap<String, String>,
    pub authority: Option<Authority>,
    pub addresses: AddressMap,
    pub nodes: Vec<NewNode>,
}

#[derive(Default)]
pub struct ClusterChange {
    /// Merged over what stands; `null` takes a field out.
    pub connection: Option<Value>,
    /// `None` forgets a secret.
    pub secrets: BTreeMap<String, Option<String>>,
    pub authority: Option<Authority>,
    /// All of its rules, in the place of those that stand.
    pub addresses: Option<AddressMap>,
}

/// A cluster with what the host knows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterDetails {
    pub cluster: Cluster,
    pub secrets: Vec<String>,
    /// Only of a cluster that is shown alone.
    pub nodes: Vec<KnownNode>,
    /// That begin or end at it; only of a cluster that is shown alone.
    pub relations: Vec<ToldOfRelation>,
    pub counts: Vec<StatusCount>,
    pub sweeps: Vec<Sweep>,
}

impl App {
    pub async fn list_clusters(
        &self,
        caller: &Caller,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ClusterDetails>, AppError> {
        let clusters = self.store.list_clusters(&caller.organization, after, limit).await?;
        let mut details = Vec::with_capacity(clusters.len());
        for cluster in clusters {
            details.push(self.details(cluster).await?);
        }
        Ok(details)
    }

    pub async fn show_cluster(&self, caller: &Caller, name: &str) -> Result<ClusterDetails, AppError> {
        let cluster = self.find_cluster(caller, name).await?;
        let nodes = self.nodes_of(&cluster).await?;
        let relations = self.list_relations(caller, Some(name)).await?;
        Ok(ClusterDetails { nodes, relations, ..self.details(cluster).await? })
    }

    /// Saved first, asked afterwards: the first cycle says whether it answers.
    pub async fn register_cluster(
        &self,
        caller: &Caller,
        new: NewCluster,
    ) -> Result<ClusterDetails, AppError> {
        caller.may_write()?;
        if !is_cluster_name(&new.name) {
            let message = format!(
                "`{}` is no cluster's name: write 1 to 63 of a-z, 0-9 and `-`, with a letter or digit at both ends",
                new.name
            );
            return Err(AppError::wrong("invalid-name", "/name", message));
        }
        let model = self.model_of(caller, &new).await?;
        let kind = self.kind_of(&model.kind)?;
        let schema = &kind.description().connection;
        check_addresses(&new.addresses)?;
        let named_nodes = self.named_nodes(caller, kind.description(), new.nodes)?;
        let secrets = new.secrets.into_iter().map(|(name, value)| (name, Some(value))).collect();
        let filled = Filled { connection: Some(&new.connection), secrets };
        let form = fill(schema, filled, &model.standing(schema))
            .map_err(|wrong| invalid_connection(&model.kind, wrong))?;
        let now_ms = self.now_ms();
        let cluster = Cluster {
            id: ClusterId(self.next_id()),
            organization: caller.organization.clone(),
            name: new.name,
            kind: model.kind.clone(),
            connection: form.connection.clone(),
            addresses: new.addresses,
            named_nodes,
            credential_revision: 1,
            authority: new.authority.unwrap_or(model.authority),
            paused: false,
            identity: None,
            backend_version: None,
            facts: json!({}),
            discovered_at_ms: None,
            reach: Reach::New,
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            version: 1,
        };
        let mut tx = self.store.begin().await?;
        if !tx.insert_cluster(&cluster).await? {
            return Err(AppError::NameTaken { noun: "cluster", name: cluster.name });
        }
        save_secrets(&mut tx, &cluster.id, &form).await?;
        model.copy(&mut tx, &cluster, &form).await?;
        let change = Change::new("cluster.register", &cluster.name).after(shown(&cluster));
        let told: Vec<String> = [model.told(), secrets_told(&form)].into_iter().flatten().collect();
        let change = change.saying((!told.is_empty()).then(|| told.join("; ")));
        self.record(&mut tx, caller, about(&cluster, "cluster.registered", change)).await?;
        tx.commit().await?;
        self.engine.nudge(&cluster.id);
        self.show_cluster(caller, &cluster.name).await
    }

    pub async fn change_cluster(
        &self,
        caller: &Caller,
        name: &str,
        version: Option<i64>,
        change: ClusterChange,
    ) -> Result<ClusterDetails, AppError> {
        caller.may_write()?;
        for _ in 0..SAVES_MAX {
            let mut cluster = self.find_at_version(caller, name, version).await?;
            let before = shown(&cluster);
            let form = self.form_of(&cluster, &change).await?;
            if let Some(authority) = change.authority {
                self.check_one_writer(&cluster, authority).await?;
                cluster.authority = authority;
            }
            if let Some(form) = &form {
                cluster.connection = form.connection.clone();
            }
            if let Some(addresses) = &change.addresses {
                check_addresses(addresses)?;
                cluster.addresses = addresses.clone();
            }
            if form.is_some() || change.addresses.is_some() {
                reach_anew(&mut cluster);
            }
            let mut tx = self.store.begin().await?;
            if !self.save(&mut tx, &mut cluster).await? {
                continue;
            }
            if let Some(form) = &form {
                save_secrets(&mut tx, &cluster.id, form).await?;
            }
            let kept = Change::new("cluster.change", name).before(before).after(shown(&cluster));
            let kept = kept.saying(form.as_ref().and_then(secrets_told));
            self.record(&mut tx, caller, about(&cluster, "cluster.changed", kept)).await?;
            tx.commit().await?;
            self.engine.nudge(&cluster.id);
            return self.show_cluster(caller, name).await;
        }
        Err(changed_meanwhile(name))
    }

    pub async fn pause_cluster(
        &self,
        caller: &Caller,
        name: &str,
        version: Option<i64>,
        paused: bool,
    ) -> Result<ClusterDetails, AppError> {
        caller.may_write()?;
        for _ in 0..SAVES_MAX {
            let mut cluster = self.find_at_version(caller, name, version).await?;
            if cluster.paused == paused {
                return self.show_cluster(caller, name).await;
            }
            cluster.paused = paused;
            let mut tx = self.store.begin().await?;
            if !self.save(&mut tx, &mut cluster).await? {
                continue;
            }
            let (kind, action) = match paused {
                true => ("cluster.paused", "cluster.pause"),
                false => ("cluster.resumed", "cluster.resume"),
            };
            let change = Change::new(action, name).before(json!({"paused": !paused}));
            let change = change.after(json!({"paused": paused}));
            self.record(&mut tx, caller, about(&cluster, kind, change)).await?;
            tx.commit().await?;
            self.engine.nudge(&cluster.id);
            return self.show_cluster(caller, name).await;
        }
        Err(changed_meanwhile(name))
    }

    /// One cycle now.
    pub async fn sync_cluster(&self, caller: &Caller, name: &str) -> Result<Cycle, AppError> {
        caller.may_write()?;
        let cluster = self.find_cluster(caller, name).await?;
        if cluster.paused {
            return Err(AppError::refused(Refusal::Paused, format!("cluster `{name}` is paused")));
        }
        self.engine.sync_now(&cluster).await
    }

    pub(super) async fn find_cluster(&self, caller: &Caller, name: &str) -> Result<Cluster, AppError> {
        let found = self.store.find_cluster(&caller.organization, name).await?;
        found.ok_or_else(|| AppError::not_found("cluster", name))
    }

    pub(super) async fn find_at_version(
        &self,
        caller: &Caller,
        name: &str,
        version: Option<i64>,
    ) -> Result<Cluster, AppError> {
        let cluster = self.find_cluster(caller, name).await?;
        match version {
            Some(version) if version != cluster.version => Err(changed_meanwhile(name)),
            Some(_) | None => Ok(cluster),
        }
    }

    /// Guarded by the version that was read; `false`: changed meanwhile.
    pub(super) async fn save(&self, tx: &mut Tx, cluster: &mut Cluster) -> Result<bool, AppError> {
        cluster.updated_at_ms = self.now_ms();
        Ok(tx.save_cluster(cluster).await?)
    }

    /// One identity, one writer: where another registration of the same backend writes, this one may only observe.
    pub(super) async fn check_one_writer(
        &self,
        cluster: &Cluster,
        authority: Authority,
    ) -> Result<(), AppError> {
        let Some(identity) = cluster.identity.as_deref().filter(|_| authority != Authority::Observe) else {
            return Ok(());
        };
        let same = self.store.clusters_with_identity(&cluster.kind, identity).await?;
        let writer =
            same.iter().find(|other| other.id != cluster.id && other.authority != Authority::Observe);
        let Some(writer) = writer else { return Ok(()) };
        let other = if writer.organization == cluster.organization {
            &writer.name
        } else {
            "of another organization"
        };
        let message = format!(
            "the same backend is registered as `{other}`, which writes to it: `{}` may only observe",
            cluster.name
        );
        Err(AppError::refused(Refusal::OneWriter, message))
    }

    pub(super) async fn refuse_while_applying(&self, cluster: &Cluster) -> Result<(), AppError> {
        let plans = self.store.open_plans(&cluster.id).await?;
        match plans.iter().find(|plan| plan.state == PlanState::Applying) {
            None => Ok(()),
            Some(plan) => {
                let message =
                    format!("plan {} is being applied on `{}`; wait or cancel it", plan.id, cluster.name);
                Err(AppError::refused(Refusal::State, message))
            }
        }
    }

    async fn form_of(&self, cluster: &Cluster, change: &ClusterChange) -> Result<Option<Form>, AppError> {
        if change.connection.is_none() && change.secrets.is_empty() {
            return Ok(None);
        }
        let schema = self.kind_of(&cluster.kind)?.description().connection.clone();
        let set: BTreeSet<String> = self.store.secret_names(&cluster.id).await?.into_iter().collect();
        let standing = Standing { connection: Some(&cluster.connection), secrets: set };
        let filled = Filled { connection: change.connection.as_ref(), secrets: change.secrets.clone() };
        fill(&schema, filled, &standing).map(Some).map_err(|wrong| invalid_connection(&cluster.kind, wrong))
    }

    async fn details(&self, cluster: Cluster) -> Result<ClusterDetails, AppError> {
        let secrets = self.store.secret_names(&cluster.id).await?;
        let counts = self.store.count_resources(&cluster.id).await?;
        let sweeps = self.store.list_sweeps(&cluster.id).await?;
        Ok(ClusterDetails { cluster, secrets, nodes: Vec::new(), relations: Vec::new(), counts, sweeps })
    }
}

/// A session that is open began otherwise; whether the cluster answers now is not known.
pub(super) fn reach_anew(cluster: &mut Cluster) {
    cluster.credential_revision += 1;
    cluster.reach = Reach::New;
}

pub(super) fn changed_meanwhile(name: &str) -> AppError {
    AppError::ChangedMeanwhile { noun: "cluster", name: name.to_owned() }
}

pub(super) fn about<'a>(cluster: &'a Cluster, kind: &'static str, change: Change) -> Happened<'a> {
    let data = json!({"kind": cluster.kind, "authority": cluster.authority});
    Happened { cluster: Some(cluster), kind, subject: &cluster.name, data, change }
}

/// What people set of a cluster, for its records. `connection` names the secrets and does not hold them.
pub(super) fn shown(cluster: &Cluster) -> Value {
    json!({
        "kind": cluster.kind, "connection": cluster.connection, "authority": cluster.authority,
        "paused": cluster.paused, "identity": cluster.identity, "addresses": cluster.addresses,
        "named_nodes": cluster.named_nodes,
    })
}

/// That secrets changed, by their names: neither the old nor the new value is told.
fn secrets_told(form: &Form) -> Option<String> {
    let list = |names: Vec<&str>| names.join(", ");
    let saved = list(form.save.keys().map(String::as_str).collect());
    let forgotten = list(form.forget.iter().map(String::as_str).collect());
    match (saved.is_empty(), forgotten.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("secrets set: {saved}")),
        (true, false) => Some(format!("secrets forgotten: {forgotten}")),
        (false, false) => Some(format!("secrets set: {saved}; forgotten: {forgotten}")),
    }
}

async fn save_secrets(tx: &mut Tx, cluster: &ClusterId, form: &Form) -> Result<(), AppError> {
    for (name, value) in &form.save {
        tx.save_secret(cluster, name, value.as_bytes()).await?;
    }
    for name in &form.forget {
        tx.delete_secret(cluster, name).await?;
    }
    Ok(())
}

fn invalid_connection(kind: &str, wrong: Vec<Wrong>) -> AppError {
    AppError::Invalid {
        code: "invalid-connection",
        message: format!("the connection does not fit the form of kind `{kind}`"),
        wrong,
    }
}
