//! A registry that speaks Nacos' v1 API, by the sample plugin in JavaScript: shown, written, and its drift taken back.
//!
//! The v3 API is played in the plugin's own tests: no server that has it can be had from a package registry.

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Nacos, for_each_database};

use crate::documents::SOON;
use crate::topics::{apply, own};

for_each_database!(
    a_registry_is_shown_with_its_nodes_and_a_dead_one,
    what_is_wished_is_made_changed_and_deleted,
    a_configuration_that_somebody_published_is_drift_and_is_taken_back,
    a_namespace_that_holds_something_is_not_deleted_and_nacos_says_why,
    who_logs_in_sees_what_others_do_not,
);

fn registered(database: &Database, registry: &Nacos) -> Result<Host> {
    let host = Host::with_sample(database, "nacos", "addresses")?;
    let addresses = format!("addresses={}", registry.addresses()?);
    host.cli(&["cluster", "add", "reg", "--kind", "nacos", "--set", &addresses])?.ok()?;
    host.cli(&["sync", "reg"])?.ok()?;
    Ok(host)
}

/// Letters, digits, `_` and `-` are all that Nacos allows in the id of a namespace.
fn namespace(scenario: &str, database: &Database) -> String {
    own(scenario, database).replace('.', "-")
}

fn document(metadata_type: &str, name: &str, rest: &str) -> String {
    format!("---\ncluster: reg\ntype: {metadata_type}\nname: {name}\n{rest}\n")
}

fn health(host: &Host, word: &str) -> Result<usize> {
    let shown = host.cli(&["cluster", "show", "reg"])?;
    Ok(shown.ok()?.split_whitespace().filter(|found| *found == word).count())
}

fn a_registry_is_shown_with_its_nodes_and_a_dead_one(database: &Database) -> Result<()> {
    let registry = Nacos::nodes(3)?;
    let host = registered(database, &registry)?;
    assert_eq!((health(&host, "up")?, health(&host, "down")?), (3, 0));

    // The first in the form is the first that is asked: another answers in its place.
    registry.kill(1)?;
    host.until("one is down", SOON, |host| {
        host.cli(&["sync", "reg"])?;
        Ok((health(host, "up")?, health(host, "down")?) == (2, 1))
    })?;
    let team = namespace("meanwhile", database);
    let wish = host.file("meanwhile.yaml", &document("namespace", &team, "spec: {name: Meanwhile}"))?;
    // Where the dead one led, the others elect first.
    host.until("the others take writes", SOON, |host| {
        Ok(host.cli(&["apply", "-f", &wish, "--yes"])?.code == 0)
    })?;

    registry.revive(1)?;
    host.until("it is back", SOON, |host| {
        host.cli(&["sync", "reg"])?;
        Ok(health(host, "up")? == 3)
    })
}

