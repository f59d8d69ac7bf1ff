//! A real ZooKeeper: an ensemble, its subtrees and its quotas are shown, and nothing of it is ever written.

use std::time::Duration;

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, ZooKeeper, for_each_database, until};
use serde_json::Value;

use crate::documents::SOON;
use crate::topics::own;

for_each_database!(
    an_ensemble_is_shown_with_its_leader,
    subtrees_and_quotas_are_shown_as_they_were_made,
    what_only_applications_may_read_is_shown_as_far_as_it_is_known,
    a_dead_follower_leaves_the_rest_readable,
    nothing_of_zookeeper_is_written,
);

fn registered(database: &Database, ensemble: &ZooKeeper) -> Result<Host> {
    let host = Host::start(database)?;
    let servers = format!("servers={}", ensemble.addresses()?);
    host.cli(&["cluster", "add", "zk", "--kind", "zookeeper", "--set", &servers])?.ok()?;
    host.cli(&["sync", "zk"])?.ok()?;
    Ok(host)
}

/// `znode` or `quota`, read from the ensemble now.
fn shown(host: &Host, metadata_type: &str, path: &str) -> Result<Value> {
    host.cli(&["get", metadata_type, path, "-c", "zk", "-o", "json"])?.json()
}

/// Paths that the last look left in the host.
fn listed(host: &Host, metadata_type: &str) -> Result<Vec<String>> {
    let answer = host.get(&format!("/api/v1/clusters/zk/resources?type={metadata_type}&limit=500"))?;
    let items = answer.get("items").and_then(Value::as_array).context("no items")?;
    let id = |item: &Value| item.pointer("/key/id").and_then(Value::as_str).map(str::to_owned);
    items.iter().map(|item| id(item).with_context(|| format!("no id in {item}"))).collect()
}

/// What of each server's line stands in the column `roles`, and whether one is down.
fn roles(host: &Host) -> Result<(Vec<&'static str>, bool)> {
    let shown = host.cli(&["cluster", "show", "zk"])?;
    let printed = shown.ok()?;
    let roles = ["leader", "follower"]
        .into_iter()
        .flat_map(|role| printed.split_whitespace().filter(move |word| *word == role).map(move |_| role));
    Ok((roles.collect(), printed.split_whitespace().any(|word| word == "down")))
}

fn an_ensemble_is_shown_with_its_leader(database: &Database) -> Result<()> {
    let ensemble = ZooKeeper::shared()?;
    let host = registered(database, ensemble)?;
    assert_eq!(roles(&host)?, (vec!["leader", "follower", "follower"], false));
    let shown = host.cli(&["cluster", "show", "zk"])?;
    for address in ensemble.addresses()?.split(',') {
        assert!(shown.stdout.contains(address), "no {address}: {shown}");
    }
    Ok(())
}

