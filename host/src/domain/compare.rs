//! The three-way compare of a resource: desired, applied and observed, field by field.
//!
//! Invariant: only fields that desired speaks of are compared; what nobody spoke of never differs.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::contract::{EditRule, Field, MetadataType};
use super::fields;
use super::resource::{Presence, Resource};
use super::status::Difference;

/// The observed image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen<'a> {
    Present(&'a Value),
    Absent,
    /// No answer yet, or none for three intervals.
    Unseen,
}

/// The three images of one resource.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Images<'a> {
    pub desired: Option<&'a Value>,
    pub applied: Option<&'a Value>,
    pub seen: Seen<'a>,
    /// `seen` holds only a part: a field that is not in it was not looked at.
    pub partial: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldState {
    Synced,
    /// The wish is not there yet.
    Pending,
    /// Somebody changed the cluster.
    Drifted,
    /// Both.
    Conflicted,
}

/// A field that is not synced. Existence is the field "", its values are booleans.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldDifference {
    /// JSON Pointer into `spec`.
    pub path: String,
    pub desired: Option<Value>,
    pub applied: Option<Value>,
    /// `None`: the backend's default, or not seen.
    pub observed: Option<Value>,
    pub state: FieldState,
    /// Hidden by a rule: shown with the rule, and no part of the resource's difference.
    pub ignored: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The worst of the fields that no rule hides.
    pub difference: Difference,
    /// Those that are not synced, in the order of their paths.
    pub fields: Vec<FieldDifference>,
    /// As it follows: what is observed as desired counts as applied.
    pub applied: Option<Value>,
}

/// Compares the fields of desired. `ignored` says of a field's path whether a rule hides it.
pub fn compare(images: &Images<'_>, shape: &MetadataType, ignored: &dyn Fn(&str) -> bool) -> Comparison {
    let Some(desired) = images.desired else {
        return Comparison { difference: Difference::Unmanaged, fields: Vec::new(), applied: None };
    };
    let (fields, applied) = match images.seen {
        Seen::Absent => (vec![absent(images.applied)], images.applied.cloned()),
        Seen::Present(observed) => compare_fields(images, shape, desired, Some(observed)),
        Seen::Unseen => compare_fields(images, shape, desired, None),
    };
    finish(fields, applied, ignored)
}

/// The same of a remembered resource. A stranger under its name is compared with nothing: what is missing is ours.
pub fn judge(resource: &Resource, shape: &MetadataType, ignored: &dyn Fn(&str) -> bool) -> Comparison {
    if resource.desired.is_some() && resource.presence == Presence::Present && !resource.is_ours() {
        return finish(vec![absent(resource.applied.as_ref())], resource.applied.clone(), ignored);
    }
    compare(&Images::of(resource), shape, ignored)
}

impl<'a> Images<'a> {
    pub fn of(resource: &'a Resource) -> Self {
        Self {
            desired: resource.desired.as_ref(),
            applied: resource.applied.as_ref(),
            seen: match resource.presence {
                Presence::Present => Seen::Present(&resource.observed),
                Presence::Absent => Seen::Absent,
                Presence::Unseen => Seen::Unseen,
            },
            partial: resource.partial,
        }
    }
}

/// Whether two values of a field are the same. Nothing and `null` both are the backend's default.
pub fn same(shape: &MetadataType, path: &str, one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one.filter(|value| !value.is_null()), other.filter(|value| !value.is_null())) {
        (None, None) => true,
        (Some(Value::Array(one)), Some(Value::Array(other))) if is_unordered(shape, path) => {
            sorted(one) == sorted(other)
        }
        (Some(one), Some(other)) => one == other,
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Never observed: a reference to a secret, or a field that the type says can only be written.
pub fn is_write_only(shape: &MetadataType, path: &str, value: Option<&Value>) -> bool {
    value.is_some_and(fields::is_secret)
        || field(shape, path).is_some_and(|field| field.edits == EditRule::WriteOnly)
}

/// What the type says of a field: the pattern that names it most exactly.
pub fn field<'a>(shape: &'a MetadataType, path: &str) -> Option<&'a Field> {
    let stars = |field: &&Field| field.path.split('/').filter(|key| *key == "*").count();
    let keys = |field: &&Field| field.path.split('/').count();
    shape
        .fields
        .iter()
        .filter(|field| fields::matches(&field.path, path))
        .max_by_key(|field| (keys(field), std::cmp::Reverse(stars(field))))
}

fn is_unordered(shape: &MetadataType, path: &str) -> bool {
    field(shape, path).is_some_and(|field| field.unordered)
}

fn sorted(items: &[Value]) -> Vec<String> {
    let mut texts: Vec<String> = items.iter().map(Value::to_string).collect();
    texts.sort();
    texts
}

fn absent(applied: Option<&Value>) -> FieldDifference {
    FieldDifference {
        path: String::new(),
        desired: Some(json!(true)),
        applied: applied.map(|_| json!(true)),
        observed: Some(json!(false)),
        state: if applied.is_some() { FieldState::Drifted } else { FieldState::Pending },
        ignored: false,
    }
}

