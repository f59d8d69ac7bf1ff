//! Makes a component of a crate, as the build of the host does with the plugins that it carries: for samples, which it does not.
//!
//! ```text
//! component CRATE_FOLDER TARGET_FOLDER FILE
//! ```

use std::path::Path;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use headgate_plugin_build::{Plugin, Words, build_telling};

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [crate_dir, target_dir, file] = words.as_slice() else {
        bail!("give the crate's folder, a folder to build in, and the file to write");
    };
    let (crate_dir, target_dir, file) = (Path::new(crate_dir), Path::new(target_dir), Path::new(file));
    let component = build_telling(&Plugin { crate_dir, target_dir }, Words::OnFailure)?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    // Under its name only when it is whole: a host may be looking.
    let part = file.with_extension("part");
    fs::write(&part, component).with_context(|| format!("write {}", part.display()))?;
    fs::rename(&part, file).with_context(|| format!("write {}", file.display()))
}
