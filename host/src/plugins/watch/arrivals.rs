//! Files on their way in: loaded beside everything else, admitted, and then in the place of what served before.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::mpsc;

use super::life::{Attempt, Life, Passed, Verdict, Waiting};
use super::{Watch, Watched, files};
use crate::domain::contract::Description;
use crate::domain::minisign::SUFFIX;
use crate::domain::plugin::{Origin, PluginVersion};
use crate::domain::record::By;
use crate::domain::signature::{SignatureFile, SignatureRules, Signed};
use crate::plugins::grants::{Given, builtin as builtin_grants};
use crate::plugins::load::{Candidate, Loader};
use crate::plugins::package::Package;
use crate::plugins::refusal::{Refusal, Stage};
use crate::plugins::serving::{Admission, Newcomer, Serving, Standing, admit};
use crate::plugins::trial::Trial;

/// News of a file that is being loaded.
pub(in crate::plugins) enum Heard {
    Passed { name: String, attempt: Attempt, stage: Passed },
    Ended { name: String, attempt: Attempt, end: End },
}

/// How a load ended.
pub(in crate::plugins) enum End {
    /// The content is the one that was decided before: it was only touched, or signed.
    Known(Signed),
    /// It was written to meanwhile.
    Changed,
    Refused {
        digest: Option<String>,
        refusal: Refusal,
    },
    Ready(Box<Arrival>),
}

pub(in crate::plugins) struct Arrival {
    candidate: Candidate,
    bytes: Vec<u8>,
    signed: Signed,
}

/// One reading of one file.
struct Load {
    loader: Arc<Loader>,
    path: PathBuf,
    name: String,
    attempt: Attempt,
    /// Of the content that was decided last.
    known: Option<String>,
    signatures: Arc<SignatureRules>,
    heard: mpsc::Sender<Heard>,
}

impl Load {
    async fn read(&self) -> Result<(Vec<u8>, String), Refusal> {
        let (path, name) = (self.path.clone(), self.name.clone());
        let read = tokio::task::spawn_blocking(move || files::read(&path, &name)).await;
        read.unwrap_or_else(|stopped| {
            Err(Refusal::new(&self.name, Stage::Read, "a readable file", stopped.to_string(), "report it"))
        })
    }

    async fn run(self) -> End {
        let (bytes, digest) = match self.read().await {
            Ok(read) => read,
            Err(refusal) => return End::Refused { digest: None, refusal },
        };
        let signed = match self.signed(&bytes).await {
            Ok(signed) => signed,
            Err(refusal) => return self.refused(digest, refusal).await,
        };
        if self.known.as_ref() == Some(&digest) {
            return End::Known(signed);
        }
        let (name, attempt, heard) = (self.name.clone(), self.attempt, self.heard.clone());
        let told: Arc<dyn Fn(Passed) + Send + Sync> = Arc::new(move |stage| {
            // Only shown: what does not fit is not waited for.
            heard.try_send(Heard::Passed { name: name.clone(), attempt, stage }).unwrap_or_default();
        });
        let package = Package { name: self.name.clone(), bytes: bytes.clone() };
        let candidate = match self.loader.prepare(package, Arc::clone(&told)).await {
            Ok(candidate) => candidate,
            Err(refusal) => return self.refused(digest, refusal).await,
        };
        if let Err(refusal) = self.loader.test(&self.name, &candidate).await {
            return self.refused(digest, refusal).await;
        }
        told(Passed::Tested);
        // What was compiled is what lies there now, or it is of no use.
        match self.read().await {
            Ok((_, now)) if now == digest => End::Ready(Box::new(Arrival { candidate, bytes, signed })),
            Ok(_) | Err(_) => End::Changed,
        }
    }

    /// Before anything else is done with it: who did not sign it is not let near the compiler.
    async fn signed(&self, bytes: &[u8]) -> Result<Signed, Refusal> {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || files::read_signature(&path)).await;
        let file = read.unwrap_or_else(|stopped| SignatureFile::Unreadable(stopped.to_string()));
        let signed = self.signatures.judge(&file, bytes);
        let name = &self.name;
        if let Some(found) = self.signatures.warns(&signed) {
            tracing::warn!(file = name, "the plugin is not signed by one of the operator's keys: {found}");
        }
        match self.signatures.refuses(&signed) {
            Some(found) => Err(unsigned(name, &self.signatures, found)),
            None => Ok(signed),
        }
    }

    /// A half-written file is not refused for what it was in the middle.
    async fn refused(&self, digest: String, refusal: Refusal) -> End {
        match self.read().await {
            Ok((_, now)) if now != digest => End::Changed,
            Ok(_) | Err(_) => End::Refused { digest: Some(digest), refusal },
        }
    }
}

