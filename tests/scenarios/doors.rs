//! The doors by which clusters and nodes come in, at real clusters: another's settings, a file, a node named by hand, an
//! address that only means something inside; and what is shown before a cluster changes hands or goes.

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Kafka, RocketMq, ZooKeeper, for_each_database};
use serde_json::Value;

use crate::documents::topic;
use crate::secure::Login;
use crate::topics::{apply, own};

for_each_database!(
    a_cluster_begins_with_another_s_settings_and_secret,
    clusters_come_from_a_file,
    a_node_named_by_hand_is_where_it_begins_and_stands_once,
    a_broker_that_no_name_server_knows_belongs_to_its_cluster,
    a_server_that_the_ensemble_does_not_tell_of_is_watched,
    an_address_that_means_nothing_outside_is_reached_by_a_rule,
    the_registry_that_a_cluster_names_itself_is_found,
    what_an_authority_would_mean_and_what_would_go_is_shown_first,
    a_resumed_cluster_is_compared_in_full,
);

fn a_cluster_begins_with_another_s_settings_and_secret(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared_secure()?, Host::start(database)?);
    Login::admin(kafka)?.add(&host, "prod", &["--authority", "observe"])?.ok()?;
    let added = host.cli(&["cluster", "add", "next", "--like", "prod", "-o", "json"])?;
    let view = added.json()?;
    assert_eq!(view.pointer("/authority").and_then(Value::as_str), Some("observe"), "{added}");
    assert_eq!(view.pointer("/secrets/0").and_then(Value::as_str), Some("password"), "{added}");
    assert!(!added.stdout.contains("admin-secret"), "{added}");
    // It logs in by SCRAM with the secret that nobody gave it.
    host.cli(&["sync", "next"])?.ok()?;
    host.cli(&["cluster", "add", "x", "--like", "nobody"])?.refused(4, &["nobody"])
}

fn clusters_come_from_a_file(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    let bootstrap = kafka.bootstrap()?;
    let text = format!(
        "name: lab\nkind: kafka\nconnection:\n  bootstrap: {bootstrap}\n---\nname: twin\nlike: lab\nauthority: observe\n"
    );
    let file = host.file("clusters.yaml", &text)?;
    let added = host.cli(&["cluster", "add", "-f", &file])?;
    assert!(
        added.ok()?.contains("Registered lab") && added.stdout.contains("Registered twin (kafka)"),
        "{added}"
    );
    host.cli(&["sync", "twin"])?.ok()?;
    let open =
        host.file("open.yaml", "name: x\nkind: kafka\nconnection: {bootstrap: a:1, password: hunter2}\n")?;
    let refused = host.cli(&["cluster", "add", "-f", &open])?;
    refused.refused(3, &["`password` is a secret", "open.yaml:1"])?;
    assert!(!refused.stderr.contains("hunter2"), "{refused}");
    let odd = host.file("odd.yaml", "name: x\nkinds: kafka\n")?;
    host.cli(&["cluster", "add", "-f", &odd])?.refused(3, &["odd.yaml:1", "kinds"])
}

/// The nodes by the API, as (id, source).
fn nodes(host: &Host, cluster: &str) -> Result<Vec<(String, String)>> {
    let nodes = host.get(&format!("/api/v1/clusters/{cluster}/nodes"))?;
    let text = |node: &Value, key: &str| node.get(key).and_then(Value::as_str).map(str::to_owned);
    let pair = |node: &Value| Some((text(node, "id")?, text(node, "source")?));
    nodes.as_array().context("no list")?.iter().map(|node| pair(node).context("no node")).collect()
}

fn told(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(id, source)| ((*id).to_owned(), (*source).to_owned())).collect()
}

fn a_node_named_by_hand_is_where_it_begins_and_stands_once(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    // Nobody listens on port 1.
    host.cli(&["cluster", "add", "lab", "--kind", "kafka", "--set", "bootstrap=127.0.0.1:1"])?.ok()?;
    assert_eq!(host.cli(&["sync", "lab"])?.code, 6);
    let address = kafka.node(1).address()?;
    host.cli(&["node", "add", &address, "-c", "lab", "--role", "broker"])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    assert_eq!(nodes(&host, "lab")?, told(&[("1", "both")]));
    let listed = host.cli(&["node", "list", "-c", "lab"])?;
    assert!(listed.ok()?.contains("both") && listed.stdout.contains(&address), "{listed}");
    host.cli(&["node", "remove", "1", "-c", "lab"])?.ok()?;
    assert_eq!(nodes(&host, "lab")?.iter().filter(|(_, source)| source != "found").count(), 0);
    assert_eq!(host.cli(&["sync", "lab"])?.code, 6, "without it there is nowhere to begin");
    host.cli(&["node", "add", "127.0.0.1", "-c", "lab"])?.refused(3, &["HOST:PORT"])
}

