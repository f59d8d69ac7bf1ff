//! Copies of one resource on groups or nodes, compared with each other: who has what, what most have, and what may not be.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compare::{field, same};
use super::contract::{Divergence, EditRule, MetadataType};
use super::fields;
use super::place::Place;
use super::policy::DivergencePolicy;
use super::resource::{Presence, Resource};

/// A resource whose copies differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Diverged {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub id: String,
    /// One of the differences is: a finding, to be repaired or allowed.
    pub forbidden: bool,
    /// Nothing is known of the copies there now, so they are not compared.
    pub silent: Vec<Place>,
    pub fields: Vec<DivergedField>,
}

/// A field that is not the same in all copies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DivergedField {
    /// JSON Pointer into `spec`; empty for existence.
    pub path: String,
    pub forbidden: bool,
    /// What most copies have comes first.
    pub values: Vec<Held>,
    /// More copies have the first value than any other.
    pub has_majority: bool,
}

/// A value and the copies that have it. Existence is `true` or `false`; `null` is "not set".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Held {
    pub value: Value,
    pub places: Vec<Place>,
}

impl Diverged {
    /// Whether the copy at a place is the one to look at: it is missing, has what fewer have, or no value is that of most.
    pub fn is_odd(&self, place: &Place) -> bool {
        self.fields.iter().flat_map(DivergedField::odd).any(|held| held.places.contains(place))
    }
}

impl DivergedField {
    fn odd(&self) -> impl Iterator<Item = &Held> {
        let common = match self.path.is_empty() {
            true => Some(&Value::Bool(true)),
            false => self.values.first().filter(|_| self.has_majority).map(|held| &held.value),
        };
        self.values.iter().filter(move |held| common.is_none_or(|common| *common != held.value))
    }
}

/// None where all copies are alike, or none is there. `homes` are the places that should have one.
pub fn compare(
    shape: &MetadataType,
    policy: Option<DivergencePolicy>,
    copies: &[Resource],
    homes: &[Place],
) -> Option<Diverged> {
    let present: Vec<&Resource> = with(copies, Presence::Present).collect();
    let first = present.first()?;
    let silent: BTreeSet<Place> = with(copies, Presence::Unseen).map(|copy| copy.key.place.clone()).collect();
    let known: Vec<&Place> = present.iter().map(|copy| &copy.key.place).collect();
    let missing: Vec<Place> =
        homes.iter().filter(|home| !known.contains(home) && !silent.contains(home)).cloned().collect();
    let mut fields = Vec::new();
    if !missing.is_empty() {
        let there = Held { value: Value::Bool(true), places: known.into_iter().cloned().collect() };
        let gone = Held { value: Value::Bool(false), places: missing };
        fields.push(diverged(shape, policy, String::new(), vec![there, gone]));
    }
    let paths: BTreeSet<String> = present.iter().flat_map(|copy| fields::paths(&copy.observed)).collect();
    for path in paths {
        let values = values(shape, &path, &present);
        if values.len() > 1 {
            fields.push(diverged(shape, policy, path, values));
        }
    }
    if fields.is_empty() {
        return None;
    }
    Some(Diverged {
        metadata_type: first.key.metadata_type.clone(),
        id: first.key.id.clone(),
        forbidden: fields.iter().any(|field| field.forbidden),
        silent: silent.into_iter().collect(),
        fields,
    })
}

/// What each copy has to become so that all are alike; `like` names the copy to follow, else the majority is followed.
/// The answer holds only what a person could wish for.
///
/// # Errors
/// The path of a field of which no value is the majority's.
pub fn repair(
    shape: &MetadataType,
    diverged: &Diverged,
    copies: &[Resource],
    like: Option<&Place>,
) -> Result<BTreeMap<Place, Value>, String> {
    let mut wishes: BTreeMap<Place, Value> = BTreeMap::new();
    let mut common = model(copies, like).map(|copy| settable(shape, &copy.observed)).unwrap_or_default();
    for field in diverged.fields.iter().filter(|field| field.forbidden && !field.path.is_empty()) {
        if is_read_only(shape, &field.path) {
            continue;
        }
        let wanted = wanted(field, like).ok_or_else(|| field.path.clone())?;
        fields::set(&mut common, &field.path, wanted.value.clone());
        for place in field.values.iter().flat_map(|held| &held.places) {
            // A copy that is followed against its own wish would be drift otherwise.
            let is_wished_otherwise = |copy: &Resource| {
                let wish = copy.desired.as_ref().and_then(|desired| fields::at(desired, &field.path));
                copy.key.place == *place && wish.is_some_and(|wish| *wish != wanted.value)
            };
            if !wanted.places.contains(place) || copies.iter().any(is_wished_otherwise) {
                let wish =
                    wishes.entry(place.clone()).or_insert_with(|| Value::Object(serde_json::Map::new()));
                fields::set(wish, &field.path, wanted.value.clone());
            }
        }
    }
    let existence = diverged.fields.iter().find(|field| field.path.is_empty() && field.forbidden);
    let gone =
        existence.into_iter().flat_map(|field| &field.values).filter(|held| held.value == Value::Bool(false));
    for place in gone.flat_map(|held| &held.places) {
        wishes.insert(place.clone(), common.clone());
    }
    Ok(wishes)
}