fn unsigned(name: &str, rules: &SignatureRules, found: String) -> Refusal {
    let keys: Vec<String> = rules.ids().map(|id| id.to_string()).collect();
    let expected = format!("a signature in `{name}{SUFFIX}` by one of the keys {}", keys.join(", "));
    let advice = "have it signed by who holds one (`headgate plugin sign`), copy both files again, or trust another \
                  key with --plugin-key";
    Refusal::new(name, Stage::Verify, expected, found, advice)
}

impl Watch {
    fn load(&self, name: &str, attempt: Attempt, known: Option<String>) -> Option<Load> {
        Some(Load {
            loader: Arc::clone(&self.loader),
            path: self.directory.as_ref()?.join(name),
            name: name.to_owned(),
            attempt,
            known,
            signatures: Arc::clone(&self.signatures),
            heard: self.heard.0.clone(),
        })
    }

    pub(super) fn begin_load(&self, name: &str, attempt: Attempt, known: Option<String>) {
        let Some(load) = self.load(name, attempt, known) else { return };
        let (name, heard) = (name.to_owned(), self.heard.0.clone());
        tokio::spawn(async move {
            let end = load.run().await;
            if heard.send(Heard::Ended { name, attempt, end }).await.is_err() {
                tracing::debug!("nobody waits for the plugin any more: the host stops");
            }
        });
    }

