//! The connection form: what it asks for, and what was filled in.

use headgate_sdk::json::{self, Value, json};
use headgate_sdk::net::Tls;
use headgate_sdk::{Error, Result};
use serde::Deserialize;

/// etcd's own default.
const PORT: u16 = 2379;

pub(crate) type Address = (String, u16);

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) endpoints: Vec<Address>,
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
    endpoints: String,
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
        Ok(Self { endpoints: addresses(&form.endpoints)?, tls, login })
    }
}

fn addresses(text: &str) -> Result<Vec<Address>> {
    let mut addresses = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let bad = || {
            Error::invalid_argument(format_args!(
                "`endpoints` holds {part:?}, which is not HOST:PORT; whether they speak TLS is said by `security`"
            ))
        };
        let address = address(part).ok_or_else(bad)?;
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err(Error::invalid_argument("`endpoints` names no address: give HOST:PORT[,HOST:PORT…]"));
    }
    Ok(addresses)
}

/// `host`, `host:2379`, `[::1]:2379`.
pub(crate) fn address(text: &str) -> Option<Address> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, port.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port: u16 = port.map_or(Some(PORT), |port| port.parse().ok())?;
    let good = !host.is_empty() && !host.contains(['/', ' ', '@']) && port > 0;
    good.then(|| (host.to_owned(), port))
}

pub(crate) fn shown((host, port): &Address) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// What `addresses` takes; the plugin's own words are better, but come later than the form's.
const ADDRESSES: &str = r"^\s*(\[[0-9A-Fa-f:.]+\]|[^\s,:/@\[\]]+)(:[0-9]{1,5})?\s*(,\s*(\[[0-9A-Fa-f:.]+\]|[^\s,:/@\[\]]+)(:[0-9]{1,5})?\s*)*,?\s*$";

/// The form as JSON Schema, with the hints that a console shows it by.
pub(crate) fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["endpoints"],
        "additionalProperties": false,
        "dependentRequired": {"username": ["password"], "password": ["username"]},
        "properties": {
            "endpoints": {
                "type": "string", "title": "Endpoints", "minLength": 1, "pattern": ADDRESSES,
                "description": "HOST:PORT[,HOST:PORT…] of the members' client ports, without http:// before them",
                "examples": ["etcd-1:2379,etcd-2:2379,etcd-3:2379"], "x-headgate-order": 1
            },
            "username": {
                "type": "string", "title": "User name", "minLength": 1, "x-headgate-order": 2,
                "description": "With the role `root` it sees all users and roles; where authentication is off, none is needed"
            },
            "password": {
                "type": "string", "title": "Password", "writeOnly": true, "x-headgate-order": 3,
                "x-headgate-secret": ["send"],
                "description": "Sent as it is, for a token: over a network that others can read, use TLS"
            },
            "security": {
                "type": "string", "title": "Security", "default": "PLAINTEXT", "x-headgate-order": 4,
                "enum": ["PLAINTEXT", "SSL"],
                "description": "How the client ports of all members are secured"
            },
            "ca": {
                "type": "string", "title": "Trusted authorities", "x-headgate-order": 5,
                "description": "PEM text; the system's authorities where empty",
                "x-headgate-widget": "pem", "x-headgate-tier": "advanced",
                "x-headgate-when": {"security": ["SSL"]}
            },
            "identity": {
                "type": "string", "title": "Client certificate and key", "writeOnly": true, "x-headgate-order": 6,
                "description": "PEM text of the certificate and its key. Where users log in, etcd's gateway takes only one without a common name",
                "x-headgate-secret": ["tls"],
                "x-headgate-widget": "pem", "x-headgate-tier": "advanced",
                "x-headgate-when": {"security": ["SSL"]}
            },
            "server_name": {
                "type": "string", "title": "Server name", "minLength": 1, "x-headgate-order": 7,
                "description": "The name to verify in the members' certificates; the connected host where empty",
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
        let expect = [("a", 2379), ("b.c", 12379), ("::1", 1)].map(|(host, port)| (host.to_owned(), port));
        assert_eq!(addresses("a, b.c:12379,[::1]:1,a:2379,").unwrap(), expect);
        for bad in ["", ",", "a:b", "a:0", ":2379", "a:2379/x", "http://a:2379", "a:70000"] {
            assert!(addresses(bad).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn what_is_secured_names_its_secrets() {
        let form = json!({"endpoints": "a", "username": "ops", "password": "secret-7", "security": "SSL"});
        let settings = Settings::parse(&form.to_string()).unwrap();
        assert_eq!(settings.login.unwrap().password, "secret-7");
        assert_eq!(settings.tls, Some(Tls { server_name: None, trust: None, identity: None }));
        let plain = Settings::parse(r#"{"endpoints": "a", "security": "PLAINTEXT"}"#).unwrap();
        assert_eq!((plain.tls, plain.login), (None, None));
        assert!(Settings::parse(r#"{"endpoint": "a"}"#).unwrap_err().message.contains("endpoint"));
    }
}