fn a_broker_that_no_name_server_knows_belongs_to_its_cluster(database: &Database) -> Result<()> {
    let (one, other, host) = (RocketMq::masters(1)?, RocketMq::shared()?, Host::start(database)?);
    let name_servers = format!("name_servers={}", one.name_servers()?);
    host.cli(&["cluster", "add", "mq", "--kind", "rocketmq", "--set", &name_servers])?.ok()?;
    host.cli(&["sync", "mq"])?.ok()?;
    let stray = other.address("broker-b")?;
    let name = own("stray", database).replace('.', "-");
    other.update_topic("broker-b", &name, &["-r", "4", "-w", "4"])?;
    assert!(other.topic(&name)?.contains_key("broker-b"), "the tool did not make it");
    host.cli(&["node", "add", &stray, "-c", "mq", "--role", "broker"])?.ok()?;
    host.cli(&["sync", "mq"])?.ok()?;
    let found = told(&[(one.name_servers()?, "found"), ("broker-a:0", "found"), ("broker-b:0", "both")]);
    assert_eq!(nodes(&host, "mq")?, found);
    let topics = host.cli(&["get", "topic", "-c", "mq"])?;
    assert!(topics.ok()?.contains(&name), "what it holds is listed with the rest: {topics}");
    Ok(())
}

fn a_server_that_the_ensemble_does_not_tell_of_is_watched(database: &Database) -> Result<()> {
    let (ensemble, host) = (ZooKeeper::shared()?, Host::start(database)?);
    let single = ZooKeeper::servers(1)?;
    let servers = format!("servers={}", ensemble.addresses()?);
    host.cli(&["cluster", "add", "zk", "--kind", "zookeeper", "--set", &servers])?.ok()?;
    host.cli(&["node", "add", single.addresses()?, "-c", "zk", "--id", "spare"])?.ok()?;
    host.cli(&["sync", "zk"])?.ok()?;
    let expected = told(&[("1", "found"), ("2", "found"), ("3", "found"), ("spare", "both")]);
    assert_eq!(nodes(&host, "zk")?, expected);
    let health = |host: &Host| -> Result<Value> {
        let nodes = host.get("/api/v1/clusters/zk/nodes")?;
        let spare = nodes
            .as_array()
            .context("no list")?
            .iter()
            .find(|node| node.get("id") == Some(&Value::from("spare")));
        spare.and_then(|node| node.get("health")).cloned().context("no health")
    };
    assert_eq!(health(&host)?, "up");
    single.kill(1)?;
    host.cli(&["sync", "zk"])?.ok()?;
    assert_eq!(health(&host)?, "down");
    host.cli(&["node", "remove", "spare", "-c", "zk"])?.ok()?;
    host.cli(&["sync", "zk"])?.ok()?;
    assert_eq!(nodes(&host, "zk")?, expected.get(..3).unwrap_or_default());
    Ok(())
}

fn an_address_that_means_nothing_outside_is_reached_by_a_rule(database: &Database) -> Result<()> {
    let inside = "broker-1.kafka.invalid:9092";
    let (kafka, host) = (Kafka::advertising(inside)?, Host::start(database)?);
    let outside = kafka.bootstrap()?;
    let bootstrap = format!("bootstrap={outside}");
    host.cli(&["cluster", "add", "lab", "--kind", "kafka", "--set", &bootstrap])?.ok()?;
    // The first answer comes from the bootstrap address; the broker itself is nowhere.
    host.cli(&["sync", "lab"])?;
    let shown = host.cli(&["node", "list", "-c", "lab"])?;
    assert!(shown.ok()?.contains(inside) && !shown.stdout.contains("up"), "{shown}");

    let rule = format!("*.kafka.invalid:9092={outside}");
    host.cli(&["cluster", "set", "lab", "--map", "broker-1.kafka.invalid=x y"])?
        .refused(3, &["outside", "HOST:PORT"])?;
    host.cli(&["cluster", "set", "lab", "--map", &rule])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    let shown = host.cli(&["node", "list", "-c", "lab"])?;
    assert!(shown.ok()?.contains(&format!("{inside} → {outside}")) && shown.stdout.contains("up"), "{shown}");
    apply(&host, &topic("made.through.it", 1, &[]))?;
    let made = kafka.folder()?.join("node-1/data/made.through.it-0");
    assert!(made.is_dir(), "Kafka keeps no {}", made.display());

    // Kept, and not followed: the host stands inside now.
    host.cli(&["cluster", "set", "lab", "--prefer", "inside"])?.ok()?;
    host.cli(&["sync", "lab"])?;
    let shown = host.cli(&["node", "list", "-c", "lab"])?;
    assert!(
        shown.ok()?.contains(&format!("{inside} (outside {outside})")) && !shown.stdout.contains("up"),
        "{shown}"
    );
    // What was dialled is what the rule says: one that leads nowhere is named with both addresses.
    host.cli(&["cluster", "set", "lab", "--prefer", "outside", "--map", "127.0.0.1=169.254.169.254"])?
        .ok()?;
    host.cli(&["sync", "lab"])?.refused(6, &["169.254.169.254", outside, "no plugin may reach it"])
}

