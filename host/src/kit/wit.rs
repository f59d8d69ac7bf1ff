//! The world of a component, as text.

use wit_component::{DecodedWasm, WitPrinter};

/// With the interfaces that it imports and exports.
pub fn print(component: &[u8]) -> anyhow::Result<String> {
    let decoded = wit_component::decode(component)?;
    let (DecodedWasm::Component(resolve, _) | DecodedWasm::WitPackage(resolve, _)) = &decoded;
    let own = decoded.package();
    let others: Vec<_> = resolve.packages.iter().map(|(id, _)| id).filter(|id| *id != own).collect();
    let mut printer = WitPrinter::default();
    printer.print(resolve, own, &others)?;
    Ok(printer.output.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::builtin::builtin;

    #[test]
    fn a_component_s_world_is_told_with_its_interfaces() {
        let (_, bytes) = builtin().into_iter().find(|(name, _)| *name == "zookeeper").unwrap();
        let text = print(bytes).unwrap();
        for part in [
            "export headgate:plugin/manifest@0.1.0;",
            "import headgate:host/net@0.1.0;",
            "record description",
        ] {
            assert!(text.contains(part), "no `{part}` in {text}");
        }
        assert!(print(b"text").is_err());
    }
}
