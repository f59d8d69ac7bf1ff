//! The running plugins: looks at the operator's directory, takes versions in, judges them, and does what is asked.
//!
//! Invariant: one task owns all of it, so that nothing is decided twice; what others see is published as one snapshot.

mod arrivals;
mod asked;
pub(super) mod files;
mod following;
mod granting;
mod grants;
mod judge;
pub(super) mod life;
mod published;
mod settings;
#[cfg(test)]
mod stories;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};

use super::archive::Archive;
use super::driver::{PluginChange, PluginChangeError};
use super::health::Report;
use super::ledger::{Ledger, Served, Told};
use super::load::Loader;
use super::refusal::{Refusal, Stage};
use super::serving::Slot;
use crate::domain::plugin::{Origin, PluginRecord};
use crate::domain::record::By;
use crate::domain::signature::SignatureRules;
use files::Listing;
use grants::Grants;
use life::{Act, Attempt, Life, Look, Patience, Verdict};

pub(super) use arrivals::{Heard, unsigned};
pub(super) use published::Shared;
pub use settings::Pace;

/// The operator's grants, beside the plugins: a map of kinds.
pub(super) const GRANTS_FILE: &str = "grants.yaml";

/// Changes within this are looked at together.
const TOGETHER: Duration = Duration::from_millis(20);

/// Something that a person asked for, and the way back to them.
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) change: PluginChange,
    pub(super) by: By,
    pub(super) reply: tokio::sync::oneshot::Sender<Result<(), PluginChangeError>>,
}

/// A file of the directory.
struct Watched {
    life: Life,
    /// As it said when it was loaded last.
    kind: Option<String>,
}

/// What a watch is made of.
pub(super) struct Setup {
    pub(super) loader: Arc<Loader>,
    pub(super) archive: Archive,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) follows: bool,
    pub(super) directory: Option<PathBuf>,
    pub(super) pace: Pace,
    pub(super) signatures: SignatureRules,
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Watch {
    loader: Arc<Loader>,
    archive: Arc<Archive>,
    ledger: Arc<dyn Ledger>,
    follows: bool,
    directory: Option<PathBuf>,
    pace: Pace,
    signatures: Arc<SignatureRules>,
    shared: Arc<Shared>,
    began: Instant,
    /// By name.
    files: BTreeMap<String, Watched>,
    /// By kind.
    slots: BTreeMap<String, Slot>,
    /// Of kinds that have no slot.
    records: BTreeMap<String, PluginRecord>,
    grants: Grants,
    /// Why the directory cannot be looked at.
    unreadable: Option<Refusal>,
    attempts: Attempt,
    heard: (mpsc::Sender<Heard>, mpsc::Receiver<Heard>),
    noticed: Arc<Notify>,
    /// Ends with its drop; by the inode of the directory that it watches.
    notices: Option<(u64, RecommendedWatcher)>,
    met: Option<Instant>,
}

impl Watch {
    pub(super) fn new(setup: Setup) -> Self {
        let Setup { loader, archive, ledger, follows, directory, pace, signatures, shared } = setup;
        Self {
            loader,
            archive: Arc::new(archive),
            ledger,
            follows,
            directory,
            pace,
            signatures: Arc::new(signatures),
            shared,
            began: Instant::now(),
            files: BTreeMap::new(),
            slots: BTreeMap::new(),
            records: BTreeMap::new(),
            grants: Grants::default(),
            unreadable: None,
            attempts: 0,
            heard: mpsc::channel(64),
            noticed: Arc::default(),
            notices: None,
            met: None,
        }
    }

    /// Ends when nobody can ask any more.
    pub(super) async fn run(mut self, mut asked: mpsc::Receiver<Asked>, mut reports: mpsc::Receiver<Report>) {
        let noticed = Arc::clone(&self.noticed);
        loop {
            let pause = self.pause();
            tokio::select! {
                asked = asked.recv() => match asked {
                    Some(asked) => self.answer(asked).await,
                    None => return,
                },
                Some(heard) = self.heard.1.recv() => self.hear(heard).await,
                Some(report) = reports.recv() => self.judge_report(report).await,
                () = noticed.notified() => {
                    // A file that is written brings many of them.
                    tokio::time::sleep(TOGETHER).await;
                    self.look().await;
                }
                () = tokio::time::sleep(pause) => {
                    self.look().await;
                    self.judge_trials().await;
                }
            }
            self.follow_decisions().await;
            self.meet().await;
        }
    }

