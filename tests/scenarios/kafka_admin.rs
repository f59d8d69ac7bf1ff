//! Access rules, quotas, users and log directories of Kafka: what its administrators do by hand, from a file.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use headgate_tests::{Database, Host, Kafka, for_each_database};

use crate::topics::{apply, own};

for_each_database!(
    a_rule_and_a_quota_are_made_from_a_file_and_deleted,
    a_rule_made_by_hand_is_adopted_and_deleted,
    the_right_name_of_a_rule_is_said,
    an_edit_of_a_quota_touches_only_the_limits_it_names,
    a_cluster_without_access_rules_says_how_to_get_them,
    log_directories_are_shown,
    a_user_is_made_with_a_secret_logs_in_and_is_deleted,
);

fn a_rule_and_a_quota_are_made_from_a_file_and_deleted(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared_secure()?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("admin", database);
    let (rule, quota) = (rule(&name), format!("user={name},client-id=app"));
    let text =
        format!("{}{}", wished_rule(&rule, &name), wished_quota(&quota, "producer_byte_rate: 1048576"));
    let file = host.file("admin.yaml", &text)?;

    let planned = host.cli(&["plan", "-f", &file])?;
    let sentence = format!("allow User:{name} to read topic {name}");
    assert!(planned.code_is(2)?.contains(&sentence), "{planned}");
    assert_eq!(rules(kafka, &name)?, [""; 0], "a plan writes nothing");

    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    let made = format!("(principal=User:{name}, host=*, operation=READ, permissionType=ALLOW)");
    assert_eq!(rules(kafka, &name)?, [made]);
    assert_eq!(limits(kafka, &name, Some("app"))?, ["producer_byte_rate=1048576.0"]);
    host.cli(&["plan", "-f", &file])?.ok()?;
    assert_eq!(status(&host, "acl", &rule)?, "synced");

    let text = format!("{}{}", deleted("acl", &rule), deleted("quota", &quota));
    let file = host.file("deleted.yaml", &text)?;
    host.cli(&["apply", "-f", &file, "--yes"])?.refused(5, &["--allow-destructive"])?;
    host.cli(&["apply", "-f", &file, "--yes", "--allow-destructive"])?.ok()?;
    assert_eq!(rules(kafka, &name)?, [""; 0]);
    assert_eq!(limits(kafka, &name, Some("app"))?, [""; 0]);
    Ok(())
}

fn a_rule_made_by_hand_is_adopted_and_deleted(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared_secure()?, Host::start(database)?);
    let name = own("by-hand", database);
    let principal = format!("User:{name}");
    kafka
        .cli("acls", &["--add", "--allow-principal", &principal, "--operation", "Read", "--topic", &name])?;
    host.add_kafka("lab", kafka)?;
    let rule = rule(&name);
    let listed = host.cli(&["get", "acl", "-c", "lab"])?;
    assert!(listed.ok()?.contains(&rule), "{listed}");

    // Its name says all of it: nothing needs to stand in its spec.
    apply(&host, &format!("---\ncluster: lab\ntype: acl\nname: {rule}\nspec: {{}}\n"))?;
    assert_eq!(status(&host, "acl", &rule)?, "synced");
    host.cli(&["delete", "acl", &rule, "-c", "lab", "--yes", "--allow-destructive"])?.ok()?;
    assert_eq!(rules(kafka, &name)?, [""; 0]);
    Ok(())
}

fn the_right_name_of_a_rule_is_said(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared_secure()?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("misnamed", database);
    let file = host.file("misnamed.yaml", &wished_rule("readers", &name))?;
    let planned = host.cli(&["plan", "-f", &file])?;
    assert!(planned.to_string().contains(&format!("call it {}", rule(&name))), "{planned}");
    assert_eq!(rules(kafka, &name)?, [""; 0]);
    Ok(())
}

