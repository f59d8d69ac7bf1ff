//! The contract, the SDKs and the templates, as they were when this binary was built.

/// Path in the tree, whether it can be run, content; sorted by path.
type Source = (&'static str, bool, &'static [u8]);

static SOURCES: &[Source] = include!(concat!(env!("OUT_DIR"), "/kit.rs"));

/// Those below a folder, with what stands behind it.
pub(super) fn below(folder: &str) -> impl Iterator<Item = (&'static str, bool, &'static [u8])> {
    SOURCES.iter().filter_map(move |(path, runs, bytes)| {
        let rest = path.strip_prefix(folder)?.strip_prefix('/')?;
        Some((rest, *runs, *bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_holds_contract_sdks_and_templates_and_nothing_that_a_build_left() {
        for needed in [
            "wit/plugin.wit",
            "wit/deps/host/host.wit",
            "sdk-guest/Cargo.toml",
            "sdk-guest/src/lib.rs",
            "sdk-guest/js/build.js",
            "sdk-guest/python/headgate/build.py",
            "sdk-guest/templates/rust/.gitignore",
            "sdk-guest/templates/js/package-lock.json",
            "sdk-guest/templates/python/build.sh",
        ] {
            assert!(SOURCES.iter().any(|(path, ..)| *path == needed), "{needed} is missing");
        }
        for (path, ..) in SOURCES {
            let left = ["node_modules", "__pycache__", "/dist/", "/target/", "/.venv/"];
            assert!(!left.iter().any(|left| path.contains(left)), "{path}");
        }
        assert!(SOURCES.is_sorted_by_key(|(path, ..)| *path));
        assert!(SOURCES.iter().any(|(path, runs, _)| path.ends_with("python/build.sh") && *runs));
    }
}
