//! Resources: pages from the store, and the look at the cluster.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::testing::Host;
use crate::domain::id::ClusterId;
use crate::domain::place::Place;
use crate::domain::resource::{Resource, ResourceKey};
use crate::store::testing::resource;

fn item(id: &str) -> Resource {
    let key = ResourceKey { metadata_type: "item".to_owned(), id: id.to_owned(), place: Place::Cluster };
    Resource { key, ..resource(id) }
}

async fn save(host: &Host, ids: &[&str]) {
    let cluster = host.call(Method::GET, "/api/v1/clusters/lab", None).await;
    let cluster = ClusterId(cluster.body["id"].as_str().unwrap().to_owned());
    let mut resources: Vec<_> = ids.iter().map(|id| item(id)).collect();
    let mut tx = host.store.begin().await.unwrap();
    assert!(tx.save_resources(&cluster, &mut resources).await.unwrap().is_empty());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn resources_are_paged_with_and_without_a_type() {
    let host = Host::start().await;
    host.register("lab").await;
    save(&host, &["a", "b", "c"]).await;
    for filter in ["type=item&", ""] {
        let (mut ids, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/clusters/lab/resources?{filter}limit=2&after={after}");
            let page = host.call(Method::GET, &path, None).await;
            assert_eq!(page.status, StatusCode::OK, "{page:?}");
            let items = page.body["items"].as_array().unwrap();
            ids.extend(items.iter().map(|one| one["key"]["id"].as_str().unwrap().to_owned()));
            let Some(next) = page.body["next"].as_str() else { break };
            after = next.to_owned();
        }
        assert_eq!(ids, ["a", "b", "c"], "{filter}");
    }
}

#[tokio::test]
async fn one_resource_is_looked_at_in_the_cluster() {
    let host = Host::start().await;
    host.register("lab").await;
    save(&host, &["lost", "a/b"]).await;
    let show = |id: &'static str| {
        let host = &host;
        async move { host.call(Method::GET, &format!("/api/v1/clusters/lab/resources/item/{id}"), None).await }
    };
    let live = show("a%2Fb").await;
    assert_eq!(live.body["key"]["id"], "a/b", "{live:?}");
    assert_eq!((&live.body["live"], &live.body["effective"]["colour"]), (&json!(true), &json!("red")));
    let lost = show("lost").await;
    assert_eq!((lost.status, &lost.body["live"]), (StatusCode::OK, &json!(false)));
    assert_eq!(lost.body["live_error"], "the node does not answer");
    let never_swept = show("new").await;
    assert_eq!(
        (never_swept.status, never_swept.body["status"].as_str()),
        (StatusCode::OK, Some("unmanaged"))
    );
    assert_eq!(never_swept.body["observed_at_ms"], Value::Null);
    let gone = show("gone").await;
    assert_eq!((gone.status, gone.body["code"].as_str()), (StatusCode::NOT_FOUND, Some("not-found")));
}
