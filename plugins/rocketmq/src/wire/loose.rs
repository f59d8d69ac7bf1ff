//! JSON as RocketMQ writes it: maps with numbers, or whole objects, as keys (`{0:"a"}`, `{{"queueId":2}:{"max":9}}`).
//!
//! A key that is no text becomes the text of its JSON. What is strict JSON is read as such, which is faster.

use headgate_sdk::json::{Map, Value};
use headgate_sdk::{Error, Result, json};

/// Nothing of RocketMQ's is as deep; what is deeper would only exhaust the stack.
const DEPTH_MAX: usize = 64;

pub(crate) fn parse(bytes: &[u8]) -> Result<Value> {
    match serde_json::from_slice(bytes) {
        Ok(value) => Ok(value),
        Err(_) => tolerant(bytes),
    }
}

fn tolerant(bytes: &[u8]) -> Result<Value> {
    let text = std::str::from_utf8(bytes).map_err(|error| malformed(error.valid_up_to(), "is not UTF-8"))?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(DEPTH_MAX)?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.wrong("goes on behind its end"));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// The next sign that is no space, which stays.
    fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.rest().bytes().next()
    }

    fn take(&mut self, sign: u8) -> bool {
        let found = self.peek() == Some(sign);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        let Some(depth) = depth.checked_sub(1) else { return Err(self.wrong("is nested too deeply")) };
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string(),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value> {
        self.at += 1;
        let mut object = Map::new();
        while !self.take(b'}') {
            let key = match self.value(depth)? {
                Value::String(key) => key,
                key => json::text(&key),
            };
            if !self.take(b':') {
                return Err(self.wrong("has a key without a value"));
            }
            object.insert(key, self.value(depth)?);
            if !self.take(b',') && self.peek() != Some(b'}') {
                return Err(self.wrong("has an object that does not end"));
            }
        }
        Ok(Value::Object(object))
    }

    fn array(&mut self, depth: usize) -> Result<Value> {
        self.at += 1;
        let mut array = Vec::new();
        while !self.take(b']') {
            array.push(self.value(depth)?);
            if !self.take(b',') && self.peek() != Some(b']') {
                return Err(self.wrong("has a list that does not end"));
            }
        }
        Ok(Value::Array(array))
    }

    fn string(&mut self) -> Result<Value> {
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.bytes().enumerate().skip(1).find(|(_, sign)| {
            let ends = *sign == b'"' && !escaped;
            escaped = *sign == b'\\' && !escaped;
            ends
        });
        let text = end.and_then(|(end, _)| rest.get(..=end));
        let text = text.ok_or_else(|| self.wrong("has a text that does not end"))?;
        let value = serde_json::from_str(text).map_err(|error| self.wrong(&error.to_string()))?;
        self.at += text.len();
        Ok(value)
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<Value> {
        let rest = self.rest();
        let part = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '+' | '.');
        let length = rest.find(|sign| !part(sign)).unwrap_or(rest.len());
        let value = rest.get(..length).and_then(|word| serde_json::from_str(word).ok());
        let value = value.ok_or_else(|| self.wrong("has no value"))?;
        self.at += length;
        Ok(value)
    }

    fn wrong(&self, what: &str) -> Error {
        malformed(self.at, what)
    }
}

fn malformed(at: usize, what: &str) -> Error {
    Error::protocol(format_args!("the answer's JSON {what}, at byte {at}"))
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;

    use super::*;

    fn check(text: &str, expected: &Value) {
        assert_eq!(parse(text.as_bytes()).as_ref(), Ok(expected), "{text}");
        assert_eq!(tolerant(text.as_bytes()).as_ref(), Ok(expected), "{text}");
    }

    #[test]
    fn strict_json_is_read() {
        check(
            r#" {"a": [1, -2.5e3, true, null, "x\"\\\u00e4"], "b": {}} "#,
            &json!({"a": [1, -2500.0, true, null, "x\"\\ä"], "b": {}}),
        );
    }

    #[test]
    fn numbers_and_objects_are_keys() {
        let table = parse(br#"{"brokerAddrs":{0:"127.0.0.1:9886",1:"b"}}"#).unwrap();
        assert_eq!(table, json!({"brokerAddrs": {"0": "127.0.0.1:9886", "1": "b"}}));
        let table =
            parse(br#"{"offsetTable":{{"brokerName":"a","queueId":2}:{"max":9}},"tps":0.0}"#).unwrap();
        assert_eq!(table["offsetTable"][r#"{"brokerName":"a","queueId":2}"#]["max"], 9);
    }

    #[test]
    fn every_cut_is_an_error() {
        let whole = r#"{{"a":2}:{0:[1,"x"]},"b":true}"#;
        assert!(parse(whole.as_bytes()).is_ok());
        for length in 0..whole.len() {
            assert!(parse(&whole.as_bytes()[..length]).is_err(), "{length} bytes were taken");
        }
        for bad in ["{0:1}}", "{0 1}", "{0:1 2:3}", "[1 2]", "{x:1}", "\u{1}"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad} was taken");
        }
        assert!(parse(&[b'"', 0xff, b'"']).is_err());
    }

    #[test]
    fn depth_has_a_limit() {
        assert!(parse("{0:".repeat(100_000).as_bytes()).is_err());
    }
}
