//! A request on its way, and the future of its response.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::AbortHandle;

use super::body::Sink;
use crate::plugins::bindings::headgate::host::errors::{Error, ErrorKind};
use crate::plugins::bindings::headgate::host::http::Response;
use crate::plugins::imports::http::{Plain, Pool, send};
use crate::plugins::imports::net::Dialer;
use crate::plugins::imports::{HostError, error};
use crate::plugins::metrics::PluginMetrics;
use crate::plugins::tape::Track;

type Answer = Result<Response, Error>;

/// Ends with its drop, also while it is on its way.
pub(in super::super) struct Exchange {
    /// Whether the answer is there.
    told: watch::Receiver<bool>,
    answer: Arc<Mutex<Option<Answer>>>,
    running: Arc<Mutex<Option<AbortHandle>>>,
    place: Place,
}

/// One of the few that a guest has, until the answer's body is gone.
pub(in super::super) type Place = Arc<OwnedSemaphorePermit>;

/// `future-incoming-response`.
pub(in super::super) struct FutureResponse {
    pub(super) exchange: Arc<Exchange>,
    pub(super) is_taken: bool,
}

/// All that it takes but the body.
pub(super) struct Start {
    pub(super) dialer: Arc<Dialer>,
    pub(super) pool: Arc<Pool>,
    pub(super) metrics: PluginMetrics,
    pub(super) track: Track,
    pub(super) plain: Plain,
}

/// A request whose body is still written.
pub(super) struct Waiting {
    start: Start,
    told: watch::Sender<bool>,
    answer: Arc<Mutex<Option<Answer>>>,
    running: Arc<Mutex<Option<AbortHandle>>>,
}

impl Waiting {
    /// Within a host call: its thread's runtime carries it.
    pub(super) fn start(self, body: Vec<u8>) {
        let Self { start: Start { dialer, pool, metrics, track, plain }, told, answer, running } = self;
        let task = tokio::spawn(async move {
            let came = send(dialer, pool, metrics, track, Plain { body, ..plain }).await.map_err(sentence);
            *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(came);
            told.send_replace(true);
        });
        *running.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.abort_handle());
    }
}

/// A trap has no place outside of a call.
fn sentence(failed: HostError) -> Error {
    match failed {
        HostError::Answer(error) => error,
        HostError::Trap(trap) => error(ErrorKind::Internal, format!("{trap:#}")),
    }
}

impl Exchange {
    pub(super) fn new(start: Start, body: Option<&Sink>, place: OwnedSemaphorePermit) -> Self {
        let (tell, told) = watch::channel(false);
        let (answer, running) = (Arc::default(), Arc::default());
        let waiting =
            Waiting { start, told: tell, answer: Arc::clone(&answer), running: Arc::clone(&running) };
        match body {
            Some(sink) => sink.hand_over(waiting),
            None => waiting.start(Vec::new()),
        }
        Self { told, answer, running, place: Arc::new(place) }
    }

    pub(in super::super) fn is_done(&self) -> bool {
        // Nobody is there who could tell it any more: the body was dropped before its end.
        *self.told.borrow() || self.told.has_changed().is_err()
    }

    pub(in super::super) async fn done(self: Arc<Self>) {
        let mut told = self.told.clone();
        // An error means that nobody will tell it: that is an end, too.
        drop(told.wait_for(|told| *told).await);
    }

    /// Once: the body is large.
    pub(super) fn take(&self) -> (Answer, Place) {
        let came = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let answer = came.unwrap_or_else(|| {
            Err(error(ErrorKind::Internal, "the request's body was dropped before its end: nothing was sent"))
        });
        (answer, Arc::clone(&self.place))
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(running) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() {
            running.abort();
        }
    }
}
