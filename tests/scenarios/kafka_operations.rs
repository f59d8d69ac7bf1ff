//! Operations of Kafka through the host: forecast, done, judged by Kafka's own tools, and taken back.

use std::time::Duration;

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Kafka, for_each_database, until};
use serde_json::Value;

use crate::documents::replicated;
use crate::topics::{apply, own};

/// A member that was killed is in its group until its session times out, which takes 45 seconds.
const JOINS: Duration = Duration::from_secs(120);

/// A broker that died is known to be gone when its session is over, after nine seconds; a quorum that was lost comes first.
const LEADS: Duration = Duration::from_secs(90);

for_each_database!(
    offsets_are_reset_and_taken_back,
    a_group_with_members_keeps_its_offsets_until_they_are_gone,
    what_destroys_needs_to_be_allowed,
    a_replication_factor_is_raised_by_a_plan,
    replicas_on_the_move_are_no_drift,
    leaders_are_brought_back_to_where_they_belong,
    a_broker_is_drained_of_a_topic,
    a_copy_that_lags_leads_where_nobody_else_can,
    what_an_operation_is_asked_wrongly_is_said,
);

/// A topic with five messages and a group of its name that read two of them.
fn with_group(scenario: &str, database: &Database) -> Result<(&'static Kafka, Host, String)> {
    let (kafka, name) = (Kafka::shared(1)?, own(&format!("operate.{scenario}"), database));
    kafka.create_topic(&name, 1, &[])?;
    kafka.cli_with_input("console-producer", &["--topic", &name], "a\nb\nc\nd\ne\n")?;
    let read = ["--topic", &name, "--group", &name, "--from-beginning", "--max-messages", "2"];
    kafka.cli("console-consumer", &read)?;
    let host = Host::start(database)?;
    host.add_kafka("lab", kafka)?;
    Ok((kafka, host, name))
}

/// Where the group stands, as Kafka's tool says.
fn committed(kafka: &Kafka, group: &str) -> Result<String> {
    let printed = kafka.cli("consumer-groups", &["--describe", "--group", group])?;
    let row = printed.lines().find(|line| line.starts_with(group)).context("no row of the group")?;
    Ok(row.split_whitespace().nth(3).context("no committed offset")?.to_owned())
}

fn offsets_are_reset_and_taken_back(database: &Database) -> Result<()> {
    let (kafka, host, name) = with_group("reset", database)?;
    assert_eq!(committed(kafka, &name)?, "2");
    let reset = ["run", "reset-offsets", &name, "-c", "lab", "--set", "to=earliest"];
    let forecast = host.cli(&[&reset[..], &["--preview"]].concat())?;
    assert!(forecast.code_is(2)?.contains(&name), "{forecast}");
    let asked = host.cli(&reset)?;
    assert!(asked.code_is(2)?.contains(&name) && asked.stderr.contains("--yes"), "{asked}");
    assert_eq!(committed(kafka, &name)?, "2", "looking moves nothing");

    host.cli(&[&reset[..], &["--yes"]].concat())?.ok()?;
    assert_eq!(committed(kafka, &name)?, "0");
    let done = host.cli(&["operation", "list", "-c", "lab", "-o", "json"])?.json()?;
    let id = done.pointer("/0/id").and_then(Value::as_str).context("no operation is listed")?;
    assert_eq!(done.pointer("/0/state").and_then(Value::as_str), Some("done"), "{done}");
    host.cli(&["operation", "undo", id])?.ok()?;
    assert_eq!(committed(kafka, &name)?, "2");

    host.cli(&["run", "reset-offsets", &name, "-c", "lab", "--set", "to=shift", "--set", "by=1", "--yes"])?
        .ok()?;
    assert_eq!(committed(kafka, &name)?, "3");
    Ok(())
}

