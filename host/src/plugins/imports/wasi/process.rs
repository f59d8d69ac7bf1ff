//! What a process is given, by WASI: clocks, random bytes, standard streams; and an environment with nothing in it.

use std::time::Duration;

use wasmtime::component::{ComponentType, LinkerInstance, Lower, Resource};

use super::io::{Input, Pollable, Stream};
use super::{Closed, put};
use crate::plugins::guest::Guest;
use crate::plugins::imports::HostRefusal;

/// Of both clocks; nobody is told more exactly.
const RESOLUTION: Duration = Duration::from_nanos(1_000);

/// A moment of `wasi:clocks/wall-clock`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Moment {
    seconds: u64,
    nanoseconds: u32,
}

impl From<Duration> for Moment {
    fn from(passed: Duration) -> Self {
        Self { seconds: passed.as_secs(), nanoseconds: passed.subsec_nanos() }
    }
}

fn nanoseconds(passed: Duration) -> u64 {
    u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
}

/// `interface` without `wasi:`.
pub(super) fn lend(
    linker: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    name: &str,
) -> wasmtime::Result<bool> {
    match (interface, name) {
        ("clocks/monotonic-clock", _) => monotonic(linker, name),
        ("clocks/wall-clock", "now") => {
            put(linker, name, |guest, (): ()| Ok((Moment::from(guest.unix_time()),)))
        }
        ("clocks/wall-clock", "resolution") => put(linker, name, |_, (): ()| Ok((Moment::from(RESOLUTION),))),
        ("random/random", "get-random-bytes") | ("random/insecure", "get-insecure-random-bytes") => {
            put(linker, name, |guest, (count,): (u64,)| Ok((guest.random(count)?,)))
        }
        ("random/random", "get-random-u64") | ("random/insecure", "get-insecure-random-u64") => {
            put(linker, name, |guest, (): ()| Ok((guest.random_number()?,)))
        }
        ("random/insecure-seed", "insecure-seed") => {
            put(linker, name, |guest, (): ()| Ok(((guest.random_number()?, guest.random_number()?),)))
        }
        ("cli/stdin", "get-stdin") => {
            put(linker, name, |guest, (): ()| Ok((guest.table.push(Input::default())?,)))
        }
        ("cli/stdout", "get-stdout") => {
            put(linker, name, |guest, (): ()| Ok((guest.table.push(Stream::Output)?,)))
        }
        ("cli/stderr", "get-stderr") => {
            put(linker, name, |guest, (): ()| Ok((guest.table.push(Stream::Error)?,)))
        }
        _ => nothing(linker, interface, name),
    }
}

fn monotonic(linker: &mut LinkerInstance<'_, Guest>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "now" => put(linker, name, |guest, (): ()| Ok((nanoseconds(guest.passed()),))),
        "resolution" => put(linker, name, |_, (): ()| Ok((nanoseconds(RESOLUTION),))),
        "subscribe-instant" => put(linker, name, |guest, (at,): (u64,)| {
            Ok((guest.table.push(Pollable::At(Duration::from_nanos(at)))?,))
        }),
        "subscribe-duration" => put(linker, name, |guest, (time,): (u64,)| {
            let at = guest.passed().saturating_add(Duration::from_nanos(time));
            Ok((guest.table.push(Pollable::At(at))?,))
        }),
        _ => Ok(false),
    }
}

/// What there is, and is empty.
fn nothing(linker: &mut LinkerInstance<'_, Guest>, interface: &str, name: &str) -> wasmtime::Result<bool> {
    match (interface, name) {
        ("cli/environment", "get-environment") => {
            put(linker, name, |_, (): ()| Ok((Vec::<(String, String)>::new(),)))
        }
        ("cli/environment", "get-arguments") => put(linker, name, |_, (): ()| Ok((Vec::<String>::new(),))),
        ("cli/environment", "initial-cwd") => put(linker, name, |_, (): ()| Ok((None::<String>,))),
        ("cli/exit", "exit") => put(linker, name, |_, (how,): (Result<(), ()>,)| ended(how.is_ok())),
        ("cli/exit", "exit-with-code") => put(linker, name, |_, (code,): (u8,)| ended(code == 0)),
        ("cli/terminal-stdin" | "cli/terminal-stdout" | "cli/terminal-stderr", _) => {
            put(linker, name, |_, (): ()| Ok((None::<Resource<Closed>>,)))
        }
        ("filesystem/preopens", "get-directories") => {
            put(linker, name, |_, (): ()| Ok((Vec::<(Resource<Closed>, String)>::new(),)))
        }
        _ => Ok(false),
    }
}

fn ended(well: bool) -> wasmtime::Result<()> {
    let how = if well { "" } else { ", and said that it failed" };
    Err(HostRefusal(format!("it ended its own process{how}")).into())
}
