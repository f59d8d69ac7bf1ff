//! The first part of planning: what differs, what may be touched, and what the plugin is to be asked.

use std::collections::BTreeMap;

use serde_json::Value;

use super::documents::{Aim, aims};
use super::{Document, Item, Part, Prepared, Request, Snapshot, have, standing, undo};
use crate::domain::compare::{FieldDifference, FieldState};
use crate::domain::contract::{EditRule, MetadataType};
use crate::domain::plan::{Base, Blocked, Intent, Verb, Wish};
use crate::domain::policy::Authority;
use crate::domain::resource::{Presence, Resource, ResourceKey};
use crate::domain::{compare, fields};

/// Total: what can't be planned is blocked, with its reason.
pub fn prepare(request: &Request, snapshot: &Snapshot) -> Prepared {
    let mut planner = Planner { snapshot, prepared: Prepared::default(), rows: BTreeMap::new() };
    match request {
        Request::Documents(documents) => planner.documents(documents),
        Request::Adopt { keys, .. } => sorted(keys).for_each(|key| planner.adopt(key)),
        Request::Delete { keys } => sorted(keys).for_each(|key| planner.gone(key, true)),
        Request::Revert { keys, fields, by_policy } => {
            let wanted = |field: &FieldDifference| {
                let drifted = match field.state {
                    FieldState::Drifted => true,
                    // Both sides moved: a person decides, a policy does not.
                    FieldState::Conflicted => !by_policy,
                    FieldState::Pending | FieldState::Synced => false,
                };
                drifted && fields.as_ref().is_none_or(|fields| fields.contains(&field.path))
            };
            sorted(keys).for_each(|key| planner.again(key, &wanted));
        }
        Request::Resume { keys } => {
            sorted(keys).for_each(|key| planner.again(key, &|field| field.state == FieldState::Pending));
        }
        Request::Join { wishes } => standing::join(&mut planner, wishes),
        Request::Undo { plan } => undo::prepare(&mut planner, plan),
    }
    planner.prepared
}

fn sorted(keys: &[ResourceKey]) -> impl Iterator<Item = &ResourceKey> {
    let unique: std::collections::BTreeSet<&ResourceKey> = keys.iter().collect();
    unique.into_iter()
}

pub(super) struct Planner<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) prepared: Prepared,
    /// Blank rows of what was never seen, made once.
    rows: BTreeMap<ResourceKey, Resource>,
}

impl<'a> Planner<'a> {
    fn documents(&mut self, documents: &[Document]) {
        let aims = aims(documents, self.snapshot, &mut self.prepared.blocked);
        self.prepared.standing = standing::of_documents(documents, self.snapshot);
        for (key, aim) in aims {
            match aim {
                Aim::Have(desired) => have::plan(self, &key, desired, &|_| true),
                Aim::Gone => self.gone(&key, false),
            }
        }
    }

    /// The wish that stands, once more.
    fn again(&mut self, key: &ResourceKey, wanted: &dyn Fn(&FieldDifference) -> bool) {
        match self.row(key).desired {
            Some(desired) => have::plan(self, key, desired, wanted),
            None => self.block(key, None, "nothing is wished for it"),
        }
    }

    fn adopt(&mut self, key: &ResourceKey) {
        let Some(shape) = self.writable(key) else { return };
        let row = self.row(key);
        match row.presence {
            Presence::Absent => return self.block(key, None, "it is not there: nothing to adopt"),
            Presence::Unseen => return self.block(key, None, &self.not_seen()),
            Presence::Present if row.is_ours() => {
                self.prepared.unchanged += 1;
                return;
            }
            Presence::Present => {}
        }
        let desired = row.desired.clone().unwrap_or_else(|| settable(&row.observed, shape));
        let touched = fields::paths(&desired);
        let wish = wish(&row, Intent::Have(desired));
        let base = base(&row, touched);
        let parts = vec![Part::Local { verb: Verb::Adopt, summary: adoption(&row.observed, false) }];
        self.prepared.items.push(Item { key: key.clone(), wish: Some(wish), base, parts });
    }