fn a_group_with_members_keeps_its_offsets_until_they_are_gone(database: &Database) -> Result<()> {
    let (kafka, host, name) = with_group("members", database)?;
    let member = kafka.consumer(&name, &name)?;
    let members = || -> Result<Vec<String>> {
        let printed = kafka.cli("consumer-groups", &["--describe", "--members", "--group", &name])?;
        let rows = printed.lines().filter(|line| line.starts_with(&name));
        Ok(rows.filter_map(|row| row.split_whitespace().nth(1)).map(str::to_owned).collect())
    };
    let until = |what: &str, holds: &dyn Fn(&[String]) -> bool| {
        let dump = || format!("{:?}", members());
        until(what, JOINS, dump, || Ok(Some(members()?).filter(|members| holds(members))))
    };
    let joined = until("the consumer joins", &|members| !members.is_empty())?;
    let reset = ["run", "reset-offsets", &name, "-c", "lab", "--set", "to=earliest", "--yes"];
    let refused = host.cli(&reset)?;
    assert_ne!(refused.code, 0, "{refused}");
    assert!(refused.to_string().contains("stop"), "what to do is said: {refused}");

    let remove =
        ["run", "remove-members", &name, "-c", "lab", "--set", "all=true", "--yes", "--allow-destructive"];
    host.cli(&remove)?.ok()?;
    until("the member is gone, or came again as another", &|members| {
        !members.iter().any(|member| joined.contains(member))
    })?;
    drop(member);
    until("the group is empty", &|members| members.is_empty())?;
    host.cli(&reset)?.ok()?;
    assert_eq!(committed(kafka, &name)?, "0");
    Ok(())
}

fn what_destroys_needs_to_be_allowed(database: &Database) -> Result<()> {
    let (kafka, host, name) = with_group("destroy", database)?;
    let cut = ["run", "delete-records", &name, "-c", "lab", "--set", "to=latest", "--yes"];
    host.cli(&cut)?.refused(5, &["--allow-destructive"])?;
    let allowed = [&cut[..], &["--allow-destructive"]].concat();
    host.cli(&allowed)?.refused(5, &["not ours", "headgate adopt topic"])?;
    let earliest = ["--topic", &name, "--time", "earliest"];
    assert!(kafka.cli("get-offsets", &earliest)?.contains(&format!("{name}:0:0")));
    host.cli(&["adopt", "topic", &name, "-c", "lab", "--yes"])?.ok()?;
    host.cli(&allowed)?.ok()?;
    assert!(kafka.cli("get-offsets", &earliest)?.contains(&format!("{name}:0:5")));

    let delete = ["run", "delete-group", &name, "-c", "lab", "--yes", "--allow-destructive"];
    host.cli(&delete)?.ok()?;
    assert!(!kafka.cli("consumer-groups", &["--list"])?.lines().any(|line| line == name));
    host.cli(&["sync", "lab"])?.ok()?;
    assert_eq!(host.cli(&["get", "consumer-group", &name, "-c", "lab"])?.code, 4);
    Ok(())
}

fn a_replication_factor_is_raised_by_a_plan(database: &Database) -> Result<()> {
    let (kafka, host, name) = (Kafka::shared(3)?, Host::start(database)?, own("operate.copies", database));
    host.add_kafka("lab", kafka)?;
    let wish = |copies: u32| replicated(&name, 2, copies, &[]);
    apply(&host, &wish(1))?;
    let file = host.file("copies.yaml", &wish(3))?;
    let planned = host.cli(&["plan", "-f", &file])?;
    assert!(planned.code_is(2)?.contains("replication_factor 1 → 3"), "{planned}");
    let applied = host.cli(&["apply", "-f", &file, "--yes"])?;
    applied.ok()?;
    let described = kafka.cli("topics", &["--describe", "--topic", &name])?;
    assert!(described.contains("ReplicationFactor: 3"), "{described}");
    host.cli(&["plan", "-f", &file])?.ok()?;
    host.cli(&["undo", &applied.plan()?, "--yes"])?.ok()?;
    let described = kafka.cli("topics", &["--describe", "--topic", &name])?;
    assert!(described.contains("ReplicationFactor: 1"), "{described}");
    Ok(())
}

