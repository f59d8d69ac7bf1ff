//! The built-in plugins against their cassettes, and guests that keep little.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use tempfile::TempDir;

use super::*;
use crate::clock::SystemClock;
use crate::plugins::builtin::builtin;
use crate::plugins::fixture;

/// Compiled once for all of these tests.
static CACHE: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fn cassette(kind: &str) -> Cassette {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cassettes").join(format!("{kind}.jsonl"));
    Cassette::parse(&std::fs::read_to_string(file).unwrap()).unwrap()
}

async fn tried(kind: &str, given: Given) -> Report {
    let bytes = builtin().into_iter().find(|(name, _)| *name == kind).unwrap().1.to_vec();
    tried_file(kind, bytes, given).await
}

async fn tried_file(name: &str, bytes: Vec<u8>, given: Given) -> Report {
    let clock: SharedClock = Arc::new(SystemClock);
    let alone = Alone::start(CACHE.path().to_owned(), Arc::clone(&clock)).unwrap();
    run(&alone, &clock, File { name: name.to_owned(), bytes }, given, &mut |_| {}).await.report
}

/// A cluster of which nothing has to be known.
fn anywhere(only: &str) -> Given {
    let backend = Backend { connection: serde_json::json!({}), secrets: Secrets::default(), way: Way::Live };
    Given { backend: Some(backend), only: vec![only.to_owned()], ..Given::default() }
}

/// What did not pass, for whoever reads the failed test.
fn not_passed(report: &Report) -> Vec<String> {
    let one = |checked: &Checked| match &checked.verdict {
        Verdict::Passed { .. } => None,
        Verdict::Failed { findings } => Some(format!("{} failed: {findings:?}", checked.name)),
        Verdict::Skipped { reason } => Some(format!("{} skipped: {reason}", checked.name)),
    };
    report.checks.iter().filter_map(one).collect()
}

/// Against the cassette and the hostile network. `skipped` are the checks that have nothing to look at there.
async fn keeps_all(kind: &str, skipped: &[&str]) {
    let (backend, wishes) = Backend::played(cassette(kind));
    let report = tried(kind, Given { backend: Some(backend), wishes, only: Vec::new() }).await;
    let told = not_passed(&report);
    assert_eq!(report.failed, 0, "{told:#?}");
    let names: Vec<&str> = report
        .checks
        .iter()
        .filter(|checked| matches!(checked.verdict, Verdict::Skipped { .. }))
        .map(|checked| checked.name)
        .collect();
    assert_eq!(names, skipped, "{told:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_keeps_all_that_it_is_recorded_for() {
    keeps_all("etcd", &["decides", "normal-form", "no-steps", "applies"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zookeeper_keeps_all_that_it_is_recorded_for() {
    keeps_all("zookeeper", &["decides", "normal-form", "no-steps", "applies", "credentials"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_keeps_all_that_it_is_recorded_for() {
    keeps_all("kafka", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rocketmq_keeps_all_that_it_is_recorded_for() {
    keeps_all("rocketmq", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cluster_what_needs_one_is_skipped_with_the_reason() {
    let only = vec!["static".to_owned(), "contract".to_owned()];
    let report = tried("etcd", Given { only, ..Given::default() }).await;
    assert_eq!(report.failed, 0, "{:#?}", not_passed(&report));
    let paging = report.checks.iter().find(|checked| checked.name == "paging").unwrap();
    assert!(
        matches!(&paging.verdict, Verdict::Skipped { reason } if reason.contains("--cassette")),
        "{paging:?}"
    );
}

/// A cassette of which one answer is missing, and one request is another.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_the_cassette_does_not_hold_fails_with_both() {
    let text = cassette("zookeeper").print().unwrap();
    let changed: String = text
        .lines()
        .map(|line| {
            line.replace(r#""out":"ruok"#, r#""out":"what"#).replace(r#""out":"srvr"#, r#""out":"what"#)
                + "\n"
        })
        .collect();
    assert_ne!(text, changed, "no line was changed");
    let (backend, wishes) = Backend::played(Cassette::parse(&changed).unwrap());
    let given = Given { backend: Some(backend), wishes, only: vec!["opens".to_owned()] };
    let report = tried("zookeeper", given).await;
    let Verdict::Failed { findings } = &report.checks[0].verdict else { panic!("{:?}", report.checks) };
    assert!(findings[0].found.contains("the cassette has `what"), "{findings:?}");
    assert!(findings[0].advice.contains("--record"), "{findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_panics_fails_with_what_it_said_and_the_rest_is_not_tried() {
    let guest = fixture::guest("toy", fixture::PANIC);
    let report = tried_file("toy.wasm", guest, anywhere("contract")).await;
    let opens = report.checks.iter().find(|checked| checked.name == "opens").unwrap();
    let Verdict::Failed { findings } = &opens.verdict else { panic!("{opens:?}") };
    assert!(findings[0].found.contains("(boom)") && findings[0].expected.contains("`probe`"), "{findings:?}");
    let paging = report.checks.iter().find(|checked| checked.name == "paging").unwrap();
    let told = paging.verdict.why_not().unwrap();
    assert!(told.contains("the cluster was not reached: ") && told.contains("boom"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_asks_for_no_address_has_no_hostile_network() {
    let report = tried_file("toy.wasm", fixture::guest("toy", fixture::NOTHING), anywhere("network")).await;
    assert_eq!(report.failed, 0, "{:#?}", not_passed(&report));
    let refused = report.checks.iter().find(|checked| checked.name == "refused").unwrap();
    assert!(refused.verdict.why_not().unwrap().contains("no address of the connection form"), "{refused:?}");
}
