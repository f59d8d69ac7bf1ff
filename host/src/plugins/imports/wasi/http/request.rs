//! `outgoing-request` and `request-options`.

use std::time::Duration;

use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower, Resource};

use super::body::{Outgoing as Body, Sink};
use super::error_code::ErrorCode;
use super::fields::Fields;
use crate::plugins::guest::Guest;
use crate::plugins::imports::http::Plain;
use crate::plugins::imports::wasi::put;
use crate::plugins::limits::HTTP_TIMEOUT_MAX;

#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(variant)]
enum Method {
    #[component(name = "get")]
    Get,
    #[component(name = "head")]
    Head,
    #[component(name = "post")]
    Post,
    #[component(name = "put")]
    Put,
    #[component(name = "delete")]
    Delete,
    #[component(name = "connect")]
    Connect,
    #[component(name = "options")]
    Options,
    #[component(name = "trace")]
    Trace,
    #[component(name = "patch")]
    Patch,
    #[component(name = "other")]
    Other(String),
}

#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(variant)]
enum Scheme {
    #[component(name = "HTTP")]
    Http,
    #[component(name = "HTTPS")]
    Https,
    #[component(name = "other")]
    Other(String),
}

/// `outgoing-request`.
pub(in super::super) struct Outgoing {
    method: Method,
    path: Option<String>,
    scheme: Option<Scheme>,
    authority: Option<String>,
    headers: Fields,
    /// Where the guest wants to write one.
    body: Option<Sink>,
}

/// `request-options`, in nanoseconds.
#[derive(Clone, Copy, Default)]
pub(in super::super) struct Options {
    connect: Option<u64>,
    first_byte: Option<u64>,
    between_bytes: Option<u64>,
}

impl Method {
    fn name(self) -> String {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Patch => "PATCH",
            Self::Other(name) => return name,
        }
        .to_owned()
    }
}

impl Options {
    /// The host waits for an answer as a whole: for both of the first two, where they are told.
    fn timeout(self) -> Duration {
        let told = match (self.connect, self.first_byte) {
            (None, _) | (_, None) => return HTTP_TIMEOUT_MAX,
            (Some(connect), Some(first_byte)) => connect.saturating_add(first_byte),
        };
        Duration::from_nanos(told).min(HTTP_TIMEOUT_MAX)
    }
}

impl Outgoing {
    pub(super) fn assemble(self, options: &Options) -> Result<(Plain, Option<Sink>), ErrorCode> {
        let Self { method, path, scheme, authority, headers, body } = self;
        let scheme = match scheme {
            Some(Scheme::Http) => "http",
            Some(Scheme::Https) | None => "https",
            Some(Scheme::Other(_)) => return Err(ErrorCode::RequestUriInvalid),
        };
        let authority = authority.filter(|authority| !authority.is_empty());
        let authority = authority.ok_or(ErrorCode::RequestUriInvalid)?;
        let path = path.unwrap_or_else(|| "/".to_owned());
        let url = format!("{scheme}://{authority}{path}");
        let (method, headers, timeout) = (method.name(), headers.all, options.timeout());
        Ok((Plain { method, url, headers, body: Vec::new(), timeout }, body))
    }
}

