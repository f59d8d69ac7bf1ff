//! A real Redis, by the sample plugin in Rust: nodes are shown, settings and users written, and redis-cli is the judge.

use anyhow::{Context, Result, ensure};
use headgate_tests::{Database, Host, Output, Redis, for_each_database};
use serde_json::Value;

use crate::documents::SOON;
use crate::topics::{apply, own};

for_each_database!(
    a_cluster_is_shown_with_its_nodes_and_a_dead_one_holds_up_nobody,
    settings_are_written_together_and_outlive_a_restart,
    a_setting_that_somebody_changed_is_drift_and_is_taken_back,
    what_a_server_would_forget_is_said_before,
    a_user_is_made_with_a_secret_logs_in_and_is_deleted,
    users_that_differ_are_shown_and_made_alike,
    commands_that_redis_tells_otherwise_stay_as_they_were_wished,
    who_logs_in_is_told_when_the_password_is_wrong,
);

fn registered(database: &Database, redis: &Redis) -> Result<Host> {
    let host = Host::with_sample(database, "redis", "addresses")?;
    let addresses = format!("addresses={}", redis.addresses()?);
    host.cli(&["cluster", "add", "lab", "--kind", "redis", "--set", &addresses])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    Ok(host)
}

/// At every node where none is named.
fn document(metadata_type: &str, name: &str, node: Option<&str>, rest: &str) -> String {
    let at = node.map(|node| format!("at: \"node:{node}\"\n")).unwrap_or_default();
    format!("---\ncluster: lab\ntype: {metadata_type}\nname: {name}\n{at}{rest}\n")
}

fn health(host: &Host, word: &str) -> Result<usize> {
    let shown = host.cli(&["cluster", "show", "lab"])?;
    Ok(shown.ok()?.split_whitespace().filter(|found| *found == word).count())
}

fn told(output: &Output) -> String {
    format!("{}{}", output.stdout, output.stderr)
}

fn a_cluster_is_shown_with_its_nodes_and_a_dead_one_holds_up_nobody(database: &Database) -> Result<()> {
    let redis = Redis::nodes(3)?;
    let host = registered(database, &redis)?;
    assert_eq!((health(&host, "up")?, health(&host, "down")?), (3, 0));
    let shown = host.cli(&["cluster", "show", "lab"])?;
    for part in ["master", "shard-0", redis.cli(1, &["cluster", "myid"])?.as_str(), "7."] {
        assert!(shown.ok()?.contains(part), "no {part}: {shown}");
    }

    // The first in the form is the first that is asked: another answers in its place.
    redis.kill(1)?;
    host.until("one is down", SOON, |host| {
        host.cli(&["sync", "lab"])?;
        Ok((health(host, "up")? + health(host, "degraded")?, health(host, "down")?) == (2, 1))
    })?;
    let wish = host.file("wish.yaml", &document("user", "meanwhile", None, "spec: {enabled: true}"))?;
    let applied = host.cli(&["apply", "-f", &wish, "--yes"])?;
    assert!(applied.ok()?.contains("blocked"), "a node is missing: {applied}");
    for node in [2, 3] {
        assert!(redis.user(node, "meanwhile")?.is_some(), "node {node} does not have it");
    }

    redis.revive(1)?;
    host.until("it is back", SOON, |host| {
        host.cli(&["sync", "lab"])?;
        Ok(health(host, "up")? == 3)
    })?;
    host.cli(&["apply", "-f", &wish, "--yes"])?.ok()?;
    assert!(redis.user(1, "meanwhile")?.is_some(), "who was gone has it as well");
    Ok(())
}

fn settings_are_written_together_and_outlive_a_restart(database: &Database) -> Result<()> {
    let redis = Redis::nodes(1)?;
    let host = registered(database, &redis)?;
    let node = redis.addresses()?;
    let wish = "spec: {config: {maxmemory: 64mb, maxmemory-policy: allkeys-lru, activedefrag: false}}";
    apply(&host, &document("config", "server", Some(node), wish))?;
    let settings =
        || Ok::<_, anyhow::Error>([redis.setting(1, "maxmemory")?, redis.setting(1, "maxmemory-policy")?]);
    assert_eq!(settings()?, ["67108864", "allkeys-lru"]);
    redis.kill(1)?;
    redis.revive(1)?;
    assert_eq!(settings()?, ["67108864", "allkeys-lru"], "it stands in its file");
    let same = host.file("same.yaml", &document("config", "server", Some(node), wish))?;
    let again = host.cli(&["plan", "-f", &same])?;
    assert!(again.ok()?.contains("nothing to do"), "{again}");

    // All or none: what stands beside a value that Redis refuses is not written.
    let bad = document("config", "server", Some(node), "spec: {config: {maxmemory-policy: odd, timeout: 5}}");
    let refused = host.cli(&["apply", "-f", &host.file("bad.yaml", &bad)?, "--yes"])?;
    assert_ne!(refused.code, 0, "{refused}");
    assert!(told(&refused).contains("maxmemory-policy"), "{refused}");
    assert_eq!(redis.setting(1, "timeout")?, "0");
    for (setting, part) in [("port: 7", "restart it"), ("requirepass: x", "credential")] {
        let bad = document("config", "server", Some(node), &format!("spec: {{config: {{{setting}}}}}"));
        let refused = host.cli(&["plan", "-f", &host.file("fixed.yaml", &bad)?])?;
        refused.refused(3, &[part])?;
    }
    Ok(())
}

