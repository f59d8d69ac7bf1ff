//! JSON where the contract has it: texts to values and back, and JSON Pointers to single members.

use serde::{Serialize, de::DeserializeOwned};
pub use serde_json::{Map, Value, json};

use crate::{Error, Result};

pub fn parse<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::from(error).during(what))
}

/// For what cannot fail to serialise: string keys and plain data. A failure gives `null`, never a trap.
pub fn text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// The reference tokens of a pointer, unescaped: `/config/a~1b` is `["config", "a/b"]`.
pub fn pointer_tokens(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
}

/// A pointer from tokens, escaped.
pub fn pointer<'a>(tokens: impl IntoIterator<Item = &'a str>) -> String {
    let mut pointer = String::new();
    for token in tokens {
        pointer.push('/');
        pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_escape_and_come_back() {
        let text = pointer(["config", "a/b~c"]);
        assert_eq!(text, "/config/a~1b~0c");
        assert_eq!(pointer_tokens(&text), ["config", "a/b~c"]);
        assert!(pointer_tokens("").is_empty());
    }
}
