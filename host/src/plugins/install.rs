//! Files that come over the API, and go by it: judged before anything is written, then put into the plugin folder as a careful
//! copy would be. The watch sees the file and takes over from there.
//!
//! Invariant: what a host would refuse never lies in its plugin folder by this way.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::driver::{InstallError, PluginChangeError, Upload};
use super::ledger::{Ledger, Told};
use super::load::{Candidate, Loader};
use super::package::Package;
use super::refusal::{Refusal, Stage};
use super::serving::{Admission, Newcomer, Standing, admit};
use super::watch::{Shared, files, unsigned};
use crate::domain::installation::Installed;
use crate::domain::kind::is_kind;
use crate::domain::minisign::SUFFIX;
use crate::domain::plugin::{Origin, PluginRecord, PluginState, PluginStatus};
use crate::domain::record::By;
use crate::domain::signature::{SignatureFile, SignatureRules};

pub(super) struct Installer {
    pub(super) loader: Arc<Loader>,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) directory: Option<PathBuf>,
    pub(super) shared: Arc<Shared>,
    pub(super) signatures: Arc<SignatureRules>,
}

/// Stands for the file in messages, until it has its place.
const ON_ITS_WAY: &str = "the file";

impl Installer {
    pub(super) async fn install(&self, upload: Upload, by: &By) -> Result<Installed, InstallError> {
        let directory = self.directory.clone().ok_or(InstallError::NoFolder)?;
        let wanted = upload.name.as_deref().map(file_of).transpose()?;
        let shown = wanted.clone().unwrap_or_else(|| ON_ITS_WAY.to_owned());
        let signature = upload.signature.clone().map_or(SignatureFile::Absent, SignatureFile::Text);
        if let Some(found) = self.signatures.refuses(&self.signatures.judge(&signature, &upload.bytes)) {
            return Err(unsigned(&shown, &self.signatures, found).into());
        }
        let candidate = self.judge(&shown, upload.bytes.clone()).await?;
        let statuses = self.shared.load().statuses();
        let there = |file: &str| directory.join(file).exists();
        let file = place(&candidate, wanted, &statuses, there)?;

        let (target, digest) = (directory.join(&file), candidate.digest.clone());
        let Upload { bytes, signature: text, .. } = upload;
        let put = tokio::task::spawn_blocking(move || {
            let is_same = files::read(&target, "").is_ok_and(|(_, lies)| lies == digest)
                && files::read_signature(&target) == signature;
            if is_same { Ok(true) } else { put_signed(&target, &bytes, text.as_deref()).map(|()| false) }
        });
        let put = put.await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
        let unchanged =
            put.map_err(|error| InstallError::NotWritten(format!("{}: {error}", directory.display())))?;
        let Candidate { digest, description, .. } = candidate;
        if !unchanged {
            let data = json!({"file": file, "digest": digest, "version": description.version});
            tracing::info!(kind = description.kind, file, digest, actor = by.actor, "plugin file installed");
            self.tell("plugin.installed", &description.kind, data, by).await;
        }
        let (kind, version, asks) = (description.kind, description.version, description.grants);
        Ok(Installed { kind, version, digest, file, asks, unchanged })
    }

    async fn judge(&self, name: &str, bytes: Vec<u8>) -> Result<Candidate, InstallError> {
        let package = Package { name: name.to_owned(), bytes };
        let candidate = self.loader.prepare(package, Arc::new(|_| {})).await?;
        self.loader.test(name, &candidate).await?;
        Ok(candidate)
    }

