//! RocketMQ's remoting protocol on one connection: requests out, signed where there is a login, answers checked.
//!
//! A frame's body is four bytes (how the header is written, and its length), the header, and a body whose shape depends
//! on the request: nothing in the frame names it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headgate_sdk::framed::{self, Channel, Lost};
use headgate_sdk::json::{self, Value, json};
use headgate_sdk::net::Piece;
use headgate_sdk::secrets::{Hash, Secret};
use headgate_sdk::{Error, Result};

pub(crate) mod codes;
mod header;
pub(crate) mod loose;
pub(crate) mod properties;
mod spliced;

use header::Header;
use spliced::Body;

/// Java clients take frames of 16 MiB at most, and so does the host: a dump of some 95,000 topics, where it comes in one.
pub(crate) const FRAME_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// A server that is silent for longer counts as down.
pub(crate) const READ_TIMEOUT_MS: u64 = 8_000;

/// A list of thousands makes a broker write its whole file, and tell all name servers.
pub(crate) const WRITE_TIMEOUT_MS: u64 = 20_000;

/// The ordinal of `V5_3_8` in RocketMQ's list of versions: to 4.9.4 and later, maps come with keys in quotes, mostly.
const VERSION: i32 = 489;

/// What is asked, without a connection's number and signature.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) code: i32,
    pub(crate) fields: BTreeMap<&'static str, String>,
    pub(crate) body: Vec<u8>,
    splice: Option<spliced::Splice>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) remark: Option<String>,
    /// The header's own fields, where it has some.
    pub(crate) fields: Value,
    pub(crate) body: Vec<u8>,
}

/// Who signs the requests.
pub(crate) struct Signer {
    pub(crate) access_key: String,
    pub(crate) secret: Secret,
}

impl Request {
    pub(crate) fn new(code: i32) -> Self {
        Self { code, fields: BTreeMap::new(), body: Vec::new(), splice: None }
    }

    pub(crate) fn field(mut self, name: &'static str, value: impl ToString) -> Self {
        self.fields.insert(name, value.to_string());
        self
    }

    pub(crate) fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// A frame of bytes, where no secret is part of it.
    fn frame(&self, opaque: i32, signer: Option<&Signer>) -> Result<Vec<u8>> {
        match self.pieces(opaque, signer, None)?.pop() {
            Some(Piece::Bytes(frame)) => Ok(frame),
            Some(Piece::Secret(..)) | None => {
                Err(Error::internal("a secret does not fit into a frame of bytes"))
            }
        }
    }

    fn pieces<'a>(
        &'a self,
        opaque: i32,
        signer: Option<&Signer>,
        secret: Option<&'a Secret>,
    ) -> Result<Vec<Piece<'a>>> {
        let body = Body::of(self, secret);
        let mut fields = self.fields.clone();
        if let Some(signer) = signer {
            fields.insert("AccessKey", signer.access_key.clone());
            let signature = sign(&fields, &body, &signer.secret)?;
            fields.insert("Signature", signature);
        }
        let header = json!({
            "code": self.code,
            "language": "OTHER",
            "version": VERSION,
            "opaque": opaque,
            "flag": 0,
            "extFields": fields,
            "serializeTypeCurrentRPC": "JSON",
        });
        let header = json::text(&header).into_bytes();
        let too_long = |_| Error::invalid_argument("the request's header is too long");
        let length = u32::try_from(header.len()).map_err(too_long)?;
        Ok(body.behind([&length.to_be_bytes()[..], &header].concat()))
    }
}

/// Base64 of HMAC-SHA1 over the fields' values in order of their names, then the body.
fn sign(fields: &BTreeMap<&'static str, String>, body: &Body<'_>, secret: &Secret) -> Result<String> {
    let content: Vec<u8> = fields.values().flat_map(|value| value.bytes()).collect();
    Ok(STANDARD.encode(secret.hmac(Hash::Sha1, body.behind(content))?))
}

impl Answer {
    fn read(mut frame: Vec<u8>) -> Result<Self> {
        let (header, body) = Header::read(&frame)?;
        let begins = frame.len() - body.len();
        let Header { code, remark, fields, .. } = header;
        drop(frame.drain(..begins));
        Ok(Self { code, remark, fields, body: frame })
    }

    /// The answer where it says success; else the error that it means. `what` says what was being done, on what.
    pub(crate) fn checked(self, what: &str) -> Result<Self> {
        match self.code {
            codes::SUCCESS => Ok(self),
            code => Err(codes::error(code, self.remark.as_deref(), what)),
        }
    }

