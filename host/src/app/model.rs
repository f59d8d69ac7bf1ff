//! A cluster that begins with another's settings: kind, connection, authority, and the policies of cluster and types.
//!
//! Not taken over: what names the other's own nodes and resources (address rules, named nodes, policies of single
//! resources), and secrets that only its wishes name. Secrets of the form go from row to row, sealed anew: nobody is shown one,
//! and whoever may register a cluster may already point the other one elsewhere.

use std::collections::BTreeSet;

use serde_json::Value;

use super::caller::Caller;
use super::connection::{Form, Standing, secret_fields};
use super::{App, AppError, NewCluster};
use crate::domain::cluster::Cluster;
use crate::domain::policy::{Authority, PolicyEntry};
use crate::store::Tx;

/// What a new cluster begins with.
pub(super) struct Model {
    pub(super) kind: String,
    pub(super) authority: Authority,
    like: Option<Like>,
}

struct Like {
    cluster: Cluster,
    secrets: BTreeSet<String>,
    policies: Vec<PolicyEntry>,
}

impl App {
    pub(super) async fn model_of(&self, caller: &Caller, new: &NewCluster) -> Result<Model, AppError> {
        let Some(name) = &new.like else {
            let kind = new.kind.clone().ok_or_else(|| {
                let message =
                    "is missing; name the kind, or with `like` a cluster whose settings it begins with";
                AppError::wrong("invalid-registration", "/kind", message)
            })?;
            return Ok(Model { kind, authority: Authority::default(), like: None });
        };
        let found = self.store.find_cluster(&caller.organization, name).await?;
        let cluster = found.ok_or_else(|| {
            let message = format!("there is no cluster `{name}` to begin with");
            AppError::wrong("invalid-registration", "/like", message)
        })?;
        if let Some(kind) = new.kind.as_ref().filter(|kind| **kind != cluster.kind) {
            let message = format!(
                "is `{kind}`, and `{name}` is of kind `{}`; leave it out, or begin with a cluster of the same kind",
                cluster.kind
            );
            return Err(AppError::wrong("invalid-registration", "/kind", message));
        }
        let secrets = self.store.secret_names(&cluster.id).await?.into_iter().collect();
        let mut policies = self.store.list_policies(&cluster.id).await?;
        policies.retain(|entry| entry.subject.id.is_none());
        let (kind, authority) = (cluster.kind.clone(), cluster.authority);
        Ok(Model { kind, authority, like: Some(Like { cluster, secrets, policies }) })
    }
}

impl Model {
    /// For the record: whose settings it began with.
    pub(super) fn told(&self) -> Option<String> {
        let like = self.like.as_ref()?;
        Some(format!("it begins with the settings of `{}`", like.cluster.name))
    }

    /// What stands before anything is filled in.
    pub(super) fn standing(&self, schema: &Value) -> Standing<'_> {
        let Some(like) = &self.like else { return Standing::default() };
        let fields = secret_fields(schema);
        let secrets = like.secrets.intersection(&fields).cloned().collect();
        Standing { connection: Some(&like.cluster.connection), secrets }
    }

    /// What the form did not bring itself.
    pub(super) async fn copy(&self, tx: &mut Tx, to: &Cluster, form: &Form) -> Result<(), AppError> {
        let Some(like) = &self.like else { return Ok(()) };
        let named = |name: &&String| {
            let in_form = to.connection.get(name.as_str()).and_then(Value::as_str) == Some(name.as_str());
            in_form && !form.save.contains_key(*name)
        };
        for name in like.secrets.iter().filter(named) {
            tx.copy_secret(&like.cluster, &to.id, name).await?;
        }
        for entry in &like.policies {
            tx.save_policy(&to.id, entry).await?;
        }
        Ok(())
    }
}
