//! The connection form: what it asks for, and what was filled in.

use headgate_sdk::address::{self, Address};
use headgate_sdk::json::{self, Value, json};
use headgate_sdk::net::Tls;
use headgate_sdk::{Error, NamedNode, Result};
use serde::Deserialize;

/// Kafka's own default.
const PORT: u16 = 9092;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) bootstrap: Vec<Address>,
    pub(crate) tls: Option<Tls>,
    pub(crate) login: Option<Login>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Login {
    pub(crate) mechanism: Mechanism,
    pub(crate) username: String,
    /// The secret's name.
    pub(crate) password: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Plain,
    ScramSha256,
    ScramSha512,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    bootstrap: String,
    #[serde(default)]
    security: Security,
    mechanism: Option<String>,
    username: Option<String>,
    /// The names under which the host keeps them.
    password: Option<Value>,
    identity: Option<Value>,
    ca: Option<String>,
    server_name: Option<String>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
enum Security {
    #[default]
    #[serde(rename = "PLAINTEXT")]
    Plaintext,
    #[serde(rename = "SSL")]
    Tls,
    #[serde(rename = "SASL_PLAINTEXT")]
    SaslPlaintext,
    #[serde(rename = "SASL_SSL")]
    SaslTls,
}

impl Mechanism {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }

    fn parse(name: &str) -> Result<Self> {
        match name {
            "PLAIN" => Ok(Self::Plain),
            "SCRAM-SHA-256" => Ok(Self::ScramSha256),
            "SCRAM-SHA-512" => Ok(Self::ScramSha512),
            "GSSAPI" | "OAUTHBEARER" => {
                let message = format!(
                    "{name} is not supported yet: use SCRAM-SHA-512, or TLS with a client certificate"
                );
                Err(Error::unsupported(message))
            }
            other => Err(Error::invalid_argument(format_args!(
                "`mechanism` is {other}, not PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
            ))),
        }
    }
}

impl Settings {
    pub(crate) fn parse(form: &str) -> Result<Self> {
        let form: Form = json::parse(form, "read the connection form")?;
        let tls = matches!(form.security, Security::Tls | Security::SaslTls);
        let sasl = matches!(form.security, Security::SaslPlaintext | Security::SaslTls);
        Ok(Self {
            bootstrap: addresses(&form.bootstrap)?,
            tls: tls.then(|| trust(&form)),
            login: if sasl { Some(login(form)?) } else { None },
        })
    }

    /// The cluster tells of all its brokers: a node that a person named is one more address to begin at.
    pub(crate) fn beginning_at(mut self, nodes: &[NamedNode]) -> Self {
        address::extend(&mut self.bootstrap, nodes, PORT);
        self
    }
}

fn trust(form: &Form) -> Tls {
    Tls {
        server_name: form.server_name.clone(),
        trust: form.ca.as_ref().map(|_| "ca".to_owned()),
        identity: form.identity.as_ref().map(|name| secret_name(name, "identity")),
    }
}

fn login(form: Form) -> Result<Login> {
    let missing =
        |field: &str| Error::invalid_argument(format_args!("`security` asks for a login: set `{field}`"));
    Ok(Login {
        mechanism: Mechanism::parse(&form.mechanism.ok_or_else(|| missing("mechanism"))?)?,
        username: form.username.ok_or_else(|| missing("username"))?,
        password: secret_name(&form.password.ok_or_else(|| missing("password"))?, "password"),
    })
}

fn secret_name(value: &Value, field: &str) -> String {
    value.as_str().unwrap_or(field).to_owned()
}

fn addresses(text: &str) -> Result<Vec<Address>> {
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Err(Error::invalid_argument("`bootstrap` names no address: give HOST:PORT[,HOST:PORT…]"));
    }
    let bad = |part: &str| {
        Error::invalid_argument(format_args!("`bootstrap` holds {part:?}, which is not HOST:PORT"))
    };
    parts.into_iter().map(|part| address::parse(part, PORT).ok_or_else(|| bad(part))).collect()
}

