//! What others see of the running plugins: one snapshot, and who wants to hear of changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::broadcast;

use super::life::{Life, Passed, Verdict};
use super::{GRANTS_FILE, Watch, Watched};
use crate::domain::grant::{GrantSource, Standing, list_words};
use crate::domain::plugin::{Granted, Origin, PluginState, PluginStatus, RefusedFile, Traffic, WaitingFile};
use crate::plugins::driver::Kind;
use crate::plugins::health::Health;
use crate::plugins::refusal::Refusal;
use crate::plugins::serving::{Drain, Serving, Slot};

/// Changes that a slow follower may lag behind.
const CHANGES_MAX: usize = 256;

pub(in crate::plugins) struct Shared {
    published: ArcSwap<Published>,
    changed: broadcast::Sender<String>,
    builtin_refusals: Mutex<Vec<Refusal>>,
    #[cfg(test)]
    pub(in crate::plugins) looks: std::sync::atomic::AtomicU64,
}

/// Everything at one moment.
#[derive(Default)]
pub(in crate::plugins) struct Published {
    pub(in crate::plugins) kinds: BTreeMap<String, Arc<dyn Kind>>,
    pub(in crate::plugins) refusals: Vec<Refusal>,
    /// Why a kind is not among `kinds`.
    pub(in crate::plugins) absent: BTreeMap<String, String>,
    shown: Vec<Shown>,
}

struct Shown {
    status: PluginStatus,
    health: Option<Arc<Health>>,
    draining: Vec<Drain>,
}

impl Shared {
    pub(in crate::plugins) fn new() -> Self {
        let (changed, _nobody) = broadcast::channel(CHANGES_MAX);
        Self {
            published: ArcSwap::default(),
            changed,
            builtin_refusals: Mutex::default(),
            #[cfg(test)]
            looks: std::sync::atomic::AtomicU64::default(),
        }
    }

