//! Policies: on a cluster, narrowed on a type, narrowed on a resource.

use serde_json::json;

use super::caller::Caller;
use super::clusters::changed_meanwhile;
use super::connection::Wrong;
use super::{App, AppError, Happened};
use crate::domain::cluster::Cluster;
use crate::domain::policy::{Policy, PolicyEntry, PolicySubject};
use crate::domain::record::Change;

/// Of a percentage.
const PERCENT_MAX: u32 = 100;

impl App {
    /// The cluster's own first, with its authority; then from the widest to the narrowest.
    pub async fn list_policies(&self, caller: &Caller, cluster: &str) -> Result<Vec<PolicyEntry>, AppError> {
        let cluster = self.find_cluster(caller, cluster).await?;
        self.policies_of(&cluster).await
    }

    /// Replaces the policy of one subject. The cluster's own authority is the cluster's: there is one place for it.
    pub async fn save_policy(
        &self,
        caller: &Caller,
        name: &str,
        subject: PolicySubject,
        policy: Policy,
    ) -> Result<PolicyEntry, AppError> {
        caller.may_write()?;
        let mut cluster = self.find_cluster(caller, name).await?;
        self.check_subject(&cluster, &subject).await?;
        check_policy(&cluster, &subject, &policy)?;
        let standing = self.policies_of(&cluster).await?.into_iter().find(|known| known.subject == subject);
        let mut tx = self.store.begin().await?;
        let mut entry = PolicyEntry { subject, policy };
        if is_whole(&entry.subject)
            && let Some(authority) = entry.policy.authority.take()
        {
            self.check_one_writer(&cluster, authority).await?;
            cluster.authority = authority;
            if !self.save(&mut tx, &mut cluster).await? {
                return Err(changed_meanwhile(name));
            }
        }
        if entry.policy == Policy::default() {
            tx.delete_policy(&cluster.id, &entry.subject).await?;
        } else {
            tx.save_policy(&cluster.id, &entry).await?;
        }
        let after = with_authority(entry.clone(), &cluster);
        let change = Change::new("policy.save", told(&entry.subject))
            .before(json!(standing.map(|known| known.policy).unwrap_or_default()))
            .after(json!(after.policy));
        let data = json!({"policy": entry});
        let subject = &cluster.name;
        let happened = Happened { cluster: Some(&cluster), kind: "policy.changed", subject, data, change };
        self.record(&mut tx, caller, happened).await?;
        tx.commit().await?;
        self.engine.nudge(&cluster.id);
        Ok(after)
    }

    pub(super) async fn policies_of(&self, cluster: &Cluster) -> Result<Vec<PolicyEntry>, AppError> {
        let mut entries = self.store.list_policies(&cluster.id).await?;
        if !entries.iter().any(|entry| is_whole(&entry.subject)) {
            let subject = PolicySubject { metadata_type: None, id: None };
            entries.push(PolicyEntry { subject, policy: Policy::default() });
        }
        entries.sort_by(|one, other| one.subject.cmp(&other.subject));
        Ok(entries.into_iter().map(|entry| with_authority(entry, cluster)).collect())
    }

    async fn check_subject(&self, cluster: &Cluster, subject: &PolicySubject) -> Result<(), AppError> {
        match (&subject.metadata_type, &subject.id) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(AppError::Invalid {
                code: "invalid-policy",
                message: "`id` needs `type` beside it".to_owned(),
                wrong: Vec::new(),
            }),
            (Some(name), _) => self.type_of(cluster, name).await.map(drop),
        }
    }
}

/// `cluster`, `topic`, `topic/pay.audit`
fn told(subject: &PolicySubject) -> String {
    let metadata_type = subject.metadata_type.as_deref().unwrap_or("cluster");
    subject.id.as_ref().map_or_else(|| metadata_type.to_owned(), |id| format!("{metadata_type}/{id}"))
}

fn is_whole(subject: &PolicySubject) -> bool {
    subject.metadata_type.is_none() && subject.id.is_none()
}

fn with_authority(mut entry: PolicyEntry, cluster: &Cluster) -> PolicyEntry {
    if is_whole(&entry.subject) {
        entry.policy.authority = Some(cluster.authority);
    }
    entry
}

fn check_policy(cluster: &Cluster, subject: &PolicySubject, policy: &Policy) -> Result<(), AppError> {
    let mut wrong = Vec::new();
    let mut complain =
        |pointer: String, message: &str| wrong.push(Wrong { pointer, message: message.to_owned() });
    if !is_whole(subject) && policy.authority.is_some_and(|authority| authority > cluster.authority) {
        complain("/authority".into(), "is wider than the cluster's; a type or a resource can only narrow it");
    }
    for (name, percent) in
        [("deletes_percent_max", policy.deletes_percent_max), ("edits_percent_max", policy.edits_percent_max)]
    {
        if percent.is_some_and(|percent| percent > PERCENT_MAX) {
            complain(format!("/{name}"), "is more than 100");
        }
    }
    for (index, rule) in policy.ignore.iter().enumerate() {
        if rule.pattern.is_empty() {
            complain(format!("/ignore/{index}/pattern"), "is empty; write `*` for every id");
        }
        if rule.field.as_ref().is_some_and(|field| !field.starts_with('/')) {
            complain(format!("/ignore/{index}/field"), "is no JSON Pointer; it begins with `/`");
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(AppError::Invalid { code: "invalid-policy", message: "the policy cannot be saved".to_owned(), wrong })
}
