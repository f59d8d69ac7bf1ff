//! Who may ask: every operation needs a token, a reader's token writes nothing, and secrets stay inside.

use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result};
use headgate_tests::{Database, Host, Options, for_each_database};
use serde_json::{Value, json};

for_each_database!(
    every_operation_needs_a_token,
    a_reader_changes_nothing,
    the_owner_s_token_is_private,
    a_wrong_token_is_refused_by_the_command_line,
    on_the_host_s_machine_the_data_folder_is_enough,
    a_host_listens_elsewhere_only_when_told_how,
);

/// Operations that answer anybody: whoever asks learns nothing but that the host lives.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];

fn every_operation_needs_a_token(database: &Database) -> Result<()> {
    let host = Host::start(database)?;
    let operations = operations(&host)?;
    assert!(operations.len() > 20, "the document names the operations: {operations:?}");
    for (method, path) in operations {
        let (none, wrong) = (host.api_with(&method, &path, None, &[])?, ("authorization", "Bearer hg_wrong"));
        if OPEN.contains(&path.as_str()) {
            assert_ne!(none.status, 401, "{method} {path}");
            continue;
        }
        assert_eq!(none.status, 401, "{method} {path} without a token");
        assert_eq!(
            host.api_with(&method, &path, None, &[wrong])?.status,
            401,
            "{method} {path} with a wrong one"
        );
    }
    for path in OPEN {
        assert_eq!(host.api_with("GET", path, None, &[])?.status, 200, "{path}");
    }
    for path in ["/metrics", "/api/openapi.json"] {
        assert_eq!(host.api_with("GET", path, None, &[])?.status, 401, "{path}");
    }
    Ok(())
}

fn a_reader_changes_nothing(database: &Database) -> Result<()> {
    let host = Host::start(database)?;
    let made = host.api("POST", "/api/v1/tokens", Some(&json!({"name": "eyes", "role": "reader"})))?;
    let token = made
        .status_is(201)?
        .get("token")
        .and_then(Value::as_str)
        .context("the token is shown once")?
        .to_owned();
    let bearer = format!("Bearer {token}");
    for (method, path) in operations(&host)? {
        if method == "GET" {
            continue;
        }
        let refused = host.api_with(&method, &path, Some(&json!({})), &[("authorization", &bearer)])?;
        assert_eq!(refused.status, 403, "{method} {path}: {:#}", refused.body);
    }
    let listed = host.api_with("GET", "/api/v1/clusters", None, &[("authorization", &bearer)])?;
    listed.status_is(200)?;
    let tokens = host.get("/api/v1/tokens")?.to_string();
    assert!(tokens.contains("eyes") && !tokens.contains(&token), "a token is not shown again: {tokens}");
    Ok(())
}

fn the_owner_s_token_is_private(database: &Database) -> Result<()> {
    let mut host = Host::start(database)?;
    let mode = std::fs::metadata(host.data().join("token"))?.permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = host.token()?;
    host.restart()?;
    assert_eq!(host.token()?, token, "the first start made it");
    assert!(!host.logged()?.contains(&token), "a log is read by others");
    Ok(())
}

fn a_wrong_token_is_refused_by_the_command_line(database: &Database) -> Result<()> {
    let host = Host::start(database)?;
    host.cli(&["cluster", "list", "--token", "hg_wrong"])?.refused(7, &["token"])?;
    host.cli(&["cluster", "list", "--url", "http://127.0.0.1:1"])?.refused(6, &["127.0.0.1:1"])?;
    Ok(())
}

fn on_the_host_s_machine_the_data_folder_is_enough(database: &Database) -> Result<()> {
    let host = Host::start(database)?;
    let data = host.data().to_string_lossy().into_owned();
    host.cli_locally(&["kind", "list", "--data", &data], [])?.ok()?;
    host.cli_locally(&["kind", "list"], [("HEADGATE_DATA".to_owned(), data)])?.ok()?;
    Ok(())
}

fn a_host_listens_elsewhere_only_when_told_how(database: &Database) -> Result<()> {
    let elsewhere = Options { listen: Some("0.0.0.0:0".to_owned()), ..Options::default() };
    let refused = Host::start_with(database, elsewhere).err().context("it must not start")?;
    let message = format!("{refused:#}");
    assert!(message.contains("--tls-cert") && message.contains("--insecure"), "{message}");
    Ok(())
}

/// Method and path of every operation in the published document, parameters filled with a name that nobody has.
fn operations(host: &Host) -> Result<Vec<(String, String)>> {
    let document = host.get("/api/openapi.json")?;
    let paths = document.get("paths").and_then(Value::as_object).context("the document has paths")?;
    let mut operations = Vec::new();
    for (path, item) in paths {
        let filled: Vec<&str> =
            path.split('/').map(|part| if part.starts_with('{') { "nobody" } else { part }).collect();
        let methods = item.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase());
        let known =
            methods.filter(|method| ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()));
        operations.extend(known.map(|method| (method, filled.join("/"))));
    }
    Ok(operations)
}
