//! The sentences of planning, one test each, over the model's plugin.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::{World, key, shape, steps};
use super::{Document, Draft, Raised, Request, Snapshot, assemble, batches, prepare, unmentioned};
use crate::domain::contract::{MetadataType, Scope};
use crate::domain::id::{ClusterId, PlanId};
use crate::domain::place::Place;
use crate::domain::plan::{Intent, Plan, PlanState, Reason, Standing, Verb};
use crate::domain::policy::{Authority, IgnoreRule, Policy, PolicyEntry, PolicySubject};
use crate::domain::resource::Sort;

fn document(id: &str, spec: Value) -> Document {
    Document { metadata_type: "topic".to_owned(), id: id.to_owned(), spec: Some(spec), ..Document::default() }
}

fn draft(request: &Request, snapshot: &Snapshot) -> Draft {
    draft_raised(request, snapshot, &Raised::default())
}

fn draft_raised(request: &Request, snapshot: &Snapshot, raised: &Raised) -> Draft {
    let prepared = prepare(request, snapshot);
    let answers = prepared.changes.iter().map(steps).collect();
    assemble(prepared, answers, snapshot, raised)
}

/// The lines of a draft: verb, id and, where blocked, why.
fn lines(draft: &Draft) -> Vec<String> {
    let steps = draft.steps.iter().map(|step| format!("{:?} {}", step.verb, step.key.id));
    let blocked =
        draft.blocked.iter().map(|blocked| format!("blocked {}: {}", blocked.key.id, blocked.reason));
    steps.chain(blocked).collect()
}

/// `n` topics that are ours, named t00…, and one that is not: `theirs`.
fn world(number: usize) -> World {
    let mut world = World::default();
    let documents = (0..number).map(|at| document(&format!("t{at:02}"), json!({"partitions": 2}))).collect();
    world.propose(&Request::Documents(documents), &Raised::default());
    world.calm();
    world.make("theirs", json!({"partitions": 3}));
    world.sweep(&|_| true, true);
    world
}

fn policy(id: Option<&str>, policy: Policy) -> PolicyEntry {
    let subject = PolicySubject { metadata_type: Some("topic".to_owned()), id: id.map(str::to_owned) };
    PolicyEntry { subject, policy }
}

#[test]
fn wishing_for_what_is_not_ours_plans_its_adoption_visibly() {
    let snapshot = world(0).snapshot();
    let same = draft(&Request::Documents(vec![document("theirs", json!({"partitions": 3}))]), &snapshot);
    assert_eq!(lines(&same), ["Adopt theirs"]);
    assert_eq!(same.steps[0].summary, "exists with 3 partitions; becomes ours as it is");
    let more = draft(&Request::Documents(vec![document("theirs", json!({"partitions": 6}))]), &snapshot);
    assert_eq!(lines(&more), ["Adopt theirs", "Edit theirs"]);
    assert_eq!(more.steps[1].depends_on, [0]);
}

#[test]
fn a_wish_without_a_place_is_one_for_each_home_of_its_type_and_a_placed_one_lies_over_it() {
    let group = |name: &str| Place::Group(name.to_owned());
    let mut snapshot = world(0).snapshot();
    for shape in &mut snapshot.types {
        shape.scope = Scope::Group;
    }
    snapshot.homes = BTreeMap::from([("topic".to_owned(), vec![group("a"), group("b")])]);
    let placed = Document { at: Some(group("b")), ..document("new", json!({"partitions": 8})) };
    let all = document("new", json!({"partitions": 4, "config": {"x": "1"}}));
    let found = draft(&Request::Documents(vec![placed, all]), &snapshot);
    let wishes: Vec<_> =
        found.wishes.iter().map(|wish| (wish.key.place.clone(), wish.intent.clone())).collect();
    let have = |partitions: u32| Intent::Have(json!({"partitions": partitions, "config": {"x": "1"}}));
    assert_eq!(wishes, [(group("a"), have(4)), (group("b"), have(8))]);
    assert_eq!(lines(&found), ["Create new", "Create new"]);
    snapshot.homes.clear();
    let homeless = draft(&Request::Documents(vec![document("new", json!({"partitions": 4}))]), &snapshot);
    assert_eq!(
        lines(&homeless),
        ["blocked new: no place of the cluster can hold it yet; try: headgate sync lab"]
    );
}

