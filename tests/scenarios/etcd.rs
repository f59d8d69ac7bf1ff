//! A real etcd: a cluster, its users, roles, alarms and leases are shown, and nothing of it is ever written.

use anyhow::{Context, Result};
use headgate_tests::{Database, Etcd, Host, for_each_database};
use serde_json::Value;

use crate::documents::SOON;
use crate::topics::own;

for_each_database!(
    a_cluster_is_shown_with_its_leader,
    users_roles_and_leases_are_shown_as_they_were_made,
    a_dead_member_leaves_the_rest_readable,
    who_logs_in_sees_what_etcd_lets_it,
    an_alarm_is_shown_at_the_member_that_raised_it,
    nothing_of_etcd_is_written,
);

fn registered(database: &Database, cluster: &Etcd) -> Result<Host> {
    let host = Host::start(database)?;
    let endpoints = format!("endpoints={}", cluster.endpoints()?);
    host.cli(&["cluster", "add", "reg", "--kind", "etcd", "--set", &endpoints])?.ok()?;
    host.cli(&["sync", "reg"])?.ok()?;
    Ok(host)
}

/// Read from the cluster now.
fn shown(host: &Host, metadata_type: &str, id: &str) -> Result<Value> {
    host.cli(&["get", metadata_type, id, "-c", "reg", "-o", "json"])?.json()
}

/// Ids that the last look left in the host.
fn listed(host: &Host, metadata_type: &str) -> Result<Vec<String>> {
    let answer = host.get(&format!("/api/v1/clusters/reg/resources?type={metadata_type}&limit=500"))?;
    let items = answer.get("items").and_then(Value::as_array).context("no items")?;
    let id = |item: &Value| item.pointer("/key/id").and_then(Value::as_str).map(str::to_owned);
    items.iter().map(|item| id(item).with_context(|| format!("no id in {item}"))).collect()
}

/// How often each of the words stands in what is shown of the cluster.
fn words<const COUNT: usize>(host: &Host, wanted: [&str; COUNT]) -> Result<[usize; COUNT]> {
    let shown = host.cli(&["cluster", "show", "reg"])?;
    let printed = shown.ok()?;
    Ok(wanted.map(|word| printed.split_whitespace().filter(|found| *found == word).count()))
}

