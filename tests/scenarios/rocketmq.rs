//! A real RocketMQ: the copies of a topic on two replica groups, one by one and together.

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Queues, RocketMq, for_each_database};

use crate::topics::{apply, own};

for_each_database!(
    a_wish_without_a_place_is_one_for_every_group,
    several_edits_are_one_rewrite_that_keeps_what_others_set,
    copies_that_differ_are_shown_and_made_alike,
    a_group_that_joins_gets_what_stands_and_one_that_is_down_leaves_the_other_alone,
);

/// A document of a topic; `at` is `group:broker-a` or empty.
fn topic(name: &str, at: &str, spec: &str) -> String {
    let at = if at.is_empty() { String::new() } else { format!("at: {at}\n") };
    format!("---\ncluster: mq\ntype: topic\nname: {name}\n{at}spec: {{{spec}}}\n")
}

fn registered(database: &Database, cluster: &RocketMq) -> Result<Host> {
    let host = Host::start(database)?;
    let address = format!("name_servers={}", cluster.name_servers()?);
    host.cli(&["cluster", "add", "mq", "--kind", "rocketmq", "--set", &address])?.ok()?;
    host.cli(&["sync", "mq"])?.ok()?;
    Ok(host)
}

fn queues(read: u64, write: u64) -> Queues {
    Queues { read, write, permission: 6 }
}

fn a_wish_without_a_place_is_one_for_every_group(database: &Database) -> Result<()> {
    let cluster = RocketMq::shared()?;
    let host = registered(database, cluster)?;
    let name = own("everywhere", database).replace('.', "-");

    apply(&host, &topic(&name, "", "read_queues: 4, write_queues: 4"))?;
    let made = cluster.topic(&name)?;
    assert_eq!(made.values().copied().collect::<Vec<_>>(), [queues(4, 4), queues(4, 4)], "{made:?}");

    let placed = topic(&name, "", "read_queues: 4, write_queues: 4")
        + &topic(&name, "group:broker-b", "read_queues: 6, write_queues: 6");
    apply(&host, &placed)?;
    let grown = cluster.topic(&name)?;
    assert_eq!(grown.get("broker-a"), Some(&queues(4, 4)));
    assert_eq!(grown.get("broker-b"), Some(&queues(6, 6)));

    let file = host.file("again.yaml", &placed)?;
    host.cli(&["plan", "-f", &file])?.code_is(0)?;
    for group in ["group:broker-a", "group:broker-b"] {
        let delete = ["delete", "topic", &name, "-c", "mq", "--at", group, "--yes", "--allow-destructive"];
        host.cli(&delete)?.ok()?;
    }
    assert!(cluster.mqadmin(&["topicList"])?.lines().all(|line| line.trim() != name));
    Ok(())
}

fn several_edits_are_one_rewrite_that_keeps_what_others_set(database: &Database) -> Result<()> {
    let cluster = RocketMq::shared()?;
    let host = registered(database, cluster)?;
    let name = own("rewrite", database).replace('.', "-");
    let at = "group:broker-a";
    apply(&host, &topic(&name, at, "read_queues: 4, write_queues: 4"))?;
    cluster.update_topic("broker-a", &name, &["-r", "4", "-w", "4", "-o", "true"])?;

    let file =
        host.file("edits.yaml", &topic(&name, at, "read_queues: 8, write_queues: 8, permission: R"))?;
    let planned = host.cli(&["plan", "-f", &file])?;
    let printed = planned.code_is(2)?;
    assert!(printed.contains("1 edit"), "three fields are one write: {planned}");
    for part in ["read_queues 4 → 8", "write_queues 4 → 8", "permission"] {
        assert!(printed.contains(part), "no {part}: {planned}");
    }
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    let now = cluster.topic(&name)?;
    assert_eq!(now.get("broker-a"), Some(&Queues { read: 8, write: 8, permission: 4 }));
    let resource = host.get(&format!("/api/v1/clusters/mq/resources/topic/{name}?at={at}"))?;
    let at = |pointer: &str| resource.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("/observed/order"), true, "what somebody else set is kept: {resource}");
    assert_eq!(at("/status"), "synced");
    Ok(())
}