    /// Deletes the file that serves a kind, or one that serves none. Its name is the answer.
    pub(super) async fn remove(&self, name: &str, by: &By) -> Result<String, PluginChangeError> {
        let statuses = self.shared.load().statuses();
        let found = statuses.iter().find(|status| status.kind.as_deref() == Some(name));
        let found = found.or_else(|| statuses.iter().find(|status| status.file.as_deref() == Some(name)));
        let found = found.ok_or_else(|| PluginChangeError::NotFound(name.to_owned()))?;
        let refused = |why: String| PluginChangeError::Refused(format!("plugin `{name}` {why}"));
        if found.origin == Origin::Builtin {
            let advice = format!("is carried by the host itself: `headgate plugin disable {name}` stops it");
            return Err(refused(advice));
        }
        let file = found.file.clone().filter(|_| found.state != PluginState::Removed);
        let file = file.ok_or_else(|| refused("has no file any more".to_owned()))?;
        let folder = self.directory.clone().ok_or_else(|| refused("has no folder".to_owned()))?;
        let path = folder.join(&file);
        let gone = tokio::task::spawn_blocking(move || {
            let gone = fs::remove_file(&path);
            // There is none of most, and one without its file says nothing.
            fs::remove_file(signature_of(&path)).unwrap_or_default();
            gone
        });
        let gone = gone.await;
        match gone.unwrap_or_else(|stopped| Err(io::Error::other(stopped))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(refused(format!("keeps its file `{file}`: {error}")));
            }
            Ok(()) | Err(_) => {}
        }
        tracing::warn!(plugin = name, file, actor = by.actor, "plugin file removed");
        let data = json!({"file": file, "digest": found.digest, "version": found.version});
        self.tell("plugin.uninstalled", name, data, by).await;
        Ok(file)
    }

    async fn tell(&self, kind: &'static str, subject: &str, data: serde_json::Value, by: &By) {
        let told = Told { kind, subject: subject.to_owned(), before: None, data, by: by.clone() };
        if let Err(error) = self.ledger.tell(&told).await {
            tracing::error!(error, event = kind, subject, "the event could not be kept");
        }
    }
}

/// A name that stands for itself in a folder: never a path.
fn file_of(name: &str) -> Result<String, InstallError> {
    let stem = name.strip_suffix(".wasm").unwrap_or(name);
    if is_kind(stem) { Ok(format!("{stem}.wasm")) } else { Err(InstallError::Name(name.to_owned())) }
}

/// The file's name in the plugin folder, or why a host would not let it serve there. `there` looks into the folder.
fn place(
    candidate: &Candidate,
    wanted: Option<String>,
    statuses: &[PluginStatus],
    there: impl Fn(&str) -> bool,
) -> Result<String, InstallError> {
    let (kind, version) = (&candidate.description.kind, &candidate.description.version);
    let own = statuses.iter().find(|status| status.kind.as_ref() == Some(kind));
    let serves = own.and_then(|status| status.file.clone()).filter(|file| there(file));
    let file = wanted.or_else(|| serves.clone()).unwrap_or_else(|| format!("{kind}.wasm"));
    let other = statuses.iter().find(|status| status.file.as_ref() == Some(&file) && status.digest.is_some());
    if let Some(other) = other.and_then(|status| status.kind.as_ref()).filter(|other| *other != kind) {
        let found = format!("`{file}`, which serves the kind `{other}`");
        let advice = "give it another name with --name";
        return Err(Refusal::new(&file, Stage::Activate, "a file of its own", found, advice).into());
    }
    let mut record = PluginRecord::of(kind);
    record.taken_back = own.map(|status| status.taken_back.clone()).unwrap_or_default();
    let standing = own.and_then(|status| {
        Some(Standing {
            origin: status.origin,
            file: status.file.as_deref().unwrap_or_default(),
            file_is_there: serves.is_some(),
            digest: status.digest.as_deref()?,
            version: status.version.as_deref()?,
        })
    });
    let newcomer = Newcomer { file: &file, kind, digest: &candidate.digest, version };
    match admit(newcomer, standing, &record, false) {
        Ok(Admission::Takes | Admission::Serves) => Ok(file),
        Err(mut refusal) => {
            // The way of files that lie in the folder is not open to one that does not.
            if refusal.stage == Stage::Activate && refusal.expected.starts_with("a version of") {
                refusal.advice = format!(
                    "raise its version; `headgate plugin rollback {kind}` goes back to what served before"
                );
            }
            Err(refusal.into())
        }
    }
}

fn signature_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(SUFFIX);
    name.into()
}