fn the_registry_that_a_cluster_names_itself_is_found(database: &Database) -> Result<()> {
    let (ensemble, host) = (ZooKeeper::shared()?, Host::start(database)?);
    let kafka = Kafka::registering_with(&format!("{}/{}", ensemble.addresses()?, own("kafka", database)))?;
    host.add_kafka("pay", &kafka)?;
    assert!(
        host.cli(&["relation", "list"])?.ok()?.contains("No relations"),
        "nobody registered the registry"
    );
    let servers = format!("servers={}", ensemble.addresses()?);
    host.cli(&["cluster", "add", "zk", "--kind", "zookeeper", "--set", &servers])?.ok()?;
    host.cli(&["sync", "zk"])?.ok()?;
    host.cli(&["sync", "pay"])?.ok()?;
    let relations = host.get("/api/v1/relations")?;
    let found =
        serde_json::json!([{"from": "pay", "relation": "registers-with", "to": "zk", "source": "found"}]);
    assert_eq!(relations, found);
    host.cli(&["relation", "remove", "pay", "registers-with", "zk"])?.refused(5, &["found again"])?;
    host.cli(&["cluster", "remove", "zk", "--yes"])?.refused(5, &["pay stands on `zk`"])
}

fn what_an_authority_would_mean_and_what_would_go_is_shown_first(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::nodes(1)?, Host::start(database)?);
    kafka.create_topic("theirs", 1, &[])?;
    let bootstrap = format!("bootstrap={}", kafka.bootstrap()?);
    let add = [
        "cluster",
        "add",
        "lab",
        "--kind",
        "kafka",
        "--set",
        &bootstrap,
        "--authority",
        "adopt",
        "--preview",
    ];
    let shown = host.cli(&add)?;
    assert!(shown.ok()?.contains("topic theirs") && shown.stdout.contains("1 adopt"), "{shown}");
    assert!(shown.stderr.contains("Registered lab under observe"), "{shown}");
    let managed = host.cli(&["cluster", "set", "lab", "--authority", "manage", "--preview"])?;
    assert!(
        managed.ok()?.contains("Nothing would be changed") && managed.stdout.contains("topic 1"),
        "{managed}"
    );
    let plans = host.get("/api/v1/plans?cluster=lab")?;
    assert_eq!(plans.pointer("/items/0"), None, "nothing is stored: {plans}");

    host.cli(&["cluster", "set", "lab", "--authority", "manage"])?.ok()?;
    apply(&host, &topic("ours", 1, &[("retention.ms", "7200000")]))?;
    kafka.set_topic_config("ours", "retention.ms=3600000")?;
    host.cli(&["sync", "lab"])?.ok()?;
    let drifted = host.cli(&["cluster", "set", "lab", "--authority", "manage", "--preview"])?;
    assert!(drifted.ok()?.contains("topic ours") && drifted.stdout.contains("retention.ms"), "{drifted}");
    let removal = host.cli(&["cluster", "remove", "lab", "--preview"])?;
    assert!(removal.ok()?.contains("resources") && removal.stdout.contains("wishes"), "{removal}");
    assert!(removal.stdout.contains("applied 1"), "the plan goes with it: {removal}");
    host.cli(&["cluster", "show", "lab"])?.ok()?;
    Ok(())
}

fn a_resumed_cluster_is_compared_in_full(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::nodes(1)?, Host::start(database)?);
    host.add_kafka("lab", &kafka)?;
    apply(&host, &topic("ours", 1, &[("retention.ms", "7200000")]))?;
    host.cli(&["cluster", "pause", "lab"])?.ok()?;
    kafka.set_topic_config("ours", "retention.ms=3600000")?;
    let known = host.cli(&["get", "topic", "-c", "lab"])?;
    assert!(known.ok()?.contains("ours"), "what is known stays: {known}");
    host.cli(&["cluster", "resume", "lab"])?.ok()?;
    // Nobody asks for a sync: the resumption itself looks, and in full, for only then settings are read.
    host.until("the drift is seen", crate::documents::SOON, |host| {
        Ok(host.cli(&["get", "topic", "-c", "lab"])?.ok()?.contains("drifted"))
    })
}
