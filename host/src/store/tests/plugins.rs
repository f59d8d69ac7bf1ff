//! What is remembered of plugins reads back, and only the newest of it is kept.

use super::{Backend, Postgres, Sqlite};
use crate::domain::contract::Grant;
use crate::domain::grant::{Advertised, Given, GrantDecision, NetworkGrant};
use crate::domain::plugin::{Charge, HostVersion, Incident, PluginRecord, PluginVersion, Stopped};
use crate::domain::signature::Signed;
use crate::store::Store;

fn incident(number: u32, kind: &str) -> Incident {
    Incident {
        id: format!("{number:05}"),
        kind: kind.to_owned(),
        digest: "d".to_owned(),
        version: "1.0.0".to_owned(),
        cluster: Some("lab".to_owned()),
        call: "probe".to_owned(),
        failure: "trap".to_owned(),
        message: "it trapped".to_owned(),
        backtrace: vec!["f".to_owned(), "g".to_owned()],
        lines: vec!["boom".to_owned()],
        charge: Charge::Session,
        at_ms: i64::from(number),
        signature: Some(Signed::Unsigned),
        toolchain: vec!["rustc 1.95.0".to_owned()],
    }
}

fn decision(revision: u64, by: &str) -> GrantDecision {
    let network = NetworkGrant { host: "*.svc".to_owned(), ports: "80-90".to_owned() };
    GrantDecision {
        kind: "toy".to_owned(),
        revision,
        given: Given { network: vec![network], advertised: Advertised::SameClass, wasi: Vec::new() },
        asked: vec![Grant::Network { host: "*".to_owned(), ports: "80".to_owned() }],
        digest: "d".to_owned(),
        version: "1.0.0".to_owned(),
        by: by.to_owned(),
        at_ms: 5,
    }
}

fn serves(host: &str, digest: &str, seen_at_ms: i64) -> (String, HostVersion) {
    let (host, digest, version) = (host.to_owned(), digest.to_owned(), "1.0.0".to_owned());
    ("toy".to_owned(), HostVersion { host, digest, version, seen_at_ms })
}

async fn meet(store: &Store, host: &str, served: &[(String, HostVersion)]) {
    store.save_plugin_host(host, served).await.unwrap();
}

on_both! {
    async fn the_record_of_a_plugin_reads_back_as_it_was_saved_last(backend) {
        let store = backend.open().await;
        let mut record = PluginRecord::of("toy");
        for digest in ["a", "b"] {
            let (digest, version, file) = (digest.to_owned(), "1.0.0".to_owned(), "toy.wasm".to_owned());
            record.activate(PluginVersion { digest, version, file, since_ms: 7, ..PluginVersion::default() });
            let mut tx = store.begin().await.unwrap();
            tx.save_plugin_record(&record).await.unwrap();
            tx.commit().await.unwrap();
        }
        record.take_back("it failed", "headgate", 8);
        record.disabled = Some(Stopped { by: "ann".to_owned(), at_ms: 9 });
        let mut tx = store.begin().await.unwrap();
        tx.save_plugin_record(&record).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.list_plugin_records().await.unwrap(), [record]);
    }

    async fn the_newest_incidents_of_each_kind_are_kept_and_listed_page_by_page(backend) {
        let store = backend.open().await;
        let mut tx = store.begin().await.unwrap();
        tx.insert_plugin_incident(&incident(1, "other")).await.unwrap();
        for number in 1_000..1_205 {
            tx.insert_plugin_incident(&incident(number, "toy")).await.unwrap();
        }
        tx.commit().await.unwrap();
        let first = store.list_plugin_incidents("toy", None, 150).await.unwrap();
        assert_eq!((first.len(), &first[0]), (150, &incident(1_204, "toy")));
        let rest = store.list_plugin_incidents("toy", Some(&first[149].id), 150).await.unwrap();
        assert_eq!((rest.len(), &rest[49]), (50, &incident(1_005, "toy")));
        assert_eq!(store.list_plugin_incidents("other", None, 9).await.unwrap().len(), 1);
    }

    async fn the_last_decision_of_a_kind_is_kept_and_nobody_decides_over_another_one(backend) {
        let store = backend.open().await;
        let decide = async |revision: u64, by: &str| {
            let mut tx = store.begin().await.unwrap();
            let saved = tx.save_plugin_grant(&decision(revision, by)).await.unwrap();
            tx.commit().await.unwrap();
            saved
        };
        assert!(decide(1, "ann").await);
        assert!(decide(2, "bob").await);
        // Two who read the same revision: the second one has to look again.
        assert!(!decide(2, "eve").await && !decide(1, "eve").await && !decide(4, "eve").await);
        assert_eq!(store.list_plugin_grants().await.unwrap(), [decision(2, "bob")]);
    }

    async fn hosts_say_what_they_serve_and_old_words_are_left_out(backend) {
        let store = backend.open().await;
        meet(&store, "one", &[serves("one", "a", 100)]).await;
        meet(&store, "two", &[serves("two", "b", 200)]).await;
        assert_eq!(store.list_plugin_hosts(0).await.unwrap(), [serves("one", "a", 100), serves("two", "b", 200)]);
        assert_eq!(store.list_plugin_hosts(101).await.unwrap(), [serves("two", "b", 200)]);
        meet(&store, "two", &[]).await;
        assert_eq!(store.list_plugin_hosts(101).await.unwrap(), []);
    }
}
