//! A database that cannot be worked with: held by another host, written by a newer one, or without its key.

use anyhow::{Context, Result, ensure};
use headgate_tests::{Database, Host, Output, for_each_database};

for_each_database!(
    a_second_host_on_the_same_data_is_refused_and_the_first_goes_on,
    a_lost_key_is_named_with_what_is_lost_and_secrets_can_be_set_again,
);

fn a_second_host_on_the_same_data_is_refused_and_the_first_goes_on(database: &Database) -> Result<()> {
    let host = Host::start(database)?;
    let second = serve(&host, database)?;
    second.refused(5, &["another headgate holds the database", "--data"])?;
    host.get("/api/v1/clusters")?;
    Ok(())
}

fn a_lost_key_is_named_with_what_is_lost_and_secrets_can_be_set_again(database: &Database) -> Result<()> {
    let mut host = Host::start(database)?;
    // Nobody listens there: what is asked is whether its password can be read.
    let settings = ["bootstrap=127.0.0.1:1", "security=SASL_PLAINTEXT", "mechanism=PLAIN", "username=admin"];
    let mut add = vec!["cluster", "add", "lab", "--kind", "kafka", "--secret", "password=-"];
    add.extend(settings.iter().flat_map(|setting| ["--set", *setting]));
    host.cli_with_input(&add, "swordfish")?;
    host.get("/api/v1/clusters/lab")?;
    host.kill()?;
    let key = host.data().join("key");
    std::fs::remove_file(&key).with_context(|| format!("remove {}", key.display()))?;

    host.restart()?;
    let logged = host.logged()?;
    let named = logged.lines().find(|line| line.contains("sealing key")).context("the log names it")?;
    ensure!(named.contains("lab") && named.contains("password"), "{named}");
    let failed = host.cli(&["sync", "lab"])?;
    ensure!(failed.code != 0, "{failed}");
    failed.refused(failed.code, &["headgate cluster set lab --secret password=-"])?;

    host.cli_with_input(&["cluster", "set", "lab", "--secret", "password=-"], "swordfish")?.ok()?;
    let failed = host.cli(&["sync", "lab"])?;
    failed.refused(6, &["127.0.0.1:1"])?;
    ensure!(!failed.stderr.contains("--secret"), "{failed}");
    let before = host.logged()?.matches("sealing key").count();
    host.restart()?;
    ensure!(host.logged()?.matches("sealing key").count() == before, "the new key fits");
    Ok(())
}

/// On PostgreSQL alone: no tool of the machine writes into the file of SQLite, whose turn is in the store's own tests.
#[test]
fn a_newer_database_is_refused_and_left_alone() -> Result<()> {
    let database = Database::named("postgres")?;
    let Database::Postgres(postgres) = &database else { anyhow::bail!("another database than asked for") };
    let mut host = Host::start(&database)?;
    host.kill()?;
    let copy = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        select 9000, description, success, checksum, execution_time from _sqlx_migrations where version = 1";
    postgres.query(copy)?;
    let refused = serve(&host, &database)?;
    refused.refused(5, &["newer headgate", "9000", "backup"])?;

    postgres.query("delete from _sqlx_migrations where version = 9000")?;
    host.restart()?;
    host.get("/api/v1/clusters")?;
    Ok(())
}

/// `headgate serve` on the host's own data, which has to end by itself.
fn serve(host: &Host, database: &Database) -> Result<Output> {
    let data = host.data().to_string_lossy().into_owned();
    let environment = database.url().map(|url| ("HEADGATE_DATABASE_URL".to_owned(), url));
    host.cli_locally(&["serve", "--listen", "127.0.0.1:0", "--data", &data], environment)
}
