//! What must hold, whatever happens: properties over the model. `HEADGATE_CASES` sets how many cases each runs.

use std::collections::BTreeSet;

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Value, json};

use super::model::{Death, Luck, World, key};
use super::{Document, Raised, Request};
use crate::domain::fields;
use crate::domain::plan::{Intent, PlanState, StepState};
use crate::domain::resource::{Action, Presence};
use crate::domain::status::{Activity, Status};

const CASES: u32 = 256;
const IDS: [&str; 4] = ["a", "b", "c", "d"];
const FREELY: Raised =
    Raised { deletes_max: Some(u32::MAX), edits_percent_max: Some(100), allow_destructive: true };

#[derive(Clone, Debug)]
enum Event {
    Wish(usize, Value),
    Delete(usize),
    Adopt(usize),
    Revert,
    Resume,
    Undo(usize),
    Tick(Luck, Death),
    Wait(i64),
    Sweep { is_complete: bool },
    OthersMake(usize, Value),
    OthersDelete(usize),
    OthersEdit(usize, String),
}

/// Runs with a fixed seed, so that a failure is the same everywhere.
fn check<S: Strategy>(name: &str, strategy: &S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let cases = std::env::var("HEADGATE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    println!("{name}: {cases} cases");
    if let Err(error) = TestRunner::new_with_rng(config, rng).run(strategy, property) {
        panic!("{name}: {error}");
    }
}

/// Ours and other people's values never meet: a stranger is never by chance what we wished for.
fn wish() -> impl Strategy<Value = Value> {
    let value = prop_oneof![Just(json!("1")), Just(json!("2")), Just(Value::Null)];
    (any::<bool>(), 1..4_u64, prop_oneof!["1", "2"], proptest::option::of(value)).prop_map(
        |(with_partitions, partitions, x, y)| {
            let mut wish = json!({"config": {"x": x}});
            if with_partitions {
                wish["partitions"] = json!(partitions);
            }
            if let Some(y) = y {
                wish["config"]["y"] = y;
            }
            wish
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let id = || 0..IDS.len();
    let luck = prop_oneof![
        6 => Just(Luck::Well), 1 => Just(Luck::Refused), 2 => Just(Luck::DoneLost),
        1 => Just(Luck::Lost), 2 => Just(Luck::Late)
    ];
    let death =
        prop_oneof![8 => Just(Death::None), 1 => Just(Death::BeforeSending), 1 => Just(Death::BeforeStoring)];
    prop_oneof![
        6 => (id(), wish()).prop_map(|(id, wish)| Event::Wish(id, wish)),
        1 => id().prop_map(Event::Delete),
        1 => id().prop_map(Event::Adopt),
        1 => Just(Event::Revert),
        1 => Just(Event::Resume),
        1 => (0..8_usize).prop_map(Event::Undo),
        16 => (luck, death).prop_map(|(luck, death)| Event::Tick(luck, death)),
        2 => prop_oneof![Just(1_000), Just(20_000), Just(70_000)].prop_map(Event::Wait),
        1 => any::<bool>().prop_map(|is_complete| Event::Sweep { is_complete }),
        1 => (id(), prop_oneof![Just(json!({"partitions": 7})), Just(json!({"partitions": 8, "config": {"z": "o"}}))])
            .prop_map(|(id, spec)| Event::OthersMake(id, spec)),
        1 => id().prop_map(Event::OthersDelete),
        1 => (id(), prop_oneof!["x", "y", "z"]).prop_map(|(id, field)| Event::OthersEdit(id, field)),
    ]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    proptest::collection::vec(event(), 1..60)
}

fn document(id: &str, spec: Value) -> Document {
    Document { metadata_type: "topic".to_owned(), id: id.to_owned(), spec: Some(spec), ..Document::default() }
}

fn happen(world: &mut World, event: Event) {
    let keys = || world.rows.keys().cloned().collect::<Vec<_>>();
    let request = match event {
        Event::Wish(id, wish) => Request::Documents(vec![document(IDS[id], wish)]),
        Event::Delete(id) => Request::Delete { keys: vec![key(IDS[id])] },
        Event::Adopt(id) => Request::Adopt { metadata_type: "topic".to_owned(), keys: vec![key(IDS[id])] },
        Event::Revert => Request::Revert { keys: keys(), fields: None, by_policy: false },
        Event::Resume => Request::Resume { keys: keys() },
        Event::Undo(plan) => match world.plans.get(plan) {
            Some(plan) => Request::Undo { plan: Box::new(plan.clone()) },
            None => return,
        },
        Event::Tick(luck, death) => {
            world.tick(&mut || luck, death);
            return;
        }
        Event::Wait(by_ms) => return world.advance(by_ms),
        Event::Sweep { is_complete } => return world.sweep(&|id| is_complete || id < "c", is_complete),
        Event::OthersMake(id, spec) => {
            world.make(IDS[id], spec);
            return;
        }
        Event::OthersDelete(id) => {
            world.topics.remove(IDS[id]);
            return;
        }
        Event::OthersEdit(id, field) => {
            if let Some(topic) = world.topics.get_mut(IDS[id]) {
                fields::set(&mut topic.spec, &format!("/config/{field}"), json!("o"));
            }
            return;
        }
    };
    world.propose(&request, &FREELY);
}

fn lived(events: Vec<Event>) -> World {
    let mut world = World::default();
    for event in events {
        happen(&mut world, event);
    }
    world
}

#[test]
fn every_interleaving_ends_with_each_wish_settled_and_none_lost() {
    check("every interleaving ends with each wish settled", &events(), |events| {
        let mut world = lived(events);
        world.calm();
        let keys: Vec<_> = world.rows.keys().cloned().collect();
        world.propose(&Request::Resume { keys }, &FREELY);
        world.calm();
        for plan in &world.plans {
            prop_assert!(
                !matches!(plan.state, PlanState::Approved | PlanState::Applying),
                "plan {} never ended",
                plan.id
            );
        }
        for (key, row) in world.rows.iter().filter(|(_, row)| row.desired.is_some()) {
            let is_settled = match row.status {
                Status::Synced | Status::Drifted | Status::Conflicted => true,
                Status::Failed | Status::Blocked => match &row.activity {
                    Activity::Failed { reason } | Activity::Blocked { reason } => !reason.is_empty(),
                    Activity::Idle | Activity::Syncing | Activity::Unknown { .. } => false,
                },
                Status::Unknown | Status::Pending | Status::Syncing | Status::Unmanaged => false,
            };
            prop_assert!(is_settled, "{} is {:?}: {row:#?}\n{:#?}", key.id, row.status, world.topics);
        }
        Ok(())
    });
}

#[test]
fn a_wish_that_was_begun_is_kept_until_another_takes_its_place() {
    check("a wish that was begun is kept", &events(), |events| {
        let mut world = lived(events);
        world.calm();
        let mut last = std::collections::BTreeMap::new();
        for plan in
            world.plans.iter().filter(|plan| matches!(plan.state, PlanState::Applied | PlanState::Failed))
        {
            for wish in &plan.wishes {
                let steps = plan.steps.iter().filter(|step| step.key == wish.key);
                let is_done = steps.clone().all(|step| step.state == StepState::Done) && steps.count() > 0;
                match &wish.intent {
                    Intent::Have(desired) => {
                        last.insert(wish.key.clone(), Some(desired.clone()));
                    }
                    Intent::Gone | Intent::Release if is_done => {
                        last.insert(wish.key.clone(), None);
                    }
                    Intent::Gone | Intent::Release => {}
                }
            }
        }
        for (key, wish) in last {
            prop_assert_eq!(world.rows.get(&key).and_then(|row| row.desired.clone()), wish);
        }
        Ok(())
    });
}

#[test]
fn nothing_that_is_not_ours_is_ever_written_or_deleted() {
    check("nothing that is not ours is written", &events(), |events| {
        let mut world = lived(events);
        world.calm();
        prop_assert!(world.trespasses.is_empty(), "{:#?}", world.trespasses);
        Ok(())
    });
}

#[test]
fn planning_after_an_apply_is_empty_or_says_what_is_blocked() {
    let wishes = proptest::collection::vec((0..IDS.len(), wish()), 1..5);
    check("applying twice is applying once", &wishes, |wishes| {
        let mut world = World::default();
        world.make("a", json!({"partitions": 7, "config": {"x": "o"}}));
        let mut named = BTreeSet::new();
        let documents: Vec<Document> = wishes
            .into_iter()
            .filter(|(id, _)| named.insert(*id))
            .map(|(id, wish)| document(IDS[id], wish))
            .collect();
        world.propose(&Request::Documents(documents.clone()), &FREELY);
        world.calm();
        let (sent, topics) = (world.sent, world.topics.clone());
        let again = world.propose(&Request::Documents(documents), &FREELY);
        prop_assert!(world.plans[again].steps.is_empty(), "{:#?}", world.plans[again].steps);
        world.calm();
        prop_assert_eq!((world.sent, &world.topics), (sent, &topics));
        Ok(())
    });
}

#[test]
fn undo_restores_what_was_touched_and_has_an_inverse_and_no_others() {
    check("undo restores what was touched", &(wish(), wish(), any::<bool>()), |(first, second, is_there)| {
        let mut world = World::default();
        if is_there {
            world.propose(&Request::Documents(vec![document("a", first)]), &FREELY);
            world.calm();
            fields::set(&mut world.topics.get_mut("a").unwrap().spec, "/config/z", json!("o"));
        }
        let before = world.topics.clone();
        let wished = world.rows.get(&key("a")).and_then(|row| row.desired.clone());
        let plan = world.propose(&Request::Documents(vec![document("a", second)]), &FREELY);
        world.calm();
        let mut expected = before;
        if let (Some(topic), Some(now)) = (expected.get_mut("a"), world.topics.get("a")) {
            // More partitions can't be taken back.
            topic.spec["partitions"] = now.spec["partitions"].clone();
        }
        let is_applied = !world.plans[plan].wishes.is_empty();
        let grew = world.plans[plan].steps.iter().any(|step| step.write.is_some() && step.undo.is_none());
        let undo = Request::Undo { plan: Box::new(world.plans[plan].clone()) };
        let undo = world.propose(&undo, &FREELY);
        world.calm();
        if is_applied {
            prop_assert!(world.plans[undo].blocked.is_empty(), "{:#?}", world.plans[undo].blocked);
        }
        prop_assert_eq!(&world.topics, &expected);
        let row = world.rows.get(&key("a"));
        if !grew {
            prop_assert_eq!(row.and_then(|row| row.desired.clone()), wished);
        }
        prop_assert!(!grew || !world.plans[undo].warnings.is_empty());
        Ok(())
    });
}

#[test]
fn a_partial_listing_makes_nothing_absent_and_an_empty_one_runs_into_the_limits() {
    check("a partial listing makes nothing absent", &(2..40_usize, any::<u8>()), |(number, hidden)| {
        let mut world = World::default();
        let ids: Vec<String> = (0..number).map(|at| format!("t{at:02}")).collect();
        let documents = ids.iter().map(|id| document(id, json!({"partitions": 1}))).collect();
        let made = world.propose(&Request::Documents(documents), &Raised::default());
        prop_assert_eq!(world.plans[made].state, PlanState::Approved, "creations are not limited");
        world.calm();
        world.sweep(&|id| id.len() % 2 == usize::from(hidden) % 2, false);
        prop_assert!(world.rows.values().all(|row| row.presence == Presence::Present));
        world.topics.clear();
        world.sweep(&|_| true, true);
        prop_assert!(world.rows.values().all(|row| row.presence == Presence::Absent));
        let keys: Vec<_> = world.rows.keys().cloned().collect();
        let again = Request::Revert { keys, fields: None, by_policy: true };
        let plan = world.propose(&again, &Raised::default());
        prop_assert_eq!(world.plans[plan].state, PlanState::Proposed);
        prop_assert!(!world.plans[plan].exceeded.is_empty());
        for exceeded in &world.plans[plan].exceeded {
            prop_assert!(
                exceeded.message.contains(&format!("--max-deletes {number}")),
                "{}",
                exceeded.message
            );
        }
        let raised = Raised { deletes_max: Some(u32::try_from(number).unwrap()), ..Raised::default() };
        prop_assert!(super::refusals(&world.plans[plan], &raised).is_empty());
        Ok(())
    });
}

#[test]
fn a_field_nobody_spoke_of_is_never_written() {
    check("a field nobody spoke of is never written", &events(), |events| {
        let mut world = lived(events);
        world.calm();
        // Nobody ever wished for `z`: it is in no write, and in no difference.
        let writes = world.plans.iter().flat_map(|plan| &plan.steps).filter_map(|step| step.write.as_ref());
        for write in writes {
            if let Action::Edit(edits) = &write.action {
                prop_assert!(edits.iter().all(|edit| edit.path != "/config/z" || was_adopted(&world)));
            }
        }
        for row in world.rows.values() {
            let judged = crate::domain::compare::judge(row, &super::model::shape(), &|_| false);
            let wished = row.desired.as_ref().map(fields::paths).unwrap_or_default();
            prop_assert!(
                judged.fields.iter().all(|field| field.path.is_empty() || wished.contains(&field.path))
            );
        }
        Ok(())
    });
}

/// Adopting speaks of all that was set.
fn was_adopted(world: &World) -> bool {
    let wishes = world.plans.iter().flat_map(|plan| &plan.wishes);
    wishes.clone().any(|wish| match &wish.intent {
        Intent::Have(desired) => fields::at(desired, "/config/z").is_some(),
        Intent::Gone | Intent::Release => false,
    })
}

#[test]
fn an_unchanged_world_costs_no_write_and_no_row() {
    check("an unchanged world costs nothing", &events(), |events| {
        let mut world = lived(events);
        world.calm();
        let (rows, sent) = (world.rows_written, world.sent);
        world.sweep(&|_| true, true);
        world.sweep(&|id| id < "c", false);
        world.tick(&mut || Luck::Well, Death::None);
        prop_assert_eq!((world.rows_written, world.sent), (rows, sent));
        Ok(())
    });
}

#[test]
fn the_same_inputs_make_the_same_draft() {
    check("the same inputs make the same draft", &(events(), wish()), |(events, wish)| {
        let mut world = lived(events);
        world.sweep(&|_| true, true);
        let snapshot = world.snapshot();
        let documents: Vec<Document> = IDS.iter().map(|id| document(id, wish.clone())).collect();
        let turned: Vec<Document> = documents.iter().rev().cloned().collect();
        let draft = |documents: Vec<Document>| {
            let prepared = super::prepare(&Request::Documents(documents), &snapshot);
            let answers = prepared.changes.iter().map(super::model::steps).collect();
            super::assemble(prepared, answers, &snapshot, &Raised::default())
        };
        prop_assert_eq!(draft(documents), draft(turned));
        Ok(())
    });
}