    pub(in crate::plugins) fn load(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// Kinds that serve another version, or none, from now on.
    pub(in crate::plugins) fn changes(&self) -> broadcast::Receiver<String> {
        self.changed.subscribe()
    }

    pub(super) fn tell_changed(&self, kind: &str) {
        // Nobody has to listen.
        self.changed.send(kind.to_owned()).unwrap_or_default();
    }

    pub(super) fn refuse_builtin(&self, refusal: Refusal) {
        self.builtin_refusals.lock().unwrap_or_else(PoisonError::into_inner).push(refusal);
    }

    fn of_builtin(&self) -> Vec<Refusal> {
        self.builtin_refusals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Published {
    /// With what is counted up to now.
    pub(in crate::plugins) fn statuses(&self) -> Vec<PluginStatus> {
        self.shown.iter().map(Shown::now).collect()
    }
}

impl Shown {
    fn now(&self) -> PluginStatus {
        let mut status = self.status.clone();
        status.draining = self.draining.iter().filter_map(Drain::shown).collect();
        let Some(health) = &self.health else { return status };
        status.traffic = health.traffic();
        status.isolated = health.isolated();
        if let Some(reason) = health.quarantined().filter(|_| status.state == PluginState::Active) {
            status.state = PluginState::Quarantined;
            status.reason = Some(reason);
        }
        status
    }
}

impl Watch {
    pub(super) fn publish(&self) {
        let mut published = Published { refusals: self.shared.of_builtin(), ..Published::default() };
        for (kind, slot) in &self.slots {
            match (&slot.current, &slot.record.disabled) {
                (Some(serving), None) => {
                    let plugin: Arc<dyn Kind> = Arc::clone(&serving.made.plugin) as Arc<dyn Kind>;
                    published.kinds.insert(kind.clone(), plugin);
                }
                (_, Some(stopped)) => {
                    let by = &stopped.by;
                    let why =
                        format!("is disabled by {by}; `headgate plugin enable {kind}` lets it serve again");
                    published.absent.insert(kind.clone(), why);
                }
                (None, None) => {
                    published.absent.extend(slot.gone.as_ref().map(|file| {
                        let why = format!("is not loaded: its file `{file}` was removed; put it back");
                        (kind.clone(), why)
                    }));
                }
            }
            if slot.current.is_some() || slot.gone.is_some() {
                published.shown.push(self.shown(kind, slot));
            }
        }
        for (name, file) in &self.files {
            if let Some(Verdict::Refused { refusal, .. }) = file.life.verdict() {
                published.refusals.push(refusal.clone());
                if let Some(kind) = file.kind.as_ref().filter(|kind| !published.kinds.contains_key(*kind)) {
                    let why = format!("is not loaded: {refusal}");
                    published.absent.entry(kind.clone()).or_insert(why);
                }
            }
            if let (Some(waiting), Some(kind)) = (file.life.waiting(), &file.kind)
                && !published.kinds.contains_key(kind)
            {
                let (version, asks) = (&waiting.version, list_words(&waiting.more));
                let why = format!(
                    "is not served: version {version} in `{name}` waits for a grant, as it asks for {asks}; \
                     `headgate plugin grant {kind}` decides"
                );
                published.absent.entry(kind.clone()).or_insert(why);
            }
            let serves = self.slots.values().any(|slot| slot.file() == Some(name));
            if !serves && let Some(status) = of_file(name, file) {
                published.shown.push(Shown { status, health: None, draining: Vec::new() });
            }
        }
        for refusal in self.grants.refusal.iter().chain(&self.unreadable) {
            published.refusals.push(refusal.clone());
            let status = refused(&refusal.plugin, refusal, None);
            published.shown.push(Shown { status, health: None, draining: Vec::new() });
        }
        self.shared.published.store(Arc::new(published));
    }

    fn shown(&self, kind: &str, slot: &Slot) -> Shown {
        let mut status = blank(PluginState::Removed);
        status.kind = Some(kind.to_owned());
        status.origin = slot.origin;
        status.file.clone_from(&slot.gone);
        status.generation = slot.record.generation;
        status.taken_back.clone_from(&slot.record.taken_back);
        status.hosts.clone_from(&slot.hosts);
        let digest = slot.digest();
        status.agreed = slot.hosts.iter().all(|host| Some(host.digest.as_str()) == digest);
        status.earlier = slot.record.versions.iter().skip(usize::from(digest.is_some())).cloned().collect();
        if let Some(serving) = &slot.current {
            status.state = PluginState::Active;
            status.file.clone_from(&serving.file);
            status.digest = digest.map(str::to_owned);
            status.version = Some(serving.candidate.description.version.clone());
            status.since_ms = Some(serving.since_ms);
            status.signature.clone_from(&serving.signed);
            status.toolchain.clone_from(&serving.candidate.toolchain);
            status.asks.clone_from(&serving.candidate.description.grants);
            status.granted = Some(self.granted(kind, slot.origin, serving));
        }
        if let Some(file) = slot.file().and_then(|file| self.files.get(file)) {
            status.refusal = refused_file(&file.life);
            status.waiting = slot.file().and_then(|name| waiting_file(name, &file.life));
            status.reason = match &file.life {
                Life::Decided { .. } => None,
                Life::Missing { .. } => Some("its file is not there".to_owned()),
                Life::Seen { .. } | Life::Loading { .. } => Some("its file was written to".to_owned()),
            };
        }
        if let Some(stopped) = &slot.record.disabled {
            status.state = PluginState::Disabled;
            status.reason = Some(format!("disabled by {}", stopped.by));
        }
        let health = slot.current.as_ref().map(|serving| Arc::clone(&serving.made.health));
        Shown { status, health, draining: slot.draining.clone() }
    }

    fn granted(&self, kind: &str, origin: Origin, serving: &Serving) -> Granted {
        let standing = self.grants.standing(kind);
        let decision = match standing {
            Standing::Decided(decision) => Some(decision),
            Standing::File(_) | Standing::Undecided | Standing::Unknown => None,
        };
        Granted {
            given: serving.given.clone(),
            source: if origin == Origin::Builtin { GrantSource::Builtin } else { standing.source() },
            by: decision.map(|decision| decision.by.clone()),
            at_ms: decision.map(|decision| decision.at_ms),
            digest: decision.map(|decision| decision.digest.clone()),
            version: decision.map(|decision| decision.version.clone()),
        }
    }
}

fn blank(state: PluginState) -> PluginStatus {
    PluginStatus {
        kind: None,
        origin: Origin::Directory,
        file: None,
        state,
        reason: None,
        digest: None,
        version: None,
        signature: None,
        toolchain: Vec::new(),
        generation: 0,
        since_ms: None,
        refusal: None,
        waiting: None,
        asks: Vec::new(),
        granted: None,
        traffic: Traffic::default(),
        draining: Vec::new(),
        earlier: Vec::new(),
        taken_back: Vec::new(),
        isolated: Vec::new(),
        hosts: Vec::new(),
        agreed: true,
    }
}

/// A file that serves no kind. `None`: it is gone, and only waited for a moment.
fn of_file(name: &str, file: &Watched) -> Option<PluginStatus> {
    let state = match &file.life {
        Life::Missing { .. } => return None,
        Life::Seen { .. } => PluginState::Seen,
        Life::Loading { passed, .. } => match passed {
            Passed::Settled => PluginState::Settled,
            Passed::Verified => PluginState::Verified,
            Passed::Compiled => PluginState::Compiled,
            Passed::Typed => PluginState::Typed,
            Passed::Described => PluginState::Described,
            Passed::Tested => PluginState::Tested,
        },
        Life::Decided { verdict: Verdict::Active { .. }, .. } => PluginState::Active,
        Life::Decided { verdict: Verdict::Refused { .. }, .. } => PluginState::Refused,
        Life::Decided { verdict: Verdict::Waiting(_), .. } => PluginState::Waiting,
    };
    let mut status = blank(state);
    status.kind.clone_from(&file.kind);
    status.file = Some(name.to_owned());
    status.refusal = refused_file(&file.life);
    status.waiting = waiting_file(name, &file.life);
    status.version = status.waiting.as_ref().map(|waiting| waiting.version.clone());
    Some(status)
}

fn waiting_file(name: &str, life: &Life) -> Option<WaitingFile> {
    let waiting = life.waiting()?;
    Some(WaitingFile {
        file: name.to_owned(),
        digest: waiting.digest.clone(),
        version: waiting.version.clone(),
        asks: waiting.asked.clone(),
        more: waiting.more.clone(),
    })
}

fn refused(name: &str, refusal: &Refusal, digest: Option<&str>) -> PluginStatus {
    let mut status = blank(PluginState::Refused);
    status.file = Some(if name.ends_with(GRANTS_FILE) { GRANTS_FILE } else { name }.to_owned());
    status.refusal = Some(told(refusal, digest));
    status
}

fn refused_file(life: &Life) -> Option<RefusedFile> {
    match life.verdict()? {
        Verdict::Active { .. } | Verdict::Waiting(_) => None,
        Verdict::Refused { digest, refusal } => Some(told(refusal, digest.as_deref())),
    }
}

fn told(refusal: &Refusal, digest: Option<&str>) -> RefusedFile {
    RefusedFile {
        file: refusal.plugin.clone(),
        digest: digest.map(str::to_owned),
        stage: refusal.stage.to_string(),
        expected: refusal.expected.clone(),
        found: refusal.found.clone(),
        advice: refusal.advice.clone(),
    }
}
