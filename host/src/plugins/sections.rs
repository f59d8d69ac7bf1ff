//! What a component's file says beside its code: names, debug information, features and tools. Nothing of it is run.

use std::collections::BTreeSet;

use serde::Serialize;
use wasmparser::{BinaryReader, KnownCustom, Parser, Payload};

use super::toolchain::toolchain;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sections {
    /// Of the name sections of its modules: without them a backtrace says nothing.
    pub name_bytes: usize,
    pub debug_bytes: usize,
    /// Memory of its largest module at the start.
    pub memory_bytes: u64,
    /// Of WebAssembly, as the compiler noted them.
    pub features: Vec<String>,
    /// Languages, compilers and SDKs, as they noted themselves.
    pub toolchain: Vec<String>,
}

/// Of a page of memory.
const PAGE_BYTES: u64 = 64 << 10;

impl Sections {
    pub fn read(component: &[u8]) -> Result<Self, String> {
        let mut found = Self::default();
        let mut features = BTreeSet::new();
        for payload in Parser::new(0).parse_all(component) {
            match payload.map_err(|error| error.to_string())? {
                Payload::MemorySection(memories) => {
                    let pages = memories.into_iter().flatten().map(|memory| memory.initial).max();
                    let bytes = pages.unwrap_or_default().saturating_mul(PAGE_BYTES);
                    found.memory_bytes = found.memory_bytes.max(bytes);
                }
                Payload::CustomSection(section) => match section.as_known() {
                    KnownCustom::Name(_) => found.name_bytes += section.data().len(),
                    _ if section.name().starts_with(".debug_") => found.debug_bytes += section.data().len(),
                    _ if section.name() == "target_features" => features.extend(noted(section.data())),
                    _ => {}
                },
                _ => {}
            }
        }
        found.features = features.into_iter().collect();
        found.toolchain = toolchain(component);
        Ok(found)
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
            assert!(
                sections.toolchain.iter().any(|tool| tool.starts_with("rustc 1.")),
                "{name}: {sections:?}"
            );
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