fn copies_that_differ_are_shown_and_made_alike(database: &Database) -> Result<()> {
    let cluster = RocketMq::shared()?;
    let host = registered(database, cluster)?;
    let (differs, half) =
        (own("differs", database).replace('.', "-"), own("half", database).replace('.', "-"));
    cluster.update_topic("broker-a", &differs, &["-r", "4", "-w", "4"])?;
    cluster.update_topic("broker-b", &differs, &["-r", "8", "-w", "8"])?;
    cluster.update_topic("broker-a", &half, &["-r", "2", "-w", "2"])?;
    host.cli(&["sync", "mq"])?.ok()?;

    let shown = host.cli(&["divergence", "-c", "mq", "--type", "topic"])?;
    let printed = shown.code_is(2)?;
    for part in [differs.as_str(), half.as_str(), "/read_queues", "group:broker-b", "(is there)", "forbidden"]
    {
        assert!(printed.contains(part), "no {part}: {shown}");
    }

    let tied = host.cli(&["divergence", "repair", "topic", &differs, "-c", "mq", "--yes"])?;
    tied.refused(3, &["which copy to follow"])?;
    let repair = ["divergence", "repair", "topic", &differs, "-c", "mq", "--like", "group:broker-b", "--yes"];
    host.cli(&repair)?.ok()?;
    let alike = cluster.topic(&differs)?;
    assert_eq!(alike.values().copied().collect::<Vec<_>>(), [queues(8, 8), queues(8, 8)], "{alike:?}");

    host.cli(&["divergence", "repair", "topic", &half, "-c", "mq", "--yes"])?.ok()?;
    assert_eq!(
        cluster.topic(&half)?.get("broker-b").copied(),
        Some(queues(2, 2)),
        "made where it was missing"
    );

    cluster.update_topic("broker-a", &half, &["-r", "3", "-w", "3"])?;
    host.cli(&["policy", "set", "mq", "topic", &half, "--divergence", "allow"])?.ok()?;
    host.cli(&["sync", "mq"])?.ok()?;
    let left = host.cli(&["divergence", "-c", "mq", "--type", "topic", "-o", "json"])?;
    assert!(!left.stdout.contains(&half) && !left.stdout.contains(&differs), "{left}");
    let all = host.cli(&["divergence", "-c", "mq", "--type", "topic", "--allowed"])?;
    assert!(all.stdout.contains(&half), "{all}");
    Ok(())
}

fn a_group_that_joins_gets_what_stands_and_one_that_is_down_leaves_the_other_alone(
    database: &Database,
) -> Result<()> {
    let cluster = RocketMq::masters(2)?;
    cluster.kill("broker-b")?;
    let host = registered(database, &cluster)?;
    let name = "lives-on-two";
    apply(&host, &topic(name, "", "read_queues: 4, write_queues: 4"))?;
    assert_eq!(cluster.topic(name)?.into_keys().collect::<Vec<_>>(), ["broker-a"]);

    // A wish that named no place holds for the group that joins later: planned, and done when a person says so.
    cluster.start("broker-b")?;
    host.cli(&["sync", "mq"])?.ok()?;
    let open = host.get("/api/v1/plans?cluster=mq&state=proposed")?;
    let id = open.pointer("/items/0/id").and_then(serde_json::Value::as_str).context("no plan to join")?;
    assert_eq!(
        open.pointer("/items/0/reason/reason").and_then(serde_json::Value::as_str),
        Some("join"),
        "{open}"
    );
    host.cli(&["apply", id])?.ok()?;
    assert_eq!(cluster.topic(name)?.get("broker-b"), Some(&queues(4, 4)));

    cluster.kill("broker-b")?;
    let synced = host.cli(&["sync", "mq"])?;
    assert!(
        synced.stdout.contains("broker-b") || synced.stderr.contains("broker-b"),
        "it says who is silent: {synced}"
    );
    let both = host.get(&format!("/api/v1/clusters/mq/resources?type=topic&pattern={name}"))?;
    let copies = both.get("items").and_then(serde_json::Value::as_array).context("no items")?;
    assert_eq!(copies.len(), 2, "the copy of the silent group is kept: {both}");

    // The part that can be done is done; the other says why it was not.
    let file = host.file("more.yaml", &topic(name, "", "read_queues: 8, write_queues: 8"))?;
    host.cli(&["apply", "-f", &file, "--yes"])?;
    assert_eq!(cluster.topic(name)?.get("broker-a"), Some(&queues(8, 8)));

    cluster.start("broker-b")?;
    host.cli(&["sync", "mq"])?.ok()?;
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    let again = cluster.topic(name)?;
    assert_eq!(again.values().copied().collect::<Vec<_>>(), [queues(8, 8), queues(8, 8)], "{again:?}");
    Ok(())
}
