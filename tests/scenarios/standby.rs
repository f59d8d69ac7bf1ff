//! Several hosts on one PostgreSQL: one acts, the others stand by, follow its plugins and take over when it ends.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use headgate_tests::{Behaviour, Database, Host, Options, Postgres, folder, guest};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Hosts tell each other every twenty seconds what they serve.
const MEET: Duration = Duration::from_secs(90);

/// Two seconds until it is tried, seven until the other one certainly acts no more, and a start of a debug build.
const TAKEN_OVER: Duration = Duration::from_secs(60);

#[test]
fn a_second_host_stands_by_follows_the_plugins_and_takes_over() -> Result<()> {
    let database = Database::named("postgres")?;
    let (plugins, others) = (folder("plugins.")?, folder("plugins.")?);
    put(&plugins, "1.0.0")?;
    put(&others, "1.0.0")?;
    let mut first = Host::start_with(&database, with_plugins(&plugins))?;
    first.cli(&["cluster", "add", "lab", "--kind", "toy"])?.ok()?;
    first.cli(&["sync", "lab"])?.ok()?;
    let second = Host::start_beside(&first, with_plugins(&others))?;

    it_answers_reads_and_refuses_the_rest(&first, &second)?;
    they_differ_and_converge(&first, &second, &plugins, &others)?;

    first.kill()?;
    second.until("it took over", TAKEN_OVER, |second| Ok(role(second)? == "active"))?;
    second.cli(&["sync", "lab"])?.ok()?;
    second.cli(&["cluster", "add", "next", "--kind", "toy"])?.ok()?;
    second.cli(&["sync", "next"])?.ok()?;
    let toy = second.get("/api/v1/plugins/toy")?;
    assert_eq!(toy.get("generation"), Some(&Value::from(2)), "no new generation: {toy:#}");
    assert_eq!(second.api_with("GET", "/readyz", None, &[])?.status, 200);

    // The one that comes back finds its place taken.
    first.restart()?;
    assert_eq!(role(&first)?, "standby");
    assert_eq!(first.get("/api/v1/clusters/next")?.get("name"), Some(&Value::from("next")));
    Ok(())
}

fn it_answers_reads_and_refuses_the_rest(first: &Host, second: &Host) -> Result<()> {
    assert_eq!((role(first)?, role(second)?), ("active".to_owned(), "standby".to_owned()));
    let listed = second.cli(&["cluster", "list"])?;
    assert!(listed.ok()?.contains("lab"), "{listed}");
    second.cli(&["plugin", "show", "toy"])?.ok()?;
    let address = first.url()?.to_owned();
    let told = ["this host stands by", &address, "--url"];
    second.cli(&["cluster", "add", "more", "--kind", "toy"])?.refused(6, &told)?;
    second.cli(&["sync", "lab"])?.refused(6, &told)?;
    second.cli(&["events", "--follow"])?.refused(6, &told)?;
    let refused = second.api("POST", "/api/v1/clusters", Some(&json!({"name": "more"})))?;
    refused.problem(503, "standing-by")?;
    assert_eq!(second.api_with("GET", "/readyz", None, &[])?.status, 503);
    let log = second.logged()?;
    assert_eq!(log.matches("another host is active; this one stands by").count(), 1, "{log}");
    assert_eq!(first.get("/api/v1/clusters")?, second.get("/api/v1/clusters")?);
    Ok(())
}

/// A version that came to one folder is said to be missing in the other, and both come to one generation.
fn they_differ_and_converge(first: &Host, second: &Host, plugins: &TempDir, others: &TempDir) -> Result<()> {
    put(plugins, "1.1.0")?;
    first.until("the other host is said to serve another version", MEET, |first| {
        let toy = first.get("/api/v1/plugins/toy")?;
        let hosts = toy.get("hosts").and_then(Value::as_array).context("hosts")?;
        let versions: Vec<_> = hosts.iter().filter_map(|host| host.get("version")?.as_str()).collect();
        Ok(toy.get("agreed") == Some(&Value::from(false))
            && versions.contains(&"1.0.0")
            && versions.contains(&"1.1.0"))
    })?;
    let shown = first.cli(&["plugin", "list"])?;
    assert!(shown.ok()?.contains("other hosts serve another version"), "{shown}");
    put(others, "1.1.0")?;
    for host in [first, second] {
        host.until("one generation", MEET, |host| {
            let toy = host.get("/api/v1/plugins/toy")?;
            let both = toy.get("hosts").and_then(Value::as_array).is_some_and(|hosts| hosts.len() == 2);
            Ok(both && toy.get("agreed") == Some(&true.into()) && toy.get("generation") == Some(&2.into()))
        })?;
    }
    Ok(())
}

#[test]
fn hosts_that_lose_the_database_act_no_more_until_one_has_it_again() -> Result<()> {
    let database = Database::named("postgres")?;
    let Database::Postgres(postgres) = &database else { bail!("another database than asked for") };
    let plugins = folder("plugins.")?;
    put(&plugins, "1.0.0")?;
    let first = Host::start_with(&database, with_plugins(&plugins))?;
    first.cli(&["cluster", "add", "lab", "--kind", "toy"])?.ok()?;
    let second = Host::start_beside(&first, with_plugins(&plugins))?;
    cut(postgres)?;
    first.until("it noticed", TAKEN_OVER, |first| {
        Ok(first.logged()?.contains("the claim to the database is lost"))
    })?;
    // Whoever is quicker: one acts, and the other does not.
    first.until("one is active and one stands by", TAKEN_OVER, |first| {
        let mut roles = [role(first)?, role(&second)?];
        roles.sort();
        Ok(roles == ["active", "standby"])
    })?;
    let active = if role(&first)? == "active" { &first } else { &second };
    active.cli(&["sync", "lab"])?.ok()?;
    active.cli(&["cluster", "add", "next", "--kind", "toy"])?.ok()?;
    Ok(())
}

#[test]
fn a_host_with_another_key_is_not_let_stand_by() -> Result<()> {
    let database = Database::named("postgres")?;
    let _first = Host::start(&database)?;
    let refused = Host::start(&database).err().context("it must not start")?;
    let message = format!("{refused:#}");
    assert!(
        message.contains("seals secrets with another key") && message.contains("--key-file"),
        "{message}"
    );
    Ok(())
}

/// Ends the sessions that hold a host's claim, as a restart of the server does.
fn cut(postgres: &Postgres) -> Result<()> {
    let cut = postgres.query(
        "select count(pg_terminate_backend(pid))
        from pg_locks
        where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
    )?;
    anyhow::ensure!(cut == "2", "the claim has two sessions, not {cut}");
    Ok(())
}

fn with_plugins(folder: &TempDir) -> Options {
    let plugins = folder.path().to_string_lossy().into_owned();
    Options { arguments: vec!["--plugins".to_owned(), plugins], ..Options::default() }
}

fn put(folder: &TempDir, version: &str) -> Result<()> {
    let (partial, whole): (&Path, &Path) = (&folder.path().join(".partial"), &folder.path().join("toy.wasm"));
    std::fs::write(partial, guest("toy", version, Behaviour::Answers)?)?;
    Ok(std::fs::rename(partial, whole)?)
}

/// As anybody may ask.
fn role(host: &Host) -> Result<String> {
    let health = host.api_with("GET", "/healthz", None, &[])?;
    let role = health.status_is(200)?.get("role").and_then(Value::as_str).context("a role")?;
    Ok(role.to_owned())
}
