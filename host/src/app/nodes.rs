//! Nodes: those that were found and those that people named, and the rules by which both are reached.

use std::collections::BTreeSet;

use serde_json::json;

use super::caller::Caller;
use super::clusters::{changed_meanwhile, reach_anew};
use super::connection::Wrong;
use super::names::is_label;
use super::{App, AppError, Happened, Refusal};
use crate::domain::address::{
    AddressMap, KnownNode, NAMED_NODES_MAX, NamedNode, RULES_MAX, is_address, known_nodes, same_address,
};
use crate::domain::cluster::{Cluster, Health};
use crate::domain::contract::Description;
use crate::domain::record::Change;
use crate::domain::source::Source;

/// A save that loses against the reconciler's own is tried so often: each try reads the row anew.
const SAVES_MAX: u32 = 5;

/// A node as a person names it.
#[derive(Clone, Debug, Default)]
pub struct NewNode {
    /// Its address where there is none.
    pub id: Option<String>,
    pub address: String,
    pub roles: Vec<String>,
}

impl App {
    /// Those that were found by id, then those that only a person named.
    pub async fn list_nodes(&self, caller: &Caller, cluster: &str) -> Result<Vec<KnownNode>, AppError> {
        let cluster = self.find_cluster(caller, cluster).await?;
        self.nodes_of(&cluster).await
    }

    pub(super) async fn nodes_of(&self, cluster: &Cluster) -> Result<Vec<KnownNode>, AppError> {
        let found = self.store.list_nodes(&cluster.id).await?;
        Ok(known_nodes(found, &cluster.named_nodes, &cluster.addresses))
    }

    /// Naming a node that discovery shows already is no mistake: it stays where discovery loses it.
    pub async fn add_node(&self, caller: &Caller, name: &str, new: NewNode) -> Result<KnownNode, AppError> {
        caller.may_write()?;
        for _ in 0..SAVES_MAX {
            let mut cluster = self.find_cluster(caller, name).await?;
            let kind = self.kind_of(&cluster.kind)?;
            let named = self.named_node(caller, kind.description(), new.clone(), "")?;
            refuse_twice(&cluster.named_nodes, &named)?;
            cluster.named_nodes.push(named.clone());
            if self.save_named(caller, &mut cluster, "node.added", &named).await? {
                let mut nodes = self.nodes_of(&cluster).await?.into_iter();
                return nodes
                    .find(|known| known.is(&named))
                    .ok_or_else(|| AppError::not_found("node", named.id));
            }
        }
        Err(changed_meanwhile(name))
    }

    /// One that a person named is named no more; one that discovery lost is forgotten. What discovery shows stays.
    pub async fn remove_node(&self, caller: &Caller, name: &str, id: &str) -> Result<(), AppError> {
        caller.may_write()?;
        for _ in 0..SAVES_MAX {
            let mut cluster = self.find_cluster(caller, name).await?;
            let nodes = self.nodes_of(&cluster).await?;
            let known = nodes.into_iter().find(|known| known.node.id == id);
            let is_it = |named: &NamedNode| {
                named.id == id
                    || known.as_ref().is_some_and(|known| known.source != Source::Found && known.is(named))
            };
            let Some(at) = cluster.named_nodes.iter().position(is_it) else {
                return self.forget_node(caller, &cluster, id, known).await;
            };
            let named = cluster.named_nodes.remove(at);
            if self.save_named(caller, &mut cluster, "node.removed", &named).await? {
                return Ok(());
            }
        }
        Err(changed_meanwhile(name))
    }

    async fn forget_node(
        &self,
        caller: &Caller,
        cluster: &Cluster,
        id: &str,
        known: Option<KnownNode>,
    ) -> Result<(), AppError> {
        let known = known.ok_or_else(|| AppError::not_found("node", id))?;
        if known.node.health != Health::Unknown {
            let message =
                format!("discovery shows node `{id}` of `{}`: it would be found again", cluster.name);
            return Err(AppError::refused(Refusal::State, message));
        }
        let mut tx = self.store.begin().await?;
        tx.delete_node(&cluster.id, id).await?;
        let data = json!({"node": id, "source": known.source});
        let change = Change::new("node.remove", id).before(json!(known.node));
        let happened =
            Happened { cluster: Some(cluster), kind: "node.removed", subject: &cluster.name, data, change };
        self.record(&mut tx, caller, happened).await?;
        tx.commit().await?;
        Ok(())
    }

