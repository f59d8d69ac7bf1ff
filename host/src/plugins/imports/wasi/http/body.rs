//! Bodies: what a guest writes into a request, and reads from a response.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::component::{LinkerInstance, Resource};

use super::error_code::ErrorCode;
use super::exchange::{Place, Waiting};
use super::fields::Fields;
use crate::plugins::guest::Guest;
use crate::plugins::imports::wasi::io::{Input, Pollable, Stream};
use crate::plugins::imports::wasi::put;
use crate::plugins::limits::WASI_WRITTEN_BYTES_MAX;

/// What was written of a request's body.
#[derive(Clone)]
pub(in super::super) struct Sink(Arc<Mutex<Written>>);

struct Written {
    bytes: Vec<u8>,
    /// Counted in `total`, also after the bytes have left.
    own: usize,
    /// Of all bodies of the guest.
    total: Arc<AtomicUsize>,
    is_finished: bool,
    /// The request was handed over before its body was finished.
    waiting: Option<Waiting>,
}

impl Drop for Written {
    fn drop(&mut self) {
        self.total.fetch_sub(self.own, Ordering::Relaxed);
    }
}

impl Written {
    fn room(&self) -> Option<usize> {
        let room = WASI_WRITTEN_BYTES_MAX.saturating_sub(self.total.load(Ordering::Relaxed));
        (!self.is_finished && room > 0).then_some(room)
    }
}

impl Sink {
    pub(super) fn new(total: &Arc<AtomicUsize>) -> Self {
        Self(Arc::new(Mutex::new(Written {
            bytes: Vec::new(),
            own: 0,
            total: Arc::clone(total),
            is_finished: false,
            waiting: None,
        })))
    }

    /// How much more it takes; nothing once it is finished.
    pub(in super::super) fn room(&self) -> Option<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).room()
    }

    /// False: it takes no more.
    pub(in super::super) fn write(&self, bytes: &[u8]) -> bool {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written.room().is_none_or(|room| bytes.len() > room) {
            return false;
        }
        written.own += bytes.len();
        written.total.fetch_add(bytes.len(), Ordering::Relaxed);
        written.bytes.extend_from_slice(bytes);
        true
    }

    /// Starts it now, where the body is finished, or then.
    pub(super) fn hand_over(&self, waiting: Waiting) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written.is_finished {
            waiting.start(std::mem::take(&mut written.bytes));
        } else {
            written.waiting = Some(waiting);
        }
    }

    fn finish(&self) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.is_finished = true;
        if let Some(waiting) = written.waiting.take() {
            waiting.start(std::mem::take(&mut written.bytes));
        }
    }

    /// Without its end: what waits for it hears that nobody will start it.
    fn give_up(&self) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !written.is_finished {
            (written.is_finished, written.waiting) = (true, None);
        }
    }
}

/// `outgoing-body`.
pub(in super::super) struct Outgoing {
    pub(super) sink: Sink,
    pub(super) is_taken: bool,
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.sink.give_up();
    }
}

/// `incoming-body`.
pub(in super::super) struct Incoming {
    /// Until its stream is taken.
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) place: Place,
}

/// `future-trailers`: there are none, as the host reads answers whole.
pub(in super::super) struct Trailers {
    is_taken: bool,
}

pub(super) fn lend(linker: &mut LinkerInstance<'_, Guest>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "[method]outgoing-body.write" => put(linker, name, |guest, (this,): (Resource<Outgoing>,)| {
            let body = guest.table.get_mut(&this)?;
            if std::mem::replace(&mut body.is_taken, true) {
                return Ok((Err(()),));
            }
            let sink = body.sink.clone();
            Ok((Ok(guest.table.push(Stream::Body(sink))?),))
        }),
        "[static]outgoing-body.finish" => {
            put(linker, name, |guest, (this, trailers): (Resource<Outgoing>, Option<Resource<Fields>>)| {
                let body = guest.table.delete(this)?;
                if let Some(trailers) = trailers {
                    let trailers = guest.table.delete(trailers)?;
                    if !trailers.all.is_empty() {
                        let why = "the host sends no trailers".to_owned();
                        return Ok((Err::<(), _>(ErrorCode::InternalError(Some(why))),));
                    }
                }
                body.sink.finish();
                Ok((Ok(()),))
            })
        }
        "[method]incoming-body.stream" => put(linker, name, |guest, (this,): (Resource<Incoming>,)| {
            let body = guest.table.get_mut(&this)?;
            let place = Arc::clone(&body.place);
            let Some(bytes) = body.bytes.take() else { return Ok((Err(()),)) };
            Ok((Ok(guest.table.push(Input::of(bytes, place))?),))
        }),
        "[static]incoming-body.finish" => put(linker, name, |guest, (this,): (Resource<Incoming>,)| {
            guest.table.delete(this)?;
            Ok((guest.table.push(Trailers { is_taken: false })?,))
        }),
        "[method]future-trailers.subscribe" => put(linker, name, |guest, (_this,): (Resource<Trailers>,)| {
            Ok((guest.table.push(Pollable::Ready)?,))
        }),
        "[method]future-trailers.get" => put(linker, name, |guest, (this,): (Resource<Trailers>,)| {
            type Got = Option<Result<Result<Option<Resource<Fields>>, ErrorCode>, ()>>;
            let trailers = guest.table.get_mut(&this)?;
            let got: Got = Some(match std::mem::replace(&mut trailers.is_taken, true) {
                false => Ok(Ok(None)),
                true => Err(()),
            });
            Ok((got,))
        }),
        "http-error-code" => {
            use crate::plugins::imports::wasi::io::Failed;
            put(linker, name, |_, (_error,): (Resource<Failed>,)| Ok((None::<ErrorCode>,)))
        }
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bodies_that_are_written_share_one_limit_and_give_it_back() {
        let total = Arc::new(AtomicUsize::new(0));
        let (one, other) = (Sink::new(&total), Sink::new(&total));
        assert!(one.write(&vec![0; WASI_WRITTEN_BYTES_MAX - 1]));
        assert_eq!(other.room(), Some(1));
        assert!(!other.write(b"ab") && other.write(b"a"));
        assert_eq!((other.room(), one.room()), (None, None));
        one.finish();
        assert!(!one.write(b""), "it is finished");
        drop(one);
        assert_eq!(other.room(), Some(WASI_WRITTEN_BYTES_MAX - 1));
    }
}
