//! Stands in for the host where a plugin runs natively: real sockets without TLS, HTTP with it, secrets in memory, the log on standard
//! error (`HEADGATE_LOG=debug` for more). One thread is one host: secrets and state are the thread's own.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom, SystemRandom};

use crate::log::Level;

pub(crate) mod http;
pub(crate) mod net;
pub mod secrets;

/// As much as the host gives a driver's call.
pub(crate) const CALL_DEADLINE_MS: u64 = 30_000;

thread_local! {
    static STATE: RefCell<HashMap<String, Vec<u8>>> = RefCell::default();
}

pub(crate) fn log_enabled(level: Level) -> bool {
    static DEBUG: OnceLock<bool> = OnceLock::new();
    let debug = *DEBUG.get_or_init(|| std::env::var_os("HEADGATE_LOG").is_some_and(|level| level == "debug"));
    match level {
        Level::Trace | Level::Debug => debug,
        Level::Info | Level::Warn | Level::Error => true,
    }
}

#[expect(clippy::print_stderr, reason = "the native log is standard error")]
pub(crate) fn log_emit(level: Level, message: &str, fields: &[(&str, &str)]) {
    let fields: String = fields.iter().map(|(key, value)| format!(" {key}={value}")).collect();
    eprintln!("{level:?} {message}{fields}");
}

pub(crate) fn monotonic_ns() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Empty where the system has no randomness to give.
pub(crate) fn random_bytes(count: u32) -> Vec<u8> {
    let mut bytes = vec![0; count as usize];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        bytes.clear();
    }
    bytes
}

pub(crate) fn state_get(key: &str) -> Option<Vec<u8>> {
    STATE.with_borrow(|state| state.get(key).cloned())
}

pub(crate) fn state_set(key: &str, value: Option<&[u8]>) {
    STATE.with_borrow_mut(|state| match value {
        Some(value) => drop(state.insert(key.to_owned(), value.to_owned())),
        None => drop(state.remove(key)),
    });
}