    pub(super) async fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Passed { name, attempt, stage } => {
                if let Some(file) = self.files.get_mut(&name) {
                    file.life.pass(attempt, stage);
                    self.publish();
                }
            }
            Heard::Ended { name, attempt, end } => self.end_load(&name, attempt, end).await,
        }
    }

    /// Waits for what is there when the host starts, file by file: the first of a kind stays.
    pub(in crate::plugins) async fn begin(&mut self, builtin: Vec<(&'static str, &'static [u8])>) {
        match self.ledger.records().await {
            Ok(records) => {
                self.records = records.into_iter().map(|record| (record.kind.clone(), record)).collect();
            }
            Err(error) => tracing::error!(error, "what is remembered of the plugins could not be read"),
        }
        self.follow_decisions().await;
        for (name, bytes) in builtin {
            self.begin_builtin(name, bytes).await;
        }
        match self.list().await {
            None => {}
            Some(Err(error)) => self.cannot_look(&error),
            Some(Ok(listing)) => {
                self.can_look(&listing);
                self.grants.at_start(listing.grants.clone());
                self.read_grants().await;
                for (name, stamp) in listing.files {
                    let attempt = self.next_attempt();
                    let life = Life::Loading { stamp, attempt, passed: Passed::Settled, last: None };
                    self.files.insert(name.clone(), Watched { life, kind: None });
                    let Some(load) = self.load(&name, attempt, None) else { continue };
                    let end = load.run().await;
                    if let End::Ready(arrival) = &end {
                        let kind = arrival.candidate.description.kind.clone();
                        self.restore(&kind, &name, &arrival.candidate.digest).await;
                    }
                    self.end_load(&name, attempt, end).await;
                }
                self.restore_broken().await;
            }
        }
        self.publish();
    }

    async fn begin_builtin(&mut self, name: &str, bytes: &[u8]) {
        let package = Package { name: name.to_owned(), bytes: bytes.to_vec() };
        match self.loader.prepare(package, Arc::new(|_| {})).await {
            Ok(candidate) => {
                let given = builtin_grants(&candidate.description.grants);
                let kind = candidate.description.kind.clone();
                self.slot(&kind, Origin::Builtin);
                self.activate(candidate, given, None, None, None).await;
            }
            Err(refusal) => {
                tracing::error!("{refusal}");
                self.shared.refuse_builtin(refusal);
            }
        }
    }

    /// The version that served last, where the file has another content since: that one has to come past it first.
    async fn restore(&mut self, kind: &str, name: &str, arriving: &str) {
        let last = self.records.get(kind).and_then(|record| record.versions.first());
        let Some(last) = last.filter(|last| last.digest != arriving).cloned() else { return };
        self.bring_back(kind, &last, name).await;
    }

    /// Kinds whose file cannot serve as it lies there now: the version that served last does.
    async fn restore_broken(&mut self) {
        let broken = |version: &PluginVersion| self.files.contains_key(&version.file);
        let found = self.records.iter().filter_map(|(kind, record)| {
            let last = record.versions.first().filter(|last| broken(last))?;
            Some((kind.clone(), last.clone()))
        });
        let found: Vec<(String, PluginVersion)> = found.collect();
        for (kind, last) in found {
            let file = last.file.clone();
            self.bring_back(&kind, &last, &file).await;
        }
    }

    async fn bring_back(&mut self, kind: &str, version: &PluginVersion, name: &str) {
        let Ok(candidate) = self.archived(kind, version).await else { return };
        let given = self.grants.standing(kind).given(&candidate.description.grants);
        self.slot(kind, Origin::Directory);
        self.activate(candidate, given, Some(name.to_owned()), version.signature.clone(), None).await;
    }

    /// A version that served before, from the host's own copy.
    pub(super) async fn archived(&self, kind: &str, version: &PluginVersion) -> Result<Candidate, String> {
        let signed = version.signature.clone().unwrap_or(Signed::Unsigned);
        if let Some(found) = self.signatures.refuses(&signed) {
            let version = &version.version;
            return Err(format!(
                "version {version} has {found}, and this host takes none but those of its keys"
            ));
        }
        let (archive, digest) = (Arc::clone(&self.archive), version.digest.clone());
        let bytes = tokio::task::spawn_blocking(move || archive.find(&digest)).await;
        let bytes = bytes.ok().flatten().ok_or_else(|| {
            format!("this host has no copy of version {} ({})", version.version, version.digest)
        })?;
        let package = Package { name: kind.to_owned(), bytes };
        self.loader.prepare(package, Arc::new(|_| {})).await.map_err(|refusal| refusal.to_string())
    }

    async fn end_load(&mut self, name: &str, attempt: Attempt, end: End) {
        let now_ms = self.now_ms();
        let Some(file) = self.files.get_mut(name).filter(|file| file.life.awaits(attempt)) else { return };
        match end {
            End::Changed => {
                let Some(file) = self.files.remove(name) else { return };
                let life = file.life.changed_meanwhile(attempt, now_ms);
                self.files.insert(name.to_owned(), Watched { life, kind: file.kind });
                self.publish();
            }
            End::Known(signed) => {
                let Some(last) = file.life.verdict().cloned() else { return };
                self.decide(name, attempt, last);
                self.sign(name, signed).await;
                self.publish();
            }
            End::Refused { digest, refusal } => self.refuse(name, attempt, digest, refusal).await,
            End::Ready(arrival) => {
                file.kind = Some(arrival.candidate.description.kind.clone());
                self.take_in(name, attempt, *arrival).await;
            }
        }
    }

    pub(super) fn decide(&mut self, name: &str, attempt: Attempt, verdict: Verdict) {
        if let Some(file) = self.files.remove(name) {
            let life = file.life.decide(attempt, verdict);
            self.files.insert(name.to_owned(), Watched { life, kind: file.kind });
        }
    }

    async fn take_in(&mut self, name: &str, attempt: Attempt, arrival: Arrival) {
        let Arrival { candidate, bytes, signed } = arrival;
        let Description { kind, version, grants: asked, .. } = candidate.description.clone();
        let digest = candidate.digest.clone();
        self.slot(&kind, Origin::Directory);
        let Some(slot) = self.slots.get(&kind) else { return };
        let standing = slot.current.as_ref().map(|serving| {
            let file = serving.file.as_deref().unwrap_or_default();
            Standing {
                origin: slot.origin,
                file,
                file_is_there: self.files.get(file).is_some_and(|file| file.life.is_there()),
                digest: &serving.candidate.digest,
                version: &serving.candidate.description.version,
            }
        });
        let newcomer = Newcomer { file: name, kind: &kind, digest: &digest, version: &version };
        let before = slot.current.as_ref().map(|serving| serving.made.health.recent());
        match admit(newcomer, standing, &slot.record, slot.downgrades.contains(&digest)) {
            Err(refusal) => self.refuse(name, attempt, Some(digest), refusal).await,
            Ok(Admission::Serves) => {
                if let Some(serving) = self.slots.get_mut(&kind).and_then(|slot| slot.current.as_mut()) {
                    serving.file = Some(name.to_owned());
                }
                self.decide(name, attempt, Verdict::Active { digest });
                self.sign(name, signed).await;
                self.publish();
            }
            Ok(Admission::Takes) => {
                let standing = self.grants.standing(&kind);
                let (given, more) = (standing.given(&asked), standing.more(&asked));
                if !more.is_empty() {
                    return self.wait(name, attempt, &kind, Waiting { digest, version, asked, more }).await;
                }
                self.keep_bytes(&digest, bytes).await;
                self.decide(name, attempt, Verdict::Active { digest });
                let trial = before.map(|before| Trial { before });
                self.activate(candidate, given, Some(name.to_owned()), Some(signed), trial).await;
            }
        }
    }

    /// The content that serves has another signature than before.
    async fn sign(&mut self, name: &str, signed: Signed) {
        let served = self.slots.iter_mut().find(|(_, slot)| slot.file() == Some(name));
        let Some((kind, slot)) = served else { return };
        let Some(serving) = slot.current.as_mut().filter(|serving| serving.signed.as_ref() != Some(&signed))
        else {
            return;
        };
        serving.signed = Some(signed.clone());
        let digest = &serving.candidate.digest;
        if let Some(version) = slot.record.versions.iter_mut().find(|version| version.digest == *digest) {
            version.signature = Some(signed.clone());
        }
        let (kind, data) = (kind.clone(), json!({"digest": digest, "signature": signed}));
        self.save(&kind, "plugin.signed", data, &By::host()).await;
    }

    async fn keep_bytes(&self, digest: &str, bytes: Vec<u8>) {
        let (archive, digest) = (Arc::clone(&self.archive), digest.to_owned());
        let kept = tokio::task::spawn_blocking(move || archive.keep(&digest, &bytes)).await;
        if let Err(error) = kept.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped))) {
            tracing::warn!(%error, "the plugin's bytes cannot be kept: there is no way back to this version");
        }
    }

    /// The version serves from now on; the one before it drains.
    pub(super) async fn activate(
        &mut self,
        candidate: Candidate,
        given: Given,
        file: Option<String>,
        signed: Option<Signed>,
        trial: Option<Trial>,
    ) {
        let Description { kind, version, .. } = candidate.description.clone();
        let (digest, toolchain) = (candidate.digest.clone(), candidate.toolchain.clone());
        let since_ms = self.loader.clock.now_ms();
        let Some(slot) = self.slots.get_mut(&kind) else { return };
        let made = self.loader.make(&candidate, given.clone(), slot.places.clone());
        let is_new = slot.record.versions.first().is_none_or(|first| first.digest != digest);
        slot.record.activate(PluginVersion {
            digest: digest.clone(),
            version: version.clone(),
            file: file.clone().unwrap_or_default(),
            since_ms,
            signature: signed.clone(),
            toolchain: toolchain.clone(),
        });
        slot.gone = None;
        let generation = slot.record.generation;
        let name = file.clone().unwrap_or_else(|| "built in".to_owned());
        slot.replace(Some(Serving { candidate, made, given, file, signed: signed.clone(), since_ms, trial }));
        self.publish();
        tracing::info!(kind, version, digest, generation, file = name, "plugin serves");
        self.shared.tell_changed(&kind);
        self.met = None;
        if is_new {
            let data = json!({
                "version": version, "digest": digest, "generation": generation, "file": name, "signature": signed,
                "toolchain": toolchain,
            });
            self.save(&kind, "plugin.activated", data, &By::host()).await;
            self.prune().await;
        }
    }

    async fn prune(&self) {
        let records = self.slots.values().map(|slot| &slot.record).chain(self.records.values());
        let kept: BTreeSet<String> =
            records.flat_map(|record| record.versions.iter().map(|version| version.digest.clone())).collect();
        let (archive, cache) = (Arc::clone(&self.archive), Arc::clone(&self.loader.cache));
        let prune = move || archive.prune(&kept).and_then(|()| cache.prune(&kept));
        let pruned = tokio::task::spawn_blocking(prune).await;
        if let Err(error) = pruned.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped))) {
            tracing::warn!(%error, "versions that nobody goes back to could not be removed");
        }
    }
}
