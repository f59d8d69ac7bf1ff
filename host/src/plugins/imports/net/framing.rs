//! Frames with a length prefix: written and cut by the host, checked against the limit before memory is taken.

use bytes::{Buf, Bytes, BytesMut};

use crate::plugins::bindings::headgate::host::errors::{Error, ErrorKind};
use crate::plugins::bindings::headgate::host::net::LengthPrefix;
use crate::plugins::imports::error;
use crate::plugins::limits::FRAME_BYTES_MAX;

/// Bytes before the length: a message type, a sequence number.
const OFFSET_MAX: u8 = 16;

/// Taken from the peer at a time, so that a claimed length alone never allocates.
const READ_BYTES: usize = 256 << 10;

/// The first byte of a TLS record; the version follows, which begins with 3.
const TLS_ALERT: u8 = 21;
const TLS_HANDSHAKE: u8 = 22;

#[derive(Clone, Copy, Debug)]
pub(super) struct Framing {
    offset: usize,
    width: usize,
    little_endian: bool,
    adjust: i64,
    bytes_max: u32,
}

impl Framing {
    pub(super) fn new(prefix: LengthPrefix) -> Result<Self, Error> {
        let LengthPrefix { offset, width, little_endian, adjust, bytes_max } = prefix;
        if !(1..=4).contains(&width) || offset > OFFSET_MAX || bytes_max == 0 {
            let text = format!(
                "a length prefix has 1 to 4 bytes, at most {OFFSET_MAX} before it, and a largest frame: {prefix:?}"
            );
            return Err(error(ErrorKind::InvalidArgument, text));
        }
        Ok(Self {
            offset: usize::from(offset),
            width: usize::from(width),
            little_endian,
            adjust: i64::from(adjust),
            bytes_max: bytes_max.min(FRAME_BYTES_MAX),
        })
    }

    /// The prefix, and where in the message it goes.
    pub(super) fn prefix(&self, message: &[u8]) -> Result<(usize, Vec<u8>), Error> {
        let refuse = || {
            let text = format!("a message of {} bytes does not fit its length prefix", message.len());
            error(ErrorKind::InvalidArgument, text)
        };
        let following = message.len().checked_sub(self.offset).ok_or_else(refuse)?;
        let value = i64::try_from(following).ok().and_then(|following| following.checked_sub(self.adjust));
        let value = value.and_then(|value| u32::try_from(value).ok()).ok_or_else(refuse)?;
        if self.width < 4 && u64::from(value) >= 1 << (8 * self.width) {
            return Err(refuse());
        }
        let mut bytes = value.to_le_bytes().get(..self.width).unwrap_or_default().to_vec();
        if !self.little_endian {
            bytes.reverse();
        }
        Ok((self.offset, bytes))
    }