    #[cfg(test)]
    pub(crate) fn with(field: &str, value: &str) -> Self {
        Self { fields: json!({field: value}), ..Self::default() }
    }

    /// A number among the header's own fields, which are texts.
    pub(crate) fn number(&self, field: &str) -> Option<u64> {
        self.fields.get(field)?.as_str()?.parse().ok()
    }

    /// The body's JSON, also where it is only nearly JSON.
    pub(crate) fn json(&self, what: &str) -> Result<Value> {
        loose::parse(&self.body).map_err(|error| error.during(what))
    }
}

/// Which request a frame answers; none for a request of the server's own.
pub(crate) fn correlation_of(frame: &[u8]) -> Option<i32> {
    let (header, _) = Header::read(frame).ok()?;
    (header.flag & header::ANSWER != 0).then_some(header.opaque)
}

/// These requests to these links (by position), all in flight together; each answer is handed over as it comes, with the
/// index of its request.
pub(crate) fn ask_each(
    channels: &mut [&mut Channel],
    requests: &[(usize, &Request)],
    signer: Option<&Signer>,
    timeout_ms: u64,
    mut on_answer: impl FnMut(usize, Result<Answer, Lost>),
) {
    let (mut frames, mut origins, mut spliced) = (Vec::new(), Vec::new(), Vec::new());
    for (origin, (position, request)) in requests.iter().enumerate() {
        let Some(channel) = channels.get_mut(*position) else { continue };
        if request.splice.is_some() {
            match spliced::send(channel, request, signer) {
                Ok(id) => spliced.push((origin, *position, id)),
                Err(lost) => on_answer(origin, Err(lost)),
            }
            continue;
        }
        let id = channel.next_id();
        match request.frame(id, signer) {
            Ok(frame) => {
                frames.push(framed::Request { channel: *position, id, frame });
                origins.push(origin);
            }
            Err(error) => on_answer(origin, Err(Lost { sent: false, error })),
        }
    }
    let peers: Vec<String> = channels.iter().map(|channel| channel.peer().to_owned()).collect();
    framed::exchange(channels, frames, timeout_ms, |index, answer| {
        if let Some((origin, (position, _))) =
            origins.get(index).and_then(|origin| Some((*origin, requests.get(*origin)?)))
        {
            let peer = peers.get(*position).map(String::as_str).unwrap_or_default();
            let read = |frame: Vec<u8>| {
                Answer::read(frame).map_err(|error| Lost { sent: true, error: error.during(peer) })
            };
            on_answer(origin, answer.and_then(read));
        }
        ControlFlow::Continue(())
    });
    for (origin, position, id) in spliced {
        if let Some(channel) = channels.get_mut(position) {
            on_answer(origin, spliced::receive(channel, id, timeout_ms));
        }
    }
}

pub(crate) fn put<T>(all: &mut [Option<T>], index: usize, value: T) {
    if let Some(place) = all.get_mut(index) {
        *place = Some(value);
    }
}

#[cfg(test)]
mod tests {
    use headgate_sdk::{native, secrets};

    use super::*;

    #[test]
    fn a_request_is_its_header_and_its_body() {
        let frame = Request::new(351).field("topic", "orders").body(b"x".to_vec()).frame(7, None).unwrap();
        let (header, body) = Header::read(&frame).unwrap();
        assert_eq!((header.code, header.opaque, header.flag, body), (351, 7, 0, &b"x"[..]));
        assert_eq!(correlation_of(&frame), None, "a request answers nothing");
    }

    #[test]
    fn a_signature_covers_values_in_order_of_names() {
        native::secrets::set("secret", b"headgate-admin");
        let signer = Signer { access_key: "admin".to_owned(), secret: secrets::get("secret").unwrap() };
        let request = Request::new(17).field("topic", "b").field("perm", 6).body(b"body".to_vec());
        let frame = request.frame(1, Some(&signer)).unwrap();
        let text = String::from_utf8_lossy(&frame);
        let expected = signer.secret.hmac(Hash::Sha1, vec![Piece::Bytes(b"admin6bbody".to_vec())]).unwrap();
        assert!(text.contains(&format!("\"Signature\":\"{}\"", STANDARD.encode(expected))), "{text}");
        assert!(!text.contains("headgate-admin"));
    }
}
