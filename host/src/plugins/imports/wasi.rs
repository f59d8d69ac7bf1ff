//! WASI 0.2, closed: what the runtimes of JavaScript, Python and Go import. Clocks and random are lent, standard output
//! and error go to the plugin's log, HTTP goes out by grant; files, sockets, environment, arguments and everything else
//! refuse.
//!
//! Linked by hand and by name from what a component imports, so that every 0.2.x loads, and nothing is linked that
//! could be opened by mistake.
//!
//! Invariant: a call that decides sees the same time and the same random bytes each time.

mod http;
mod io;
mod output;
mod process;
mod refused;

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use wasmtime::StoreContextMut;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentNamedList, Lift, Linker, LinkerInstance, Lower, ResourceType};

use super::HostRefusal;
use crate::plugins::guest::Guest;
use crate::plugins::limits::RANDOM_BYTES_MAX;
use io::{Failed, Input, Pollable};
use output::Output;
use refused::Closed;

/// How names of WASI's interfaces begin, and the versions that load.
const WASI: &str = "wasi:";
pub(in crate::plugins) const TRACK: &str = "0.2";

/// What the clock of a call that decides moves on by, each time that it is read: programs wait for it to move.
const STEP: Duration = Duration::from_millis(1);

/// Begins the bytes of a call that decides.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// WASI's part of a guest.
pub(in crate::plugins) struct Wasi {
    source: Source,
    output: [Output; 2],
    http: http::Held,
}

/// Where time and random bytes come from.
enum Source {
    System,
    /// Counted: the same in every run.
    Counted {
        passed: Duration,
        random: u64,
    },
}

impl Wasi {
    /// For a call that decides. Where it serves, `moment` is 0.
    pub(in crate::plugins) fn counted(moment: u64) -> Self {
        Self::of(Source::Counted { passed: Duration::from_secs(moment), random: SEED.wrapping_add(moment) })
    }

    pub(in crate::plugins) fn system() -> Self {
        Self::of(Source::System)
    }

    fn of(source: Source) -> Self {
        Self { source, output: [Output::default(), Output::default()], http: http::Held::default() }
    }
}

impl Guest {
    /// Since the guest was made.
    fn passed(&mut self) -> Duration {
        if let Some(taped) = self.track.passed() {
            return taped;
        }
        match &mut self.wasi.source {
            Source::System => self.born.elapsed(),
            Source::Counted { passed, .. } => {
                *passed += STEP;
                *passed
            }
        }
    }

    /// Since 1970; for a call that decides it is 1970.
    fn unix_time(&mut self) -> Duration {
        if let Some(taped_ms) = self.track.now_ms() {
            return Duration::from_millis(taped_ms);
        }
        match self.wasi.source {
            Source::System => Duration::from_millis(u64::try_from(self.clock.now_ms()).unwrap_or(0)),
            Source::Counted { .. } => self.passed(),
        }
    }

    fn random(&mut self, count: u64) -> wasmtime::Result<Vec<u8>> {
        let refuse = |text: String| wasmtime::Error::from(HostRefusal(text));
        if count > u64::from(RANDOM_BYTES_MAX) {
            let text = format!("it asked for {count} random bytes at once; {RANDOM_BYTES_MAX} is the most");
            return Err(refuse(text));
        }
        let count = usize::try_from(count).unwrap_or(0);
        if let Some(taped) = self.track.random(count) {
            return Ok(taped);
        }
        let mut bytes = vec![0; count];
        match &mut self.wasi.source {
            Source::System => SystemRandom::new()
                .fill(&mut bytes)
                .map_err(|_unspecified| refuse("the system gave no random bytes".to_owned()))?,
            Source::Counted { random, .. } => {
                for byte in &mut bytes {
                    // Knuth's linear generator; its upper bits are the good ones.
                    *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    [*byte, ..] = random.to_be_bytes();
                }
            }
        }
        Ok(bytes)
    }

