//! A tape of what a plugin exchanges with its backend: recorded once, played back where there is no network.
//!
//! Frames and raw bytes are taken above TLS, requests over `http` whole. Where a tape runs, clock and random bytes of the
//! plugin are counted, so that the same questions are asked again.
//!
//! Invariant: no secret, nothing that the host derived from one and nothing that authorizes is in what is written.

pub mod cassette;
mod play;
mod record;
mod text;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use zeroize::Zeroizing;

use super::bindings::headgate::host::errors::Error;
use super::driver::Secrets;
use super::imports::HostError;
use crate::domain::id::ClusterId;
use cassette::Cassette;
use play::Playing;
pub use record::{Recorder, RequestMade};
use text::{Counted, What};

/// What the clock moves on by each time that it is read: programs wait for it to move.
const STEP: Duration = Duration::from_millis(1);

/// Longer than any session may take to say good-bye, and how often it is looked whether all did.
const END_WAIT: Duration = Duration::from_secs(4);
const END_LOOK: Duration = Duration::from_millis(5);

/// The tape of one check, or none.
#[derive(Clone, Default)]
pub struct Tape(Option<Arc<Reel>>);

struct Reel {
    check: String,
    /// Sessions with any other one are not taped.
    cluster: ClusterId,
    began_at_ms: u64,
    sessions: AtomicU32,
    way: Way,
}

enum Way {
    Record(Arc<Recorder>),
    Play(Playing),
}

/// How reading a played connection went.
pub(super) enum Played {
    Bytes,
    Closed,
    Broken(String),
    /// Nothing more before the plugin asks.
    Nothing,
}

fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a secret is where nobody knows it: of the same length.
pub fn stand_in(name: &str, length: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text::stand_in(name, length))
}

impl Tape {
    pub fn recording(recorder: &Arc<Recorder>, check: &str, cluster: &ClusterId, began_at_ms: u64) -> Self {
        recorder.begin(check);
        Self::of(check, cluster, began_at_ms, Way::Record(Arc::clone(recorder)))
    }

    pub fn playing(cassette: &Cassette, check: &str, cluster: &ClusterId) -> Self {
        let lines = cassette.checks.get(check).map(Vec::as_slice).unwrap_or_default();
        Self::of(check, cluster, cassette.header.began_at_ms, Way::Play(Playing::new(lines)))
    }

    fn of(check: &str, cluster: &ClusterId, began_at_ms: u64, way: Way) -> Self {
        let (check, cluster) = (check.to_owned(), cluster.clone());
        Self(Some(Arc::new(Reel { check, cluster, began_at_ms, sessions: AtomicU32::new(0), way })))
    }

    /// Waits for the sessions that hold it: the last that they say, they say in the background, when they were let go.
    pub async fn ended(&self) {
        let Some(reel) = &self.0 else { return };
        let alone = async {
            while Arc::strong_count(reel) > 1 {
                tokio::time::sleep(END_LOOK).await;
            }
        };
        // One that does not end says nothing more that could be waited for.
        tokio::time::timeout(END_WAIT, alone).await.unwrap_or_default();
    }

    /// What the plugin asked that the cassette does not hold: a sentence each.
    pub fn unknown(&self) -> Vec<String> {
        match self.0.as_ref().map(|reel| &reel.way) {
            Some(Way::Play(playing)) => playing.unknown(),
            Some(Way::Record(_)) | None => Vec::new(),
        }
    }

    pub(super) fn with(&self, cluster: &ClusterId) -> Self {
        Self(self.0.clone().filter(|reel| reel.cluster == *cluster))
    }

    /// One more instance of the plugin.
    pub(super) fn session(&self, secrets: &Secrets) -> Track {
        let Some(reel) = &self.0 else { return Track(None) };
        let session = reel.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        if let Way::Record(recorder) = &reel.way {
            recorder.secrets(secrets);
        }
        Track(Some(Arc::new(Running {
            random: Mutex::new(Counted::of(&format!("{}#{session}", reel.check))),
            reel: Arc::clone(reel),
            session,
            passed_ms: AtomicU64::new(0),
            secrets: secrets.clone(),
            derived: Mutex::default(),
        })))
    }
}

/// The tape of one instance of a plugin, or none.
#[derive(Clone, Default)]
pub(super) struct Track(Option<Arc<Running>>);

struct Running {
    reel: Arc<Reel>,
    session: u32,
    random: Mutex<Counted>,
    passed_ms: AtomicU64,
    secrets: Secrets,
    derived: Mutex<Vec<Vec<u8>>>,
}

impl Running {
    /// What stands for a mark in this session.
    fn value(&self, what: &What) -> Vec<u8> {
        match what {
            What::Secret(name) => self.secrets.0.get(name).map(|value| value.to_vec()).unwrap_or_default(),
            What::Derived(number, length) => {
                let derived = lock(&self.derived);
                let known = number.checked_sub(1).and_then(|index| derived.get(index)).cloned();
                known.unwrap_or_else(|| text::stand_in(&format!("derived {number}"), *length))
            }
            What::Hidden(number, length) => text::stand_in(&format!("hidden {number}"), *length),
        }
    }

