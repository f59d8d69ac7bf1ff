//! `wasi:http/outgoing-handler` by grant: libraries that speak it get the host's own client, with the policy, pool and
//! caps of `http`. Messages are put together without a grant, and none leaves without.
//!
//! Bodies are whole on both sides: a request leaves when its body is finished, and a response is there when all of it is.

mod body;
mod error_code;
mod exchange;
mod fields;
mod request;
mod response;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::sync::Semaphore;
use wasmtime::component::{LinkerInstance, Resource};

use super::put;
use crate::plugins::bindings::headgate::host::log::Level;
use crate::plugins::guest::Guest;
use crate::plugins::imports::HostError;
use crate::plugins::imports::http::Pool;
use crate::plugins::limits::WASI_EXCHANGES_MAX;
use error_code::ErrorCode;
use exchange::{FutureResponse, Start};
use request::{Options, Outgoing};

pub(super) use body::{Incoming as IncomingBody, Outgoing as OutgoingBody, Sink, Trailers};
pub(super) use exchange::{Exchange, FutureResponse as Future, Place};
pub(super) use fields::Fields;
pub(super) use request::{Options as RequestOptions, Outgoing as OutgoingRequest};
pub(super) use response::Incoming as IncomingResponse;

/// What the host holds for one guest.
pub(super) struct Held {
    /// Connections, which outlive the host call that made them.
    pool: Arc<Pool>,
    exchanges: Arc<Semaphore>,
    written: Arc<AtomicUsize>,
}

impl Default for Held {
    fn default() -> Self {
        let exchanges = Arc::new(Semaphore::new(WASI_EXCHANGES_MAX));
        Self { pool: Arc::default(), exchanges, written: Arc::default() }
    }
}

/// `interface` without `wasi:http/`.
pub(super) fn lend(
    linker: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    name: &str,
) -> wasmtime::Result<bool> {
    match (interface, name) {
        ("outgoing-handler", "handle") => {
            put(linker, name, |guest, (request, options): (Resource<Outgoing>, Option<Resource<Options>>)| {
                guest.handle_http(request, options)
            })
        }
        ("types", _) => Ok(fields::lend(linker, name)?
            || request::lend(linker, name)?
            || body::lend(linker, name)?
            || response::lend(linker, name)?),
        _ => Ok(false),
    }
}

type Handled = (Result<Resource<FutureResponse>, ErrorCode>,);

impl Guest {
    fn handle_http(
        &mut self,
        request: Resource<Outgoing>,
        options: Option<Resource<Options>>,
    ) -> wasmtime::Result<Handled> {
        let request = self.table.delete(request)?;
        let options = options.map(|options| self.table.delete(options)).transpose()?.unwrap_or_default();
        let dialer = match self.net.dialer() {
            Ok(dialer) => dialer,
            Err(refused) => return self.refuse_http(refused),
        };
        if let Err(why) = dialer.lends_wasi_http() {
            self.say(Level::Warn, why);
            return Ok((Err(ErrorCode::RequestDenied),));
        }
        let Ok(place) = Arc::clone(&self.wasi.http.exchanges).try_acquire_owned() else {
            let most = WASI_EXCHANGES_MAX;
            let text = format!(
                "it has {most} requests of wasi:http open, the most that is allowed: let go of answers"
            );
            self.say(Level::Warn, text);
            return Ok((Err(ErrorCode::ConnectionLimitReached),));
        };
        let (plain, body) = match request.assemble(&options) {
            Ok(assembled) => assembled,
            Err(code) => return Ok((Err(code),)),
        };
        let start = Start {
            dialer,
            pool: Arc::clone(&self.wasi.http.pool),
            metrics: self.metrics.clone(),
            track: self.track.clone(),
            plain,
        };
        let exchange = Exchange::new(start, body.as_ref(), place);
        let future = FutureResponse { exchange: Arc::new(exchange), is_taken: false };
        Ok((Ok(self.table.push(future)?),))
    }

    fn refuse_http(&mut self, refused: HostError) -> wasmtime::Result<Handled> {
        let refused = refused.into_answer()?;
        self.say(Level::Warn, refused.message);
        Ok((Err(ErrorCode::RequestDenied),))
    }
}
