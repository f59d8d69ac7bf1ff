//! Reads `DescribeConfigs` answers in place. A listing of ten thousand topics holds 350,000 entries of which next to none
//! were set: the library's reader would allocate for each what is dropped at once.

use headgate_sdk::json::{Map, Value};
use headgate_sdk::{Error, Result};
use kafka_protocol::messages::ApiKey;

use super::Raw;

/// From this version on lengths are varints and structures end with tagged fields.
const FLEXIBLE: i16 = 4;
/// From this version on an entry tells its type and documentation.
const TYPED: i16 = 3;

/// What the broker told of one resource.
#[derive(Debug, PartialEq)]
pub(crate) struct Told<'a> {
    pub(crate) name: &'a str,
    pub(crate) code: i16,
    pub(crate) message: Option<&'a str>,
    /// The entries that were set at the asked source; a sensitive value is not told, so nothing is claimed about it.
    pub(crate) set: Map<String, Value>,
}

/// All that the answer tells, in its order; `source` is Kafka's `config_source`.
pub(crate) fn set_at(source: i8, (version, frame): &Raw) -> Result<Vec<Told<'_>>> {
    let mut reader = Reader { rest: frame, is_flexible: *version >= FLEXIBLE };
    reader.told(*version, source).ok_or_else(|| {
        let key = ApiKey::DescribeConfigs as i16;
        Error::protocol(format_args!("the answer to request {key} version {version} has a bad body"))
    })
}

/// Every read gives None past the end, and for text that is none.
struct Reader<'a> {
    rest: &'a [u8],
    is_flexible: bool,
}