fn an_edit_of_a_quota_touches_only_the_limits_it_names(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("quota", database);
    let quota = format!("user={name}");
    apply(&host, &wished_quota(&quota, "producer_byte_rate: 1048576"))?;
    let by_hand = ["--alter", "--entity-type", "users", "--entity-name", &name, "--add-config"];
    kafka.cli("configs", &[&by_hand[..], &["request_percentage=50"]].concat())?;

    apply(&host, &wished_quota(&quota, "producer_byte_rate: 2097152"))?;
    assert_eq!(limits(kafka, &name, None)?, ["producer_byte_rate=2097152.0", "request_percentage=50.0"]);
    assert_eq!(status(&host, "quota", &quota)?, "synced", "nobody spoke of the other");

    kafka.cli("configs", &[&by_hand[..], &["producer_byte_rate=1"]].concat())?;
    host.cli(&["sync", "lab"])?.ok()?;
    assert_eq!(status(&host, "quota", &quota)?, "drifted");
    Ok(())
}

fn a_cluster_without_access_rules_says_how_to_get_them(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    host.cli(&["get", "acl", "-c", "lab"])?.ok()?;
    let name = own("open", database);
    let file = host.file("open.yaml", &wished_rule(&rule(&name), &name))?;
    let applied = host.cli(&["apply", "-f", &file, "--yes"])?;
    assert_ne!(applied.code, 0, "{applied}");
    assert!(applied.to_string().contains("authorizer.class.name"), "{applied}");
    Ok(())
}

fn log_directories_are_shown(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(3)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let listed = host.cli(&["get", "log-dir", "-c", "lab"])?;
    let printed = kafka.cli("log-dirs", &["--describe"])?;
    for node in 1..=3 {
        let path = kafka.folder()?.join(format!("node-{node}")).join("data");
        let path = path.to_str().context("the path is text")?;
        assert!(printed.contains(path) && listed.ok()?.contains(path), "{path}: {listed}\n{printed}");
    }
    Ok(())
}

fn a_user_is_made_with_a_secret_logs_in_and_is_deleted(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared_secure()?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("carol", database);
    let (first, second) = ("wunderland", "looking-glass");
    remember(&host, first)?;
    let file = host.file("user.yaml", &wished_user(&name, "{SCRAM-SHA-512: {iterations: 8192}}"))?;
    let planned = host.cli(&["plan", "-f", &file])?;
    assert!(
        planned.code_is(2)?.contains("SCRAM-SHA-512 with 8192 iterations, password of secret alice"),
        "{planned}"
    );
    assert_eq!(credentials(kafka, &name)?, [""; 0], "a plan writes nothing");

    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    assert_eq!(credentials(kafka, &name)?, ["SCRAM-SHA-512=iterations=8192"]);
    assert!(logs_in(kafka, &host, &name, first)?, "the password is the secret");
    assert!(!logs_in(kafka, &host, &name, second)?, "and no other");
    host.cli(&["plan", "-f", &file])?.ok()?;
    assert_eq!(status(&host, "user", &name)?, "synced");

    // What the secret holds changed, and not a word of the document.
    remember(&host, second)?;
    host.cli(&["plan", "-f", &file])?.code_is(2)?;
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    assert!(logs_in(kafka, &host, &name, second)?, "the password is the secret's new one");
    assert!(!logs_in(kafka, &host, &name, first)?, "and no longer the old one");

    let both = "{SCRAM-SHA-256: {iterations: 4096}, SCRAM-SHA-512: {iterations: 16384}}";
    let file = host.file("both.yaml", &wished_user(&name, both))?;
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    let all = ["SCRAM-SHA-256=iterations=4096", "SCRAM-SHA-512=iterations=16384"];
    assert_eq!(credentials(kafka, &name)?, all);

    let file = host.file("deleted.yaml", &deleted("user", &name))?;
    host.cli(&["apply", "-f", &file, "--yes"])?.refused(5, &["--allow-destructive"])?;
    host.cli(&["apply", "-f", &file, "--yes", "--allow-destructive"])?.ok()?;
    assert_eq!(credentials(kafka, &name)?, [""; 0]);
    for password in [first, second] {
        assert!(!host.logged()?.contains(password), "a password is in the log");
    }
    Ok(())
}

/// Puts the secret that documents name `alice` into the host, from a file.
fn remember(host: &Host, password: &str) -> Result<()> {
    let secret = format!("alice=@{}", host.file("password.txt", password)?);
    host.cli(&["cluster", "set", "lab", "--secret", &secret])?.ok()?;
    Ok(())
}

