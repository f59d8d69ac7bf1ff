//! Kafka's protocol on one connection: versions agreed on, requests out, answers checked and decoded.

use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::ControlFlow;

use bytes::{Buf, Bytes, BytesMut};
use headgate_sdk::framed::{self, Channel, Lost};
use headgate_sdk::net::Piece;
use headgate_sdk::{Error, Result, call};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

pub(crate) mod codes;
pub(crate) mod sasl;
pub(crate) mod spliced;
pub(crate) mod told_configs;
pub(crate) mod versions;

use spliced::Stand;
use versions::Versions;

/// The name under which brokers see us in their logs and quotas.
pub(crate) const CLIENT_ID: &str = "headgate";

/// The largest answer that is taken: a thousand topics with all configurations are 1.2 MiB.
pub(crate) const FRAME_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// A broker that is silent for longer counts as down.
pub(crate) const READ_TIMEOUT_MS: u64 = 8_000;

/// A connection that speaks, with what the broker on it can.
pub(crate) struct Link {
    pub(crate) channel: Channel,
    pub(crate) versions: Versions,
    /// When the login ends; then a new connection is needed.
    pub(crate) expires_ns: Option<u64>,
}

/// A request that is ready to go out on its link. What is behind this point knows no request's type: the code for it is
/// there once, not once for each request.
pub(crate) struct Ready {
    id: i32,
    version: i16,
    frame: Vec<u8>,
}

/// A request that went out.
pub(crate) struct Sent<R> {
    pub(crate) id: i32,
    version: i16,
    request: PhantomData<R>,
}

/// An answer that is not read yet, with its version.
pub(crate) type Raw = (i16, Vec<u8>);

impl Link {
    pub(crate) fn usable(&self) -> bool {
        self.channel.usable() && self.expires_ns.is_none_or(|expires| call::monotonic_ns() < expires)
    }

    pub(crate) fn prepare<R: Request>(&mut self, request: &R) -> Result<Ready> {
        let version = self.versions.agree(R::KEY, R::VERSIONS, self.channel.peer())?;
        let id = self.channel.next_id();
        Ok(Ready { id, version, frame: encode(request, version, id)? })
    }

    pub(crate) fn send<R: Request>(&mut self, request: &R) -> Result<Sent<R>, Lost> {
        let ready = self.prepare(request).map_err(|error| Lost { sent: false, error })?;
        self.channel.send(ready.id, vec![Piece::Bytes(ready.frame)])?;
        Ok(Sent { id: ready.id, version: ready.version, request: PhantomData })
    }

    pub(crate) fn receive<R: Request>(
        &mut self,
        sent: &Sent<R>,
        timeout_ms: u64,
    ) -> Result<R::Response, Lost> {
        let raw = self.receive_raw(sent, timeout_ms)?;
        decode::<R>(raw).map_err(|error| Lost { sent: true, error: error.during(self.channel.peer()) })
    }

    /// The answer as it came.
    pub(crate) fn receive_raw<R>(&mut self, sent: &Sent<R>, timeout_ms: u64) -> Result<Raw, Lost> {
        let frame = self.channel.receive(sent.id, timeout_ms).map_err(|error| Lost { sent: true, error })?;
        Ok((sent.version, frame))
    }

    pub(crate) fn ask<R: Request>(&mut self, request: &R, timeout_ms: u64) -> Result<R::Response, Lost> {
        let sent = self.send(request)?;
        self.receive(&sent, timeout_ms)
    }

    /// Sends what `prepare` gives and waits for the answer, which is not read.
    pub(crate) fn ask_raw(&mut self, prepare: &mut Prepare<'_>, timeout_ms: u64) -> Result<Raw, Lost> {
        self.ask_spliced(prepare, &[], timeout_ms)
    }

