//! Configurations on the wire: Java's properties, one `key=value` a line.

use std::collections::BTreeMap;

/// As servers write them: nothing is escaped.
pub(crate) fn read(body: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(body);
    let entry = |line: &str| {
        let (key, value) = line.split_once('=')?;
        Some((key.trim().to_owned(), value.trim().to_owned()))
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(entry).collect()
}

/// As servers read them: Java's own reader, which takes backslashes for escapes, drops spaces in front of a value, and
/// knows only the first 256 letters of Unicode.
pub(crate) fn write<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut text = String::new();
    for (key, value) in entries {
        text.push_str(key);
        text.push('=');
        for (index, sign) in value.chars().enumerate() {
            match sign {
                ' ' if index == 0 => text.push_str("\\ "),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                sign if sign.is_ascii() => text.push(sign),
                sign => {
                    let mut units = [0; 2];
                    sign.encode_utf16(&mut units)
                        .iter()
                        .for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
                }
            }
        }
        text.push('\n');
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_entries() {
        let read = read(b"# a comment\nbrokerName=broker-a\nurl=http://a=b\nempty=\nno entry\n");
        let entries: Vec<(&str, &str)> =
            read.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(entries, [("brokerName", "broker-a"), ("empty", ""), ("url", "http://a=b")]);
    }

    #[test]
    fn what_java_would_read_otherwise_is_escaped() {
        let written = write([("a", " x\\y=1"), ("b", "ä\n")]);
        assert_eq!(String::from_utf8(written).unwrap(), "a=\\ x\\\\y=1\nb=\\u00e4\\n\n");
    }
}
