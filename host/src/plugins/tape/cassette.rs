//! The file: JSON lines, the first says of what it is a recording, then check by check what was exchanged in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::error::ErrorKind;

/// Of the form of the file: another one is not read.
pub const CASSETTE: u32 = 1;

/// What was recorded, and how to ask for it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// `CASSETTE`.
    pub cassette: u32,
    pub kind: String,
    /// Of the plugin that was recorded.
    pub version: String,
    /// The connection form, its secrets by name.
    pub connection: Value,
    /// How long each secret is: messages say how long they are.
    #[serde(default)]
    pub secrets: BTreeMap<String, usize>,
    /// What was written: documents with `type`, `name`, `at`, `spec`.
    #[serde(default)]
    pub wishes: Vec<Value>,
    /// What the plugin's clock began with.
    pub began_at_ms: u64,
}

/// A line below the header. Bytes are text as `text` writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Line {
    /// What follows was exchanged in this check.
    Check {
        check: String,
    },
    Connect {
        /// `HOST:PORT`, as the plugin asked for it.
        connect: String,
        /// The number of the plugin's instance in this check, and of the connection in the file.
        session: u32,
        connection: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<Told>,
    },
    Sent {
        connection: u32,
        out: String,
    },
    Received {
        connection: u32,
        #[serde(rename = "in")]
        received: String,
    },
    /// The peer closed it, or it broke.
    Ended {
        connection: u32,
        end: String,
    },
    Exchange(Box<Exchange>),
}

/// An error as the plugin saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
}

/// A request over `http` and its answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    pub(super) session: u32,
    /// `POST HOST:PORT/path?query`
    pub(super) request: String,
    /// Those that the plugin set. What authorizes is never written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) body: String,
    /// 0 where there was no answer.
    #[serde(default)]
    pub(super) status: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) answer_headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) answer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failed: Option<Told>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Cassette {
    pub header: Header,
    pub(super) checks: BTreeMap<String, Vec<Line>>,
}

#[derive(Debug, thiserror::Error)]
pub enum CassetteError {
    #[error("it is empty, and a cassette begins with a line that says of what it is")]
    Empty,
    #[error("line {0}: {1}; was it made by `headgate plugin test --record`?")]
    Line(usize, String),
    #[error("it is a cassette of the form {0}, this host reads {CASSETTE}: record it again")]
    Version(u32),
    #[error("the secret `{0}` would stand in it in the open: {1}")]
    Secret(String, String),
}

impl Cassette {
    pub fn parse(text: &str) -> Result<Self, CassetteError> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let (_, first) = lines.next().ok_or(CassetteError::Empty)?;
        let wrong =
            |number: usize, error: &serde_json::Error| CassetteError::Line(number + 1, error.to_string());
        let version = serde_json::from_str::<Value>(first).map_err(|error| wrong(0, &error))?;
        let version = version.get("cassette").and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok());
        if let Some(other) = version.filter(|version| *version != CASSETTE) {
            return Err(CassetteError::Version(other));
        }
        let header: Header = serde_json::from_str(first).map_err(|error| wrong(0, &error))?;
        let mut checks: BTreeMap<String, Vec<Line>> = BTreeMap::new();
        let mut current: Option<String> = None;
        for (number, line) in lines {
            match serde_json::from_str(line).map_err(|error| wrong(number, &error))? {
                Line::Check { check } => {
                    checks.entry(check.clone()).or_default();
                    current = Some(check);
                }
                other => {
                    let name = current.as_ref().ok_or_else(|| {
                        CassetteError::Line(number + 1, "it stands before the first check".to_owned())
                    })?;
                    checks.entry(name.clone()).or_default().push(other);
                }
            }
        }
        Ok(Self { header, checks })
    }

    pub fn print(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string(&self.header)?;
        text.push('\n');
        for (check, lines) in &self.checks {
            text.push_str(&serde_json::to_string(&Line::Check { check: check.clone() })?);
            text.push('\n');
            for line in lines {
                text.push_str(&serde_json::to_string(line)?);
                text.push('\n');
            }
        }
        Ok(text)
    }

    /// Whether there is a recording of this check.
    pub fn holds(&self, check: &str) -> bool {
        self.checks.contains_key(check)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cassette_reads_back_as_it_was_written() {
        let header = Header {
            cassette: CASSETTE,
            kind: "toy".to_owned(),
            version: "0.1.0".to_owned(),
            connection: json!({"servers": "127.0.0.1:1"}),
            secrets: BTreeMap::from([("password".to_owned(), 8)]),
            wishes: Vec::new(),
            began_at_ms: 1,
        };
        let lines = vec![
            Line::Connect { connect: "127.0.0.1:1".to_owned(), session: 1, connection: 1, failed: None },
            Line::Sent { connection: 1, out: "%00ping".to_owned() },
            Line::Received { connection: 1, received: "pong".to_owned() },
            Line::Ended { connection: 1, end: "closed".to_owned() },
            Line::Exchange(Box::new(Exchange {
                session: 1,
                request: "GET a:1/".to_owned(),
                ..Exchange::default()
            })),
        ];
        let checks = BTreeMap::from([("contract/paging".to_owned(), lines)]);
        let cassette = Cassette { header, checks };
        let text = cassette.print().unwrap();
        assert_eq!(Cassette::parse(&text).unwrap(), cassette);
        assert!(text.contains("{\"connection\":1,\"in\":\"pong\"}"), "{text}");
    }

    #[test]
    fn what_is_no_cassette_is_told_with_its_line() {
        let told = |text: &str| Cassette::parse(text).unwrap_err().to_string();
        assert!(told("").contains("empty"));
        assert!(told("no json").contains("line 1"));
        assert!(told("{\"cassette\":2}").contains("of the form 2"));
        let header = r#"{"cassette":1,"kind":"a","version":"1","connection":{},"began_at_ms":0}"#;
        assert!(told(&format!("{header}\n{{\"what\":1}}")).contains("line 2"));
        assert!(
            told(&format!("{header}\n{{\"connection\":1,\"end\":\"x\"}}")).contains("before the first check")
        );
    }
}
