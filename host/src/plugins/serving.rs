//! A kind and the version of it that serves; and whether another one may take its place.

mod admission;

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use super::grants::Given;
use super::health::Health;
use super::imports::net::Places;
use super::load::{Candidate, Made};
use super::plugin::Parts;
use super::trial::Trial;
use crate::domain::plugin::{Draining, HostVersion, Origin, PluginRecord};
use crate::domain::signature::Signed;

pub(super) use admission::{Admission, Newcomer, Standing, admit};

/// The version that serves.
pub(super) struct Serving {
    pub(super) candidate: Candidate,
    pub(super) made: Made,
    pub(super) given: Given,
    /// Absent for a built-in plugin.
    pub(super) file: Option<String>,
    /// As its file is signed; absent for a built-in plugin.
    pub(super) signed: Option<Signed>,
    pub(super) since_ms: i64,
    /// Until it has shown that it is no worse than the one before.
    pub(super) trial: Option<Trial>,
}

/// An earlier version, as long as anybody works with it.
#[derive(Clone)]
pub(super) struct Drain {
    pub(super) digest: String,
    pub(super) version: String,
    health: Arc<Health>,
    alive: Weak<Parts>,
}

impl Drain {
    /// `None`: nobody works with it any more.
    pub(super) fn shown(&self) -> Option<Draining> {
        self.alive.upgrade()?;
        let (digest, version) = (self.digest.clone(), self.version.clone());
        Some(Draining { digest, version, sessions: self.health.traffic().sessions })
    }
}

/// One kind of this host.
pub(super) struct Slot {
    pub(super) origin: Origin,
    pub(super) record: PluginRecord,
    pub(super) current: Option<Serving>,
    pub(super) draining: Vec<Drain>,
    /// The file that served it and is gone.
    pub(super) gone: Option<String>,
    /// Digests that may serve though they are older than what does.
    pub(super) downgrades: BTreeSet<String>,
    pub(super) hosts: Vec<HostVersion>,
    /// Connections of all its versions together.
    pub(super) places: Places,
}

impl Slot {
    pub(super) fn new(origin: Origin, record: PluginRecord, places: Places) -> Self {
        Self {
            origin,
            record,
            current: None,
            draining: Vec::new(),
            gone: None,
            downgrades: BTreeSet::new(),
            hosts: Vec::new(),
            places,
        }
    }

    /// Another version serves, or none: the one before ends what it began.
    pub(super) fn replace(&mut self, serving: Option<Serving>) {
        self.draining.retain(|drain| drain.alive.strong_count() > 0);
        let Some(before) = std::mem::replace(&mut self.current, serving) else { return };
        let Serving { candidate, made, .. } = before;
        let Made { plugin, health, alive } = made;
        // Whoever holds the plugin or one of its sessions goes on with it; this was the registry's own hold.
        drop(plugin);
        let (digest, version) = (candidate.digest, candidate.description.version);
        self.draining.push(Drain { digest, version, health, alive });
    }

    pub(super) fn file(&self) -> Option<&str> {
        self.current.as_ref().and_then(|serving| serving.file.as_deref())
    }

    pub(super) fn digest(&self) -> Option<&str> {
        self.current.as_ref().map(|serving| serving.candidate.digest.as_str())
    }
}