fn what_is_wished_is_made_changed_and_deleted(database: &Database) -> Result<()> {
    let registry = Nacos::shared()?;
    let host = registered(database, registry)?;
    let team = namespace("team", database);
    let (config, service) = (format!("{team}/G/app.yaml"), format!("{team}/G/orders"));
    let wishes = |content: &str, threshold: &str| {
        document("namespace", &team, "spec: {name: Team}")
            + &document("config", &config, &format!("spec: {{content: \"{content}\"}}"))
            + &document("service", &service, &format!("spec: {{protect_threshold: {threshold}}}"))
    };
    let config_path = format!("/cs/configs?dataId=app.yaml&group=G&tenant={team}");
    let service_path = format!("/ns/service?serviceName=G@@orders&namespaceId={team}");

    apply(&host, &wishes(r"a: 1\nb: ü", "0.5"))?;
    assert_eq!(registry.ask("GET", &config_path, "")?, "a: 1\nb: ü");
    assert!(registry.ask("GET", &service_path, "")?.contains(r#""protectThreshold":0.5"#));
    apply(&host, &wishes("a: 2", "0.7"))?;
    assert_eq!(registry.ask("GET", &config_path, "")?, "a: 2");
    let file = host.file("same.yaml", &wishes("a: 2", "0.7"))?;
    let again = host.cli(&["plan", "-f", &file])?;
    assert!(again.ok()?.contains("nothing to do"), "{again}");

    let gone = document("service", &service, "delete: true") + &document("config", &config, "delete: true");
    let file = host.file("gone.yaml", &(gone + &document("namespace", &team, "delete: true")))?;
    host.cli(&["apply", "-f", &file, "--yes", "--allow-destructive"])?.ok()?;
    assert!(registry.ask("GET", &config_path, "").is_err(), "the configuration is still there");
    assert!(!registry.ask("GET", "/console/namespaces", "")?.contains(&team));
    Ok(())
}

fn a_configuration_that_somebody_published_is_drift_and_is_taken_back(database: &Database) -> Result<()> {
    let registry = Nacos::shared()?;
    let host = registered(database, registry)?;
    let name = own("drifting", database);
    let id = format!("public/G/{name}");
    apply(&host, &document("config", &id, "spec: {content: as wished}"))?;

    registry.ask("POST", "/cs/configs", &format!("dataId={name}&group=G&content=otherwise"))?;
    host.cli(&["sync", "reg"])?.ok()?;
    assert_eq!(
        host.resource("reg", "config", &id.replace('/', "%2F"))?.get("status"),
        Some(&"drifted".into())
    );
    host.cli(&["drift", "revert", "config", &id, "-c", "reg", "--yes"])?.ok()?;
    assert_eq!(registry.ask("GET", &format!("/cs/configs?dataId={name}&group=G"), "")?, "as wished");
    Ok(())
}

fn a_namespace_that_holds_something_is_not_deleted_and_nacos_says_why(database: &Database) -> Result<()> {
    let registry = Nacos::shared()?;
    let host = registered(database, registry)?;
    let team = namespace("held", database);
    apply(&host, &document("namespace", &team, "spec: {name: Held}"))?;
    registry.ask("POST", "/cs/configs", &format!("dataId=theirs&group=G&tenant={team}&content=x"))?;

    let file = host.file("gone.yaml", &document("namespace", &team, "delete: true"))?;
    let refused = host.cli(&["apply", "-f", &file, "--yes", "--allow-destructive"])?;
    assert_ne!(refused.code, 0, "{refused}");
    let told = format!("{}{}", refused.stdout, refused.stderr);
    assert!(told.contains("config or service data exists"), "{refused}");
    assert!(registry.ask("GET", "/console/namespaces", "")?.contains(&team));
    Ok(())
}

fn who_logs_in_sees_what_others_do_not(database: &Database) -> Result<()> {
    let registry = Nacos::with_users()?;
    let host = Host::with_sample(database, "nacos", "addresses")?;
    let addresses = format!("addresses={}", registry.addresses()?);
    let add = ["cluster", "add", "reg", "--kind", "nacos", "--set", &addresses];
    let log_in = |verb: &[&str], password: &str| {
        let password = format!("password=@{}", host.file("password", password)?);
        host.cli(&[verb, &["--set", "username=admin", "--secret", &password]].concat())
    };
    log_in(&add, "guessed")?.ok()?;
    let refused = host.cli(&["sync", "reg"])?;
    assert_ne!(refused.code, 0, "{refused}");
    assert!(format!("{}{}", refused.stdout, refused.stderr).contains("refuse the user admin"), "{refused}");

    log_in(&["cluster", "set", "reg"], Nacos::PASSWORD)?.ok()?;
    host.cli(&["sync", "reg"])?.ok()?;
    let listed = host.get("/api/v1/clusters/reg/resources?type=namespace&limit=10")?;
    let first = listed.pointer("/items/0/key/id").context("no namespace")?;
    assert_eq!(first, "public");
    Ok(())
}
