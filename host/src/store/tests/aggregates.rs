//! Plans, nodes, sweeps, policies, tokens and the rest read back as they were saved.

use serde_json::json;

use super::{Backend, Postgres, Sqlite, event, insert_cluster};
use crate::domain::cluster::{Health, Node};
use crate::domain::id::{ClusterId, PlanId, TokenId};
use crate::domain::place::Place;
use crate::domain::plan::{
    Base, Intent, Plan, PlanState, Reason, Standing, StandingWish, Step, StepState, Verb, Wish,
};
use crate::domain::policy::{Authority, Policy, PolicyEntry, PolicySubject};
use crate::domain::resource::{Action, Listed, Outcome, Sweep, Transition, Write, Written};
use crate::domain::status::Status;
use crate::store::testing::resource;
use crate::store::{Idempotent, StoreError, Token, TokenRole};

on_both! {
    async fn a_plan_and_its_steps_read_back_as_they_were_saved(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let mut saved = plan(&lab.id, 700);
        let newer = plan(&lab.id, 1);
        let mut tx = store.begin().await.unwrap();
        tx.insert_plan(&saved).await.unwrap();
        tx.insert_plan(&newer).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.find_plan(&saved.id).await.unwrap(), Some(saved.clone()));
        assert_eq!(store.open_plans(&lab.id).await.unwrap(), []);

        let mut late = saved.clone();
        saved.state = PlanState::Applying;
        saved.deletes_max = Some(20);
        saved.message = Some("applying".to_owned());
        for step in &mut saved.steps {
            step.state = StepState::Done;
            step.attempt = 1;
            step.outcome = Some(Outcome::Done(Written::default()));
            step.ended_at_ms = Some(9);
        }
        let mut tx = store.begin().await.unwrap();
        assert!(tx.save_plan(&mut saved).await.unwrap());
        assert!(!tx.save_plan(&mut late).await.unwrap(), "it changed meanwhile");
        tx.save_steps(&saved.id, &saved.steps).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.open_plans(&lab.id).await.unwrap(), [saved.clone()]);

        let listed = store.list_plans(&lab.organization, Some(&lab.id), &[], None, 10).await.unwrap();
        let ids: Vec<_> = listed.iter().map(|plan| plan.id.clone()).collect();
        assert_eq!(ids, [newer.id.clone(), saved.id.clone()]);
        assert_eq!(listed[1].steps.len(), 700);
        assert_eq!((&listed[1].steps[0].write, listed[1].steps[0].verb), (&None, Verb::Create));
        let applying = [PlanState::Applying];
        let listed = store.list_plans(&lab.organization, None, &applying, None, 10).await.unwrap();
        assert_eq!(listed.len(), 1);
        let older = store.list_plans(&lab.organization, None, &[], Some(&newer.id), 10).await.unwrap();
        assert_eq!(older[0].id, saved.id);
    }

    async fn an_unchanged_node_is_not_written_and_a_gone_one_stays(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let nodes = [node("1"), node("2")];
        for (nodes, at_ms) in [(&nodes[..], 1_000), (&nodes[..], 2_000), (&nodes[..1], 90_000)] {
            let mut tx = store.begin().await.unwrap();
            tx.save_nodes(&lab.id, nodes, at_ms).await.unwrap();
            tx.commit().await.unwrap();
            if at_ms == 2_000 {
                let seen: Vec<_> = store.list_nodes(&lab.id).await.unwrap().iter().map(|(_, at)| *at).collect();
                assert_eq!(seen, [1_000, 1_000]);
            }
        }
        let gone = Node { health: Health::Unknown, ..node("2") };
        assert_eq!(store.list_nodes(&lab.id).await.unwrap(), [(node("1"), 90_000), (gone, 1_000)]);
        let mut tx = store.begin().await.unwrap();
        tx.delete_node(&lab.id, "2").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.list_nodes(&lab.id).await.unwrap().len(), 1);
    }

    async fn a_standing_wish_is_listed_while_a_copy_of_it_is_wished_for(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let (narrow, wide) = (standing(&["a"]), standing(&["a", "b"]));
        let mut copy = resource("t0");
        copy.desired = Some(json!({"partitions": 3}));
        let mut tx = store.begin().await.unwrap();
        tx.save_standing_wish(&lab.id, &narrow).await.unwrap();
        tx.save_standing_wish(&lab.id, &wide).await.unwrap();
        tx.commit().await.unwrap();
        let keys = [wide.key(), ("topic".to_owned(), "other".to_owned())].into();
        assert_eq!(store.find_standing_wishes(&lab.id, &keys).await.unwrap(), std::slice::from_ref(&wide));
        let planned = store.standing_places(&lab.id).await.unwrap();
        assert_eq!(planned, [("topic".to_owned(), wide.places.clone())]);
        let list = || store.list_standing_wishes(&lab.id, "topic", &wide.places);
        assert_eq!(list().await.unwrap(), [], "no copy of it is wished for any more");
        let mut tx = store.begin().await.unwrap();
        tx.save_resources(&lab.id, std::slice::from_mut(&mut copy)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(list().await.unwrap(), std::slice::from_ref(&wide));
        assert_eq!(store.list_standing_wishes(&lab.id, "topic", &narrow.places).await.unwrap(), []);
        let mut tx = store.begin().await.unwrap();
        tx.delete_standing_wish(&lab.id, "topic", "t0").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.standing_places(&lab.id).await.unwrap(), []);
    }

    async fn sweeps_policies_and_transitions_read_back(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let mut swept = sweep();
        let mut entry = policy(Some("topic"), None);
        let key = resource("a").key;
        let transition = |to, at_ms| Transition {
            key: key.clone(), from: Status::Synced, to, cause: "seen".to_owned(), at_ms,
        };
        let (first, second) = (transition(Status::Drifted, 7), transition(Status::Pending, 7));
        let mut tx = store.begin().await.unwrap();
        tx.save_sweep(&lab.id, &swept).await.unwrap();
        swept.complete_at_ms = None;
        tx.save_sweep(&lab.id, &swept).await.unwrap();
        tx.save_policy(&lab.id, &entry).await.unwrap();
        entry.policy.protect = Some(true);
        tx.save_policy(&lab.id, &entry).await.unwrap();
        tx.save_policy(&lab.id, &policy(None, None)).await.unwrap();
        tx.save_policy(&lab.id, &policy(Some("topic"), Some("a"))).await.unwrap();
        tx.delete_policy(&lab.id, &policy(Some("topic"), Some("a")).subject).await.unwrap();
        tx.insert_transitions(&lab.id, &[first.clone(), second.clone()]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.list_sweeps(&lab.id).await.unwrap(), [swept]);
        assert_eq!(store.list_policies(&lab.id).await.unwrap(), [policy(None, None), entry]);
        assert_eq!(store.list_transitions(&lab.id, &key, 9).await.unwrap(), [second, first]);
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.prune_transitions(7).await.unwrap(), 0);
        assert_eq!(tx.prune_transitions(8).await.unwrap(), 2);
    }

    async fn tokens_answers_and_plugin_state_read_back(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let token = token(&lab.organization);
        let answer =
            Idempotent { request_hash: "abc".to_owned(), status: 201, body: "{}".to_owned(), at_ms: 5 };
        let mut tx = store.begin().await.unwrap();
        tx.insert_token(&token, &[1, 2, 255]).await.unwrap();
        assert!(tx.insert_idempotent(&lab.organization, "k", &answer).await.unwrap());
        assert!(!tx.insert_idempotent(&lab.organization, "k", &answer).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(store.find_token_by_hash(&[1, 2, 255]).await.unwrap(), Some(token.clone()));
        assert_eq!(store.find_token_by_hash(&[1, 2]).await.unwrap(), None);
        assert_eq!(store.list_tokens(&lab.organization).await.unwrap(), std::slice::from_ref(&token));
        assert_eq!(store.find_idempotent(&lab.organization, "k").await.unwrap(), Some(answer));
        let mut tx = store.begin().await.unwrap();
        assert!(tx.delete_token(&token.id).await.unwrap());
        assert!(!tx.delete_token(&token.id).await.unwrap());
        assert_eq!(tx.prune_idempotent(6).await.unwrap(), 1);
        tx.commit().await.unwrap();

        store.set_state("kafka", &lab.id, "cursor", b"one", 1).await.unwrap();
        assert!(store.set_state("kafka", &lab.id, "cursor", b"\x00two", 1).await.unwrap());
        assert!(!store.set_state("kafka", &lab.id, "another", b"three", 1).await.unwrap());
        assert!(store.set_state("etcd", &lab.id, "another", b"three", 1).await.unwrap());
        assert_eq!(store.get_state("kafka", &lab.id, "another").await.unwrap(), None);
        assert_eq!(store.get_state("kafka", &lab.id, "cursor").await.unwrap().unwrap(), b"\x00two");
        store.delete_state("kafka", &lab.id, "cursor").await.unwrap();
        assert_eq!(store.get_state("kafka", &lab.id, "cursor").await.unwrap(), None);
    }

    async fn a_removed_cluster_takes_all_that_is_its_own_and_leaves_its_events(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let other = insert_cluster(&store, "other").await;
        let plan = plan(&lab.id, 2);
        let mut told = event("cluster.added");
        told.cluster = Some(lab.id.clone());
        let mut tx = store.begin().await.unwrap();
        for cluster in [&lab.id, &other.id] {
            tx.save_resources(cluster, &mut [resource("a")]).await.unwrap();
            tx.save_nodes(cluster, &[node("1")], 1).await.unwrap();
            tx.save_secret(cluster, "password", b"x").await.unwrap();
            tx.save_sweep(cluster, &sweep()).await.unwrap();
            tx.save_policy(cluster, &policy(None, None)).await.unwrap();
        }
        tx.insert_plan(&plan).await.unwrap();
        tx.insert_event(&told).await.unwrap();
        tx.delete_cluster(&lab.id).await.unwrap();
        let late = tx.save_resources(&lab.id, &mut [resource("b")]).await.unwrap_err();
        assert!(matches!(late, StoreError::NoCluster { .. }), "{late}");
        tx.commit().await.unwrap();
        assert_eq!(store.list_clusters(&lab.organization, None, 9).await.unwrap(), std::slice::from_ref(&other));
        assert_eq!(store.count_resources(&lab.id).await.unwrap(), []);
        assert_eq!(store.count_resources(&other.id).await.unwrap()[0].count, 1);
        assert_eq!(store.list_nodes(&lab.id).await.unwrap(), []);
        assert_eq!(store.secret_names(&lab.id).await.unwrap(), Vec::<String>::new());
        assert_eq!(store.secret_names(&other.id).await.unwrap(), ["password"]);
        assert_eq!(store.list_sweeps(&lab.id).await.unwrap(), []);
        assert_eq!(store.list_policies(&lab.id).await.unwrap(), []);
        assert_eq!(store.find_plan(&plan.id).await.unwrap(), None);
        let told = store.list_events(&lab.organization, Some(&lab.id), None, 9).await.unwrap();
        assert_eq!(told.len(), 1);
    }
}