    /// `named`: a person named the resource, so that its absence is an error.
    pub(super) fn gone(&mut self, key: &ResourceKey, named: bool) {
        let Some(shape) = self.writable(key) else { return };
        let row = self.row(key);
        let is_known = row.owned || row.desired.is_some();
        match row.presence {
            Presence::Unseen => return self.block(key, None, &self.not_seen()),
            Presence::Absent if is_known => return self.end_absent(&row),
            Presence::Absent if named => return self.block(key, None, "it is not there: nothing to delete"),
            Presence::Absent => {
                self.prepared.unchanged += 1;
                return;
            }
            Presence::Present => {}
        }
        if !row.is_ours() {
            let advice =
                format!("headgate adopt {} {} -c {}", key.metadata_type, key.id, self.snapshot.cluster);
            return self.block(
                key,
                None,
                &format!("it is not ours and is never deleted; adopt it first: {advice}"),
            );
        }
        if let Some(reason) = self.undeletable(key, shape) {
            return self.block(key, None, &reason);
        }
        let change = self.ask(&row, None);
        let wish = wish(&row, Intent::Gone);
        let base = base(&row, Vec::new());
        let parts = vec![Part::Ask { change }];
        self.prepared.items.push(Item { key: key.clone(), wish: Some(wish), base, parts });
    }

    pub(super) fn undeletable(&self, key: &ResourceKey, shape: &MetadataType) -> Option<String> {
        if !shape.verbs.delete {
            return Some(format!("a {} can't be deleted", shape.name));
        }
        let set = format!("headgate policy set {} {} {}", self.snapshot.cluster, key.metadata_type, key.id);
        let protected = self.snapshot.policy(key).protect;
        protected.then(|| format!("it is protected; take the protection off first: {set} --protect false"))
    }

    fn end_absent(&mut self, row: &Resource) {
        let wish = wish(row, Intent::Release);
        let summary = "is gone already; the wish and the ownership end".to_owned();
        let parts = vec![Part::Local { verb: Verb::Release, summary }];
        self.prepared.items.push(Item {
            key: row.key.clone(),
            wish: Some(wish),
            base: base(row, Vec::new()),
            parts,
        });
    }

    /// The type of a resource that may be written; otherwise it is blocked.
    pub(super) fn writable(&mut self, key: &ResourceKey) -> Option<&'a MetadataType> {
        let snapshot = self.snapshot;
        let Some(shape) = snapshot.shape(&key.metadata_type) else {
            let known: Vec<&str> = snapshot.types.iter().map(|shape| shape.name.as_str()).collect();
            let reason = format!("there is no type `{}`; known are {}", key.metadata_type, known.join(", "));
            self.block(key, None, &reason);
            return None;
        };
        let reason = if snapshot.policy(key).authority == Authority::Observe {
            Some(self.observed_only(key))
        } else if self.row(key).internal {
            Some("it is the backend's own (internal): shown, never ours".to_owned())
        } else if shape.verbs.read_only() {
            Some(format!("a {} can only be read", shape.name))
        } else {
            None
        };
        match reason {
            None => Some(shape),
            Some(reason) => {
                self.block(key, None, &reason);
                None
            }
        }
    }

    fn observed_only(&self, key: &ResourceKey) -> String {
        let cluster = &self.snapshot.cluster;
        // Where the cluster itself only observes, nothing narrower can be raised.
        let subject = if self.snapshot.authority == Authority::Observe {
            cluster.clone()
        } else {
            format!("{cluster} {}", key.metadata_type)
        };
        format!(
            "the authority is `observe`: nothing is written; change it: headgate policy set {subject} --authority manage"
        )
    }

    pub(super) fn not_seen(&self) -> String {
        format!("it was not seen: the cluster gave no answer; try: headgate sync {}", self.snapshot.cluster)
    }

    /// The row as it was read; one that was never seen is absent.
    pub(super) fn row(&mut self, key: &ResourceKey) -> Resource {
        if let Some(row) = self.snapshot.resources.get(key) {
            return row.clone();
        }
        self.rows.entry(key.clone()).or_insert_with(|| absent(key)).clone()
    }

    pub(super) fn block(&mut self, key: &ResourceKey, path: Option<String>, reason: &str) {
        self.prepared.blocked.push(Blocked { key: key.clone(), reason: reason.to_owned(), path });
    }

    pub(super) fn warn(&mut self, key: &ResourceKey, path: Option<String>, reason: String) {
        self.prepared.warnings.push(Blocked { key: key.clone(), reason, path });
    }

    /// Puts the difference into the question to the plugin; its position there.
    pub(super) fn ask(&mut self, row: &Resource, after: Option<Value>) -> usize {
        let is_present = row.presence == Presence::Present;
        let mut before = row.observed.clone();
        for (path, value) in row.applied.as_ref().map(fields::leaves).unwrap_or_default() {
            if fields::is_secret(value) {
                fields::set(&mut before, &path, value.clone());
            }
        }
        self.prepared.changes.push(crate::domain::contract::Change {
            key: row.key.clone(),
            before: is_present.then_some(before),
            after,
            status: is_present.then(|| row.status_document.clone()),
            effective: self.snapshot.effective.get(&row.key).cloned(),
            revision: row.revision.clone().filter(|_| is_present),
            incarnation: row.incarnation.clone().filter(|_| is_present),
        });
        self.prepared.changes.len() - 1
    }
}

