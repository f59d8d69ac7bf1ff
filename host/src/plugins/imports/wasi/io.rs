//! `wasi:io`: standard streams and bodies, and waiting for time to pass or an answer to come.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, LinkerInstance, Lower, Resource};

use super::http::{Exchange, Place, Sink};
use super::{Source, put};
use crate::plugins::guest::Guest;
use crate::plugins::imports::{HostRefusal, cut};

/// What one read gives: what more is asked for comes with the next one.
const READ_BYTES_MAX: usize = 64 << 10;

/// What one write takes: WASI has programs ask, and write no more.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// `error`: never made, as nothing here fails after the fact.
pub(super) struct Failed;

/// `input-stream`: standard input, at its end; or what is left of a body.
#[derive(Default)]
pub(super) struct Input {
    left: VecDeque<u8>,
    _place: Option<Place>,
}

/// `output-stream`.
#[derive(Clone)]
pub(super) enum Stream {
    Output,
    Error,
    Body(Sink),
}

pub(super) enum Pollable {
    Ready,
    /// Since the guest was made.
    At(Duration),
    Answer(Arc<Exchange>),
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[expect(dead_code, reason = "of the contract of streams, and never the case here")]
    Failed(Resource<Failed>),
    #[component(name = "closed")]
    Closed,
}

type Answer<T> = Result<T, StreamError>;

pub(super) fn lend(linker: &mut LinkerInstance<'_, Guest>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "poll" => poll(linker, name),
        "[method]pollable.block" => block(linker, name),
        "[method]pollable.ready" => put(linker, name, |guest, (handle,): (Resource<Pollable>,)| {
            let now = guest.passed();
            Ok((guest.table.get(&handle)?.ready(now),))
        }),
        "[method]error.to-debug-string" => {
            put(linker, name, |_, (_error,): (Resource<Failed>,)| Ok((String::new(),)))
        }
        _ => match name.strip_prefix("[method]input-stream.") {
            Some("read" | "blocking-read") => {
                put(linker, name, |guest, (handle, count): (Resource<Input>, u64)| {
                    Ok((guest.table.get_mut(&handle)?.read(count),))
                })
            }
            Some("skip" | "blocking-skip") => {
                put(linker, name, |guest, (handle, count): (Resource<Input>, u64)| {
                    let read = guest.table.get_mut(&handle)?.read(count);
                    Ok((read.map(|bytes| bytes.len() as u64),))
                })
            }
            Some("subscribe") => put(linker, name, |guest, (_stream,): (Resource<Input>,)| {
                Ok((guest.table.push(Pollable::Ready)?,))
            }),
            _ => output(linker, name),
        },
    }
}

fn output(linker: &mut LinkerInstance<'_, Guest>, name: &str) -> wasmtime::Result<bool> {
    match name.strip_prefix("[method]output-stream.") {
        Some("check-write") => put(linker, name, |guest, (handle,): (Resource<Stream>,)| {
            Ok((guest.table.get(&handle)?.room().map(|room| room as u64),))
        }),
        Some("write" | "blocking-write-and-flush") => {
            put(linker, name, |guest, (handle, bytes): (Resource<Stream>, Vec<u8>)| {
                written(guest, &handle, &bytes)
            })
        }
        Some("write-zeroes" | "blocking-write-zeroes-and-flush") => {
            put(linker, name, |guest, (handle, count): (Resource<Stream>, u64)| {
                match guest.table.get(&handle)? {
                    // Zeros say nothing in a log.
                    Stream::Output | Stream::Error => written(guest, &handle, &[]),
                    Stream::Body(_) => {
                        let count = usize::try_from(count).unwrap_or(usize::MAX).min(WRITE_BYTES_MAX + 1);
                        written(guest, &handle, &vec![0; count])
                    }
                }
            })
        }
        Some("flush" | "blocking-flush") => {
            put(linker, name, |_, (_stream,): (Resource<Stream>,)| Ok((Answer::Ok(()),)))
        }
        Some("subscribe") => put(linker, name, |guest, (_stream,): (Resource<Stream>,)| {
            Ok((guest.table.push(Pollable::Ready)?,))
        }),
        Some("splice" | "blocking-splice") => {
            put(linker, name, |_, (_, _, _): (Resource<Stream>, Resource<Input>, u64)| {
                Ok((Answer::<u64>::Err(StreamError::Closed),))
            })
        }
        _ => Ok(false),
    }
}