pub(super) fn plan(cluster: &ClusterId, steps: u32) -> Plan {
    Plan {
        id: PlanId(uuid::Uuid::now_v7().to_string()),
        cluster: cluster.clone(),
        state: PlanState::Proposed,
        reason: Reason::Revert { by_policy: true },
        created_by: "owner".to_owned(),
        created_at_ms: 1,
        updated_at_ms: 2,
        wishes: vec![Wish {
            key: resource("t0").key,
            intent: Intent::Have(json!({"partitions": 3})),
            lets_go: Vec::new(),
            before: None,
            was_owned: false,
        }],
        standing: vec![Standing { before: None, after: Some(standing(&["a"])) }],
        base: vec![Base {
            key: resource("t0").key,
            observed: None,
            incarnation: None,
            owned: false,
            fields: Vec::new(),
        }],
        steps: (0..steps).map(step).collect(),
        blocked: Vec::new(),
        warnings: Vec::new(),
        unchanged: 4,
        exceeded: Vec::new(),
        allow_destructive: false,
        deletes_max: None,
        message: None,
        approved_by: None,
        approved_request_id: None,
        version: 1,
    }
}

fn standing(groups: &[&str]) -> StandingWish {
    StandingWish {
        metadata_type: "topic".to_owned(),
        id: "t0".to_owned(),
        spec: json!({"partitions": 3}),
        places: groups.iter().map(|name| Place::Group((*name).to_owned())).collect(),
    }
}