    /// The first frame of the buffer, where it is whole; else room is made for more of it.
    pub(super) fn take(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>, Error> {
        let Some(length) = self.length(buffer)? else {
            buffer.reserve(READ_BYTES.min(4096));
            return Ok(None);
        };
        let head = self.offset + self.width;
        let missing = (head + length).saturating_sub(buffer.len());
        if missing > 0 {
            buffer.reserve(missing.min(READ_BYTES));
            return Ok(None);
        }
        let before = buffer.split_to(self.offset);
        buffer.advance(self.width);
        let body = buffer.split_to(length);
        if before.is_empty() {
            return Ok(Some(body.freeze()));
        }
        Ok(Some([before, body].concat().into()))
    }

    pub(super) fn is_whole(&self, buffer: &BytesMut) -> bool {
        match self.length(buffer) {
            Ok(Some(length)) => buffer.len() >= self.offset + self.width + length,
            Ok(None) => false,
            // What is wrong is said by `take`.
            Err(_) => true,
        }
    }

    /// Bytes after the prefix, once it is there.
    fn length(&self, buffer: &BytesMut) -> Result<Option<usize>, Error> {
        let Some(prefix) = buffer.get(self.offset..self.offset + self.width) else { return Ok(None) };
        let shift = |value: i64, byte: &u8| (value << 8) | i64::from(*byte);
        let value = if self.little_endian {
            prefix.iter().rev().fold(0, shift)
        } else {
            prefix.iter().fold(0, shift)
        };
        let length = value + self.adjust;
        let length = usize::try_from(length).ok();
        match length.filter(|length| length + self.offset <= self.bytes_max as usize) {
            Some(length) => Ok(Some(length)),
            None => Err(self.too_long(buffer, value)),
        }
    }

    /// Hardly ever a long frame: most often the peer speaks something else.
    fn too_long(&self, buffer: &BytesMut, announced: i64) -> Error {
        let start = buffer.get(..buffer.len().min(8)).unwrap_or_default();
        if matches!(start, [TLS_ALERT | TLS_HANDSHAKE, 3, 0..=4, ..]) {
            let text = "the peer answers with TLS: it was spoken to without";
            return Error { code: Some("TLS_WANTED".to_owned()), ..error(ErrorKind::Protocol, text) };
        }
        let text = format!(
            "the peer announces a frame of {announced} bytes, {} are the most that is taken; it begins with \
             \"{}\": does the port speak another protocol?",
            self.bytes_max,
            start.escape_ascii()
        );
        error(ErrorKind::Protocol, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(offset: u8, width: u8, little_endian: bool, adjust: i32) -> Framing {
        Framing::new(LengthPrefix { offset, width, little_endian, adjust, bytes_max: 1000 }).unwrap()
    }

    /// Of Kafka, PostgreSQL and `MySQL`.
    fn known() -> [Framing; 3] {
        [framing(0, 4, false, 0), framing(1, 4, false, -4), framing(0, 3, true, 1)]
    }

    fn encode(framing: &Framing, message: &[u8]) -> Vec<u8> {
        let (at, prefix) = framing.prefix(message).unwrap();
        [&message[..at], &prefix, &message[at..]].concat()
    }

    #[test]
    fn what_is_written_is_read_back_byte_by_byte() {
        for framing in known() {
            let wire = [encode(&framing, b"Qfirst"), encode(&framing, b"Zz")].concat();
            let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
            for byte in wire {
                buffer.extend_from_slice(&[byte]);
                let whole = framing.is_whole(&buffer);
                let frame = framing.take(&mut buffer).unwrap();
                assert_eq!(whole, frame.is_some());
                frames.extend(frame);
            }
            assert_eq!(frames, [Bytes::from_static(b"Qfirst"), Bytes::from_static(b"Zz")]);
        }
    }

    #[test]
    fn the_forms_are_those_of_the_protocols() {
        let [kafka, postgres, mysql] = known();
        assert_eq!(encode(&kafka, b"ab"), b"\0\0\0\x02ab");
        assert_eq!(encode(&postgres, b"Qab"), b"Q\0\0\0\x06ab");
        assert_eq!(encode(&mysql, b"\x00ab"), b"\x02\0\0\x00ab");
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_memory_is_taken() {
        let framing = framing(0, 4, false, 0);
        let mut buffer = BytesMut::from(&b"HTTP/1.1 400"[..]);
        let error = framing.take(&mut buffer).unwrap_err();
        assert!(error.message.contains("HTTP/1.1") && error.kind == ErrorKind::Protocol, "{error:?}");
        assert!(framing.is_whole(&buffer) && buffer.capacity() < 1000);
    }

    #[test]
    fn a_peer_that_answers_with_tls_is_recognised() {
        let mut buffer = BytesMut::from(&b"\x15\x03\x03\0\x02\x02P"[..]);
        let error = framing(0, 4, false, 0).take(&mut buffer).unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Protocol, Some("TLS_WANTED")));
    }

    #[test]
    fn a_negative_length_and_a_bad_prefix_are_refused() {
        let mut buffer = BytesMut::from(&b"Q\0\0\0\x03"[..]);
        assert!(framing(1, 4, false, -4).take(&mut buffer).is_err());
        let prefix = LengthPrefix { offset: 0, width: 5, little_endian: false, adjust: 0, bytes_max: 1 };
        assert!(Framing::new(prefix).is_err());
        assert!(framing(1, 1, false, 0).prefix(&[0; 300]).is_err());
    }
}