fn written(guest: &mut Guest, handle: &Resource<Stream>, bytes: &[u8]) -> wasmtime::Result<(Answer<()>,)> {
    if bytes.len() > WRITE_BYTES_MAX {
        let text = format!("it wrote {} bytes at once; {WRITE_BYTES_MAX} is what it was told", bytes.len());
        return Err(HostRefusal(text).into());
    }
    let stream = guest.table.get(handle)?.clone();
    if let Stream::Body(sink) = &stream {
        return Ok((if sink.write(bytes) { Ok(()) } else { Err(StreamError::Closed) },));
    }
    guest.print(&stream, bytes);
    Ok((Ok(()),))
}

impl Input {
    pub(super) fn of(bytes: Vec<u8>, place: Place) -> Self {
        Self { left: bytes.into(), _place: Some(place) }
    }

    fn read(&mut self, count: u64) -> Answer<Vec<u8>> {
        if self.left.is_empty() {
            return Err(StreamError::Closed);
        }
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.left.len()).min(READ_BYTES_MAX);
        Ok(self.left.drain(..count).collect())
    }
}

impl Stream {
    fn room(&self) -> Answer<usize> {
        match self {
            Self::Output | Self::Error => Ok(WRITE_BYTES_MAX),
            Self::Body(sink) => sink.room().map(|room| room.min(WRITE_BYTES_MAX)).ok_or(StreamError::Closed),
        }
    }
}

impl Pollable {
    fn ready(&self, now: Duration) -> bool {
        self.left(now).is_zero()
    }

    fn left(&self, now: Duration) -> Duration {
        match self {
            Self::Ready => Duration::ZERO,
            Self::At(at) => at.saturating_sub(now),
            Self::Answer(exchange) if exchange.is_done() => Duration::ZERO,
            Self::Answer(_) => Duration::MAX,
        }
    }
}

impl Guest {
    /// Until one of them is ready, uncharged; which ones are.
    async fn wait_for(&mut self, handles: &[Resource<Pollable>]) -> wasmtime::Result<Vec<u32>> {
        let now = self.passed();
        let mut least = Duration::MAX;
        let mut answers = FuturesUnordered::new();
        for handle in handles {
            let pollable = self.table.get(handle)?;
            least = least.min(pollable.left(now));
            if let Pollable::Answer(exchange) = pollable {
                answers.push(Arc::clone(exchange).done());
            }
        }
        match &mut self.wasi.source {
            Source::Counted { passed, .. } => *passed = passed.saturating_add(least),
            Source::System if least.is_zero() => {}
            Source::System => {
                let wait = self.call.wait.clone();
                let first = async {
                    tokio::select! {
                        () = tokio::time::sleep(least) => {}
                        Some(()) = answers.next() => {}
                    }
                };
                let waited = wait.on(Duration::MAX, first).await;
                waited.map_err(|why| HostRefusal(cut(why, "waiting in wasi:io/poll").message))?;
            }
        }
        let now = self.passed();
        let mut ready = Vec::new();
        for (index, handle) in (0..).zip(handles) {
            if self.table.get(handle)?.ready(now) {
                ready.push(index);
            }
        }
        Ok(ready)
    }
}

fn poll(linker: &mut LinkerInstance<'_, Guest>, name: &str) -> wasmtime::Result<bool> {
    linker.func_wrap_async(
        name,
        |mut store: StoreContextMut<'_, Guest>, (handles,): (Vec<Resource<Pollable>>,)| {
            Box::new(async move {
                let guest = store.data_mut();
                guest.enter("wasi")?;
                if handles.is_empty() {
                    return Err(HostRefusal("it polls nothing, which would never end".to_owned()).into());
                }
                Ok((guest.wait_for(&handles).await?,))
            })
        },
    )?;
    Ok(true)
}

fn block(linker: &mut LinkerInstance<'_, Guest>, name: &str) -> wasmtime::Result<bool> {
    linker.func_wrap_async(
        name,
        |mut store: StoreContextMut<'_, Guest>, (handle,): (Resource<Pollable>,)| {
            Box::new(async move {
                let guest = store.data_mut();
                guest.enter("wasi")?;
                guest.wait_for(&[handle]).await?;
                Ok(())
            })
        },
    )?;
    Ok(true)
}
