//! The connection form: what it asks for, and what was filled in.

use headgate_sdk::address::{self, Address};
use headgate_sdk::json::{self, Value, json};
use headgate_sdk::net::Tls;
use headgate_sdk::{Error, NamedNode, Result};
use serde::Deserialize;

/// ZooKeeper's own default.
const PORT: u16 = 2181;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) servers: Vec<Address>,
    /// Servers that a person named: an ensemble does not always tell of them, or not where clients reach them.
    pub(crate) named: Vec<(String, Address)>,
    pub(crate) tls: Option<Tls>,
    pub(crate) login: Option<Login>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Login {
    pub(crate) username: String,
    /// The secret's name.
    pub(crate) password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    servers: String,
    /// `SSL` or nothing; the schema takes no other.
    security: Option<String>,
    username: Option<String>,
    /// The names under which the host keeps them.
    password: Option<Value>,
    identity: Option<Value>,
    ca: Option<String>,
    server_name: Option<String>,
}

impl Settings {
    pub(crate) fn parse(form: &str) -> Result<Self> {
        let form: Form = json::parse(form, "read the connection form")?;
        let secret = |value: &Value, field: &str| value.as_str().unwrap_or(field).to_owned();
        let tls = (form.security.as_deref() == Some("SSL")).then(|| Tls {
            server_name: form.server_name.clone(),
            trust: form.ca.as_ref().map(|_| "ca".to_owned()),
            identity: form.identity.as_ref().map(|name| secret(name, "identity")),
        });
        // One without the other is refused by the schema.
        let login = form.username.zip(form.password);
        let login = login.map(|(username, name)| Login { username, password: secret(&name, "password") });
        Ok(Self { servers: addresses(&form.servers)?, named: Vec::new(), tls, login })
    }

    pub(crate) fn with_nodes(mut self, nodes: &[NamedNode]) -> Self {
        let named = nodes.iter().map(|node| Some((node.id.clone(), address::parse(&node.address, PORT)?)));
        self.named = named.flatten().collect();
        self
    }
}

fn addresses(text: &str) -> Result<Vec<Address>> {
    let addresses = address::list(text, &[','], PORT).map_err(|part| {
        Error::invalid_argument(format_args!("`servers` holds {part:?}, which is not HOST:PORT"))
    })?;
    if addresses.is_empty() {
        return Err(Error::invalid_argument("`servers` names no address: give HOST:PORT[,HOST:PORT…]"));
    }
    Ok(addresses)
}

/// The form as JSON Schema, with the hints that a console shows it by.
pub(crate) fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["servers"],
        "additionalProperties": false,
        "dependentRequired": {"username": ["password"], "password": ["username"]},
        "properties": {
            "servers": {
                "type": "string", "title": "Servers", "minLength": 1, "pattern": address::PATTERN,
                "description": "HOST:PORT[,HOST:PORT…] of the servers' client ports, without a path behind them",
                "examples": ["zk-1:2181,zk-2:2181,zk-3:2181"], "x-headgate-order": 1
            },
            "username": {
                "type": "string", "title": "User name", "minLength": 1, "x-headgate-order": 2,
                "description": "Of the digest scheme; ZooKeeper takes any, and shows what their ACLs let it see"
            },
            "password": {
                "type": "string", "title": "Password", "writeOnly": true, "x-headgate-order": 3,
                "x-headgate-secret": ["send"],
                "description": "Sent as it is: over a network that others can read, use TLS"
            },
            "security": {
                "type": "string", "title": "Security", "default": "PLAINTEXT", "x-headgate-order": 4,
                "enum": ["PLAINTEXT", "SSL"],
                "description": "How the client ports at these addresses are secured"
            },
            "ca": {
                "type": "string", "title": "Trusted authorities", "x-headgate-order": 5,
                "description": "PEM text; the system's authorities where empty",
                "x-headgate-widget": "pem", "x-headgate-tier": "advanced",
                "x-headgate-when": {"security": ["SSL"]}
            },
            "identity": {
                "type": "string", "title": "Client certificate and key", "writeOnly": true, "x-headgate-order": 6,
                "description": "PEM text of the certificate and its key", "x-headgate-secret": ["tls"],
                "x-headgate-widget": "pem", "x-headgate-tier": "advanced",
                "x-headgate-when": {"security": ["SSL"]}
            },
            "server_name": {
                "type": "string", "title": "Server name", "minLength": 1, "x-headgate-order": 7,
                "description": "The name to verify in the servers' certificates; the connected host where empty",
                "x-headgate-tier": "advanced", "x-headgate-when": {"security": ["SSL"]}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let expect = [("a", 2181), ("b.c", 12181), ("::1", 1)].map(|(host, port)| (host.to_owned(), port));
        assert_eq!(addresses("a, b.c:12181,[::1]:1,a:2181,").unwrap(), expect);
        for bad in ["", ",", "a:b", "a:0", ":2181", "a:2181/chroot", "a:70000"] {
            assert!(addresses(bad).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn what_is_secured_names_its_secrets() {
        let form = json!({"servers": "a", "username": "ops", "password": "secret-7", "security": "SSL"});
        let settings = Settings::parse(&form.to_string()).unwrap();
        assert_eq!(settings.login.unwrap().password, "secret-7");
        assert_eq!(settings.tls, Some(Tls { server_name: None, trust: None, identity: None }));
        let plain = Settings::parse(r#"{"servers": "a", "security": "PLAINTEXT"}"#).unwrap();
        assert_eq!((plain.tls, plain.login), (None, None));
        assert!(Settings::parse(r#"{"server": "a"}"#).unwrap_err().message.contains("server"));
    }
}