fn a_setting_that_somebody_changed_is_drift_and_is_taken_back(database: &Database) -> Result<()> {
    let redis = Redis::nodes(1)?;
    let host = registered(database, &redis)?;
    let node = redis.addresses()?;
    apply(&host, &document("config", "server", Some(node), "spec: {config: {maxclients: 500}}"))?;
    redis.cli(1, &["config", "set", "maxclients", "400"])?;
    host.cli(&["sync", "lab"])?.ok()?;
    let shown = host.cli(&["drift", "-c", "lab"])?;
    for part in ["maxclients", "500", "400"] {
        assert!(shown.code_is(2)?.contains(part), "no {part}: {shown}");
    }
    let at = format!("node:{node}");
    host.cli(&["drift", "revert", "config", "server", "-c", "lab", "--at", &at, "--yes"])?.ok()?;
    assert_eq!(redis.setting(1, "maxclients")?, "500");
    Ok(())
}

fn what_a_server_would_forget_is_said_before(database: &Database) -> Result<()> {
    let redis = Redis::without_a_file()?;
    let host = registered(database, &redis)?;
    let wish = document("config", "server", Some(redis.addresses()?), "spec: {config: {timeout: 60}}");
    let file = host.file("wish.yaml", &wish)?;
    let planned = host.cli(&["plan", "-f", &file])?;
    assert!(planned.code_is(2)?.contains("until its next start"), "{planned}");
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    assert_eq!(redis.setting(1, "timeout")?, "60");
    Ok(())
}

fn a_user_is_made_with_a_secret_logs_in_and_is_deleted(database: &Database) -> Result<()> {
    let redis = Redis::with_password()?;
    let host = Host::with_sample(database, "redis", "addresses")?;
    let addresses = format!("addresses={}", redis.addresses()?);
    let (login, first) = (secret(&host, "password", Redis::PASSWORD)?, secret(&host, "carol", "wunderland")?);
    let add = ["cluster", "add", "lab", "--kind", "redis", "--set", &addresses, "--secret", &login];
    host.cli(&[&add[..], &["--secret", &first]].concat())?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    redis.cli(1, &["set", "app:1", "one"])?;

    let wish = "spec: {enabled: true, commands: +@read, keys: ['app:*'], password: {$secret: carol}}";
    let file = host.file("carol.yaml", &document("user", "carol", None, wish))?;
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    assert_eq!(redis.cli_as("carol", "wunderland", &["get", "app:1"])?, "one");
    for (password, command) in [("guessed", ["get", "app:1"]), ("wunderland", ["get", "other:1"])] {
        assert!(redis.cli_as("carol", password, &command).is_err(), "{command:?} with {password}");
    }
    host.cli(&["plan", "-f", &file])?.ok()?;

    // What the secret holds changed, and not a word of the document.
    let second = secret(&host, "carol", "looking-glass")?;
    host.cli(&["cluster", "set", "lab", "--secret", &second])?.ok()?;
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    assert_eq!(redis.cli_as("carol", "looking-glass", &["get", "app:1"])?, "one");
    assert!(redis.cli_as("carol", "wunderland", &["get", "app:1"]).is_err());
    let at = format!("node:{}", redis.addresses()?);
    let listed = host.cli(&["get", "user", "carol", "-c", "lab", "--at", &at, "-o", "json"])?;
    let hash = redis.user(1, "carol")?.context("no carol")?;
    let hash = hash.split_whitespace().find(|word| word.starts_with('#')).context("no hash")?.to_owned();
    assert!(!listed.ok()?.contains(hash.trim_start_matches('#')), "a hash is shown: {listed}");

    let gone = host.file("gone.yaml", &document("user", "carol", None, "delete: true"))?;
    host.cli(&["apply", "-f", &gone, "--yes"])?.refused(5, &["--allow-destructive"])?;
    host.cli(&["apply", "-f", &gone, "--yes", "--allow-destructive"])?.ok()?;
    assert_eq!(redis.user(1, "carol")?, None);
    for password in ["wunderland", "looking-glass", Redis::PASSWORD] {
        assert!(!host.logged()?.contains(password), "a password is in the log");
    }
    Ok(())
}