fn subtrees_and_quotas_are_shown_as_they_were_made(database: &Database) -> Result<()> {
    let ensemble = ZooKeeper::shared()?;
    let host = registered(database, ensemble)?;
    let root = format!("/{}", own("app", database));
    let (orders, instance) = (format!("{root}/orders"), format!("{root}/orders/a"));
    for path in [&root, &orders, &instance] {
        ensemble.cli(&["create", path, "12345"])?;
    }
    ensemble.cli(&["setquota", "-n", "10", &root])?;
    ensemble.cli(&["setquota", "-B", "5000", &root])?;

    host.cli(&["sync", "zk"])?.ok()?;
    let paths = listed(&host, "znode")?;
    assert!(paths.contains(&root) && paths.contains(&orders) && !paths.contains(&instance), "{paths:?}");
    assert!(listed(&host, "quota")?.contains(&root));

    let znode = shown(&host, "znode", &root)?.to_string();
    for part in [r#""children":1"#, r#""descendants":2"#, r#""data_bytes":5"#, "world:anyone:cdrwa"] {
        assert!(znode.contains(part), "no {part}: {znode}");
    }
    assert!(shown(&host, "znode", &instance)?.to_string().contains(r#""descendants":0"#));
    let quota = shown(&host, "quota", &root)?.to_string();
    let parts = [r#""znodes_soft":10"#, r#""bytes_hard":5000"#, r#""znodes_used":3"#, r#""bytes_used":15"#];
    assert!(parts.iter().all(|part| quota.contains(part)), "{parts:?}: {quota}");
    Ok(())
}

fn what_only_applications_may_read_is_shown_as_far_as_it_is_known(database: &Database) -> Result<()> {
    let ensemble = ZooKeeper::shared()?;
    let host = registered(database, ensemble)?;
    let root = format!("/{}", own("closed", database));
    // The Base64 of the SHA-1 of `ops:headgate`.
    let access = "digest:ops:26gam1gynFO/2Ht7ciCx3sKS52I=:cdrwa";
    ensemble.cli(&["create", &root, "x", access])?;

    host.cli(&["sync", "zk"])?.ok()?;
    assert!(listed(&host, "znode")?.contains(&root));
    let znode = shown(&host, "znode", &root)?.to_string();
    assert!(znode.contains("forbidden") && !znode.contains("data_bytes"), "{znode}");

    let password = format!("password=@{}", host.file("password", "headgate")?);
    host.cli(&["cluster", "set", "zk", "--set", "username=ops", "--secret", &password])?.ok()?;
    let znode = shown(&host, "znode", &root)?.to_string();
    assert!(znode.contains(r#""data_bytes":1"#) && znode.contains("digest:ops:cdrwa"), "{znode}");
    Ok(())
}

fn a_dead_follower_leaves_the_rest_readable(database: &Database) -> Result<()> {
    let ensemble = ZooKeeper::servers(3)?;
    let host = registered(database, &ensemble)?;
    let nodes = host.get("/api/v1/clusters/zk")?;
    let nodes = nodes.get("nodes").and_then(Value::as_array).context("no nodes")?;
    let follower = nodes.iter().find(|node| node.to_string().contains("follower")).context("no follower")?;
    let follower = follower.pointer("/node/id").or(follower.pointer("/id")).and_then(Value::as_str);
    let follower: u32 = follower.context("no id")?.parse()?;
    ensemble.kill(follower)?;

    host.cli(&["sync", "zk"])?.ok()?;
    assert_eq!(roles(&host)?, (vec!["leader", "follower"], true));
    // The tool may try the dead server first, and gives up then instead of trying another.
    until(
        "ZooKeeper's tool reaches a living server",
        Duration::from_secs(60),
        String::new,
        || match ensemble.cli(&["create", "/made-meanwhile", "x"]) {
            Err(error) if format!("{error:#}").contains("ConnectionLoss") => Ok(None),
            Err(error) if format!("{error:#}").contains("already exists") => Ok(Some(())),
            made => made.map(|_| Some(())),
        },
    )?;
    host.cli(&["sync", "zk"])?.ok()?;
    assert!(listed(&host, "znode")?.contains(&"/made-meanwhile".to_owned()));
    let again = host.cli(&["sync", "zk", "-o", "json"])?.json()?;
    let types = again.get("types").and_then(Value::as_array).context("no types")?;
    for seen in types {
        let written = ["new", "changed", "gone"].map(|key| seen.get(key).and_then(Value::as_u64));
        assert_eq!(written, [Some(0); 3], "nobody has changed anything: {again}");
    }

    ensemble.start(follower)?;
    host.until("the follower is back", SOON, |host| {
        host.cli(&["sync", "zk"])?;
        Ok(roles(host)? == (vec!["leader", "follower", "follower"], false))
    })
}

fn nothing_of_zookeeper_is_written(database: &Database) -> Result<()> {
    let ensemble = ZooKeeper::shared()?;
    let host = registered(database, ensemble)?;
    let root = format!("/{}", own("read", database));
    ensemble.cli(&["create", &root, "x"])?;
    for rest in ["spec: {}", "delete: true"] {
        let file = host.file("znode.yaml", &format!("cluster: zk\ntype: znode\nname: {root}\n{rest}\n"))?;
        let refused = host.cli(&["apply", "-f", &file, "--yes", "--allow-destructive"])?;
        assert_ne!(refused.code, 0, "{refused}");
        assert!(refused.stderr.contains("`znode` can only be read"), "{refused}");
    }
    assert!(ensemble.cli(&["get", &root])?.contains('x'));
    Ok(())
}