fn wanted<'f>(field: &'f DivergedField, like: Option<&Place>) -> Option<&'f Held> {
    match like {
        Some(like) => field.values.iter().find(|held| held.places.contains(like)),
        None => field.values.first().filter(|_| field.has_majority),
    }
}

fn model<'r>(copies: &'r [Resource], like: Option<&Place>) -> Option<&'r Resource> {
    let mut present = with(copies, Presence::Present);
    match like {
        Some(like) => present.find(|copy| copy.key.place == *like),
        None => present.next(),
    }
}

fn settable(shape: &MetadataType, observed: &Value) -> Value {
    let paths: Vec<String> =
        fields::paths(observed).into_iter().filter(|path| !is_read_only(shape, path)).collect();
    fields::pick(observed, &paths)
}

fn is_read_only(shape: &MetadataType, path: &str) -> bool {
    field(shape, path).is_some_and(|field| field.edits == EditRule::ReadOnly)
}

fn with(copies: &[Resource], presence: Presence) -> impl Iterator<Item = &Resource> {
    copies.iter().filter(move |copy| copy.presence == presence)
}

fn values(shape: &MetadataType, path: &str, present: &[&Resource]) -> Vec<Held> {
    let mut values: Vec<Held> = Vec::new();
    for copy in present {
        let value = fields::at(&copy.observed, path).cloned().unwrap_or(Value::Null);
        match values.iter_mut().find(|held| same(shape, path, Some(&held.value), Some(&value))) {
            Some(held) => held.places.push(copy.key.place.clone()),
            None => values.push(Held { value, places: vec![copy.key.place.clone()] }),
        }
    }
    values
}