/// The form as JSON Schema, with the hints that a console shows it by.
pub(crate) fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["bootstrap"],
        "additionalProperties": false,
        // Of the secrets that users name: the host salts them and sends the outcome.
        "x-headgate-named-secrets": ["salted", "send"],
        "properties": {
            "bootstrap": {
                "type": "string", "title": "Bootstrap addresses", "minLength": 1, "pattern": address::PATTERN,
                "description": "HOST:PORT[,HOST:PORT…] of one or more brokers; the others are found",
                "examples": ["kafka-1:9092,kafka-2:9092"], "x-headgate-order": 1
            },
            "security": {
                "type": "string", "title": "Security", "default": "PLAINTEXT", "x-headgate-order": 2,
                "enum": ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
                "description": "How the listener at these addresses is secured"
            },
            "mechanism": {
                "type": "string", "title": "SASL mechanism", "x-headgate-order": 3,
                "enum": ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
                "x-headgate-when": {"security": ["SASL_PLAINTEXT", "SASL_SSL"]}
            },
            "username": {
                "type": "string", "title": "User name", "minLength": 1, "x-headgate-order": 4,
                "x-headgate-when": {"security": ["SASL_PLAINTEXT", "SASL_SSL"]}
            },
            "password": {
                "type": "string", "title": "Password", "writeOnly": true, "x-headgate-order": 5,
                "x-headgate-secret": ["scram", "send"],
                "x-headgate-when": {"security": ["SASL_PLAINTEXT", "SASL_SSL"]}
            },
            "ca": {
                "type": "string", "title": "Trusted authorities", "x-headgate-order": 6,
                "description": "PEM text; the system's authorities where empty",
                "x-headgate-widget": "pem", "x-headgate-tier": "advanced",
                "x-headgate-when": {"security": ["SSL", "SASL_SSL"]}
            },
            "identity": {
                "type": "string", "title": "Client certificate and key", "writeOnly": true, "x-headgate-order": 7,
                "description": "PEM text of the certificate and its key", "x-headgate-secret": ["tls"],
                "x-headgate-widget": "pem", "x-headgate-tier": "advanced",
                "x-headgate-when": {"security": ["SSL", "SASL_SSL"]}
            },
            "server_name": {
                "type": "string", "title": "Server name", "minLength": 1, "x-headgate-order": 8,
                "description": "The name to verify in the brokers' certificates; the connected host where empty",
                "x-headgate-tier": "advanced", "x-headgate-when": {"security": ["SSL", "SASL_SSL"]}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let expect = [("a", 9092), ("b.c", 19092), ("::1", 1)].map(|(host, port)| (host.to_owned(), port));
        assert_eq!(addresses("a, b.c:19092,[::1]:1,").unwrap(), expect);
        for bad in ["", ",", "a:b", "a:0", ":9092", "http://a:9092", "a:70000"] {
            assert!(addresses(bad).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn a_plain_form_needs_only_addresses() {
        let settings = Settings::parse(r#"{"bootstrap": "a:1"}"#).unwrap();
        assert_eq!((settings.tls, settings.login), (None, None));
    }

    #[test]
    fn a_secured_form_names_its_secrets() {
        let form = json!({
            "bootstrap": "a:1", "security": "SASL_SSL", "mechanism": "SCRAM-SHA-512", "username": "alice",
            "password": "secret-7", "ca": "-----BEGIN", "identity": "secret-8"
        });
        let settings = Settings::parse(&form.to_string()).unwrap();
        let login = settings.login.unwrap();
        assert_eq!((login.mechanism, login.password.as_str()), (Mechanism::ScramSha512, "secret-7"));
        let tls = settings.tls.unwrap();
        assert_eq!((tls.trust.as_deref(), tls.identity.as_deref()), (Some("ca"), Some("secret-8")));
    }

    #[test]
    fn what_is_missing_or_not_known_is_named() {
        let error = |form: Value| Settings::parse(&form.to_string()).unwrap_err().message;
        let form = json!({"bootstrap": "a:1", "security": "SASL_SSL"});
        assert!(error(form).contains("set `mechanism`"));
        let form = json!({"bootstrap": "a:1", "security": "SASL_SSL", "mechanism": "GSSAPI"});
        assert!(error(form).contains("GSSAPI is not supported yet"));
        assert!(error(json!({"bootstrap": "a:1", "pasword": "x"})).contains("pasword"));
    }
}
