//! The connection form: what it asks for, and what was filled in.

use headgate_sdk::address::{self, Address};
use headgate_sdk::json::{self, Value, json};
use headgate_sdk::net::Tls;
use headgate_sdk::{Error, NamedNode, Result};
use serde::Deserialize;

/// Redis' own default.
pub(crate) const PORT: u16 = 6379;

/// Who is not asked for a name is this user.
pub(crate) const DEFAULT_USER: &str = "default";

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) addresses: Vec<Address>,
    pub(crate) tls: Option<Tls>,
    pub(crate) login: Option<Login>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Login {
    /// None with a password alone, as before Redis 6.
    pub(crate) username: Option<String>,
    /// The secret's name.
    pub(crate) password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    addresses: String,
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
        // A name without a password is refused by the schema.
        let username = form.username;
        let login = form.password.map(|name| Login { username, password: secret(&name, "password") });
        Ok(Self { addresses: addresses(&form.addresses)?, tls, login })
    }

    /// A node that a person named is one more address to begin at: what it is, it tells itself.
    pub(crate) fn beginning_at(mut self, nodes: &[NamedNode]) -> Self {
        address::extend(&mut self.addresses, nodes, PORT);
        self
    }

    /// Whom Headgate is to the servers.
    pub(crate) fn user(&self) -> &str {
        let named = self.login.as_ref().and_then(|login| login.username.as_deref());
        named.unwrap_or(DEFAULT_USER)
    }
}

fn addresses(text: &str) -> Result<Vec<Address>> {
    let addresses = address::list(text, &[','], PORT).map_err(|part| {
        Error::invalid_argument(format_args!(
            "`addresses` holds {part:?}, which is not HOST:PORT; whether they speak TLS is said by `security`"
        ))
    })?;
    if addresses.is_empty() {
        return Err(Error::invalid_argument("`addresses` names no address: give HOST:PORT[,HOST:PORT…]"));
    }
    Ok(addresses)
}

/// The form as JSON Schema, with the hints that a console shows it by.
pub(crate) fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["addresses"],
        "additionalProperties": false,
        "dependentRequired": {"username": ["password"]},
        // For passwords of users.
        "x-headgate-named-secrets": ["send"],
        "properties": {
            "addresses": {
                "type": "string", "title": "Addresses", "minLength": 1, "pattern": address::PATTERN,
                "description": "HOST:PORT[,HOST:PORT…] of some servers of a cluster, or of a master or a replica: the others are found",
                "examples": ["redis-1:6379,redis-2:6379,redis-3:6379"], "x-headgate-order": 1
            },
            "username": {
                "type": "string", "title": "User name", "minLength": 1, "x-headgate-order": 2,
                "description": "Where empty, the password is that of the user `default`, or of requirepass"
            },
            "password": {
                "type": "string", "title": "Password", "writeOnly": true, "x-headgate-order": 3,
                "x-headgate-secret": ["send"],
                "description": "Sent as it is: over a network that others can read, use TLS"
            },
            "security": {
                "type": "string", "title": "Security", "default": "PLAINTEXT", "x-headgate-order": 4,
                "enum": ["PLAINTEXT", "SSL"],
                "description": "How the ports at these addresses are secured, and those that a cluster tells of"
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
        let expect = [("a", 6379), ("b.c", 16379), ("::1", 1)].map(|(host, port)| (host.to_owned(), port));
        assert_eq!(addresses("a, b.c:16379,[::1]:1,a:6379,").unwrap(), expect);
        for bad in ["", ",", "a:b", "a:0", ":6379", "redis://a:6379", "a:70000"] {
            assert!(addresses(bad).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn what_is_secured_names_its_secrets() {
        let form = json!({"addresses": "a", "username": "ops", "password": "secret-7", "security": "SSL"});
        let settings = Settings::parse(&form.to_string()).unwrap();
        assert_eq!(settings.user(), "ops");
        assert_eq!(settings.login.unwrap().password, "secret-7");
        assert_eq!(settings.tls, Some(Tls { server_name: None, trust: None, identity: None }));
        let plain = Settings::parse(r#"{"addresses": "a", "security": "PLAINTEXT"}"#).unwrap();
        assert_eq!((plain.user(), &plain.tls, &plain.login), (DEFAULT_USER, &None, &None));
        assert!(Settings::parse(r#"{"address": "a"}"#).unwrap_err().message.contains("address"));
    }
}
