//! A project made of the template in Rust, outside of the tree, with the SDK and the contract beside it: it builds to a
//! component as its author would build it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use headgate_plugin_build::{Plugin, build};
use wit_component::DecodedWasm;

/// What stands for the plugin's name, in the writings that a project needs.
const NAMES: [(&str, &str); 4] = [
    ("my-kind", "wine-cellar"),
    ("my_kind", "wine_cellar"),
    ("MyKind", "WineCellar"),
    ("My kind", "Wine cellar"),
];

fn copy(from: &Path, to: &Path, change: &dyn Fn(String) -> String) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if path.is_dir() {
            copy(&path, &to.join(name), change)?;
        } else {
            let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            fs::write(to.join(name), change(text))?;
        }
    }
    Ok(())
}

#[test]
fn a_project_of_the_template_builds_outside_of_the_tree() -> Result<()> {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = tempfile::tempdir()?;
    let project = folder.path().join("wine-cellar");
    let renamed = |text: String| NAMES.iter().fold(text, |text, (old, new)| text.replace(old, new));
    copy(&sdk.join("templates/rust"), &project, &renamed)?;
    copy(&sdk.join("src"), &project.join("sdk/src"), &|text| text)?;
    fs::copy(sdk.join("Cargo.toml"), project.join("sdk/Cargo.toml"))?;
    copy(&sdk.join("../wit"), &project.join("wit"), &|text| text)?;

    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../plugins");
    let component = build(&Plugin { crate_dir: &project, target_dir: &target_dir })?;
    let DecodedWasm::Component(resolve, world) = wit_component::decode(&component)? else {
        bail!("the file is a package, not a component")
    };
    let world = resolve.worlds.get(world).context("the component has no world")?;
    let imports: Vec<String> = world.imports.keys().map(|key| resolve.name_world_key(key)).collect();
    assert!(imports.iter().all(|import| import.starts_with("headgate:")), "{imports:?}");
    assert!(imports.iter().any(|import| import == "headgate:host/http@0.1.0"), "{imports:?}");
    let exports: Vec<String> = world.exports.keys().map(|key| resolve.name_world_key(key)).collect();
    for interface in ["manifest", "metadata-types", "config-strategy", "storage-driver"] {
        let name = format!("headgate:plugin/{interface}@0.1.0");
        assert!(exports.contains(&name), "no {name} in {exports:?}");
    }
    let has = |text: &[u8]| component.windows(text.len()).any(|window| window == text);
    assert!(has(b"wine-cellar") && !has(b"my-kind"), "the kind bears the project's name");
    Ok(())
}