    /// The same, with secrets in the places that stand for them.
    pub(crate) fn ask_spliced(
        &mut self,
        prepare: &mut Prepare<'_>,
        stands: &[&Stand],
        timeout_ms: u64,
    ) -> Result<Raw, Lost> {
        let not_sent = |error| Lost { sent: false, error };
        let ready = prepare(self).map_err(not_sent)?;
        self.channel.send(ready.id, spliced::cut(ready.frame, stands).map_err(not_sent)?)?;
        let frame = self.channel.receive(ready.id, timeout_ms).map_err(|error| Lost { sent: true, error })?;
        Ok((ready.version, frame))
    }
}

/// Makes a request for a link in the version that the link speaks.
pub(crate) type Prepare<'a> = dyn FnMut(&mut Link) -> Result<Ready> + 'a;

/// One question to each of these links (by position), all in flight together; the answers come in the order of the
/// questions.
pub(crate) fn ask_all(
    links: &mut [&mut Link],
    positions: &[usize],
    prepare: &mut dyn FnMut(usize, &mut Link) -> Result<Ready>,
    timeout_ms: u64,
) -> Vec<Result<Raw, Lost>> {
    let mut answers: Vec<Option<Result<Raw, Lost>>> = positions.iter().map(|_| None).collect();
    let (mut frames, mut origins) = (Vec::new(), Vec::new());
    for (origin, channel) in positions.iter().enumerate() {
        let prepared = match links.get_mut(*channel) {
            Some(link) => prepare(origin, link),
            None => Err(Error::internal("no such link")),
        };
        match prepared {
            Ok(ready) => {
                frames.push(framed::Request { channel: *channel, id: ready.id, frame: ready.frame });
                origins.push((origin, ready.version));
            }
            Err(error) => put(&mut answers, origin, Err(Lost { sent: false, error })),
        }
    }
    let mut channels: Vec<&mut Channel> = links.iter_mut().map(|link| &mut link.channel).collect();
    framed::exchange(&mut channels, frames, timeout_ms, |index, answer| {
        if let Some((origin, version)) = origins.get(index) {
            put(&mut answers, *origin, answer.map(|frame| (*version, frame)));
        }
        ControlFlow::Continue(())
    });
    let unanswered = || Err(Lost { sent: true, error: Error::internal("no answer was handed over") });
    answers.into_iter().map(|answer| answer.unwrap_or_else(unanswered)).collect()
}

fn put<T>(answers: &mut [Option<T>], index: usize, answer: T) {
    if let Some(place) = answers.get_mut(index) {
        *place = Some(answer);
    }
}

/// The correlation id stands first in every answer.
pub(crate) fn correlation_of(frame: &[u8]) -> Option<i32> {
    frame.first_chunk().map(|bytes| i32::from_be_bytes(*bytes))
}

#[inline(never)]
pub(crate) fn encode<R: Request>(request: &R, version: i16, id: i32) -> Result<Vec<u8>> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(id)
        .with_client_id(Some(StrBytes::from_static_str(CLIENT_ID)));
    let mut frame = BytesMut::new();
    let encoded = header
        .encode(&mut frame, R::header_version(version))
        .and_then(|()| request.encode(&mut frame, version));
    encoded
        .map_err(|error| Error::invalid_argument(format_args!("the request cannot be written: {error}")))?;
    Ok(frame.into())
}

#[inline(never)]
pub(crate) fn decode<R: Request>((version, frame): Raw) -> Result<R::Response> {
    let mut frame = Bytes::from(frame);
    let malformed = |what: &str, error: &dyn Display| malformed(R::KEY, version, what, error);
    ResponseHeader::decode(&mut frame, R::Response::header_version(version))
        .map_err(|error| malformed("header", &error))?;
    let response = R::Response::decode(&mut frame, version).map_err(|error| malformed("body", &error))?;
    match frame.remaining() {
        0 => Ok(response),
        rest => Err(malformed("length", &format_args!("{rest} bytes are left"))),
    }
}

fn malformed(key: i16, version: i16, what: &str, error: &dyn Display) -> Error {
    Error::protocol(format_args!("the answer to request {key} version {version} has a bad {what}: {error}"))
}