fn secret(host: &Host, name: &str, value: &str) -> Result<String> {
    Ok(format!("{name}=@{}", host.file(&format!("{name}.txt"), value)?))
}

fn users_that_differ_are_shown_and_made_alike(database: &Database) -> Result<()> {
    let redis = Redis::shared()?;
    let host = registered(database, redis)?;
    let name = own("differs", database);
    for (node, rule) in [(1, "+@read"), (2, "+@read"), (3, "+@all")] {
        redis.cli(node, &["acl", "setuser", &name, "on", "~app:*", rule])?;
    }
    host.cli(&["sync", "lab"])?.ok()?;
    let odd = format!("node:{}", redis.cli(3, &["cluster", "myid"])?);
    let shown = host.cli(&["divergence", "-c", "lab", "--type", "user"])?;
    for part in [name.as_str(), "/commands", "forbidden"] {
        assert!(shown.code_is(2)?.contains(part), "no {part}: {shown}");
    }
    let there = host.cli(&["get", "user", "-c", "lab", "--diverged", "--at", &odd])?;
    assert!(there.ok()?.contains(&name), "{there}");

    // Two of three are the majority.
    host.cli(&["divergence", "repair", "user", &name, "-c", "lab", "--yes"])?.ok()?;
    for node in 1..=3 {
        let user = redis.user(node, &name)?.context("no user")?;
        assert!(user.ends_with("-@all +@read"), "node {node}: {user}");
    }
    let left = host.cli(&["divergence", "-c", "lab", "--type", "user"])?;
    assert!(!left.stdout.contains(&name), "{left}");
    Ok(())
}

/// Redis 7.0 tells what commands are allowed, not by which rules.
fn commands_that_redis_tells_otherwise_stay_as_they_were_wished(database: &Database) -> Result<()> {
    let redis = Redis::shared()?;
    let host = registered(database, redis)?;
    let name = own("rules", database);
    let wish = document(
        "user",
        &name,
        None,
        "spec: {commands: ['+@all', -@dangerous, +keys], keys: ['app:*', '%R~b']}",
    );
    apply(&host, &wish)?;
    let told = redis.user(2, &name)?.context("no user")?;
    assert!(told.contains("+@all") && told.contains("~app:* %R~b"), "{told}");
    assert_eq!(redis.cli(2, &["acl", "dryrun", &name, "keys", "app:*"])?, "OK");
    assert!(redis.cli(2, &["acl", "dryrun", &name, "flushall"])?.contains("no permissions"));

    host.cli(&["sync", "lab"])?.ok()?;
    let again = host.cli(&["plan", "-f", &host.file("same.yaml", &wish)?])?;
    assert!(again.ok()?.contains("nothing to do"), "{again}");
    redis.cli(2, &["acl", "setuser", &name, "+flushall"])?;
    host.cli(&["sync", "lab"])?.ok()?;
    let drift = host.cli(&["drift", "-c", "lab"])?;
    ensure!(drift.code_is(2)?.contains(&name), "{drift}");
    Ok(())
}

fn who_logs_in_is_told_when_the_password_is_wrong(database: &Database) -> Result<()> {
    let redis = Redis::with_password()?;
    let host = Host::with_sample(database, "redis", "addresses")?;
    let addresses = format!("addresses={}", redis.addresses()?);
    let add = ["cluster", "add", "lab", "--kind", "redis", "--set", &addresses];
    host.cli(&[&add[..], &["--secret", &secret(&host, "password", "guessed")?]].concat())?.ok()?;
    let refused = host.cli(&["sync", "lab"])?;
    assert_ne!(refused.code, 0, "{refused}");
    assert!(told(&refused).contains("invalid username-password pair"), "{refused}");

    let right = secret(&host, "password", Redis::PASSWORD)?;
    host.cli(&["cluster", "set", "lab", "--secret", &right])?.ok()?;
    host.cli(&["sync", "lab"])?.ok()?;
    let listed = host.get("/api/v1/clusters/lab/resources?type=user&limit=10")?;
    assert_eq!(listed.pointer("/items/0/key/id").and_then(Value::as_str), Some("default"));
    Ok(())
}