fn leaders_are_brought_back_to_where_they_belong(database: &Database) -> Result<()> {
    let (kafka, host, name) = (Kafka::shared(3)?, Host::start(database)?, own("operate.leaders", database));
    host.add_kafka("lab", kafka)?;
    apply(&host, &replicated(&name, 1, 3, &[]))?;
    let first = |described: &str| -> Option<(String, String)> {
        let row = described.lines().find(|line| line.contains("Leader:"))?;
        let after = |key: &str| row.split_once(key)?.1.split_whitespace().next().map(str::to_owned);
        Some((after("Leader:")?, after("Replicas:")?))
    };
    let described = || kafka.cli("topics", &["--describe", "--topic", &name]);
    let (leader, replicas) = first(&described()?).context("no partition is described")?;
    // The order of the replicas says who should lead: turn it around.
    let turned: Vec<u64> = replicas.split(',').rev().map(str::parse).collect::<Result<_, _>>()?;
    let input = serde_json::json!({"partitions": {"0": turned}}).to_string();
    host.cli(&["run", "reassign", &name, "-c", "lab", "--input", &input, "--yes"])?.ok()?;
    host.cli(&[
        "run",
        "elect-leaders",
        "-c",
        "lab",
        "--input",
        &format!(r#"{{"topics": ["{name}"]}}"#),
        "--yes",
    ])?
    .ok()?;
    let (now, _) = first(&described()?).context("no partition is described")?;
    assert_eq!(now, turned.first().map(ToString::to_string).unwrap_or_default());
    assert_ne!(now, leader, "it moved");
    Ok(())
}

fn a_broker_is_drained_of_a_topic(database: &Database) -> Result<()> {
    let (kafka, host, name) = (Kafka::shared(3)?, Host::start(database)?, own("operate.drained", database));
    host.add_kafka("lab", kafka)?;
    apply(&host, &replicated(&name, 3, 2, &[]))?;
    let on_two = || -> Result<usize> {
        let described = kafka.cli("topics", &["--describe", "--topic", &name])?;
        let replicas =
            described.lines().filter_map(|line| line.split_once("Replicas: ")?.1.split_whitespace().next());
        Ok(replicas.filter(|ids| ids.split(',').any(|id| id == "2")).count())
    };
    assert!(on_two()? > 0, "six copies on three brokers");
    let drain = ["run", "reassign", &name, "-c", "lab", "--input", r#"{"drain": [2]}"#];
    let forecast = host.cli(&[&drain[..], &["--preview"]].concat())?;
    assert!(forecast.code_is(2)?.contains(&name), "{forecast}");
    host.cli(&[&drain[..], &["--yes"]].concat())?.ok()?;
    assert_eq!(on_two()?, 0);
    let done = host.cli(&["operation", "list", "-c", "lab", "-o", "json"])?.json()?;
    let id = done.pointer("/0/id").and_then(Value::as_str).context("no operation is listed")?;
    host.cli(&["operation", "undo", id])?.ok()?;
    assert!(on_two()? > 0, "taken back");
    Ok(())
}

/// The leader dies with a message that the only other copy, which was away, never saw.
fn a_copy_that_lags_leads_where_nobody_else_can(database: &Database) -> Result<()> {
    let (kafka, host, name) = (Kafka::nodes(3)?, Host::start(database)?, own("operate.unclean", database));
    kafka.cli("topics", &["--create", "--topic", &name, "--replica-assignment", "2:3"])?;
    host.add_kafka("lab", &kafka)?;
    host.cli(&["adopt", "topic", &name, "-c", "lab", "--yes"])?.ok()?;
    let described = || kafka.cli("topics", &["--describe", "--topic", &name]);
    let until = |what: &str, holds: &dyn Fn(&str) -> bool| {
        until(
            what,
            LEADS,
            || format!("{:?}", described()),
            || Ok(Some(described()?).filter(|text| holds(text))),
        )
    };
    kafka.node(3).kill()?;
    until("node 3 is out of sync", &|text| text.contains("Isr: 2\t") || text.trim_end().ends_with("Isr: 2"))?;
    kafka.cli_with_input("console-producer", &["--topic", &name], "seen by 2 alone\n")?;
    kafka.node(2).kill()?;
    kafka.node(3).start_alone()?;
    until("nobody leads", &|text| text.contains("Leader: none"))?;

    let elect = ["run", "elect-unclean-leaders", "-c", "lab"];
    let input = format!(r#"{{"topics": ["{name}"]}}"#);
    let elect = [&elect[..], &["--input", &input, "--yes"]].concat();
    host.cli(&elect)?.refused(5, &["--allow-destructive"])?;
    assert!(described()?.contains("Leader: none"), "nothing is lost without a word");
    host.cli(&[&elect[..], &["--allow-destructive"]].concat())?.ok()?;
    until("node 3 leads", &|text| text.contains("Leader: 3"))?;
    Ok(())
}

/// Kafka's own tool moves them, so slowly that they are on the move while Headgate looks.
fn replicas_on_the_move_are_no_drift(database: &Database) -> Result<()> {
    let (kafka, name) = (Kafka::shared(3)?, own("operate.moving", database));
    let host = Host::start(database)?;
    host.add_kafka("lab", kafka)?;
    apply(
        &host,
        &format!("cluster: lab\ntype: topic\nname: {name}\nspec: {{partitions: 1, replication_factor: 2}}\n"),
    )?;
    let line = "x".repeat(1_000) + "\n";
    kafka.cli_with_input("console-producer", &["--topic", &name], &line.repeat(2_000))?;
    let described = kafka.cli("topics", &["--describe", "--topic", &name])?;
    let replicas = described.lines().find_map(|line| Some(line.split_once("Replicas: ")?.1));
    let replicas = replicas.and_then(|rest| rest.split_whitespace().next()).context("no replicas")?;
    let (stays, other) = replicas.split_once(',').context("two replicas")?;
    let new = ["1", "2", "3"].into_iter().find(|id| *id != stays && *id != other).context("a third node")?;
    let move_to = |replicas: &str| {
        let json = format!(
            r#"{{"version": 1, "partitions": [{{"topic": "{name}", "partition": 0, "replicas": [{replicas}]}}]}}"#
        );
        host.file("move.json", &json)
    };
    let file = move_to(&format!("{stays},{new}"))?;
    let reassign = |more: &[&str]| {
        kafka.cli("reassign-partitions", &[&["--reassignment-json-file", &file], more].concat())
    };
    reassign(&["--execute", "--throttle", "1000"])?;
    let moving = kafka.cli("topics", &["--describe", "--topic", &name])?;
    assert!(moving.contains("Adding Replicas"), "it is not on the move: {moving}");

    host.cli(&["sync", "lab"])?.ok()?;
    let topic = host.get(&format!("/api/v1/clusters/lab/resources/topic/{name}"))?;
    assert_eq!(topic.pointer("/observed/replication_factor"), Some(&Value::from(2)), "{topic}");
    assert_eq!(topic.pointer("/status"), Some(&Value::from("synced")), "{topic}");
    reassign(&["--cancel"])?;
    Ok(())
}

fn what_an_operation_is_asked_wrongly_is_said(database: &Database) -> Result<()> {
    let (_, host, name) = with_group("wrong", database)?;
    let run = |arguments: &[&str]| host.cli(&[&["run"], arguments, &["-c", "lab", "--yes"]].concat());
    run(&["sing"])?.refused(4, &["no operation `sing`", "reset-offsets"])?;
    run(&["reset-offsets"])?.refused(3, &["name it"])?;
    run(&["reset-offsets", &name, "--set", "to=yesterday"])?.refused(3, &["/to"])?;
    assert_eq!(run(&["reset-offsets", &format!("{name}.nobody"), "--set", "to=earliest"])?.code, 1);
    host.cli(&["policy", "set", "lab", "--authority", "observe"])?.ok()?;
    run(&["reset-offsets", &name, "--set", "to=earliest"])?.refused(5, &["observe"])?;
    Ok(())
}
