//! What a file is, said before anybody lets it in: the stages of a host, and what its author should think about.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use crate::clock::SharedClock;
use crate::domain::contract::{Description, Grant, MetadataType};
use crate::domain::operation::OperationType;
use crate::plugins::alone::{Alone, Examined, Facts, Version};
use crate::plugins::limits::COMPONENT_BYTES_MAX;
use crate::plugins::refusal::Refusal;
use crate::plugins::sections::Sections;

/// Of names and debug information together, a component that is mostly those is larger than it needs to be.
const NOTES_PERCENT_MAX: usize = 40;

/// As far as the file came.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub bytes: usize,
    /// Lower-case hexadecimal SHA-256.
    pub digest: Option<String>,
    /// Where a host would stop it, and why.
    pub refusal: Option<Refusal>,
    pub kind: Option<String>,
    pub version: Option<String>,
    /// Versions of the contract that it was built for.
    pub contract: BTreeSet<String>,
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    pub compile_ms: Option<u64>,
    /// It brings an interpreter: other limits hold for it.
    pub interpreted: bool,
    pub sections: Option<Sections>,
    pub grants: Vec<Grant>,
    pub types: Vec<String>,
    pub operations: Vec<String>,
    /// Not refused for any of it.
    pub advice: Vec<String>,
}

/// The report, and all that the component says of itself.
pub struct Look {
    pub report: Report,
    pub description: Option<Description>,
    pub types: Vec<MetadataType>,
    pub operations: Vec<OperationType>,
    /// Where a host would let it in.
    pub component: Option<Version>,
}

/// `name` stands in messages; `cache` holds what was compiled.
pub async fn look(name: &str, bytes: Vec<u8>, cache: PathBuf, clock: SharedClock) -> anyhow::Result<Look> {
    let sections = Sections::read(&bytes).ok();
    let Examined { facts, version } = Alone::start(cache, clock)?.examine(name, bytes).await;
    let (refusal, component) = match version {
        Ok(version) => (None, Some(version)),
        Err(refusal) => (Some(refusal), None),
    };
    let report = report(&facts, sections, refusal);
    let Facts { description, types, operations, .. } = facts;
    Ok(Look { report, description, types, operations, component })
}

fn report(facts: &Facts, sections: Option<Sections>, refusal: Option<Refusal>) -> Report {
    let description = facts.description.as_ref();
    let ours = facts.imports.iter().chain(&facts.exports).filter(|name| name.starts_with("headgate:"));
    Report {
        bytes: facts.bytes,
        digest: facts.digest.clone(),
        refusal,
        kind: description.map(|description| description.kind.clone()),
        version: description.map(|description| description.version.clone()),
        contract: ours.filter_map(|name| Some(name.split_once('@')?.1.to_owned())).collect(),
        imports: facts.imports.clone(),
        exports: facts.exports.clone(),
        compile_ms: facts.compile_ms,
        interpreted: facts.interpreted,
        grants: description.map(|description| description.grants.clone()).unwrap_or_default(),
        types: facts.types.iter().map(|one| one.name.clone()).collect(),
        operations: facts.operations.iter().map(|one| one.name.clone()).collect(),
        advice: description
            .map(|description| advice(description, facts, sections.as_ref()))
            .unwrap_or_default(),
        sections,
    }
}

