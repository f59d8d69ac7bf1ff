//! Requests with secrets in them: bytes that stand for a secret are encoded, and the host puts the secret in their place.

use headgate_sdk::net::Piece;
use headgate_sdk::secrets::{Encoding, Secret};
use headgate_sdk::{Error, Result, call};

/// What stands in a request where a secret belongs: as many bytes, and unlike any others.
pub(crate) struct Stand {
    pub(crate) bytes: Vec<u8>,
    secret: Secret,
}

impl Stand {
    /// The frame's lengths are written for `length` bytes: a secret of another length would shift what follows it.
    pub(crate) fn of(secret: Secret, length: u32) -> Result<Self> {
        let bytes = call::random_bytes(length);
        if secret.length() != length || bytes.len() != length as usize {
            let message = format!("a secret of {} bytes cannot stand for {length}", secret.length());
            return Err(Error::internal(message));
        }
        Ok(Self { bytes, secret })
    }
}

/// The frame with each secret in its place. Each place is found exactly once, else nothing is sent.
pub(super) fn cut<'a>(frame: Vec<u8>, stands: &[&'a Stand]) -> Result<Vec<Piece<'a>>> {
    if stands.is_empty() {
        return Ok(vec![Piece::Bytes(frame)]);
    }
    let places = stands.iter().map(|stand| Ok((place(&frame, &stand.bytes)?, *stand)));
    let mut places: Vec<(usize, &Stand)> = places.collect::<Result<_>>()?;
    places.sort_by_key(|(at, _)| *at);
    let (mut pieces, mut next) = (Vec::with_capacity(2 * places.len() + 1), 0);
    for (at, stand) in places {
        pieces.push(Piece::Bytes(frame.get(next..at).ok_or_else(misplaced)?.to_vec()));
        pieces.push(Piece::Secret(&stand.secret, Encoding::Raw));
        next = at + stand.bytes.len();
    }
    pieces.push(Piece::Bytes(frame.get(next..).ok_or_else(misplaced)?.to_vec()));
    Ok(pieces)
}

fn place(frame: &[u8], bytes: &[u8]) -> Result<usize> {
    let found = |(at, window): (usize, &[u8])| (window == bytes).then_some(at);
    let mut places = frame.windows(bytes.len().max(1)).enumerate().filter_map(found);
    match (places.next(), places.next()) {
        (Some(at), None) => Ok(at),
        _ => Err(misplaced()),
    }
}

fn misplaced() -> Error {
    Error::internal("the place of a secret in the request is not clear")
}

#[cfg(test)]
mod tests {
    use headgate_sdk::{native, secrets};

    use super::*;

    fn stand(name: &str, value: &[u8]) -> Stand {
        native::secrets::set(name, value);
        let secret = secrets::get(name).unwrap();
        Stand::of(secret, u32::try_from(value.len()).unwrap()).unwrap()
    }

    #[test]
    fn each_secret_stands_in_its_place() {
        let (one, two) = (stand("one", &[1; 32]), stand("two", &[2; 64]));
        let frame = [b"head", one.bytes.as_slice(), b"middle", &two.bytes, b"tail"].concat();
        let pieces = cut(frame, &[&two, &one]).unwrap();
        let shown: Vec<&[u8]> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Bytes(bytes) => bytes.as_slice(),
                Piece::Secret(secret, Encoding::Raw) if secret.length() == 32 => b"<one>",
                Piece::Secret(..) => b"<two>",
            })
            .collect();
        assert_eq!(shown, [&b"head"[..], b"<one>", b"middle", b"<two>", b"tail"]);
    }

    #[test]
    fn a_place_that_is_not_there_or_twice_sends_nothing() {
        let one = stand("one", &[1; 32]);
        assert!(cut(b"frame".to_vec(), &[&one]).is_err());
        assert!(cut([one.bytes.as_slice(), &one.bytes].concat(), &[&one]).is_err());
    }

    #[test]
    fn a_secret_of_another_length_stands_for_nothing() {
        native::secrets::set("short", b"short");
        assert!(Stand::of(secrets::get("short").unwrap(), 32).is_err());
    }
}
