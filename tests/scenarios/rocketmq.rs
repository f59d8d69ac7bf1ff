//! A real RocketMQ: the copies of a topic on two replica groups, one by one and together; who is connected, and who may.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Queues, RocketMq, for_each_database};

use crate::topics::{apply, own};

for_each_database!(
    a_wish_without_a_place_is_one_for_every_group,
    several_edits_are_one_rewrite_that_keeps_what_others_set,
    copies_that_differ_are_shown_and_made_alike,
    a_group_that_joins_gets_what_stands_and_one_that_is_down_leaves_the_other_alone,
    a_client_is_listed_while_it_is_connected,
    an_access_rule_is_made_changed_and_deleted_over_tls,
    a_rule_that_cannot_be_is_refused_with_what_to_write,
    a_user_s_password_is_a_secret_of_the_cluster,
);

/// A document of a topic; `at` is `group:broker-a` or empty.
fn topic(name: &str, at: &str, spec: &str) -> String {
    let at = if at.is_empty() { String::new() } else { format!("at: {at}\n") };
    format!("---\ncluster: mq\ntype: topic\nname: {name}\n{at}spec: {{{spec}}}\n")
}

pub(crate) fn registered(database: &Database, cluster: &RocketMq) -> Result<Host> {
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

    // One resource, one place: the same at each level.
    let odd =
        host.cli(&["divergence", "-c", "mq", "--type", "topic", "--at", "group:broker-b", "-o", "json"])?;
    assert!(odd.stdout.contains(&half), "broker-b lacks it: {odd}");
    let diverged = |more: &[&str]| host.cli(&[&["get", "topic", "-c", "mq", "--diverged"], more].concat());
    assert_eq!(diverged(&["--match", &differs])?.ok()?.matches(&differs).count(), 2, "both copies");
    let there = diverged(&["--at", "group:broker-b"])?;
    assert!(there.ok()?.contains(&differs) && !there.stdout.contains(&half), "{there}");

    let tied = host.cli(&["divergence", "repair", "topic", &differs, "-c", "mq", "--yes"])?;
    tied.refused(3, &["which copy to follow"])?;
    let repair = ["divergence", "repair", "topic", &differs, "-c", "mq", "--like", "group:broker-b", "--yes"];
    host.cli(&repair)?.ok()?;
    assert!(!diverged(&["--match", &differs])?.ok()?.contains(&differs), "they are alike now");
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

fn a_client_is_listed_while_it_is_connected(database: &Database) -> Result<()> {
    let cluster = RocketMq::shared()?;
    let host = registered(database, cluster)?;
    let name = own("connected", database).replace('.', "-");
    apply(&host, &topic(&name, "", "read_queues: 2, write_queues: 2"))?;

    let id = cluster.with_client("consumer", &name, &name, |client| {
        let id = format!("consumer:{client}");
        host.until("the client is listed", Duration::from_secs(20), |host| lists_client(host, &id))?;
        let client = host.resource("mq", "client", &id.replace('#', "%23"))?.to_string();
        for part in [name.as_str(), "broker-a", "broker-b", "JAVA", "connections"] {
            assert!(client.contains(part), "no {part}: {client}");
        }
        Ok(id)
    })?;
    host.until("the client has left", Duration::from_secs(20), |host| Ok(!lists_client(host, &id)?))
}

fn lists_client(host: &Host, id: &str) -> Result<bool> {
    host.cli(&["sync", "mq"])?.ok()?;
    Ok(host.cli(&["get", "client", "-c", "mq"])?.ok()?.contains(id))
}

/// Registers the cluster where every port wants TLS and a client's certificate, and every request a signature.
fn secured(database: &Database, cluster: &RocketMq) -> Result<Host> {
    let host = Host::start(database)?;
    let address = format!("name_servers={}", cluster.name_servers()?);
    let tls = Path::new(cluster.fact("TLS_DIR")?);
    let authority = format!("ca={}", std::fs::read_to_string(tls.join("ca.crt"))?);
    let user = format!("access_key={}", cluster.fact("ACCESS_KEY")?);
    let identity = format!("identity=@{}", tls.join("admin.pem").display());
    let secret = format!("secret_key=@{}", host.file("secret_key", cluster.fact("SECRET_KEY")?)?);
    let mut add = vec!["cluster", "add", "mq", "--kind", "rocketmq", "--set", &address, "--set", "tls=true"];
    add.extend(["--set", &authority, "--set", &user, "--secret", &identity, "--secret", &secret]);
    host.cli(&add)?.ok()?;
    host.cli(&["sync", "mq"])?.ok()?;
    Ok(host)
}

/// A document of what a user may do, on every group.
fn rule(name: &str, policies: &str) -> String {
    format!("---\ncluster: mq\ntype: acl\nname: {name:?}\nspec: {{policies: [{policies}]}}\n")
}

/// What `mqadmin` shows of a user's rule on one broker: resource, actions and decision of each policy.
fn policies(cluster: &RocketMq, broker: &str, user: &str) -> Result<Vec<String>> {
    let printed = cluster.mqadmin(&["listAcl", "-b", &cluster.address(broker)?])?;
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines = printed.lines().map(words).filter(|words| words.first().is_some_and(|first| first == user));
    Ok(lines.map(|words| words.get(2..).unwrap_or_default().join(" ")).collect())
}

fn an_access_rule_is_made_changed_and_deleted_over_tls(database: &Database) -> Result<()> {
    let cluster = RocketMq::shared_secure()?;
    let name = own("ruled", database).replace('.', "-");
    let (user, password) = (format!("User:{name}"), "not-to-be-shown");
    cluster.mqadmin(&["createUser", "-c", "headgate", "-u", &name, "-p", password, "-t", "Normal"])?;
    let host = secured(database, cluster)?;
    let users = host.cli(&["get", "user", "-c", "mq", "-o", "json"])?;
    assert!(users.ok()?.contains(&name) && !users.stdout.contains(password), "{users}");

    let orders = format!("{{resource: Topic:{name}, actions: [Sub, Pub], decision: Allow}}");
    let all_groups = "{resource: 'Group:*', actions: [Sub], decision: Allow}";
    let file = host.file("rule.yaml", &rule(&user, &format!("{orders}, {all_groups}")))?;
    let planned = host.cli(&["plan", "-f", &file])?;
    assert!(planned.code_is(2)?.contains(&format!("Allow Pub, Sub on Topic:{name}")), "{planned}");
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    for broker in ["broker-a", "broker-b"] {
        let made = policies(cluster, broker, &user)?;
        assert_eq!(
            made,
            ["Group:* [Sub] null Allow".to_owned(), format!("Topic:{name} [Pub, Sub] null Allow")]
        );
    }
    host.cli(&["plan", "-f", &file])?.code_is(0)?;

    let fewer = rule(&user, &format!("{{resource: Topic:{name}, actions: [Sub], decision: Deny}}"));
    apply(&host, &fewer)?;
    assert_eq!(policies(cluster, "broker-b", &user)?, [format!("Topic:{name} [Sub] null Deny")]);
    for at in ["group:broker-a", "group:broker-b"] {
        let delete = ["delete", "acl", &user, "-c", "mq", "--at", at, "--yes", "--allow-destructive"];
        host.cli(&delete)?.ok()?;
    }
    assert_eq!(policies(cluster, "broker-a", &user)?, [""; 0]);
    Ok(())
}

fn a_rule_that_cannot_be_is_refused_with_what_to_write(database: &Database) -> Result<()> {
    let host = secured(database, RocketMq::shared_secure()?)?;
    let policy = "{resource: Topic:orders, actions: [Pub], decision: Allow}";
    for (name, policies, part) in [
        ("alice", policy, "as in User:alice"),
        ("User:alice", "{resource: orders, actions: [Pub], decision: Allow}", "as in Topic:orders"),
        ("User:alice", "{resource: Topic:orders, actions: [Read], decision: Allow}", "it can be All, Create"),
    ] {
        let file = host.file("wrong.yaml", &rule(name, policies))?;
        let planned = host.cli(&["plan", "-f", &file])?;
        assert!(planned.to_string().contains(part), "no {part}: {planned}");
    }
    let file = host.file("nobody.yaml", &rule("User:nobody-here", policy))?;
    let applied = host.cli(&["apply", "-f", &file, "--yes"])?;
    assert_ne!(applied.code, 0, "{applied}");
    assert!(applied.to_string().contains("make the user first"), "{applied}");
    Ok(())
}

fn a_user_s_password_is_a_secret_of_the_cluster(database: &Database) -> Result<()> {
    let cluster = RocketMq::shared_secure()?;
    let (host, name) = (secured(database, cluster)?, own("user", database).replace('.', "-"));
    let user = |kind: &str| {
        format!(
            "---\ncluster: mq\ntype: user\nname: {name}\nspec: {{user_type: {kind}, password: {{$secret: {name}}}}}\n"
        )
    };
    let file = host.file("user.yaml", &user("Normal"))?;
    let missing = host.cli(&["apply", "-f", &file, "--yes"])?;
    missing.refused(3, &["no secret", "headgate cluster set mq --secret"])?;

    let password = host.file("password", "first-of-two")?;
    host.cli(&["cluster", "set", "mq", "--secret", &format!("{name}=@{password}")])?.ok()?;
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    let made = || cluster.mqadmin(&["listUser", "-c", "headgate"]);
    assert!(made()?.lines().any(|line| line.contains(&name) && line.contains("Normal")), "{}", made()?);
    host.cli(&["plan", "-f", &file])?.code_is(0)?;

    // Another value under the same name is another wish.
    let password = host.file("password", "second-of-two")?;
    host.cli(&["cluster", "set", "mq", "--secret", &format!("{name}=@{password}")])?.ok()?;
    let changed = host.cli(&["plan", "-f", &file])?;
    assert!(changed.code_is(2)?.contains("password of secret"), "{changed}");
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    host.cli(&["plan", "-f", &file])?.code_is(0)?;
    let told = host.cli(&["get", "user", &name, "-c", "mq", "--at", "group:broker-a", "-o", "json"])?;
    assert!(!told.ok()?.contains("of-two") && !host.logged()?.contains("of-two"), "{told}");
    for at in ["group:broker-a", "group:broker-b"] {
        host.cli(&["delete", "user", &name, "-c", "mq", "--at", at, "--yes", "--allow-destructive"])?.ok()?;
    }
    assert!(!made()?.contains(&name));
    Ok(())
}