    /// `false`: changed meanwhile. The next session begins with these nodes.
    async fn save_named(
        &self,
        caller: &Caller,
        cluster: &mut Cluster,
        kind: &'static str,
        named: &NamedNode,
    ) -> Result<bool, AppError> {
        reach_anew(cluster);
        let mut tx = self.store.begin().await?;
        if !self.save(&mut tx, cluster).await? {
            return Ok(false);
        }
        if kind == "node.removed" {
            // What a plugin told because it was named is told no more; what the backend tells comes back with the next cycle.
            tx.delete_node(&cluster.id, &named.id).await?;
        }
        let data = json!({"node": named.id, "address": named.address, "roles": named.roles});
        let change = match kind {
            "node.removed" => Change::new("node.remove", &named.id).before(json!(named)),
            _ => Change::new("node.add", &named.id).after(json!(named)),
        };
        let happened = Happened { cluster: Some(cluster), kind, subject: &cluster.name, data, change };
        self.record(&mut tx, caller, happened).await?;
        tx.commit().await?;
        self.engine.nudge(&cluster.id);
        Ok(true)
    }

    /// Those of a registration, each once.
    pub(super) fn named_nodes(
        &self,
        caller: &Caller,
        kind: &Description,
        nodes: Vec<NewNode>,
    ) -> Result<Vec<NamedNode>, AppError> {
        let mut named = Vec::with_capacity(nodes.len());
        for (index, new) in nodes.into_iter().enumerate() {
            let node = self.named_node(caller, kind, new, &format!("/nodes/{index}"))?;
            refuse_twice(&named, &node)?;
            named.push(node);
        }
        Ok(named)
    }

    fn named_node(
        &self,
        caller: &Caller,
        kind: &Description,
        new: NewNode,
        root: &str,
    ) -> Result<NamedNode, AppError> {
        let NewNode { id, address, roles } = new;
        let mut wrong = Vec::new();
        let mut complain = |field: &str, message: String| {
            wrong.push(Wrong { pointer: format!("{root}/{field}"), message });
        };
        if !is_address(&address) {
            complain("address", format!("`{address}` is no address of one node; write HOST:PORT"));
        }
        if id.as_ref().is_some_and(|id| !is_label(id)) {
            complain(
                "id",
                "is no name; write 1 to 63 letters that can be printed, or leave it out".to_owned(),
            );
        }
        let known: BTreeSet<&str> = kind.roles.iter().map(|role| role.name.as_str()).collect();
        for (index, role) in roles.iter().enumerate().filter(|(_, role)| !known.contains(role.as_str())) {
            let known = known.iter().copied().collect::<Vec<_>>().join(", ");
            complain(
                &format!("roles/{index}"),
                format!("`{role}` is no role of kind `{}`; it has: {known}", kind.kind),
            );
        }
        if !wrong.is_empty() {
            return Err(AppError::Invalid {
                code: "invalid-node",
                message: "the node cannot be named".to_owned(),
                wrong,
            });
        }
        let id = id.unwrap_or_else(|| address.clone());
        Ok(NamedNode { id, address, roles, added_by: caller.by.actor.clone(), added_at_ms: self.now_ms() })
    }
}

fn refuse_twice(standing: &[NamedNode], named: &NamedNode) -> Result<(), AppError> {
    let same = |one: &&NamedNode| one.id == named.id || same_address(&one.address, &named.address);
    if let Some(same) = standing.iter().find(same) {
        return Err(AppError::NameTaken { noun: "node", name: same.id.clone() });
    }
    if standing.len() >= NAMED_NODES_MAX {
        let message = format!("a cluster takes {NAMED_NODES_MAX} named nodes at most; take one off");
        return Err(AppError::refused(Refusal::Limit, message));
    }
    Ok(())
}

pub(super) fn check_addresses(map: &AddressMap) -> Result<(), AppError> {
    let mut wrong: Vec<Wrong> = map
        .faults()
        .into_iter()
        .map(|fault| Wrong {
            pointer: format!("/addresses/rules/{}/{}", fault.rule, fault.side),
            message: fault.message,
        })
        .collect();
    if map.rules.len() > RULES_MAX {
        let message =
            format!("has more than {RULES_MAX} rules; a `*` in front of a name covers many nodes at once");
        wrong.push(Wrong { pointer: "/addresses/rules".to_owned(), message });
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let message = "the rules for addresses cannot be followed".to_owned();
    Err(AppError::Invalid { code: "invalid-addresses", message, wrong })
}
