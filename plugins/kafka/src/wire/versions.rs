//! The first exchange on every connection: which requests the broker knows, in which versions, and its features.
//!
//! Invariant: the answer is read by hand with every count checked against the bytes that are there, because anything may
//! answer on that port, and a decoder that reserves memory by a count on the wire would end the whole instance.

use std::collections::BTreeMap;

use headgate_sdk::{Error, Result};
use kafka_protocol::messages::ApiVersionsRequest;
use kafka_protocol::protocol::{Request, StrBytes, VersionRange};

use super::encode;

/// Flexible, and with features; every Kafka since 2.4 knows it.
const VERSION: i16 = 3;

const UNSUPPORTED_VERSION: i16 = 35;

#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Versions {
    ranges: BTreeMap<i16, (i16, i16)>,
    /// The highest level of each feature that this broker's software can.
    pub(crate) supported: BTreeMap<String, i16>,
    /// The level of each feature that the whole cluster has agreed on.
    pub(crate) finalized: BTreeMap<String, i16>,
}

impl Versions {
    /// The newest version of the request with this key that both sides know.
    pub(crate) fn agree(&self, key: i16, ours: VersionRange, peer: &str) -> Result<i16> {
        let Some((min, max)) = self.ranges.get(&key).copied() else {
            let message =
                format!("{peer} does not know request {key}: its Kafka is too old or it is switched off");
            return Err(Error::unsupported(message).code("UNSUPPORTED_VERSION"));
        };
        if max < ours.min || min > ours.max {
            let message = format!(
                "{peer} speaks request {key} in versions {min} to {max}, this plugin in {} to {}",
                ours.min, ours.max
            );
            return Err(Error::unsupported(message).code("UNSUPPORTED_VERSION"));
        }
        Ok(max.min(ours.max))
    }

    /// Whether the broker knows a request from this version on.
    pub(crate) fn knows<R: Request>(&self, version: i16) -> bool {
        self.ranges.get(&R::KEY).is_some_and(|(_, max)| *max >= version)
    }
}

pub(crate) fn request(id: i32) -> Result<Vec<u8>> {
    let request = ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("headgate-kafka"))
        .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
    encode(&request, VERSION, id)
}

/// Reads the answer, correlation id included.
pub(crate) fn parse(frame: &[u8]) -> Result<Versions> {
    let mut reader = Reader(frame);
    reader.take(4)?;
    let code = reader.int16()?;
    if code == UNSUPPORTED_VERSION {
        let message = "the broker is older than Kafka 2.4, which this plugin cannot manage";
        return Err(Error::unsupported(message).code("UNSUPPORTED_VERSION"));
    }
    if code != 0 {
        return Err(super::codes::error(code, None, "ask for the versions"));
    }
    let mut versions = Versions::default();
    for _ in 0..reader.count(7)? {
        let (key, min, max) = (reader.int16()?, reader.int16()?, reader.int16()?);
        reader.skip_tags()?;
        versions.ranges.insert(key, (min, max));
    }
    reader.take(4)?;
    for _ in 0..reader.varint()? {
        let tag = reader.varint()?;
        let length = reader.varint()?;
        let mut field = Reader(reader.take(length as usize)?);
        match tag {
            0 => versions.supported = field.features(|_, max| max)?,
            2 => versions.finalized = field.features(|max, _| max)?,
            _ => {}
        }
    }
    if versions.ranges.is_empty() {
        return Err(malformed("it names no request"));
    }
    Ok(versions)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(|| malformed("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn int16(&mut self) -> Result<i16> {
        let bytes = self.take(2)?;
        bytes
            .first_chunk()
            .map(|bytes| i16::from_be_bytes(*bytes))
            .ok_or_else(|| malformed("it ends too early"))
    }

    fn varint(&mut self) -> Result<u32> {
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.take(1)?.first().copied().unwrap_or_default();
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(malformed("a number is too long"))
    }

    /// Entries of a compact array, each of at least so many bytes.
    fn count(&mut self, entry_bytes: usize) -> Result<usize> {
        let count = (self.varint()? as usize).saturating_sub(1);
        match count.checked_mul(entry_bytes) {
            Some(bytes) if bytes <= self.0.len() => Ok(count),
            _ => Err(malformed("it names more entries than it holds")),
        }
    }

    fn skip_tags(&mut self) -> Result<()> {
        for _ in 0..self.varint()? {
            self.varint()?;
            let length = self.varint()?;
            self.take(length as usize)?;
        }
        Ok(())
    }

    /// Name, two levels, tags; `pick` chooses which level counts.
    fn features(&mut self, pick: fn(i16, i16) -> i16) -> Result<BTreeMap<String, i16>> {
        let mut features = BTreeMap::new();
        for _ in 0..self.count(6)? {
            let length = (self.varint()? as usize).saturating_sub(1);
            let name = String::from_utf8_lossy(self.take(length)?).into_owned();
            let (first, second) = (self.int16()?, self.int16()?);
            self.skip_tags()?;
            features.insert(name, pick(first, second));
        }
        Ok(features)
    }
}

fn malformed(what: &str) -> Error {
    Error::protocol(format_args!("the answer to the first request is not Kafka's: {what}"))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::{MetadataRequest, ProduceRequest};
    use kafka_protocol::protocol::Message;

    use super::*;

    /// Correlation 1, no error, Metadata 0 to 13, no throttle, supported `metadata.version` 1 to 27, finalized to 26.
    fn answer() -> Vec<u8> {
        let mut frame = vec![0, 0, 0, 1, 0, 0, 2, 0, 3, 0, 0, 0, 13, 0, 0, 0, 0, 0, 2];
        let feature = |levels: [u8; 4]| {
            let mut field = vec![2, 17];
            field.extend_from_slice(b"metadata.version");
            field.extend_from_slice(&levels);
            field.push(0);
            field
        };
        for (tag, levels) in [(0, [0, 1, 0, 27]), (2, [0, 26, 0, 26])] {
            let field = feature(levels);
            frame.extend_from_slice(&[tag, u8::try_from(field.len()).unwrap()]);
            frame.extend_from_slice(&field);
        }
        frame
    }

    #[test]
    fn versions_and_features_are_read() {
        let versions = parse(&answer()).unwrap();
        let agree = |key, range| versions.agree(key, range, "peer");
        assert_eq!(agree(MetadataRequest::KEY, MetadataRequest::VERSIONS).unwrap(), 13);
        assert_eq!(versions.supported["metadata.version"], 27);
        assert_eq!(versions.finalized["metadata.version"], 26);
        assert!(versions.knows::<MetadataRequest>(12));
        let error = agree(ProduceRequest::KEY, ProduceRequest::VERSIONS).unwrap_err();
        assert_eq!(error.code.as_deref(), Some("UNSUPPORTED_VERSION"));
    }

    #[test]
    fn every_cut_of_an_answer_is_an_error() {
        let whole = answer();
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_err(), "{length} bytes were taken for an answer");
        }
    }

    #[test]
    fn a_huge_count_reserves_nothing() {
        let error = parse(&[0, 0, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 3, 0, 0]).unwrap_err();
        assert!(error.message.contains("more entries than it holds"), "{}", error.message);
    }

    #[test]
    fn an_old_broker_is_named() {
        let error = parse(&[0, 0, 0, 1, 0, 35, 0, 0, 0, 0]).unwrap_err();
        assert!(error.message.contains("older than Kafka 2.4"), "{}", error.message);
    }
}
