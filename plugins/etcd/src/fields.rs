//! Single members of the gateway's answers. It leaves out what is zero or empty, and writes 64-bit numbers as texts: what is
//! missing or odd is not known, and never an error.

use headgate_sdk::json::Value;

/// `"42"` or `42`.
pub(crate) fn number(value: &Value, pointer: &str) -> Option<u64> {
    match value.pointer(pointer)? {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
}

pub(crate) fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Those items of a list that are texts.
pub(crate) fn texts(value: &Value, pointer: &str) -> Vec<String> {
    items(value, pointer).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(crate) fn flag(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;

    use super::*;

    #[test]
    fn numbers_are_read_however_they_are_written() {
        let value = json!({"a": "18446744073709551615", "b": 7, "c": -1, "d": "x", "e": null});
        let read = ["/a", "/b", "/c", "/d", "/e", "/f"].map(|pointer| number(&value, pointer));
        assert_eq!(read, [Some(u64::MAX), Some(7), None, None, None, None]);
    }

    #[test]
    fn what_is_odd_is_as_if_it_were_missing() {
        let value = json!({"list": ["a", 1, "b"], "text": "", "flag": "true"});
        assert_eq!(texts(&value, "/list"), ["a", "b"]);
        assert_eq!((text(&value, "/text"), flag(&value, "/flag")), (None, false));
        assert!(items(&value, "/text").is_empty() && items(&value, "/none").is_empty());
    }
}