fn wished_user(name: &str, mechanisms: &str) -> String {
    format!(
        "---\ncluster: lab\ntype: user\nname: {name}\nspec:\n  mechanisms: {mechanisms}\n  password: {{$secret: alice}}\n"
    )
}

/// Whether Kafka lets the user in with that password, on its listener that asks for one.
fn logs_in(kafka: &Kafka, host: &Host, name: &str, password: &str) -> Result<bool> {
    let login = "org.apache.kafka.common.security.scram.ScramLoginModule required";
    let properties = format!(
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\n\
         sasl.jaas.config={login} username=\"{name}\" password=\"{password}\";\n"
    );
    let file = host.file("login.properties", &properties)?;
    // The harness's own way names the listener without login.
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("backends/kafka/cli.sh");
    let listener = ["--bootstrap-server", kafka.fact("BOOTSTRAP_SASL")?, "--command-config", &file];
    let told = Command::new(tool).arg("broker-api-versions").args(listener).output()?;
    let said = String::from_utf8_lossy(&told.stderr);
    ensure!(told.status.success() || said.contains("invalid credentials"), "{said}");
    Ok(told.status.success())
}

/// May read the topic that is called as the user is.
fn rule(name: &str) -> String {
    format!("User:{name}|topic|literal|{name}|read|allow|*")
}

fn wished_rule(id: &str, name: &str) -> String {
    format!(
        "---\ncluster: lab\ntype: acl\nname: {id}\nspec:\n  principal: User:{name}\n  resource_type: topic\n  \
         pattern_type: literal\n  resource_name: {name}\n  operation: READ\n  permission: allow\n  host: \"*\"\n"
    )
}

fn wished_quota(id: &str, limit: &str) -> String {
    format!("---\ncluster: lab\ntype: quota\nname: {id}\nspec:\n  {limit}\n")
}

fn deleted(metadata_type: &str, id: &str) -> String {
    format!("---\ncluster: lab\ntype: {metadata_type}\nname: {id}\ndelete: true\n")
}

/// As the command line tells it: the names of rules are no part of a path as they are.
fn status(host: &Host, metadata_type: &str, id: &str) -> Result<String> {
    let shown = host.cli(&["get", metadata_type, id, "-c", "lab", "-o", "json"])?.json()?;
    Ok(shown
        .get("status")
        .and_then(|status| status.as_str())
        .with_context(|| format!("no status in {shown}"))?
        .to_owned())
}

/// What Kafka itself says of a topic's rules.
fn rules(kafka: &Kafka, topic: &str) -> Result<Vec<String>> {
    let printed = kafka.cli("acls", &["--list", "--topic", topic])?;
    let lines = printed.lines().map(str::trim).filter(|line| line.starts_with("(principal="));
    Ok(lines.map(str::to_owned).collect())
}

/// What Kafka itself says of a user's limits, in order.
fn limits(kafka: &Kafka, user: &str, client: Option<&str>) -> Result<Vec<String>> {
    let mut arguments = vec!["--describe", "--entity-type", "users", "--entity-name", user];
    arguments.extend(client.iter().flat_map(|client| ["--entity-type", "clients", "--entity-name", client]));
    let printed = kafka.cli("configs", &arguments)?;
    let quotas = printed.lines().filter(|line| line.starts_with("Quota configs for"));
    let mut limits: Vec<String> = quotas
        .filter_map(|line| line.split_once(" are "))
        .flat_map(|(_, limits)| limits.split(", "))
        .map(str::to_owned)
        .collect();
    limits.sort();
    Ok(limits)
}

/// What Kafka itself says of how a user can log in, in order.
fn credentials(kafka: &Kafka, user: &str) -> Result<Vec<String>> {
    let printed = kafka.cli("configs", &["--describe", "--entity-type", "users", "--entity-name", user])?;
    let lines = printed.lines().filter(|line| line.starts_with("SCRAM credential configs for"));
    let each = lines.filter_map(|line| line.split_once(" are ")).flat_map(|(_, each)| each.split(", "));
    let mut credentials: Vec<String> = each.map(str::to_owned).collect();
    credentials.sort();
    Ok(credentials)
}