/// `observed` is `None` where nothing was seen.
fn compare_fields(
    images: &Images<'_>,
    shape: &MetadataType,
    desired: &Value,
    observed: Option<&Value>,
) -> (Vec<FieldDifference>, Option<Value>) {
    let mut differences = Vec::new();
    // Existence follows like any other field: what is seen, and ours, was applied, if only with no field yet.
    let mut applied = images.applied.cloned();
    for (path, wish) in fields::leaves(desired) {
        let last = images.applied.and_then(|applied| fields::at(applied, &path));
        let found = observed.and_then(|observed| fields::at(observed, &path));
        let covered = observed.is_some() && !(images.partial && found.is_none());
        let state = if is_write_only(shape, &path, Some(wish)) || !covered {
            unseen_state(shape, &path, wish, last)
        } else {
            seen_state(shape, &path, wish, last, found)
        };
        if state != FieldState::Synced {
            differences.push(FieldDifference {
                desired: Some(wish.clone()),
                applied: last.cloned(),
                observed: found.cloned(),
                path,
                state,
                ignored: false,
            });
        } else if covered && !is_write_only(shape, &path, Some(wish)) {
            fields::set(applied.get_or_insert_with(|| json!({})), &path, wish.clone());
        }
    }
    if observed.is_some() && applied.is_none() && fields::leaves(desired).is_empty() {
        applied = Some(json!({}));
    }
    if observed.is_none() && images.applied.is_none() {
        differences.insert(0, unseen_existence());
    }
    (differences, applied)
}

fn unseen_existence() -> FieldDifference {
    FieldDifference {
        path: String::new(),
        desired: Some(json!(true)),
        applied: None,
        observed: None,
        state: FieldState::Pending,
        ignored: false,
    }
}

/// Nobody looked: the wish is there as far as it was applied.
fn unseen_state(shape: &MetadataType, path: &str, wish: &Value, applied: Option<&Value>) -> FieldState {
    let is_applied = applied.is_some_and(|applied| same(shape, path, Some(wish), Some(applied)));
    if is_applied { FieldState::Synced } else { FieldState::Pending }
}

fn seen_state(
    shape: &MetadataType,
    path: &str,
    wish: &Value,
    applied: Option<&Value>,
    observed: Option<&Value>,
) -> FieldState {
    if same(shape, path, Some(wish), observed) {
        return FieldState::Synced;
    }
    match applied {
        None => FieldState::Pending,
        Some(applied) if same(shape, path, Some(applied), observed) => FieldState::Pending,
        Some(applied) if same(shape, path, Some(applied), Some(wish)) => FieldState::Drifted,
        Some(_) => FieldState::Conflicted,
    }
}

fn finish(
    mut fields: Vec<FieldDifference>,
    applied: Option<Value>,
    ignored: &dyn Fn(&str) -> bool,
) -> Comparison {
    for field in &mut fields {
        field.ignored = ignored(&field.path);
    }
    let worst = fields.iter().filter(|field| !field.ignored).map(|field| field.state).max();
    let difference = match worst {
        None | Some(FieldState::Synced) => Difference::Synced,
        Some(FieldState::Pending) => Difference::Pending,
        Some(FieldState::Drifted) => Difference::Drifted,
        Some(FieldState::Conflicted) => Difference::Conflicted,
    };
    Comparison { difference, fields, applied }
}

#[cfg(test)]
mod tests {
    use super::super::contract::{Divergence, Granularity, Scope, Verbs};
    use super::*;

    fn shape() -> MetadataType {
        let field = |path: &str, edits, unordered| Field {
            path: path.to_owned(),
            default: None,
            edits,
            divergence: Divergence::Single,
            restart: false,
            unordered,
            since: None,
            until: None,
        };
        MetadataType {
            name: "topic".to_owned(),
            plural: "topics".to_owned(),
            title: "Topic".to_owned(),
            scope: Scope::Cluster,
            roles: Vec::new(),
            identity: Vec::new(),
            tells_defaults: true,
            verbs: Verbs { create: true, update: true, delete: true },
            granularity: Granularity::PerKey,
            divergence: Divergence::Single,
            spec: json!({}),
            status: json!({}),
            fields: vec![
                field("/hosts/*", EditRule::Free, true),
                field("/password", EditRule::WriteOnly, false),
            ],
            after: Vec::new(),
            since: None,
            until: None,
        }
    }

    struct Case {
        desired: Value,
        applied: Option<Value>,
        observed: Option<Value>,
        partial: bool,
    }

    fn case(desired: Value, applied: impl Into<Option<Value>>, observed: Value) -> Case {
        Case { desired, applied: applied.into(), observed: Some(observed), partial: false }
    }

    fn check(case: &Case, expected: Difference) -> Comparison {
        let images = Images {
            desired: Some(&case.desired),
            applied: case.applied.as_ref(),
            seen: case.observed.as_ref().map_or(Seen::Unseen, Seen::Present),
            partial: case.partial,
        };
        let comparison = compare(&images, &shape(), &|_| false);
        assert_eq!(comparison.difference, expected, "{:#?}", comparison.fields);
        comparison
    }

