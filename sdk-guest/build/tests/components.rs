//! The first-party plugins as they are shipped: what they import is what the contract gives, and what they export is what
//! they have, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use headgate_plugin_build::{Plugin, build};
use wit_component::DecodedWasm;

/// Everything that a driver may import; a door that opens here by accident is found here.
const GIVEN: [&str; 9] = [
    "headgate:host/call@0.1.0",
    "headgate:host/clock@0.1.0",
    "headgate:host/errors@0.1.0",
    "headgate:host/log@0.1.0",
    "headgate:host/net@0.1.0",
    "headgate:host/random@0.1.0",
    "headgate:host/secrets@0.1.0",
    "headgate:host/state@0.1.0",
    "headgate:plugin/types@0.1.0",
];

const DRIVER: [&str; 4] = [
    "headgate:plugin/config-strategy@0.1.0",
    "headgate:plugin/manifest@0.1.0",
    "headgate:plugin/metadata-types@0.1.0",
    "headgate:plugin/storage-driver@0.1.0",
];

/// Only of plugins that send requests.
const HTTP: &str = "headgate:host/http@0.1.0";

const OPERATIONS: &str = "headgate:plugin/operations@0.1.0";

/// What makes a component grow much should be noticed; Kafka's is the largest, 1,800 KiB, an eighth of it names.
const BYTES_MAX: usize = 2048 * 1024;

fn component(plugin: &str) -> Result<Vec<u8>> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../plugins");
    build(&Plugin { crate_dir: &project.join("plugins").join(plugin), target_dir: &target_dir })
}

fn check(component: &[u8], exported: &[&str], beyond: &[&str]) -> Result<()> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else {
        bail!("the file is a package, not a component")
    };
    let world = resolve.worlds.get(world).context("the component has no world")?;
    let mut imports: Vec<String> = world.imports.keys().map(|key| resolve.name_world_key(key)).collect();
    imports.retain(|import| !GIVEN.contains(&import.as_str()));
    ensure!(imports == beyond, "beyond what all are given, {imports:?} is imported, not {beyond:?}");
    let exports: BTreeSet<String> = world.exports.keys().map(|key| resolve.name_world_key(key)).collect();
    let expected: BTreeSet<String> = exported.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(exports, expected);
    Ok(())
}

#[test]
fn the_kafka_plugin_imports_only_the_contract_and_keeps_its_names() -> Result<()> {
    let component = component("kafka")?;
    check(&component, &[DRIVER.as_slice(), &[OPERATIONS]].concat(), &[])?;
    let has = |text: &[u8]| component.windows(text.len()).any(|window| window == text);
    assert!(has(b"headgate_kafka"), "the name section is gone: backtraces would say nothing");
    assert!(!has(b".debug_info"), "debug information is in the component");
    assert!(component.len() < BYTES_MAX, "the component has {} bytes", component.len());
    Ok(())
}

#[test]
fn a_plugin_without_operations_promises_none() -> Result<()> {
    for plugin in ["rocketmq", "zookeeper"] {
        check(&component(plugin)?, &DRIVER, &[])?;
    }
    Ok(())
}

#[test]
fn only_a_plugin_that_sends_requests_imports_them() -> Result<()> {
    check(&component("etcd")?, &DRIVER, &[HTTP])
}
