//! What a component's file says beside its code: names, debug information, features and tools. Nothing of it is run.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use wasmparser::{BinaryReader, KnownCustom, Parser, Payload, ProducersSectionReader};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sections {
    /// Of the name sections of its modules: without them a backtrace says nothing.
    pub name_bytes: usize,
    pub debug_bytes: usize,
    /// Memory of its largest module at the start.
    pub memory_bytes: u64,
    /// Of WebAssembly, as the compiler noted them.
    pub features: Vec<String>,
    /// Languages, compilers and SDKs, as they noted themselves: name and versions.
    pub toolchain: BTreeMap<String, Vec<String>>,
}

/// Of a page of memory.
const PAGE_BYTES: u64 = 64 << 10;

impl Sections {
    pub fn read(component: &[u8]) -> Result<Self, String> {
        let mut found = Self::default();
        let (mut features, mut toolchain) = (BTreeSet::new(), BTreeMap::<String, BTreeSet<String>>::new());
        for payload in Parser::new(0).parse_all(component) {
            match payload.map_err(|error| error.to_string())? {
                Payload::MemorySection(memories) => {
                    let pages = memories.into_iter().flatten().map(|memory| memory.initial).max();
                    let bytes = pages.unwrap_or_default().saturating_mul(PAGE_BYTES);
                    found.memory_bytes = found.memory_bytes.max(bytes);
                }
                Payload::CustomSection(section) => match section.as_known() {
                    KnownCustom::Name(_) => found.name_bytes += section.data().len(),
                    KnownCustom::Producers(producers) => tools(producers, &mut toolchain),
                    _ if section.name().starts_with(".debug_") => found.debug_bytes += section.data().len(),
                    _ if section.name() == "target_features" => features.extend(noted(section.data())),
                    _ => {}
                },
                _ => {}
            }
        }
        found.features = features.into_iter().collect();
        found.toolchain =
            toolchain.into_iter().map(|(name, versions)| (name, versions.into_iter().collect())).collect();
        Ok(found)
    }
}

fn tools(producers: ProducersSectionReader<'_>, found: &mut BTreeMap<String, BTreeSet<String>>) {
    for field in producers.into_iter().flatten() {
        for tool in field.values.into_iter().flatten() {
            let versions = found.entry(tool.name.to_owned()).or_default();
            if !tool.version.is_empty() {
                versions.insert(tool.version.to_owned());
            }
        }
    }
}

/// A count, and for each a byte (`+`: used) and a name.
fn noted(data: &[u8]) -> Vec<String> {
    let mut reader = BinaryReader::new(data, 0);
    let count = reader.read_var_u32().unwrap_or_default();
    let mut names = Vec::new();
    for _ in 0..count {
        let (Ok(mark), Ok(name)) = (reader.read_u8(), reader.read_string()) else { break };
        if mark == b'+' {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::builtin::builtin;
    use crate::plugins::fixture;

    #[test]
    fn a_compiled_plugin_tells_its_names_and_tools() {
        for (name, bytes) in builtin() {
            let sections = Sections::read(bytes).unwrap();
            assert!(sections.name_bytes > 1_000 && sections.debug_bytes == 0, "{name}: {sections:?}");
            assert!(sections.memory_bytes >= PAGE_BYTES, "{name}");
            for tool in ["Rust", "rustc", "wit-component"] {
                assert!(
                    sections.toolchain.contains_key(tool),
                    "{name}: no {tool} in {:?}",
                    sections.toolchain
                );
            }
        }
    }

    #[test]
    fn what_is_noted_nowhere_is_not_made_up() {
        let sections = Sections::read(&fixture::plain()).unwrap();
        assert_eq!((sections.debug_bytes, sections.features.len()), (0, 0));
        assert!(Sections::read(b"no component").is_err());
        assert_eq!(noted(b"\x02+\x03abc-\x01d+"), ["abc"]);
    }
}