    #[test]
    fn observed_as_desired_is_synced_and_applied_follows() {
        let found = check(&case(json!({"a": 1}), None, json!({"a": 1, "b": 2})), Difference::Synced);
        assert_eq!(found.applied, Some(json!({"a": 1})));
    }

    #[test]
    fn a_wish_that_is_not_there_yet_is_pending() {
        check(&case(json!({"a": 1}), None, json!({})), Difference::Pending);
        check(&case(json!({"a": 2}), json!({"a": 1}), json!({"a": 1})), Difference::Pending);
    }

    #[test]
    fn what_somebody_changed_is_drifted_and_what_both_changed_is_conflicted() {
        check(&case(json!({"a": 1}), json!({"a": 1}), json!({"a": 2})), Difference::Drifted);
        check(&case(json!({"a": 3}), json!({"a": 1}), json!({"a": 2})), Difference::Conflicted);
        let both = case(json!({"a": 1, "b": 3}), json!({"a": 1, "b": 1}), json!({"a": 2, "b": 2}));
        assert_eq!(check(&both, Difference::Conflicted).fields.len(), 2);
    }

    #[test]
    fn null_is_the_default_and_equals_what_is_not_set() {
        let found = check(&case(json!({"a": null}), None, json!({})), Difference::Synced);
        assert_eq!(found.applied, Some(json!({"a": null})));
        check(&case(json!({"a": null}), json!({"a": null}), json!({"a": 2})), Difference::Drifted);
        check(&case(json!({"a": null}), json!({"a": 1}), json!({"a": 1})), Difference::Pending);
    }

    #[test]
    fn a_wish_equal_to_the_default_notices_its_loss() {
        check(&case(json!({"a": "604800000"}), json!({"a": "604800000"}), json!({})), Difference::Drifted);
    }

    #[test]
    fn a_field_nobody_spoke_of_is_no_difference() {
        let found = check(&case(json!({}), json!({"b": 1}), json!({"b": 2, "c": 3})), Difference::Synced);
        assert!(found.fields.is_empty());
    }

    #[test]
    fn absence_is_drift_once_it_was_applied_and_pending_before() {
        let wish = json!({"a": 1});
        for (applied, expected) in [(None, Difference::Pending), (Some(json!({"a": 1})), Difference::Drifted)]
        {
            let images = Images {
                desired: Some(&wish),
                applied: applied.as_ref(),
                seen: Seen::Absent,
                partial: false,
            };
            let found = compare(&images, &shape(), &|_| false);
            assert_eq!(found.difference, expected);
            assert_eq!(found.fields.first().map(|field| field.path.as_str()), Some(""));
            assert_eq!(found.applied, applied);
        }
    }

    #[test]
    fn the_unseen_is_pending_where_the_wish_was_not_applied_and_else_as_before() {
        let unseen = |applied: Value| Case {
            desired: json!({"a": 1}),
            applied: Some(applied),
            observed: None,
            partial: false,
        };
        check(&unseen(json!({"a": 1})), Difference::Synced);
        check(&unseen(json!({"a": 2})), Difference::Pending);
    }

    #[test]
    fn what_a_partial_look_leaves_out_is_neither_drifted_nor_synced_by_accident() {
        let partial = |desired: Value, applied: Option<Value>| Case {
            desired,
            applied,
            observed: Some(json!({"b": 1})),
            partial: true,
        };
        check(&partial(json!({"a": 1}), Some(json!({"a": 1}))), Difference::Synced);
        let found = check(&partial(json!({"a": null}), None), Difference::Pending);
        assert_eq!(found.applied, None);
    }

    #[test]
    fn arrays_compare_whole_and_as_sets_where_the_type_says_so() {
        check(
            &case(json!({"list": [1, 2]}), json!({"list": [1, 2]}), json!({"list": [2, 1]})),
            Difference::Drifted,
        );
        check(
            &case(json!({"hosts": {"x": [1, 2]}}), None, json!({"hosts": {"x": [2, 1]}})),
            Difference::Synced,
        );
    }

    #[test]
    fn a_secret_compares_by_the_version_that_was_applied() {
        let secret = |version: u64| json!({"password": {"$secret": "p", "version": version}});
        check(&case(secret(1), secret(1), json!({})), Difference::Synced);
        check(&case(secret(2), secret(1), json!({})), Difference::Pending);
        check(&case(json!({"password": "ref"}), None, json!({"password": "***"})), Difference::Pending);
    }

    #[test]
    fn an_ignored_difference_is_hidden_and_says_so() {
        let (desired, observed) = (json!({"a": 1, "b": 1}), json!({"a": 2, "b": 1}));
        let images = Images {
            desired: Some(&desired),
            applied: Some(&desired),
            seen: Seen::Present(&observed),
            partial: false,
        };
        let found = compare(&images, &shape(), &|path| path == "/a");
        assert_eq!(found.difference, Difference::Synced);
        assert!(found.fields.iter().all(|field| field.ignored && field.state == FieldState::Drifted));
        assert_eq!(found.fields.len(), 1);
    }
}
