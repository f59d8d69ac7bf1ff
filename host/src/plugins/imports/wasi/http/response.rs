//! `future-incoming-response` and `incoming-response`.

use std::sync::Arc;

use wasmtime::component::{LinkerInstance, Resource};

use super::body::Incoming as Body;
use super::error_code::ErrorCode;
use super::exchange::{FutureResponse, Place};
use super::fields::Fields;
use crate::plugins::bindings::headgate::host::http::Response;
use crate::plugins::bindings::headgate::host::log::Level;
use crate::plugins::guest::Guest;
use crate::plugins::imports::wasi::io::Pollable;
use crate::plugins::imports::wasi::put;

/// `incoming-response`.
pub(in super::super) struct Incoming {
    status: u16,
    headers: Fields,
    /// Until it is consumed.
    body: Option<Vec<u8>>,
    place: Place,
}

type Got = Option<Result<Result<Resource<Incoming>, ErrorCode>, ()>>;

impl Guest {
    fn response(&mut self, this: &Resource<FutureResponse>) -> wasmtime::Result<Got> {
        let future = self.table.get_mut(this)?;
        if !future.exchange.is_done() {
            return Ok(None);
        }
        if std::mem::replace(&mut future.is_taken, true) {
            return Ok(Some(Err(())));
        }
        let (answer, place) = future.exchange.take();
        let Response { status, headers, body } = match answer {
            Ok(response) => response,
            Err(error) => {
                let code = ErrorCode::of(&error);
                // Most codes have no room for the sentence.
                self.say(Level::Warn, format!("wasi:http: {}", error.message));
                return Ok(Some(Ok(Err(code))));
            }
        };
        let all = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        let headers = Fields { all, is_fixed: true };
        Ok(Some(Ok(Ok(self.table.push(Incoming { status, headers, body: Some(body), place })?))))
    }
}

pub(super) fn lend(linker: &mut LinkerInstance<'_, Guest>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "[method]future-incoming-response.subscribe" => {
            put(linker, name, |guest, (this,): (Resource<FutureResponse>,)| {
                let exchange = Arc::clone(&guest.table.get(&this)?.exchange);
                Ok((guest.table.push(Pollable::Answer(exchange))?,))
            })
        }
        "[method]future-incoming-response.get" => {
            put(linker, name, |guest, (this,): (Resource<FutureResponse>,)| Ok((guest.response(&this)?,)))
        }
        "[method]incoming-response.status" => {
            put(linker, name, |guest, (this,): (Resource<Incoming>,)| Ok((guest.table.get(&this)?.status,)))
        }
        "[method]incoming-response.headers" => put(linker, name, |guest, (this,): (Resource<Incoming>,)| {
            let headers = guest.table.get(&this)?.headers.clone();
            Ok((guest.table.push(headers)?,))
        }),
        "[method]incoming-response.consume" => put(linker, name, |guest, (this,): (Resource<Incoming>,)| {
            let response = guest.table.get_mut(&this)?;
            let place = Arc::clone(&response.place);
            let Some(bytes) = response.body.take() else { return Ok((Err(()),)) };
            Ok((Ok(guest.table.push(Body { bytes: Some(bytes), place })?),))
        }),
        _ => Ok(false),
    }
}