#[test]
fn a_wish_without_a_place_stands_for_places_that_join_later_until_it_is_taken_back() {
    let group = |name: &str| Place::Group(name.to_owned());
    let mut snapshot = world(0).snapshot();
    for shape in &mut snapshot.types {
        shape.scope = Scope::Group;
    }
    snapshot.homes = BTreeMap::from([("topic".to_owned(), vec![group("a")])]);
    let wish = Request::Documents(vec![document("new", json!({"partitions": 4}))]);
    let first = draft(&wish, &snapshot);
    let stands = first.standing[0].after.clone().unwrap();
    assert_eq!((&first.standing[0].before, &stands.places), (&None, &vec![group("a")]));
    snapshot.standing.insert(stands.key(), stands.clone());
    assert_eq!(draft(&wish, &snapshot).standing, [], "said twice is said once");

    snapshot.homes.insert("topic".to_owned(), vec![group("a"), group("b")]);
    let joined = draft(&Request::Join { wishes: vec![stands.clone()] }, &snapshot);
    assert_eq!(lines(&joined), ["Create new"]);
    assert_eq!(joined.steps[0].key.place, group("b"));
    assert_eq!(joined.standing[0].after.as_ref().unwrap().places, [group("a"), group("b")]);

    let undo = Request::Undo { plan: Box::new(plan(first)) };
    assert_eq!(draft(&undo, &snapshot).standing, [Standing { before: Some(stands), after: None }]);
    snapshot.standing.clear();
    assert_eq!(draft(&undo, &snapshot).standing, [], "said again since then, it stays");
}

#[test]
fn a_secret_that_the_wish_names_is_handed_over_with_what_was_applied() {
    let mut snapshot = world(1).snapshot();
    let secret = |version: u32| json!({"$secret": "alice", "version": version});
    let row = snapshot.resources.get_mut(&key("t00")).unwrap();
    row.desired = Some(json!({"partitions": 2, "config": {"password": secret(1)}}));
    row.applied.clone_from(&row.desired);
    let wish = |partitions: u32, version: u32| {
        let spec = json!({"partitions": partitions, "config": {"password": secret(version)}});
        prepare(&Request::Documents(vec![document("t00", spec)]), &snapshot)
    };
    assert_eq!(wish(2, 1).changes, [], "the same version is the same wish");
    let other = &wish(3, 1).changes[0];
    let given = |spec: &Option<Value>| spec.as_ref().unwrap()["config"]["password"].clone();
    assert_eq!((given(&other.before), given(&other.after)), (secret(1), secret(1)));
    let anew = &wish(2, 2).changes[0];
    assert_eq!((given(&anew.before), given(&anew.after)), (secret(1), secret(2)));
}

#[test]
fn what_is_not_ours_protected_or_internal_is_never_deleted() {
    let mut snapshot = world(1).snapshot();
    let protect = Policy { protect: Some(true), ..Policy::default() };
    snapshot.policies = vec![policy(Some("t00"), protect)];
    let all = Request::Delete { keys: vec![key("t00"), key("theirs"), key("nowhere")] };
    assert_eq!(
        lines(&draft(&all, &snapshot)),
        [
            "blocked nowhere: it is not there: nothing to delete",
            "blocked t00: it is protected; take the protection off first: headgate policy set lab topic t00 --protect false",
            "blocked theirs: it is not ours and is never deleted; adopt it first: headgate adopt topic theirs -c lab",
        ]
    );
    snapshot.resources.get_mut(&key("theirs")).unwrap().internal = true;
    let wished = draft(&Request::Documents(vec![document("theirs", json!({"partitions": 6}))]), &snapshot);
    assert_eq!(lines(&wished), ["blocked theirs: it is the backend's own (internal): shown, never ours"]);
    assert!(wished.wishes.is_empty());
}

#[test]
fn where_the_authority_observes_everything_is_blocked() {
    let snapshot = Snapshot { authority: Authority::Observe, ..world(1).snapshot() };
    let asked = Request::Documents(vec![document("new", json!({"partitions": 1}))]);
    assert_eq!(
        lines(&draft(&asked, &snapshot)),
        [
            "blocked new: the authority is `observe`: nothing is written; change it: headgate policy set lab --authority manage"
        ]
    );
}

#[test]
fn an_unconfirmed_write_lets_through_only_its_own_sort() {
    let mut snapshot = world(1).snapshot();
    let grow = Request::Documents(vec![document("t00", json!({"partitions": 4}))]);
    snapshot.unsure.insert(key("t00"), Sort::Edit);
    assert_eq!(lines(&draft(&grow, &snapshot)), ["Edit t00"]);
    assert_eq!(
        lines(&draft(&Request::Delete { keys: vec![key("t00")] }, &snapshot)),
        ["blocked t00: its last edit is not confirmed yet: a delete waits until it is; plan again then"]
    );
}