/// Of a component that said what it is.
fn advice(description: &Description, facts: &Facts, sections: Option<&Sections>) -> Vec<String> {
    let imports = |part: &str| facts.imports.iter().any(|import| import.starts_with(part));
    let exports = |part: &str| facts.exports.iter().any(|export| export.starts_with(part));
    let talks = imports("headgate:host/net@") || imports("headgate:host/http@");
    let asks = description.grants.iter().any(|grant| matches!(grant, Grant::Network { .. }));
    let wide =
        description.grants.iter().any(|grant| matches!(grant, Grant::Network { host, .. } if host == "*"));
    let writes = facts.types.iter().any(|one| !one.verbs.read_only());
    let sections = sections.cloned().unwrap_or_default();
    let notes_percent = (sections.name_bytes + sections.debug_bytes) * 100 / facts.bytes.max(1);
    let all = [
        (
            sections.name_bytes == 0,
            "it has no names: keep the name section, or a backtrace says nothing of where it trapped",
        ),
        (
            sections.debug_bytes > 0,
            "it holds debug information, which no host reads: strip that, and keep the names",
        ),
        (
            notes_percent > NOTES_PERCENT_MAX,
            "nearly half of it is names: build it with less debug information",
        ),
        (facts.bytes > COMPONENT_BYTES_MAX / 2, "it is more than half as large as a host takes"),
        (
            imports("wasi:"),
            "it imports WASI, of which only clocks, random bytes and output answer: where the tools can leave it out (--stub-wasi), let them",
        ),
        (
            talks && !asks,
            "it can talk, and asks for no network: nothing is reached until `grants` in its manifest names where to",
        ),
        (asks && !talks, "it asks for the network, and imports neither `net` nor `http`: take the grant out"),
        (
            wide,
            "it asks for any host: operators give `${connection./FIELD}`, the addresses that they typed, more readily",
        ),
        (
            !exports("headgate:plugin/storage-driver@"),
            "it has no `storage-driver`: its clusters can be registered, and not asked",
        ),
        (
            !facts.types.is_empty() && !exports("headgate:plugin/config-strategy@") && writes,
            "its types can be written, and it has no `config-strategy`: no plan can be made",
        ),
        (facts.types.is_empty(), "it lists no types: its clusters have nodes and nothing else"),
        (description.roles.is_empty(), "it names no roles of nodes"),
        (
            description.vendor.is_empty() || description.vendor == "me",
            "`vendor` in its manifest says who made it: users see that first",
        ),
    ];
    all.into_iter().filter(|(holds, _)| *holds).map(|(_, told)| told.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::clock::SystemClock;
    use crate::plugins::builtin::builtin;
    use crate::plugins::refusal::Stage;

    async fn looked(name: &str, bytes: Vec<u8>) -> Look {
        let cache = tempfile::tempdir().unwrap();
        look(name, bytes, cache.path().to_owned(), Arc::new(SystemClock)).await.unwrap()
    }

    #[tokio::test]
    async fn a_plugin_of_our_own_leaves_nothing_to_advise() {
        let (name, bytes) = builtin().into_iter().find(|(name, _)| *name == "zookeeper").unwrap();
        let look = looked(name, bytes.to_vec()).await;
        let report = look.report;
        assert_eq!((report.refusal, report.advice), (None, Vec::new()));
        assert_eq!(report.contract, BTreeSet::from(["0.1.0".to_owned()]));
        assert_eq!(report.kind.as_deref(), Some(name));
        assert!(!report.types.is_empty() && !report.grants.is_empty() && look.component.is_some());
    }

    #[tokio::test]
    async fn a_file_that_a_host_would_refuse_says_at_which_stage() {
        for (bytes, stage) in [
            (b"text".to_vec(), Stage::Verify),
            (wat::parse_str("(module)").unwrap(), Stage::Verify),
            (wat::parse_str("(component)").unwrap(), Stage::Link),
        ] {
            let look = looked("a.wasm", bytes).await;
            assert_eq!(look.report.refusal.map(|refusal| refusal.stage), Some(stage));
            assert!(look.component.is_none());
        }
    }

    #[test]
    fn what_does_not_fit_together_is_advised_against() {
        let description: Description = serde_json::from_value(json!({
            "kind": "a", "title": "A", "version": "1.0.0", "vendor": "me", "documentation": null, "connection": {},
            "roles": [], "grouped": false, "relations": [], "protocols": [],
            "grants": [{"network": {"host": "*", "ports": "1-65535"}}],
        }))
        .unwrap();
        let facts =
            Facts { bytes: 100, imports: vec!["wasi:cli/stdout@0.2.3".to_owned()], ..Facts::default() };
        let told = advice(&description, &facts, None);
        for part in [
            "no names",
            "imports WASI",
            "neither `net` nor `http`",
            "any host",
            "no `storage-driver`",
            "no types",
            "`vendor`",
        ] {
            assert!(told.iter().any(|line| line.contains(part)), "no `{part}`: {told:?}");
        }
    }
}