fn a_cluster_is_shown_with_its_leader(database: &Database) -> Result<()> {
    let cluster = Etcd::shared()?;
    let host = registered(database, cluster)?;
    assert_eq!(words(&host, ["leader", "follower", "down"])?, [1, 2, 0]);
    let printed = host.cli(&["cluster", "show", "reg"])?;
    for endpoint in cluster.endpoints()?.split(',') {
        assert!(printed.stdout.contains(endpoint), "no {endpoint}: {printed}");
    }
    let members = listed(&host, "member")?;
    let told = cluster.cli(&["member", "list"])?;
    assert!(members.len() == 3 && members.iter().all(|id| told.contains(id)), "{members:?}: {told}");
    let member = shown(&host, "member", members.first().context("no member")?)?.to_string();
    assert!(member.contains(r#""db_bytes""#) && member.contains(r#""leader""#), "{member}");
    Ok(())
}

fn users_roles_and_leases_are_shown_as_they_were_made(database: &Database) -> Result<()> {
    let cluster = Etcd::shared()?;
    let host = registered(database, cluster)?;
    let (user, role) = (own("alice", database), own("app", database));
    cluster.cli(&["role", "add", &role])?;
    cluster.cli(&["role", "grant-permission", &role, "readwrite", "--prefix", "/app/"])?;
    cluster.cli(&["role", "grant-permission", &role, "read", "/one"])?;
    cluster.cli(&["user", "add", &format!("{user}:secret")])?;
    cluster.cli(&["user", "grant-role", &user, &role])?;
    // `lease 694d8d1b2c3d4e5f granted with TTL(600s)`
    let lease = cluster.cli(&["lease", "grant", "600"])?;
    let lease = lease.split_whitespace().nth(1).context("no id of the lease")?;
    cluster.cli(&["put", &own("key", database), "x", "--lease", lease])?;

    host.cli(&["sync", "reg"])?.ok()?;
    for (metadata_type, id) in [("user", user.as_str()), ("role", &role), ("lease", lease)] {
        assert!(listed(&host, metadata_type)?.iter().any(|one| one == id), "no {metadata_type} {id}");
    }
    let (told, granted) = (shown(&host, "user", &user)?.to_string(), format!(r#""roles":["{role}"]"#));
    assert!(told.contains(&granted), "no {granted}: {told}");
    let permissions = shown(&host, "role", &role)?.to_string();
    for part in [
        r#"{"key":"/app/","rights":"readwrite","scope":"prefix"}"#,
        r#"{"key":"/one","rights":"read","scope":"key"}"#,
    ] {
        assert!(permissions.contains(part), "no {part}: {permissions}");
    }
    let told = shown(&host, "lease", lease)?.to_string();
    assert!(told.contains(r#""granted_ttl_s":600"#) && told.contains(r#""keys":1"#), "{told}");

    cluster.cli(&["lease", "revoke", lease])?;
    host.cli(&["sync", "reg"])?.ok()?;
    assert!(!listed(&host, "lease")?.iter().any(|one| one == lease), "it was revoked");
    Ok(())
}

fn a_dead_member_leaves_the_rest_readable(database: &Database) -> Result<()> {
    let cluster = Etcd::members(3, "")?;
    let host = registered(database, &cluster)?;
    cluster.kill(2)?;
    // Where it led, another one does within a second or two.
    host.until("one is down and another leads", SOON, |host| {
        host.cli(&["sync", "reg"])?;
        Ok(words(host, ["leader", "follower", "down"])? == [1, 1, 1])
    })?;
    cluster.cli(&["role", "add", "made-meanwhile"])?;
    host.cli(&["sync", "reg"])?.ok()?;
    assert_eq!(listed(&host, "role")?, ["made-meanwhile"]);
    let again = host.cli(&["sync", "reg", "-o", "json"])?.json()?;
    let types = again.get("types").and_then(Value::as_array).context("no types")?;
    for seen in types {
        let written = ["new", "changed", "gone"].map(|key| seen.get(key).and_then(Value::as_u64));
        assert_eq!(written, [Some(0); 3], "nobody has changed anything: {again}");
    }

    cluster.start(2)?;
    host.until("it is back", SOON, |host| {
        host.cli(&["sync", "reg"])?;
        Ok(words(host, ["leader", "follower", "down"])? == [1, 2, 0])
    })
}

fn who_logs_in_sees_what_etcd_lets_it(database: &Database) -> Result<()> {
    let cluster = Etcd::members(1, "")?;
    for user in ["root", "alice"] {
        cluster.cli(&["user", "add", &format!("{user}:{user}-secret")])?;
    }
    // Older releases have no such role before it is made.
    cluster.cli(&["role", "add", "root"])?;
    cluster.cli(&["user", "grant-role", "root", "root"])?;
    cluster.cli(&["auth", "enable"])?;

    let host = Host::start(database)?;
    let endpoints = format!("endpoints={}", cluster.endpoints()?);
    let log_in = |verb: &[&str], user: &str, secret: &str| {
        let (user, file) = (format!("username={user}"), host.file("password", secret)?);
        let password = format!("password=@{file}");
        host.cli(&[verb, &["--set", &user, "--secret", &password]].concat())
    };
    let add = ["cluster", "add", "reg", "--kind", "etcd", "--set", endpoints.as_str()];
    log_in(&add, "root", "root-secret")?.ok()?;
    host.cli(&["sync", "reg"])?.ok()?;
    assert_eq!(listed(&host, "user")?, ["alice", "root"]);
    // Every token ends with it, and the host's session does not.
    cluster.cli(&["--user", "root:root-secret", "auth", "disable"])?;
    host.cli(&["sync", "reg"])?.ok()?;
    cluster.cli(&["auth", "enable"])?;
    host.cli(&["sync", "reg"])?.ok()?;

    log_in(&["cluster", "set", "reg"], "alice", "alice-secret")?.ok()?;
    assert!(shown(&host, "user", "alice")?.to_string().contains(r#""roles":[]"#));
    let known = host.cli(&["get", "user", "root", "-c", "reg"])?;
    assert!(known.ok()?.contains("permission denied"), "{known}");
    host.cli(&["sync", "reg"])?;
    assert_eq!(listed(&host, "user")?, ["alice", "root"], "what may not be listed is not gone");
    assert_eq!(words(&host, ["leader"])?, [1]);
    Ok(())
}

fn an_alarm_is_shown_at_the_member_that_raised_it(database: &Database) -> Result<()> {
    // In bytes: an empty database takes half of it.
    let cluster = Etcd::members(1, "--quota-backend-bytes=60000")?;
    let host = registered(database, &cluster)?;
    assert_eq!(words(&host, ["degraded"])?, [0]);
    assert!(cluster.cli(&["put", "a", &"x".repeat(50_000)]).is_err(), "etcd took more than its quota");

    host.cli(&["sync", "reg"])?.ok()?;
    let member = listed(&host, "member")?;
    let alarm = format!("{}:NOSPACE", member.first().context("no member")?);
    assert_eq!(listed(&host, "alarm")?, [alarm]);
    assert_ne!(words(&host, ["degraded"])?, [0]);

    cluster.cli(&["alarm", "disarm"])?;
    host.cli(&["sync", "reg"])?.ok()?;
    assert!(listed(&host, "alarm")?.is_empty());
    Ok(())
}

fn nothing_of_etcd_is_written(database: &Database) -> Result<()> {
    let cluster = Etcd::shared()?;
    let host = registered(database, cluster)?;
    let role = own("kept", database);
    cluster.cli(&["role", "add", &role])?;
    for rest in ["spec: {}", "delete: true"] {
        let file = host.file("role.yaml", &format!("cluster: reg\ntype: role\nname: {role}\n{rest}\n"))?;
        let refused = host.cli(&["apply", "-f", &file, "--yes", "--allow-destructive"])?;
        assert_ne!(refused.code, 0, "{refused}");
        assert!(refused.stderr.contains("`role` can only be read"), "{refused}");
    }
    assert!(cluster.cli(&["role", "list"])?.contains(&role));
    Ok(())
}
