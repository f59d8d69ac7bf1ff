//! The header of a frame, in both ways of writing it: JSON, and RocketMQ's own binary.

use headgate_sdk::json::Value;
use headgate_sdk::{Error, Result};
use serde::Deserialize;

/// Bit of `flag`: the frame is an answer.
pub(super) const ANSWER: i32 = 1;

const JSON: u8 = 0;
const BINARY: u8 = 1;

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Header {
    pub(super) code: i32,
    pub(super) opaque: i32,
    #[serde(default)]
    pub(super) flag: i32,
    #[serde(default)]
    pub(super) remark: Option<String>,
    #[serde(default, rename = "extFields")]
    pub(super) fields: Value,
}

impl Header {
    /// The header, and the bytes behind it.
    pub(super) fn read(frame: &[u8]) -> Result<(Self, &[u8])> {
        let (mark, rest) = frame.split_first_chunk::<4>().ok_or_else(|| malformed("it ends too early"))?;
        let [kind, high, middle, low] = *mark;
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        let (header, body) = rest.split_at_checked(length).ok_or_else(|| malformed("it ends too early"))?;
        let header = match kind {
            JSON => serde_json::from_slice(header).map_err(|error| malformed(&error.to_string()))?,
            BINARY => binary(header)?,
            other => return Err(malformed(&format!("it is written in the unknown way {other}"))),
        };
        Ok((header, body))
    }
}

/// Code 2, language 1, version 2, opaque 4, flag 4, remark (4 and text), fields (4 and texts), which nobody here reads.
fn binary(bytes: &[u8]) -> Result<Header> {
    let mut reader = Reader(bytes);
    let [high, low] = reader.take()?;
    let code = i32::from(i16::from_be_bytes([high, low]));
    reader.take::<3>()?;
    let opaque = i32::from_be_bytes(reader.take()?);
    let flag = i32::from_be_bytes(reader.take()?);
    let length = u32::from_be_bytes(reader.take()?) as usize;
    let remark = reader.0.get(..length).ok_or_else(|| malformed("its remark ends too early"))?;
    let remark = (length > 0).then(|| String::from_utf8_lossy(remark).into_owned());
    Ok(Header { code, opaque, flag, remark, fields: Value::Null })
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(|| malformed("it ends too early"))?;
        self.0 = rest;
        Ok(*taken)
    }
}

fn malformed(what: &str) -> Error {
    Error::protocol(format_args!("the answer's header is not RocketMQ's: {what}")).code("NOT_ROCKETMQ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, header: &[u8], body: &[u8]) -> Vec<u8> {
        let length = u8::try_from(header.len()).unwrap();
        [&[kind, 0, 0, length][..], header, body].concat()
    }

    #[test]
    fn a_header_in_json_is_read() {
        let bytes = frame(0, br#"{"code":17,"flag":1,"opaque":-3,"remark":"none","version":513}"#, b"body");
        let (header, body) = Header::read(&bytes).unwrap();
        assert_eq!((header.code, header.flag, header.opaque, body), (17, 1, -3, &b"body"[..]));
        assert_eq!(header.remark.as_deref(), Some("none"));
    }

    #[test]
    fn a_binary_header_is_read() {
        let header = [0, 17, 0, 1, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, b'n', b'o', 0, 0, 0, 0];
        let bytes = frame(1, &header, b"{}");
        let (header, body) = Header::read(&bytes).unwrap();
        assert_eq!((header.code, header.opaque, header.flag, body), (17, 5, 1, &b"{}"[..]));
        assert_eq!(header.remark.as_deref(), Some("no"));
    }

    #[test]
    fn every_cut_of_a_header_is_an_error() {
        let header = [0, 17, 0, 1, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, b'n', b'o', 0, 0, 0, 0];
        let bytes = frame(1, &header, b"");
        for length in 0..bytes.len() {
            assert!(Header::read(&bytes[..length]).is_err(), "{length} bytes were taken for a header");
        }
        let lying = [1, 0, 0, 17, 0, 17, 0, 1, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff];
        assert!(Header::read(&lying).is_err());
        assert!(Header::read(b"HTTP/1.1 400 Bad Request").is_err());
    }
}