pub(super) fn wish(row: &Resource, intent: Intent) -> Wish {
    let lets_go = match (&intent, &row.desired) {
        (Intent::Have(desired), Some(before)) => {
            let gone = |path: &String| fields::at(desired, path).is_none();
            fields::paths(before).into_iter().filter(gone).collect()
        }
        (Intent::Have(_) | Intent::Gone | Intent::Release, _) => Vec::new(),
    };
    Wish { key: row.key.clone(), intent, lets_go, before: row.desired.clone(), was_owned: row.owned }
}

pub(super) fn base(row: &Resource, mut touched: Vec<String>) -> Base {
    touched.sort();
    touched.dedup();
    let is_present = row.presence == Presence::Present;
    Base {
        key: row.key.clone(),
        observed: is_present.then(|| fields::pick(&row.observed, &touched)),
        incarnation: row.incarnation.clone().filter(|_| is_present),
        owned: row.is_ours(),
        fields: touched,
    }
}

/// `exists with 3 partitions; becomes ours as it is`: whole numbers named in the plural are counts.
pub(super) fn adoption(observed: &Value, is_edited: bool) -> String {
    let count = observed
        .as_object()
        .and_then(|keys| keys.iter().find(|(key, value)| key.ends_with('s') && value.is_u64()));
    let exists = match count {
        Some((key, value)) if value.as_u64() == Some(1) => {
            format!("exists with 1 {}", key.trim_end_matches('s'))
        }
        Some((key, value)) => format!("exists with {value} {}", key.replace('_', " ")),
        None => "exists".to_owned(),
    };
    let becomes = if is_edited { "becomes ours, then is edited" } else { "becomes ours as it is" };
    format!("{exists}; {becomes}")
}

/// The set fields that a wish may hold.
fn settable(observed: &Value, shape: &MetadataType) -> Value {
    let paths: Vec<String> = fields::paths(observed)
        .into_iter()
        .filter(|path| match compare::field(shape, path).map(|field| field.edits) {
            Some(EditRule::ReadOnly | EditRule::WriteOnly) => false,
            None
            | Some(
                EditRule::Free
                | EditRule::GrowOnly
                | EditRule::Immutable
                | EditRule::Recreate
                | EditRule::Other,
            ) => true,
        })
        .collect();
    fields::pick(observed, &paths)
}

fn absent(key: &ResourceKey) -> Resource {
    Resource::blank(key.clone(), Presence::Absent, 0)
}
