//! How clusters come in and what goes with them: rules for addresses, named nodes, copied secrets, relations, counts.

use std::collections::BTreeMap;

use serde_json::json;

use super::aggregates::plan;
use super::{Backend, Postgres, Sqlite, insert_cluster};
use crate::domain::address::{AddressMap, AddressRule, NamedNode, Side};
use crate::domain::relation::{Relation, RelationType};
use crate::domain::source::Source;
use crate::store::StoreError;
use crate::store::testing::resource;

on_both! {
    async fn rules_for_addresses_and_named_nodes_read_back(backend) {
        let store = backend.open().await;
        let mut lab = insert_cluster(&store, "lab").await;
        assert_eq!((&lab.addresses, &lab.named_nodes), (&AddressMap::default(), &Vec::new()));
        let rule = AddressRule { inside: "*.svc:1".to_owned(), outside: "gw:2".to_owned() };
        lab.addresses = AddressMap { prefer: Side::Inside, rules: vec![rule] };
        lab.named_nodes.push(NamedNode {
            id: "9".to_owned(),
            address: "zk-9:2181".to_owned(),
            roles: vec!["leader".to_owned()],
            added_by: "token:owner".to_owned(),
            added_at_ms: 7,
        });
        let mut tx = store.begin().await.unwrap();
        assert!(tx.save_cluster(&mut lab).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(store.find_cluster_by_id(&lab.id).await.unwrap(), Some(lab));
    }

    async fn a_copied_secret_is_sealed_for_the_cluster_that_has_it_now(backend) {
        let store = backend.open().await;
        let (lab, twin) = (insert_cluster(&store, "lab").await, insert_cluster(&store, "twin").await);
        let mut tx = store.begin().await.unwrap();
        tx.save_secret(&lab.id, "password", b"swordfish").await.unwrap();
        tx.copy_secret(&lab, &twin.id, "password").await.unwrap();
        tx.copy_secret(&lab, &twin.id, "absent").await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.begin().await.unwrap();
        tx.save_secret(&lab.id, "password", b"changed").await.unwrap();
        tx.commit().await.unwrap();
        let opened = store.open_secrets(&twin.id).await.unwrap();
        assert_eq!(opened.0.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect::<Vec<_>>(),
            [("password", b"swordfish".as_slice())]);
        let mut tx = store.begin().await.unwrap();
        let other = crate::domain::cluster::Cluster { id: twin.id.clone(), ..lab.clone() };
        tx.copy_secret(&other, &lab.id, "password").await.unwrap();
        let late = tx.copy_secret(&lab, &crate::domain::id::ClusterId("gone".to_owned()), "password").await;
        assert!(matches!(late, Err(StoreError::NoCluster { .. })), "{late:?}");
    }

    async fn a_relation_says_who_told_of_it_and_goes_with_either_end(backend) {
        let store = backend.open().await;
        let (pay, zk) = (insert_cluster(&store, "pay").await, insert_cluster(&store, "zk").await);
        let relation = Relation { from: pay.id.clone(), relation: RelationType::RegistersWith, to: zk.id.clone() };
        for source in [Source::Found, Source::Both] {
            let mut tx = store.begin().await.unwrap();
            tx.save_relation(&relation, source, "headgate", 1).await.unwrap();
            tx.commit().await.unwrap();
            let expected = BTreeMap::from([(relation.clone(), source)]);
            assert_eq!(store.relation_sources(&pay.organization).await.unwrap(), expected);
        }
        let mut tx = store.begin().await.unwrap();
        tx.delete_cluster(&zk.id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.relation_sources(&pay.organization).await.unwrap(), BTreeMap::new());
    }

    async fn what_belongs_to_a_cluster_is_counted_by_noun_and_word(backend) {
        let store = backend.open().await;
        let (lab, other) = (insert_cluster(&store, "lab").await, insert_cluster(&store, "other").await);
        let mut wished = resource("b");
        wished.desired = Some(json!({"partitions": 3}));
        let mut tx = store.begin().await.unwrap();
        tx.save_resources(&lab.id, &mut [resource("a"), wished]).await.unwrap();
        tx.save_resources(&other.id, &mut [resource("c")]).await.unwrap();
        tx.save_secret(&lab.id, "password", b"x").await.unwrap();
        tx.insert_plan(&plan(&lab.id, 1)).await.unwrap();
        tx.commit().await.unwrap();
        let counted = serde_json::to_value(store.count_belongings(&lab.id).await.unwrap()).unwrap();
        let expected = json!({
            "resources": {"topic": 2}, "owned": {"topic": 2}, "wishes": {"topic": 1}, "plans": {"proposed": 1}, "secrets": {"": 1},
        });
        assert_eq!(counted, expected);
    }
}