    fn passed(&self) -> Duration {
        let step = u64::try_from(STEP.as_millis()).unwrap_or(1);
        Duration::from_millis(self.passed_ms.fetch_add(step, Ordering::Relaxed) + step)
    }
}

impl Track {
    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn plays(&self) -> bool {
        self.playing().is_some()
    }

    fn playing(&self) -> Option<(&Arc<Running>, &Playing)> {
        let running = self.0.as_ref()?;
        match &running.reel.way {
            Way::Play(playing) => Some((running, playing)),
            Way::Record(_) => None,
        }
    }

    /// Since the session began, counted.
    pub(super) fn passed(&self) -> Option<Duration> {
        self.0.as_ref().map(|running| running.passed())
    }

    pub(super) fn now_ms(&self) -> Option<u64> {
        let running = self.0.as_ref()?;
        let passed = u64::try_from(running.passed().as_millis()).unwrap_or(0);
        Some(running.reel.began_at_ms.saturating_add(passed))
    }

    /// The plugin waited for nothing.
    pub(super) fn waited(&self, time_ms: u32) {
        if let Some(running) = &self.0 {
            running.passed_ms.fetch_add(u64::from(time_ms), Ordering::Relaxed);
        }
    }

    pub(super) fn random(&self, count: usize) -> Option<Vec<u8>> {
        let running = self.0.as_ref()?;
        let mut random = lock(&running.random);
        Some((0..count).map(|_| random.byte()).collect())
    }

    /// A value that the host made of a secret.
    pub(super) fn derived(&self, bytes: &[u8]) {
        let Some(running) = &self.0 else { return };
        lock(&running.derived).push(bytes.to_vec());
        if let Way::Record(recorder) = &running.reel.way {
            recorder.derived(&running.reel.check, running.session, bytes);
        }
    }

    /// A connection that was made, or was not.
    pub(super) fn connected(&self, host: &str, port: u16, made: Result<(), &HostError>) -> Option<Tap> {
        let running = self.0.as_ref()?;
        let Way::Record(recorder) = &running.reel.way else { return None };
        let address = crate::domain::address::shown(host, port);
        let connection = recorder.connected(&running.reel.check, address, running.session, made);
        Some(Tap { running: Arc::clone(running), connection })
    }

    /// The next one to that address. Only where a tape is played.
    pub(super) fn connect(&self, host: &str, port: u16) -> Option<Result<Tap, HostError>> {
        let (running, playing) = self.playing()?;
        let address = crate::domain::address::shown(host, port);
        let connected = playing.connect(&address, running.session);
        Some(connected.map(|connection| Tap { running: Arc::clone(running), connection }))
    }

    /// The recorded answer. Only where a tape is played.
    pub(super) fn answer(&self, request: &RequestMade) -> Option<Result<AnswerMade, HostError>> {
        let (running, playing) = self.playing()?;
        Some(playing.answer(request, &|what| running.value(what)))
    }

    pub(super) fn exchanged(&self, request: RequestMade, answer: Result<AnswerMade, &HostError>) {
        let Some(running) = &self.0 else { return };
        if let Way::Record(recorder) = &running.reel.way {
            recorder.exchanged(&running.reel.check, running.session, request, answer);
        }
    }
}

/// An answer over `http`.
pub(super) struct AnswerMade {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// The tape of one connection.
pub(super) struct Tap {
    running: Arc<Running>,
    connection: u32,
}

impl Tap {
    pub(super) fn plays(&self) -> bool {
        matches!(self.running.reel.way, Way::Play(_))
    }

    /// Played, an error says that the cassette has something else here.
    pub(super) fn sent(&self, bytes: &[u8]) -> Result<(), Error> {
        match &self.running.reel.way {
            Way::Record(recorder) => recorder.sent(&self.running.reel.check, self.connection, bytes),
            Way::Play(playing) => {
                playing.sent(self.connection, bytes, &|what| self.running.value(what))?;
            }
        }
        Ok(())
    }

    pub(super) fn received(&self, bytes: &[u8]) {
        if let Way::Record(recorder) = &self.running.reel.way {
            recorder.received(&self.running.reel.check, self.connection, bytes);
        }
    }

    /// `closed`, or what broke it.
    pub(super) fn ended(&self, how: &str) {
        if let Way::Record(recorder) = &self.running.reel.way {
            recorder.ended(&self.running.reel.check, self.connection, how);
        }
    }

    /// What the cassette has next, into the buffer.
    pub(super) fn play(&self, buffer: &mut BytesMut) -> Played {
        match &self.running.reel.way {
            Way::Play(playing) => playing.read(self.connection, buffer, &|what| self.running.value(what)),
            Way::Record(_) => Played::Nothing,
        }
    }

    /// The plugin waits for an answer that the cassette does not have.
    pub(super) fn starved(&self, peer: &str) -> Error {
        match &self.running.reel.way {
            Way::Play(playing) => playing.starved(self.connection, peer),
            Way::Record(_) => play::protocol("the tape is not played".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
