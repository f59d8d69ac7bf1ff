//! The owner's token: in a file of the data folder, so that the command line on the same machine needs nothing else.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use crate::app::App;

/// Where the file's token does not open the host (first start, another database, a lost file), a new one is made:
/// whoever may write the data folder owns the host.
pub(super) async fn ensure(app: &App, file: &Path) -> anyhow::Result<()> {
    let stands = match fs::read_to_string(file) {
        Ok(text) => app.authenticate(text.trim()).await?.is_some(),
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => {
            return Err(error).context(format!("cannot read the owner's token from {}", file.display()));
        }
    };
    if stands {
        return Ok(());
    }
    let minted = app.mint_owner().await?;
    write_private(file, &minted.text)
        .with_context(|| format!("cannot write the owner's token to {}", file.display()))?;
    tracing::info!(file = %file.display(), "made an owner's token; the command line on this machine finds it there");
    Ok(())
}

/// Beside it first, then renamed: no reader sees half a token, and the old file's mode is not inherited.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let fresh = file.with_extension("new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    writeln!(out, "{text}")?;
    out.sync_all()?;
    fs::rename(&fresh, file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "hg_old").unwrap();
        write_private(&file, "hg_new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "hg_new\n");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