#[test]
fn a_way_that_the_plugin_refuses_is_blocked_and_its_wish_recorded() {
    let found =
        draft(&Request::Documents(vec![document("t00", json!({"partitions": 1}))]), &world(1).snapshot());
    assert_eq!(lines(&found), ["blocked t00: partitions can't shrink"]);
    assert_eq!(found.wishes.len(), 1);
}

#[test]
fn a_replaced_wish_shows_what_it_lets_go_of() {
    let found =
        draft(&Request::Documents(vec![document("t00", json!({"config": {}}))]), &world(1).snapshot());
    assert_eq!(lines(&found), ["Wish t00"]);
    assert_eq!(found.wishes[0].lets_go, ["/partitions"]);
    assert_eq!(found.wishes[0].before, Some(json!({"partitions": 2})));
}

#[test]
fn deletes_are_limited_to_ten_and_to_thirty_percent_but_one_is_always_allowed() {
    let delete = |world: &World, number: usize| {
        let keys = (0..number).map(|at| key(&format!("t{at:02}"))).collect();
        let draft = draft(&Request::Delete { keys }, &world.snapshot());
        draft.exceeded.into_iter().map(|exceeded| exceeded.limit).collect::<Vec<_>>()
    };
    assert!(delete(&world(1), 1).is_empty());
    // Ten of them with the stranger: three are 30 %.
    let ten = world(9);
    assert!(delete(&ten, 3).is_empty());
    assert_eq!(delete(&ten, 4), ["deletes_percent_max"]);
    let many = world(59);
    assert!(delete(&many, 10).is_empty());
    assert_eq!(delete(&many, 11), ["deletes_max"]);
}

#[test]
fn edits_are_limited_to_thirty_percent_from_twenty_resources_on() {
    let edit_raised = |number: usize, edits: usize, edits_percent_max: Option<u32>| {
        let documents =
            (0..edits).map(|at| document(&format!("t{at:02}"), json!({"partitions": 4}))).collect();
        let raised = Raised { edits_percent_max, ..Raised::default() };
        draft_raised(&Request::Documents(documents), &world(number).snapshot(), &raised).exceeded
    };
    let edit = |number: usize, edits: usize| edit_raised(number, edits, None);
    assert!(edit(18, 18).is_empty());
    assert!(edit(19, 6).is_empty());
    let exceeded = edit(19, 7);
    assert_eq!(
        exceeded[0].message,
        "7 edits of 20 resources of type topic, at most 30 % are allowed in one plan; hand in fewer at once, \
         plan again with --max-edits-percent 35, \
         or raise it for good: headgate policy set lab topic --max-edits-percent 35"
    );
    assert!(edit_raised(19, 7, Some(35)).is_empty());
    assert_eq!(edit_raised(19, 7, Some(34)).len(), 1);
}

#[test]
fn an_ignored_difference_is_left_alone_and_the_plan_says_so() {
    let mut snapshot = world(1).snapshot();
    let rule = IgnoreRule { pattern: "t*".to_owned(), field: Some("/partitions".to_owned()) };
    snapshot.policies = vec![policy(None, Policy { ignore: vec![rule], ..Policy::default() })];
    let found = draft(&Request::Documents(vec![document("t00", json!({"partitions": 4}))]), &snapshot);
    assert_eq!(lines(&found), ["Wish t00"]);
    assert_eq!(
        found.warnings[0].reason,
        "/partitions differs from the wish, and a rule ignores it: left alone"
    );
}

#[test]
fn types_go_in_the_order_of_their_after_and_deletes_the_other_way_round() {
    let mut world = world(2);
    let after = MetadataType { name: "acl".to_owned(), after: vec!["topic".to_owned()], ..shape() };
    let acl = |id: &str, delete: bool| Document {
        metadata_type: "acl".to_owned(),
        delete,
        ..document(id, json!({"partitions": 1}))
    };
    // A row of the other type that is ours.
    let mut owned = world.rows.get(&key("t00")).unwrap().clone();
    owned.key.metadata_type = "acl".to_owned();
    world.rows.insert(owned.key.clone(), owned);
    let mut snapshot = world.snapshot();
    snapshot.types.insert(0, after);
    let gone = Document { delete: true, ..document("t01", json!({})) };
    let asked = vec![acl("new", false), acl("t00", true), gone, document("x", json!({"partitions": 1}))];
    let found = draft(&Request::Documents(asked), &snapshot);
    assert_eq!(lines(&found), ["Create x", "Create new", "Delete t00", "Delete t01"]);
    assert_eq!(batches(&plan(found), 10), [vec![0], vec![1], vec![2], vec![3]]);
}