    /// Files that have to settle are looked at often, the others now and then: some file systems tell nobody of changes.
    fn pause(&self) -> Duration {
        let restless = self.files.values().any(|file| file.life.is_restless()) || self.grants.is_restless();
        if restless { self.pace.settle / 5 } else { self.pace.rescan }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn patience(&self) -> Patience {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Patience { settle_ms: milliseconds(self.pace.settle), gone_ms: milliseconds(self.pace.gone) }
    }

    fn next_attempt(&mut self) -> Attempt {
        self.attempts += 1;
        self.attempts
    }

    async fn list(&self) -> Option<std::io::Result<Listing>> {
        let directory = self.directory.clone()?;
        let listed = tokio::task::spawn_blocking(move || files::list(&directory, GRANTS_FILE)).await;
        Some(listed.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped))))
    }

    async fn look(&mut self) {
        #[cfg(test)]
        self.shared.looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let Some(listed) = self.list().await else { return };
        let listing = match listed {
            Ok(listing) => listing,
            // Deliberately nothing is taken away: a mount that is gone for a moment would stop every kind.
            Err(error) => return self.cannot_look(&error),
        };
        self.can_look(&listing);
        if self.grants.look(listing.grants.clone(), self.now_ms(), self.patience().settle_ms) {
            self.read_grants().await;
        }
        let mut names: Vec<String> = self.files.keys().chain(listing.files.keys()).cloned().collect();
        names.sort();
        names.dedup();
        let mut changed = false;
        for name in names {
            changed |= self.look_at(&name, listing.files.get(&name).cloned()).await;
        }
        if changed {
            self.publish();
        }
    }

    /// Whether it is in another state than before.
    async fn look_at(&mut self, name: &str, stamp: Option<life::Stamp>) -> bool {
        let (now_ms, patience) = (self.now_ms(), self.patience());
        let next = self.next_attempt();
        let Some(file) = self.files.remove(name) else {
            let Some(stamp) = stamp else { return false };
            let watched = Watched { life: Life::first(stamp, now_ms), kind: None };
            self.files.insert(name.to_owned(), watched);
            return true;
        };
        let before = file.life.clone();
        let absent = stamp.is_none();
        let look = stamp.map_or(Look::Absent, Look::There);
        let (life, act) = file.life.look(look, now_ms, patience, next);
        let changed = before != life;
        let known = life.verdict().and_then(Verdict::stands_for).map(str::to_owned);
        self.files.insert(name.to_owned(), Watched { life, kind: file.kind });
        match act {
            Act::Nothing if changed && absent => {
                let served = self.slots.iter().find(|(_, slot)| slot.file() == Some(name));
                if let Some(kind) = served.map(|(kind, _)| kind.clone()) {
                    self.retry_waiting(&kind);
                }
            }
            Act::Nothing => {}
            Act::Load(attempt) => self.begin_load(name, attempt, known),
            Act::Remove => self.remove(name).await,
        }
        changed
    }

    fn cannot_look(&mut self, error: &std::io::Error) {
        let Some(directory) = &self.directory else { return };
        let name = directory.display().to_string();
        let advice = "make it, or leave out --plugins; what serves goes on";
        let refusal = Refusal::new(&name, Stage::Read, "a folder", error.to_string(), advice);
        if self.unreadable.as_ref() != Some(&refusal) {
            tracing::error!("{refusal}");
            self.unreadable = Some(refusal);
            self.publish();
        }
    }

    fn can_look(&mut self, listing: &Listing) {
        if self.unreadable.take().is_some() {
            self.publish();
        }
        if listing.left_out > 0 {
            tracing::warn!(
                left_out = listing.left_out,
                "the plugin directory holds more files than are looked at"
            );
        }
        if self.notices.as_ref().is_some_and(|(inode, _)| *inode == listing.inode) {
            return;
        }
        let Some(directory) = &self.directory else { return };
        let noticed = Arc::clone(&self.noticed);
        let notice = move |event: notify::Result<notify::Event>| {
            // Looks themselves open the directory: to be woken by that would never end.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                noticed.notify_one();
            }
        };
        let made = notify::recommended_watcher(notice).and_then(|mut watcher| {
            watcher.watch(directory, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        match made {
            Ok(watcher) => self.notices = Some((listing.inode, watcher)),
            Err(error) => {
                let every = self.pace.rescan;
                tracing::warn!(%error, ?every, "changes of the plugin directory are not told: it is looked at instead");
            }
        }
    }

    /// Says what this host serves, and learns what others do.
    async fn meet(&mut self) {
        if self.met.is_some_and(|met| met.elapsed() < self.pace.meet) {
            return;
        }
        self.met = Some(Instant::now());
        let served = |(kind, slot): (&String, &Slot)| {
            let candidate = &slot.current.as_ref()?.candidate;
            let (digest, version) = (candidate.digest.clone(), candidate.description.version.clone());
            Some(Served { kind: kind.clone(), digest, version })
        };
        let served: Vec<Served> = self.slots.iter().filter_map(served).collect();
        let mut hosts = match self.ledger.meet(&served).await {
            Ok(hosts) => hosts,
            Err(error) => return tracing::warn!(error, "what other hosts serve could not be read"),
        };
        for (kind, slot) in &mut self.slots {
            let now = hosts.remove(kind).unwrap_or_default();
            let other = now.iter().find(|host| Some(host.digest.as_str()) != slot.digest());
            if let Some(other) = other.filter(|_| slot.hosts != now) {
                let (host, version) = (&other.host, &other.version);
                tracing::warn!(
                    kind,
                    host,
                    version,
                    digest = other.digest,
                    "another host serves another version"
                );
            }
            slot.hosts = now;
        }
        if self.follows {
            self.follow_records().await;
        }
        self.publish();
    }

    async fn tell(&self, kind: &'static str, subject: &str, data: Value, by: &By) {
        let told = Told { kind, subject: subject.to_owned(), before: None, data, by: by.clone() };
        if let Err(error) = self.ledger.tell(&told).await {
            tracing::error!(error, event = kind, subject, "the event could not be kept");
        }
    }

    /// The record of a kind with what happened to it.
    async fn save(&self, kind: &str, event: &'static str, data: Value, by: &By) {
        let Some(slot) = self.slots.get(kind) else { return };
        let told = Told { kind: event, subject: kind.to_owned(), before: None, data, by: by.clone() };
        if let Err(error) = self.ledger.save(&slot.record, &told).await {
            tracing::error!(error, kind, event, "what happened to the plugin could not be kept");
        }
    }

    /// The slot of a kind, made from what is remembered of it.
    fn slot(&mut self, kind: &str, origin: Origin) -> &mut Slot {
        let (records, loader) = (&mut self.records, &self.loader);
        self.slots.entry(kind.to_owned()).or_insert_with(|| {
            let record = records.remove(kind).unwrap_or_else(|| PluginRecord::of(kind));
            Slot::new(origin, record, loader.places.of_another())
        })
    }

    /// A file that stays out: said once.
    async fn refuse(&mut self, name: &str, attempt: Attempt, digest: Option<String>, refusal: Refusal) {
        tracing::error!("{refusal}");
        let data = json!({"stage": refusal.stage, "reason": refusal.to_string(), "digest": digest});
        if let Some(file) = self.files.remove(name) {
            let life = file.life.decide(attempt, Verdict::Refused { digest, refusal });
            self.files.insert(name.to_owned(), Watched { life, kind: file.kind });
        }
        self.publish();
        self.tell("plugin.refused", name, data, &By::host()).await;
    }
}