    fn random_number(&mut self) -> wasmtime::Result<u64> {
        let bytes = self.random(8)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

/// Links what `linker` lacks of what the component imports: WASI; and, for calls that decide, what talks to a backend,
/// as functions that refuse. Whether it imports WASI.
pub(in crate::plugins) fn link(
    linker: &mut Linker<Guest>,
    component: &Component,
    deciding: bool,
) -> wasmtime::Result<bool> {
    let mut known: Vec<ResourceType> = Vec::new();
    let mut used = false;
    for (import, item) in component.component_type().imports(component.engine()) {
        let ComponentItem::ComponentInstance(shape) = item.ty else { continue };
        let interface = import.split_once('@').map_or(import, |(interface, _version)| interface);
        used |= interface.starts_with(WASI);
        let ours = interface.starts_with(WASI) || (deciding && interface != "headgate:host/log");
        for (name, export) in shape.exports(component.engine()) {
            match export.ty {
                // The same type again is a name for what another interface defines.
                ComponentItem::Resource(resource) if !known.contains(&resource) => {
                    known.push(resource);
                    if ours {
                        define(&mut linker.instance(import)?, interface, name, deciding)?;
                    }
                }
                ComponentItem::ComponentFunc(_) if ours => {
                    let mut linker = linker.instance(import)?;
                    if !lend(&mut linker, interface, name, deciding)? {
                        refused::link(&mut linker, interface, name, deciding)?;
                    }
                }
                _ => {}
            }
        }
    }
    Ok(used)
}

fn define(
    linker: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    name: &str,
    deciding: bool,
) -> wasmtime::Result<()> {
    match (interface, name) {
        ("wasi:http/types", _) if !deciding => define_http(linker, name),
        ("wasi:io/error", "error") => resource::<Failed>(linker, name),
        ("wasi:io/poll", "pollable") => resource::<Pollable>(linker, name),
        ("wasi:io/streams", "input-stream") => resource::<Input>(linker, name),
        ("wasi:io/streams", "output-stream") => resource::<io::Stream>(linker, name),
        _ => resource::<Closed>(linker, name),
    }
}

fn define_http(linker: &mut LinkerInstance<'_, Guest>, name: &str) -> wasmtime::Result<()> {
    match name {
        "fields" => resource::<http::Fields>(linker, name),
        "outgoing-request" => resource::<http::OutgoingRequest>(linker, name),
        "request-options" => resource::<http::RequestOptions>(linker, name),
        "outgoing-body" => resource::<http::OutgoingBody>(linker, name),
        "future-incoming-response" => resource::<http::Future>(linker, name),
        "incoming-response" => resource::<http::IncomingResponse>(linker, name),
        "incoming-body" => resource::<http::IncomingBody>(linker, name),
        "future-trailers" => resource::<http::Trailers>(linker, name),
        // What serves requests.
        _ => resource::<Closed>(linker, name),
    }
}

/// Handles count against the guest's limit.
fn resource<T: Send + 'static>(linker: &mut LinkerInstance<'_, Guest>, name: &str) -> wasmtime::Result<()> {
    linker.resource(name, ResourceType::host::<T>(), |mut store, rep| {
        let handle = wasmtime::component::Resource::<T>::new_own(rep);
        store.data_mut().table.delete(handle)?;
        Ok(())
    })
}

/// False: it is not lent.
fn lend(
    linker: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    name: &str,
    deciding: bool,
) -> wasmtime::Result<bool> {
    if let Some(interface) = interface.strip_prefix("wasi:http/").filter(|_| !deciding) {
        return http::lend(linker, interface, name);
    }
    match interface.strip_prefix(WASI) {
        Some("io/error" | "io/poll" | "io/streams") => io::lend(linker, name),
        Some(rest) => process::lend(linker, rest, name),
        None => Ok(false),
    }
}

/// Defines one function.
fn put<P, R>(
    linker: &mut LinkerInstance<'_, Guest>,
    name: &str,
    work: impl Fn(&mut Guest, P) -> wasmtime::Result<R> + Send + Sync + 'static,
) -> wasmtime::Result<bool>
where
    P: ComponentNamedList + Lift + 'static,
    R: ComponentNamedList + Lower + 'static,
{
    linker.func_wrap(name, move |mut store: StoreContextMut<'_, Guest>, asked: P| {
        let guest = store.data_mut();
        guest.enter("wasi")?;
        work(guest, asked)
    })?;
    Ok(true)
}