#[test]
fn independent_steps_share_a_batch_and_those_of_one_resource_do_not() {
    let wish = json!({"partitions": 4, "config": {"x": "1"}});
    let found = draft(
        &Request::Documents(vec![document("t00", wish.clone()), document("t01", wish)]),
        &world(2).snapshot(),
    );
    assert_eq!(lines(&found), ["Edit t00", "Edit t00", "Edit t01", "Edit t01"]);
    assert_eq!(batches(&plan(found), 10), [vec![0, 2], vec![1, 3]]);
}

#[test]
fn what_is_wished_in_no_document_is_listed_and_left_alone() {
    let left = unmentioned(&[document("a", json!({}))], &[key("b"), key("a")]);
    assert_eq!(left.iter().map(|left| left.key.id.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_plugin_that_answers_with_another_resource_or_field_is_refused() {
    let snapshot = world(1).snapshot();
    let request = Request::Documents(vec![document("t00", json!({"partitions": 4}))]);
    let answer = |change: &dyn Fn(&mut crate::domain::resource::Write)| {
        let prepared = prepare(&request, &snapshot);
        let mut planned = steps(&prepared.changes[0]).unwrap();
        change(&mut planned[0].write);
        lines(&assemble(prepared, vec![Ok(planned)], &snapshot, &Raised::default())).remove(0)
    };
    let other = answer(&|write| write.key.id = "theirs".to_owned());
    assert!(other.starts_with("blocked t00: the plugin wants to write topic `theirs`"), "{other}");
    let field = answer(&|write| {
        let edit = crate::domain::resource::Edit { path: "/config/z".to_owned(), value: None };
        write.action = crate::domain::resource::Action::Edit(vec![edit]);
    });
    assert_eq!(field, "blocked t00: the plugin wants to write `/config/z`, which nobody spoke of: refused");
}

#[test]
fn an_undo_stops_where_the_cluster_has_moved_on() {
    let mut world = world(1);
    let wish = json!({"partitions": 2, "config": {"x": "1"}});
    let done = world.propose(&Request::Documents(vec![document("t00", wish)]), &Raised::default());
    world.calm();
    world.topics.get_mut("t00").unwrap().spec["config"]["x"] = json!("theirs");
    world.sweep(&|_| true, true);
    let undo = Request::Undo { plan: Box::new(world.plans[done].clone()) };
    assert_eq!(
        lines(&draft(&undo, &world.snapshot())),
        ["blocked t00: it changed in /config/x (1 → theirs) since plan 1 was applied: the undo stops here"]
    );
}

#[test]
fn the_undo_of_a_create_is_a_destructive_delete_and_of_an_adoption_a_release() {
    let mut world = world(0);
    let documents =
        vec![document("new", json!({"partitions": 1})), document("theirs", json!({"partitions": 3}))];
    let done = world.propose(&Request::Documents(documents), &Raised::default());
    world.calm();
    let undo = Request::Undo { plan: Box::new(world.plans[done].clone()) };
    let found = draft(&undo, &world.snapshot());
    assert_eq!(lines(&found), ["Delete new", "Release theirs"]);
    assert!(found.steps[0].destructive && found.steps[0].verb == Verb::Delete);
    assert_eq!(super::deletes(&found.steps, &found.base), 1);
}

fn plan(draft: Draft) -> Plan {
    Plan {
        id: PlanId("1".to_owned()),
        cluster: ClusterId("lab".to_owned()),
        state: PlanState::Applying,
        reason: Reason::Documents,
        created_by: "a test".to_owned(),
        created_at_ms: 0,
        updated_at_ms: 0,
        wishes: draft.wishes,
        standing: draft.standing,
        base: draft.base,
        steps: draft.steps,
        blocked: draft.blocked,
        warnings: draft.warnings,
        unchanged: draft.unchanged,
        exceeded: draft.exceeded,
        allow_destructive: false,
        deletes_max: None,
        message: None,
        approved_by: None,
        approved_request_id: None,
        version: 0,
    }
}