/// The signature first: a content without it would be refused for the moment between. One of another content goes.
fn put_signed(target: &Path, bytes: &[u8], signature: Option<&str>) -> io::Result<()> {
    let beside = signature_of(target);
    match signature {
        Some(text) => put(&beside, text.as_bytes())?,
        None => fs::remove_file(&beside).unwrap_or_default(),
    }
    put(target, bytes)
}

/// Beside its place first and on the disk, then renamed: no host ever sees half of it.
fn put(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = target.parent().unwrap_or(Path::new("."));
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    // Hidden files are not looked at by the watch.
    let partial = folder.join(format!(".{name}.{}", uuid::Uuid::now_v7().simple()));
    let written = File::create_new(&partial)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&partial, target))
        .and_then(|()| File::open(folder)?.sync_all());
    if written.is_err() {
        fs::remove_file(&partial).unwrap_or_default();
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::driver::Plugins;
    use crate::plugins::fixture;
    use crate::plugins::stories::World;

    fn by() -> By {
        By { actor: "token:ada".to_owned(), request_id: None }
    }

    async fn sent(world: &World, name: Option<&str>, bytes: Vec<u8>) -> Result<Installed, String> {
        let upload = Upload { name: name.map(str::to_owned), bytes, signature: None };
        world.registry.install(upload, &by()).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_file_is_put_where_its_kind_is_served_and_the_same_again_changes_nothing() {
        let world = World::of(&[("old-name.wasm", fixture::plain())]).await;
        let next = fixture::versioned("fixture", "0.2.0", fixture::NOTHING);
        let installed = sent(&world, None, next.clone()).await.unwrap();
        assert_eq!((installed.file.as_str(), installed.unchanged), ("old-name.wasm", false));
        assert!(sent(&world, None, next).await.unwrap().unchanged);
        let other = fixture::guest("other", fixture::NOTHING);
        let installed = sent(&world, None, other).await.unwrap();
        assert_eq!(installed.file, "other.wasm");
    }

    #[tokio::test]
    async fn what_a_host_would_refuse_is_never_written() {
        let world = World::of(&[("a.wasm", fixture::versioned("fixture", "0.3.0", fixture::NOTHING))]).await;
        let before = world.files();
        let older = fixture::plain();
        let other = fixture::guest("other", fixture::NOTHING);
        for (name, bytes, part) in [
            (None, b"text".to_vec(), "refused at verify"),
            (None, fixture::foreign(), "refused at link"),
            (None, older, "raise its version"),
            (Some("b"), fixture::versioned("fixture", "0.4.0", fixture::NOTHING), "which `a.wasm` serves"),
            (Some("a"), other.clone(), "which serves the kind `fixture`"),
            (Some("../a"), other, "is no name of a file"),
        ] {
            let refused = sent(&world, name, bytes).await.unwrap_err();
            assert!(refused.contains(part), "no `{part}`: {refused}");
        }
        assert_eq!(world.files(), before);
    }

    #[tokio::test]
    async fn a_signature_comes_and_goes_with_its_file() {
        let world = World::of(&[]).await;
        let upload = |signature: Option<&str>| Upload {
            name: None,
            bytes: fixture::plain(),
            signature: signature.map(str::to_owned),
        };
        world.registry.install(upload(Some("a signature")), &by()).await.unwrap();
        assert_eq!(world.files(), ["fixture.wasm", "fixture.wasm.minisig"]);
        assert!(world.registry.install(upload(Some("a signature")), &by()).await.unwrap().unchanged);
        assert!(!world.registry.install(upload(None), &by()).await.unwrap().unchanged);
        assert_eq!(world.files(), ["fixture.wasm"]);
    }

    #[tokio::test]
    async fn a_file_is_removed_by_its_kind_and_what_is_not_there_says_so() {
        let world = World::of(&[("a.wasm", fixture::plain()), ("broken.wasm", b"text".to_vec())]).await;
        assert_eq!(world.registry.remove("fixture", &by()).await.unwrap(), "a.wasm");
        assert_eq!(world.registry.remove("broken.wasm", &by()).await.unwrap(), "broken.wasm");
        assert_eq!(world.files(), Vec::<String>::new());
        assert!(world.registry.remove("nobody", &by()).await.is_err());
    }
}
