//! Requests with a secret in their body: the host puts it in on the way out, and no byte of it comes by here.

use headgate_sdk::framed::{Channel, Lost};
use headgate_sdk::net::Piece;
use headgate_sdk::secrets::{self, Encoding, Secret};
use headgate_sdk::{Error, Result};

use super::{Answer, Request, Signer};

/// Where in the body a secret goes, as a text of JSON.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Splice {
    at: usize,
    /// The secret's name.
    secret: String,
}

/// A body in its pieces.
pub(super) struct Body<'a> {
    before: &'a [u8],
    secret: Option<&'a Secret>,
    after: &'a [u8],
}

impl<'a> Body<'a> {
    pub(super) fn of(request: &'a Request, secret: Option<&'a Secret>) -> Self {
        let at = request.splice.as_ref().map_or(request.body.len(), |splice| splice.at);
        let (before, after) = request.body.split_at_checked(at).unwrap_or((&request.body, &[]));
        Self { before, secret, after }
    }

    /// With what goes in front of it.
    pub(super) fn behind(&self, mut front: Vec<u8>) -> Vec<Piece<'a>> {
        front.extend_from_slice(self.before);
        let mut pieces = vec![Piece::Bytes(front)];
        if let Some(secret) = self.secret {
            pieces.push(Piece::Secret(secret, Encoding::JsonString));
            pieces.push(Piece::Bytes(self.after.to_vec()));
        }
        pieces
    }
}

impl Request {
    /// Puts the secret of that name into the body at this byte.
    pub(crate) fn splice(mut self, at: usize, secret: &str) -> Self {
        self.splice = Some(Splice { at, secret: secret.to_owned() });
        self
    }
}

/// Sent, and the answer not waited for.
pub(super) fn send(channel: &mut Channel, request: &Request, signer: Option<&Signer>) -> Result<i32, Lost> {
    let unsent = |error: Error| Lost { sent: false, error };
    let name = request.splice.as_ref().map(|splice| splice.secret.as_str()).unwrap_or_default();
    let secret = secrets::get(name).map_err(unsent)?;
    let id = channel.next_id();
    let pieces = request.pieces(id, signer, Some(&secret)).map_err(unsent)?;
    channel.send(id, pieces)?;
    Ok(id)
}

pub(super) fn receive(channel: &mut Channel, id: i32, timeout_ms: u64) -> Result<Answer, Lost> {
    // A channel that failed has nothing to wait for but what it had received before.
    let timeout_ms = if channel.usable() { timeout_ms } else { 0 };
    let lost = |error| Lost { sent: true, error };
    Answer::read(channel.receive(id, timeout_ms).map_err(lost)?).map_err(lost)
}

#[cfg(test)]
mod tests {
    use headgate_sdk::native;

    use super::*;

    #[test]
    fn a_secret_stands_between_two_pieces_of_the_body() {
        native::secrets::set("alice-1", b"hunter2");
        let secret = secrets::get("alice-1").unwrap();
        let request = Request::new(3001).body(br#"{"password":}"#.to_vec()).splice(12, "alice-1");
        let pieces = request.pieces(1, None, Some(&secret)).unwrap();
        let [Piece::Bytes(before), Piece::Secret(_, Encoding::JsonString), Piece::Bytes(after)] = &pieces[..]
        else {
            panic!("not three pieces")
        };
        assert!(before.ends_with(br#"{"password":"#));
        assert_eq!(after, b"}");
    }
}
