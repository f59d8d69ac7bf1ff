//! One call into a guest: time limits around it, and whatever goes wrong as a `Failure`.
//!
//! Invariant: after a failure the store is not used again. A trapped instance is dead, and what it held is in doubt.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};

use super::driver::Failure;
use super::guest::{Guest, Refused, TooManyHostCalls};
use super::imports::HostRefusal;
use super::limits::{GRACE, Time};

/// Frames of a backtrace that are kept: the innermost say where, the rest is the way there.
const FRAMES_MAX: usize = 8;

/// Runs `call` on the store within `time`.
pub(super) async fn invoke<R: Send>(
    store: &mut Store<Guest>,
    name: &'static str,
    time: Time,
    cancelled: watch::Receiver<bool>,
    call: impl for<'a> FnOnce(&'a mut Store<Guest>) -> BoxFuture<'a, wasmtime::Result<R>> + Send,
) -> Result<R, Failure> {
    let began = std::time::Instant::now();
    store.data_mut().begin(name, time, cancelled);
    store.set_epoch_deadline(1);
    let outcome = {
        let guarded = AssertUnwindSafe(async { call(store).await }).catch_unwind();
        tokio::time::timeout(time.wall + GRACE, guarded).await
    };
    let guest = store.data_mut();
    guest.cpu.charge(&guest.call);
    guest.end_output();
    let outcome = match outcome {
        Err(_elapsed) => Err(Failure::Wall(time.wall)),
        Ok(Err(panic)) => Err(Failure::HostPanic(panic_text(panic.as_ref()))),
        Ok(Ok(Err(error))) => Err(failure(&error, guest, time)),
        Ok(Ok(Ok(answer))) => Ok(answer),
    };
    guest.metrics.call(name, outcome.as_ref().err(), began.elapsed(), guest.cpu.used);
    guest.metrics.memory(guest.memory.high_water_bytes);
    guest.metrics.spent(name, guest.spent(outcome.is_err(), time.cpu));
    outcome
}

fn failure(error: &wasmtime::Error, guest: &Guest, time: Time) -> Failure {
    if guest.cpu.exhausted {
        return Failure::Cpu(time.cpu);
    }
    if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
        return Failure::Room(full.to_string());
    }
    let by_host = error
        .downcast_ref::<HostRefusal>()
        .map(ToString::to_string)
        .or_else(|| error.downcast_ref::<TooManyHostCalls>().map(ToString::to_string))
        .or_else(|| error.downcast_ref().and_then(too_many_handles));
    // Who was refused by name did not die of what it was refused before.
    let by_host = match guest.memory.refused {
        Some(Refused::Memory { bytes_max }) if by_host.is_none() => return Failure::Memory(bytes_max),
        Some(Refused::Tables { elements_max }) if by_host.is_none() => {
            Some(format!("it wanted more than {elements_max} elements of tables"))
        }
        Some(_) | None => by_host,
    };
    let trapped = error.downcast_ref::<Trap>().map(ToString::to_string);
    let Some(cause) = by_host.or(trapped) else {
        // Neither a trap nor ours: what the guest handed over could not be read.
        return Failure::Protocol(error.root_cause().to_string());
    };
    // A panic tells its message to the log and then traps.
    let said = guest.lines.last_error().map(|line| format!(" ({line})")).unwrap_or_default();
    let way = error.downcast_ref::<WasmBacktrace>().map(functions).unwrap_or_default();
    Failure::Trap(format!("{cause}{said}{way}"))
}

/// Where the contract, or WASI, has no room for an error.
fn too_many_handles(error: &ResourceTableError) -> Option<String> {
    let full = matches!(error, ResourceTableError::Full);
    full.then(|| "it holds more than the handles that a plugin may hold".to_owned())
}

/// `; in f < g < h`, innermost first.
fn functions(backtrace: &WasmBacktrace) -> String {
    let text = backtrace.to_string();
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once('!').map(|(_, name)| name.trim()))
        .take(FRAMES_MAX)
        .collect();
    if names.is_empty() { String::new() } else { format!("; in {}", names.join(" < ")) }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}
