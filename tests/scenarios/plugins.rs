//! Files in the plugin folder: what is broken or foreign is refused by name and stage, and harms nobody.

use anyhow::Result;
use headgate_tests::{Database, Host, Kafka, Options, for_each_database};
use tempfile::TempDir;

for_each_database!(
    a_broken_file_is_refused_by_name_and_the_rest_serves,
    compiled_code_from_outside_is_never_read
);

fn a_broken_file_is_refused_by_name_and_the_rest_serves(database: &Database) -> Result<()> {
    let empty_module: &[u8] = b"\0asm\x01\0\0\0";
    let (host, _folder) =
        with_plugins(database, &[("broken.wasm", b"no plugin at all"), ("foreign.wasm", empty_module)])?;
    let log = host.logged()?;
    for name in ["broken.wasm", "foreign.wasm"] {
        let told = log.lines().any(|line| line.contains(name));
        assert!(told, "nothing is said of {name}: {log}");
    }
    let kinds = host.cli(&["kind", "list"])?;
    assert!(kinds.ok()?.contains("kafka"), "{kinds}");
    host.add_kafka("lab", Kafka::shared(1)?)
}

fn compiled_code_from_outside_is_never_read(database: &Database) -> Result<()> {
    let (host, _folder) = with_plugins(database, &[("evil.cwasm", b"\x7fELF")])?;
    let kinds = host.cli(&["kind", "list"])?;
    assert!(!kinds.ok()?.contains("evil"), "{kinds}");
    Ok(())
}

fn with_plugins(database: &Database, files: &[(&str, &[u8])]) -> Result<(Host, TempDir)> {
    let folder = headgate_tests::folder("plugins.")?;
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content)?;
    }
    let plugins = folder.path().to_string_lossy().into_owned();
    let options = Options { arguments: vec!["--plugins".to_owned(), plugins], ..Options::default() };
    Ok((Host::start_with(database, options)?, folder))
}