impl<'a> Reader<'a> {
    fn told(&mut self, version: i16, source: i8) -> Option<Vec<Told<'a>>> {
        let _correlation_id = self.bytes(4)?;
        self.tagged()?;
        let _throttle_time_ms = self.bytes(4)?;
        let count = self.count()?;
        let mut all = Vec::new();
        for _ in 0..count {
            let code = self.int16()?;
            let message = self.text()?;
            let _resource_type = self.byte()?;
            let name = self.text()??;
            let mut set = Map::new();
            for _ in 0..self.count()? {
                self.entry(version, source, &mut set)?;
            }
            self.tagged()?;
            all.push(Told { name, code, message, set });
        }
        self.tagged()?;
        self.rest.is_empty().then_some(all)
    }

    fn entry(&mut self, version: i16, wanted: i8, set: &mut Map<String, Value>) -> Option<()> {
        let name = self.raw_text()??;
        let value = self.raw_text()?;
        let _is_read_only = self.byte()?;
        let source = self.byte()?.cast_signed();
        let is_sensitive = self.byte()? != 0;
        for _ in 0..self.count()? {
            let _name = self.raw_text()?;
            let _value = self.raw_text()?;
            let _source = self.byte()?;
            self.tagged()?;
        }
        if version >= TYPED {
            let _config_type = self.byte()?;
            let _documentation = self.raw_text()?;
        }
        self.tagged()?;
        if let Some(value) = value
            && source == wanted
            && !is_sensitive
        {
            let (name, value) = (std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?);
            set.insert(name.to_owned(), Value::String(value.to_owned()));
        }
        Some(())
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn int16(&mut self) -> Option<i16> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(i16::from_be_bytes(*taken))
    }

    fn varint(&mut self) -> Option<usize> {
        let mut value: u32 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(value).ok();
            }
        }
        None
    }

    /// How many follow; none where the array is null.
    fn count(&mut self) -> Option<usize> {
        if self.is_flexible {
            return Some(self.varint()?.saturating_sub(1));
        }
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(usize::try_from(i32::from_be_bytes(*taken)).unwrap_or_default())
    }

    /// The outer None is a broken answer, the inner one a null.
    fn raw_text(&mut self) -> Option<Option<&'a [u8]>> {
        let length = if self.is_flexible {
            self.varint()?.checked_sub(1)
        } else {
            usize::try_from(self.int16()?).ok()
        };
        match length {
            Some(length) => self.bytes(length).map(Some),
            None => Some(None),
        }
    }

    fn text(&mut self) -> Option<Option<&'a str>> {
        match self.raw_text()? {
            Some(bytes) => std::str::from_utf8(bytes).ok().map(Some),
            None => Some(None),
        }
    }

    fn tagged(&mut self) -> Option<()> {
        if !self.is_flexible {
            return Some(());
        }
        for _ in 0..self.varint()? {
            let _tag = self.varint()?;
            let length = self.varint()?;
            self.bytes(length)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use headgate_sdk::json::json;
    use kafka_protocol::messages::describe_configs_response::{
        DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
    };
    use kafka_protocol::messages::{DescribeConfigsResponse, ResponseHeader};
    use kafka_protocol::protocol::{Encodable, HeaderVersion, StrBytes};

    use super::*;
    use crate::configs::{SOURCE_BROKER, SOURCE_TOPIC};

    fn entry(
        name: &str,
        value: Option<&str>,
        source: i8,
        is_sensitive: bool,
    ) -> DescribeConfigsResourceResult {
        let text = |text: &str| StrBytes::from_string(text.to_owned());
        let synonym =
            DescribeConfigsSynonym::default().with_name(text("log.x")).with_value(None).with_source(5);
        DescribeConfigsResourceResult::default()
            .with_name(text(name))
            .with_value(value.map(text))
            .with_config_source(source)
            .with_is_sensitive(is_sensitive)
            .with_synonyms(vec![synonym])
    }

    fn frame(version: i16) -> Vec<u8> {
        let long = "x".repeat(300);
        let configs = vec![
            entry("retention.ms", Some("7"), SOURCE_TOPIC, false),
            entry("segment.ms", Some("8"), SOURCE_BROKER, false),
            entry("secret", Some("9"), SOURCE_TOPIC, true),
            entry("null", None, SOURCE_TOPIC, false),
            entry("long", Some(&long), SOURCE_TOPIC, false),
        ];
        let found = DescribeConfigsResult::default()
            .with_resource_name(StrBytes::from_static_str("orders"))
            .with_error_message(None)
            .with_configs(configs);
        let lost = DescribeConfigsResult::default()
            .with_resource_name(StrBytes::from_static_str("gone"))
            .with_error_code(3)
            .with_error_message(Some(StrBytes::from_static_str("no such topic")));
        let response = DescribeConfigsResponse::default().with_results(vec![found, lost]);
        let mut frame = BytesMut::new();
        let header = DescribeConfigsResponse::header_version(version);
        ResponseHeader::default().encode(&mut frame, header).unwrap();
        response.encode(&mut frame, version).unwrap();
        frame.into()
    }

    #[test]
    fn every_version_is_read_as_the_library_writes_it() {
        for version in 1..=4 {
            let raw = (version, frame(version));
            let told = set_at(SOURCE_TOPIC, &raw).unwrap();
            let [found, lost] = told.as_slice() else { panic!("{told:?}") };
            assert_eq!((found.name, found.code, found.message), ("orders", 0, None), "version {version}");
            let expected = json!({"retention.ms": "7", "long": "x".repeat(300)});
            assert_eq!(Value::Object(found.set.clone()), expected, "version {version}");
            assert_eq!((lost.name, lost.code, lost.message), ("gone", 3, Some("no such topic")));
        }
    }

    #[test]
    fn a_cut_answer_is_an_error_at_every_length() {
        for version in 1..=4 {
            let whole = frame(version);
            for length in 0..whole.len() {
                assert!(
                    set_at(SOURCE_TOPIC, &(version, whole[..length].to_vec())).is_err(),
                    "{version} {length}"
                );
            }
            let longer = [whole, vec![0]].concat();
            assert!(set_at(SOURCE_TOPIC, &(version, longer)).is_err());
        }
    }
}
