//! What made a component, by its own word: the `producers` sections of it and of the modules inside.

use std::collections::BTreeSet;

use wasmparser::{KnownCustom, Parser, Payload};

/// A component of an interpreter names a dozen; more is noise.
const TOOLS_MAX: usize = 32;
const NAME_CHARACTERS_MAX: usize = 80;

/// `rustc 1.95.0`, sorted. Whoever builds a plugin may write into it what they like: it proves nothing.
pub(super) fn toolchain(component: &[u8]) -> Vec<String> {
    let mut tools = BTreeSet::new();
    for payload in Parser::new(0).parse_all(component) {
        // The engine says what is wrong with it.
        let Ok(payload) = payload else { break };
        let Payload::CustomSection(section) = payload else { continue };
        let KnownCustom::Producers(fields) = section.as_known() else { continue };
        for field in fields.into_iter().flatten() {
            for tool in field.values.into_iter().flatten() {
                tools.insert(shown(tool.name, tool.version));
            }
        }
    }
    tools.into_iter().filter(|tool| !tool.is_empty()).take(TOOLS_MAX).collect()
}

fn shown(name: &str, version: &str) -> String {
    let text = format!("{name} {version}");
    text.trim().chars().filter(|letter| !letter.is_control()).take(NAME_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::fixture;

    #[test]
    fn a_component_names_the_tools_that_made_it_and_what_is_none_names_nothing() {
        let tools = toolchain(&fixture::plain());
        assert!(tools.iter().any(|tool| tool.starts_with("wit-component 0.")), "{tools:?}");
        assert!(toolchain(b"text").is_empty());
    }
}