fn diverged(
    shape: &MetadataType,
    policy: Option<DivergencePolicy>,
    path: String,
    mut values: Vec<Held>,
) -> DivergedField {
    // Stable: of values that are as frequent, that of the first copy stays first.
    values.sort_by_key(|held| std::cmp::Reverse(held.places.len()));
    let count = |position: usize| values.get(position).map_or(0, |held| held.places.len());
    let has_majority = count(0) > count(1);
    let forbidden = match policy {
        Some(DivergencePolicy::Forbid) => true,
        Some(DivergencePolicy::Allow) => false,
        None => {
            let said = field(shape, &path).filter(|_| !path.is_empty());
            said.map_or(shape.divergence, |field| field.divergence) == Divergence::Forbidden
        }
    };
    DivergedField { path, forbidden, values, has_majority }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::contract::{Field, Granularity, Scope, Verbs};
    use crate::domain::resource::ResourceKey;

    fn shape(divergence: Divergence) -> MetadataType {
        let field = |path: &str, divergence, edits| Field {
            path: path.to_owned(),
            default: None,
            edits,
            divergence,
            restart: false,
            unordered: false,
            since: None,
            until: None,
        };
        MetadataType {
            name: "topic".to_owned(),
            plural: "topics".to_owned(),
            title: "Topic".to_owned(),
            scope: Scope::Group,
            roles: Vec::new(),
            identity: Vec::new(),
            tells_defaults: true,
            verbs: Verbs { create: true, update: true, delete: true },
            granularity: Granularity::Whole,
            divergence,
            spec: json!({}),
            status: json!({}),
            fields: vec![
                field("/order", Divergence::Allowed, EditRule::Free),
                field("/made_at", Divergence::Forbidden, EditRule::ReadOnly),
            ],
            after: Vec::new(),
            since: None,
            until: None,
        }
    }

    fn group(name: &str) -> Place {
        Place::Group(name.to_owned())
    }

    fn copy(name: &str, presence: Presence, spec: Value) -> Resource {
        let key = ResourceKey { metadata_type: "topic".to_owned(), id: "pay".to_owned(), place: group(name) };
        Resource { observed: spec, ..Resource::blank(key, presence, 0) }
    }

    fn present(name: &str, spec: Value) -> Resource {
        copy(name, Presence::Present, spec)
    }

    fn groups(names: &[&str]) -> Vec<Place> {
        names.iter().map(|name| group(name)).collect()
    }

    #[test]
    fn copies_that_are_alike_do_not_diverge() {
        let copies = [present("a", json!({"queues": 4})), present("b", json!({"queues": 4}))];
        assert_eq!(compare(&shape(Divergence::Forbidden), None, &copies, &groups(&["a", "b"])), None);
        assert_eq!(compare(&shape(Divergence::Forbidden), None, &[], &groups(&["a"])), None, "nothing there");
    }

    #[test]
    fn who_has_what_and_what_most_have_is_told() {
        let copies = [
            present("a", json!({"queues": 4})),
            present("b", json!({"queues": 8, "order": true})),
            present("c", json!({"queues": 8})),
        ];
        let found =
            compare(&shape(Divergence::Forbidden), None, &copies, &groups(&["a", "b", "c", "d"])).unwrap();
        assert!(found.forbidden);
        let paths: Vec<_> = found.fields.iter().map(|field| (field.path.as_str(), field.forbidden)).collect();
        assert_eq!(paths, [("", true), ("/order", false), ("/queues", true)]);
        assert_eq!(found.fields[0].values[1], Held { value: json!(false), places: groups(&["d"]) });
        assert_eq!(found.fields[2].values[0], Held { value: json!(8), places: groups(&["b", "c"]) });
        assert!(found.fields[2].has_majority);
    }

    #[test]
    fn a_copy_is_odd_that_is_missing_or_has_what_fewer_have() {
        let copies = [
            present("a", json!({"queues": 4})),
            present("b", json!({"queues": 8})),
            present("c", json!({"queues": 8})),
        ];
        let shape = shape(Divergence::Forbidden);
        let odd = |copies: &[Resource], homes: &[&'static str]| {
            let found = compare(&shape, None, copies, &groups(homes)).unwrap();
            homes.iter().copied().filter(|home| found.is_odd(&group(home))).collect::<Vec<_>>()
        };
        assert_eq!(odd(&copies, &["a", "b", "c", "d"]), ["a", "d"]);
        assert_eq!(odd(&copies[..2], &["a", "b"]), ["a", "b"], "nobody has the majority");
        assert_eq!(odd(&copies[..1], &["a", "b", "c"]), ["b", "c"], "most lack it");
    }

    #[test]
    fn the_policy_speaks_before_the_type() {
        let copies = [present("a", json!({"queues": 4})), present("b", json!({"queues": 8}))];
        let forbidden = |divergence, policy| {
            compare(&shape(divergence), policy, &copies, &groups(&["a", "b"])).unwrap().forbidden
        };
        assert!(forbidden(Divergence::Forbidden, None));
        assert!(!forbidden(Divergence::Allowed, None));
        assert!(!forbidden(Divergence::Forbidden, Some(DivergencePolicy::Allow)));
        assert!(forbidden(Divergence::Allowed, Some(DivergencePolicy::Forbid)));
    }

    #[test]
    fn a_silent_copy_is_neither_compared_nor_missing() {
        let copies = [present("a", json!({"queues": 4})), copy("b", Presence::Unseen, json!({"queues": 8}))];
        assert_eq!(compare(&shape(Divergence::Forbidden), None, &copies, &groups(&["a", "b"])), None);
        let found = compare(&shape(Divergence::Forbidden), None, &copies, &groups(&["a", "b", "c"])).unwrap();
        assert_eq!(found.silent, groups(&["b"]));
    }

    #[test]
    fn a_repair_follows_the_majority_and_makes_what_is_missing() {
        let copies = [
            present("a", json!({"queues": 4, "order": true, "made_at": 1})),
            present("b", json!({"queues": 8, "order": false, "made_at": 2})),
            present("c", json!({"queues": 8, "order": false, "made_at": 3})),
        ];
        let shape = shape(Divergence::Forbidden);
        let found = compare(&shape, None, &copies, &groups(&["a", "b", "c", "d"])).unwrap();
        let wishes = repair(&shape, &found, &copies, None).unwrap();
        let made = json!({"queues": 8, "order": true});
        assert_eq!(wishes, BTreeMap::from([(group("a"), json!({"queues": 8})), (group("d"), made)]));
    }

    #[test]
    fn a_tie_asks_which_copy_to_follow() {
        let copies = [present("a", json!({"queues": 4})), present("b", json!({"queues": 8}))];
        let shape = shape(Divergence::Forbidden);
        let found = compare(&shape, None, &copies, &groups(&["a", "b"])).unwrap();
        assert_eq!(repair(&shape, &found, &copies, None), Err("/queues".to_owned()));
        let wishes = repair(&shape, &found, &copies, Some(&group("b"))).unwrap();
        assert_eq!(wishes, BTreeMap::from([(group("a"), json!({"queues": 8}))]));
    }

    #[test]
    fn a_copy_that_is_followed_against_its_own_wish_takes_the_value_as_its_wish() {
        let mut copies = [present("a", json!({"queues": 4})), present("b", json!({"queues": 8}))];
        for copy in &mut copies {
            copy.desired = Some(json!({"queues": 4}));
        }
        let shape = shape(Divergence::Forbidden);
        let found = compare(&shape, None, &copies, &groups(&["a", "b"])).unwrap();
        let wishes = repair(&shape, &found, &copies, Some(&group("b"))).unwrap();
        let eight = json!({"queues": 8});
        assert_eq!(wishes, BTreeMap::from([(group("a"), eight.clone()), (group("b"), eight)]));
    }
}