fn step(seq: u32) -> Step {
    let key = resource(&format!("t{seq}")).key;
    let write = |action| Write { key: key.clone(), action, revision: None, incarnation: None };
    Step {
        seq,
        verb: Verb::Create,
        write: Some(write(Action::Create(json!({"partitions": 3})))),
        summary: "3 partitions".to_owned(),
        before: None,
        after: Some(json!({"partitions": 3})),
        undo: Some(write(Action::Delete)),
        destructive: false,
        restart: Vec::new(),
        depends_on: if seq == 0 { Vec::new() } else { vec![seq - 1] },
        state: StepState::Waiting,
        attempt: 0,
        outcome: None,
        message: None,
        started_at_ms: None,
        ended_at_ms: None,
        key,
    }
}

fn node(id: &str) -> Node {
    Node {
        id: id.to_owned(),
        roles: vec!["broker".to_owned()],
        group: None,
        rank: 0,
        addresses: vec![("PLAINTEXT".to_owned(), format!("broker-{id}:9092"))],
        version: None,
        rack: Some("a".to_owned()),
        health: Health::Up,
        facts: json!({}),
    }
}

fn sweep() -> Sweep {
    Sweep {
        metadata_type: "topic".to_owned(),
        place: Place::Cluster,
        started_at_ms: 5,
        ended_at_ms: 6,
        complete_at_ms: Some(5),
        seen: 10_000,
        changed: 0,
        failures: Vec::new(),
        listed: Some(Listed { version: "7".to_owned(), basis: "b".to_owned() }),
    }
}

fn policy(metadata_type: Option<&str>, id: Option<&str>) -> PolicyEntry {
    PolicyEntry {
        subject: PolicySubject { metadata_type: metadata_type.map(str::to_owned), id: id.map(str::to_owned) },
        policy: Policy { authority: Some(Authority::Observe), ..Policy::default() },
    }
}

pub(super) fn token(organization: &crate::domain::id::OrganizationId) -> Token {
    Token {
        id: TokenId(uuid::Uuid::now_v7().to_string()),
        organization: organization.clone(),
        name: "ci".to_owned(),
        role: TokenRole::Reader,
        created_at_ms: 1,
        expires_at_ms: None,
    }
}