pub(super) fn lend(linker: &mut LinkerInstance<'_, Guest>, name: &str) -> wasmtime::Result<bool> {
    type This = Resource<Outgoing>;
    let Some(method) = name.strip_prefix("[method]outgoing-request.") else { return others(linker, name) };
    match method {
        "body" => put(linker, name, |guest, (this,): (This,)| {
            let sink = Sink::new(&guest.wasi.http.written);
            let request = guest.table.get_mut(&this)?;
            if request.body.is_some() {
                return Ok((Err(()),));
            }
            request.body = Some(sink.clone());
            Ok((Ok(guest.table.push(Body { sink, is_taken: false })?),))
        }),
        "method" => {
            put(linker, name, |guest, (this,): (This,)| Ok((guest.table.get(&this)?.method.clone(),)))
        }
        "set-method" => put(linker, name, |guest, (this, method): (This, Method)| {
            guest.table.get_mut(&this)?.method = method;
            Ok((Ok::<(), ()>(()),))
        }),
        "path-with-query" => {
            put(linker, name, |guest, (this,): (This,)| Ok((guest.table.get(&this)?.path.clone(),)))
        }
        "set-path-with-query" => put(linker, name, |guest, (this, path): (This, Option<String>)| {
            guest.table.get_mut(&this)?.path = path;
            Ok((Ok::<(), ()>(()),))
        }),
        "scheme" => {
            put(linker, name, |guest, (this,): (This,)| Ok((guest.table.get(&this)?.scheme.clone(),)))
        }
        "set-scheme" => put(linker, name, |guest, (this, scheme): (This, Option<Scheme>)| {
            guest.table.get_mut(&this)?.scheme = scheme;
            Ok((Ok::<(), ()>(()),))
        }),
        "authority" => {
            put(linker, name, |guest, (this,): (This,)| Ok((guest.table.get(&this)?.authority.clone(),)))
        }
        "set-authority" => put(linker, name, |guest, (this, authority): (This, Option<String>)| {
            guest.table.get_mut(&this)?.authority = authority;
            Ok((Ok::<(), ()>(()),))
        }),
        "headers" => put(linker, name, |guest, (this,): (This,)| {
            let headers = guest.table.get(&this)?.headers.clone();
            Ok((guest.table.push(headers)?,))
        }),
        _ => Ok(false),
    }
}

fn others(linker: &mut LinkerInstance<'_, Guest>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "[constructor]outgoing-request" => put(linker, name, |guest, (headers,): (Resource<Fields>,)| {
            let headers = guest.table.delete(headers)?.fixed();
            let (path, scheme, authority, body) = (None, None, None, None);
            let request = Outgoing { method: Method::Get, path, scheme, authority, headers, body };
            Ok((guest.table.push(request)?,))
        }),
        "[constructor]request-options" => {
            put(linker, name, |guest, (): ()| Ok((guest.table.push(Options::default())?,)))
        }
        _ => options(linker, name),
    }
}

fn options(linker: &mut LinkerInstance<'_, Guest>, name: &str) -> wasmtime::Result<bool> {
    let Some(method) = name.strip_prefix("[method]request-options.") else { return Ok(false) };
    let (is_setter, which) = match method.strip_prefix("set-") {
        Some(rest) => (true, rest),
        None => (false, method),
    };
    let field: fn(&mut Options) -> &mut Option<u64> = match which {
        "connect-timeout" => |options| &mut options.connect,
        "first-byte-timeout" => |options| &mut options.first_byte,
        "between-bytes-timeout" => |options| &mut options.between_bytes,
        _ => return Ok(false),
    };
    if is_setter {
        return put(linker, name, move |guest, (this, time): (Resource<Options>, Option<u64>)| {
            *field(guest.table.get_mut(&this)?) = time;
            Ok((Ok::<(), ()>(()),))
        });
    }
    put(linker, name, move |guest, (this,): (Resource<Options>,)| Ok((*field(guest.table.get_mut(&this)?),)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(scheme: Option<Scheme>, authority: Option<&str>) -> Outgoing {
        let (path, authority) = (Some("/a?b=c".to_owned()), authority.map(str::to_owned));
        Outgoing { method: Method::Get, path, scheme, authority, headers: Fields::default(), body: None }
    }

    #[test]
    fn a_request_without_an_authority_or_of_another_scheme_is_none() {
        let plain = request(None, Some("a.b:1")).assemble(&Options::default());
        assert_eq!(plain.map(|(plain, _)| plain.url).unwrap(), "https://a.b:1/a?b=c");
        for (scheme, authority) in
            [(Some(Scheme::Other("file".to_owned())), Some("a")), (None, None), (None, Some(""))]
        {
            let refused = request(scheme, authority).assemble(&Options::default()).map(drop);
            assert!(matches!(refused, Err(ErrorCode::RequestUriInvalid)));
        }
    }

    #[test]
    fn times_are_added_and_never_longer_than_the_host_waits() {
        let options = |connect, first_byte| Options { connect, first_byte, between_bytes: None };
        assert_eq!(options(Some(1_000_000), Some(2_000_000)).timeout(), Duration::from_millis(3));
        assert_eq!(options(Some(u64::MAX), Some(5)).timeout(), HTTP_TIMEOUT_MAX);
        assert_eq!(options(None, Some(5)).timeout(), HTTP_TIMEOUT_MAX);
    }
}
