//! The connection form: what it asks for, and what was filled in.

use headgate_sdk::address::{self, Address};
use headgate_sdk::json::{self, Value, json};
use headgate_sdk::net::Tls;
use headgate_sdk::{Error, NamedNode, Result};
use serde::Deserialize;

use crate::manifest::NAME_SERVER;

/// RocketMQ's own default.
pub(crate) const PORT: u16 = 9876;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) name_servers: Vec<Address>,
    /// Brokers that a person named: a name server tells only of those that call it.
    pub(crate) named_brokers: Vec<String>,
    /// Where the name servers serve several clusters.
    pub(crate) cluster: Option<String>,
    pub(crate) tls: Option<Tls>,
    pub(crate) login: Option<Login>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Login {
    pub(crate) access_key: String,
    /// The secret's name.
    pub(crate) secret_key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    name_servers: String,
    cluster: Option<String>,
    #[serde(default)]
    tls: bool,
    ca: Option<String>,
    server_name: Option<String>,
    access_key: Option<String>,
    /// The names under which the host keeps them.
    identity: Option<Value>,
    secret_key: Option<Value>,
}

impl Settings {
    pub(crate) fn parse(form: &str) -> Result<Self> {
        let form: Form = json::parse(form, "read the connection form")?;
        let tls = tls(&form)?;
        let login = match (form.access_key.filter(|key| !key.is_empty()), form.secret_key) {
            (Some(access_key), Some(secret)) => {
                Some(Login { access_key, secret_key: secret_name(&secret, "secret_key") })
            }
            (None, None) => None,
            (Some(_), None) => {
                return Err(Error::invalid_argument("`access_key` is set: set `secret_key` too"));
            }
            (None, Some(_)) => {
                return Err(Error::invalid_argument("`secret_key` is set: set `access_key` too"));
            }
        };
        Ok(Self {
            name_servers: addresses(&form.name_servers)?,
            named_brokers: Vec::new(),
            cluster: form.cluster.filter(|name| !name.is_empty()),
            tls,
            login,
        })
    }

    /// What a person named and did not call a name server is a broker.
    pub(crate) fn with_nodes(mut self, nodes: &[NamedNode]) -> Self {
        let is_name_server = |node: &&NamedNode| node.roles.iter().any(|role| role == NAME_SERVER);
        let (name_servers, brokers): (Vec<_>, Vec<_>) = nodes.iter().partition(is_name_server);
        address::extend(&mut self.name_servers, name_servers, PORT);
        self.named_brokers = brokers.into_iter().map(|node| node.address.clone()).collect();
        self
    }
}

/// What is said of certificates without TLS was meant otherwise: everything would be sent in the clear.
fn tls(form: &Form) -> Result<Option<Tls>> {
    let trust = form.ca.as_ref().filter(|text| !text.is_empty()).map(|_| "ca");
    let identity = form.identity.as_ref().map(|name| secret_name(name, "identity"));
    let server_name = form.server_name.clone().filter(|name| !name.is_empty());
    let named = [trust, identity.as_ref().map(|_| "identity"), server_name.as_ref().map(|_| "server_name")];
    match named.into_iter().flatten().next() {
        Some(field) if !form.tls => {
            Err(Error::invalid_argument(format_args!("`{field}` is set: set `tls` to true, too")))
        }
        _ => Ok(form.tls.then(|| Tls { server_name, trust: trust.map(str::to_owned), identity })),
    }
}

fn secret_name(value: &Value, field: &str) -> String {
    value.as_str().unwrap_or(field).to_owned()
}

fn addresses(text: &str) -> Result<Vec<Address>> {
    let addresses = address::list(text, &[',', ';'], PORT).map_err(|part| {
        Error::invalid_argument(format_args!("`name_servers` holds {part:?}, which is not HOST:PORT"))
    })?;
    if addresses.is_empty() {
        let message = "`name_servers` names no address: give HOST:PORT[,HOST:PORT…]";
        return Err(Error::invalid_argument(message));
    }
    Ok(addresses)
}

/// What `addresses` takes; the plugin's own words are better, but come later than the form's.
const ADDRESSES: &str = r"^\s*(\[[0-9A-Fa-f:.]+\]|[^\s,;:/@\[\]]+)(:[0-9]{1,5})?\s*([,;]\s*(\[[0-9A-Fa-f:.]+\]|[^\s,;:/@\[\]]+)(:[0-9]{1,5})?\s*)*[,;]?\s*$";

/// The form as JSON Schema, with the hints that a console shows it by.
pub(crate) fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["name_servers"],
        "additionalProperties": false,
        // Of the secrets that users name: the host sends them, and signs the request that they are in.
        "x-headgate-named-secrets": ["send", "hmac"],
        "dependentRequired": {"access_key": ["secret_key"], "secret_key": ["access_key"]},
        "properties": {
            "name_servers": {
                "type": "string", "title": "Name servers", "minLength": 1, "pattern": ADDRESSES,
                "description": "HOST:PORT[,HOST:PORT…] of all name servers; the brokers are found",
                "examples": ["namesrv-1:9876,namesrv-2:9876"], "x-headgate-order": 1
            },
            "cluster": {
                "type": "string", "title": "Cluster", "x-headgate-order": 2,
                "description": "Its `brokerClusterName`; needed where the name servers serve several clusters",
                "examples": ["DefaultCluster"]
            },
            "access_key": {
                "type": "string", "title": "Access key", "x-headgate-order": 3,
                "description": "The user's name, where the brokers check who asks"
            },
            "secret_key": {
                "type": "string", "title": "Secret key", "writeOnly": true, "x-headgate-order": 4,
                "x-headgate-secret": ["hmac"],
                "description": "The user's password: requests are signed with it, it is never sent"
            },
            "tls": {
                "type": "boolean", "title": "TLS", "default": false, "x-headgate-order": 5,
                "description": "Name servers and brokers are spoken to over TLS"
            },
            "ca": {
                "type": "string", "title": "Trusted authorities", "x-headgate-order": 6,
                "description": "PEM text; the system's authorities where empty",
                "x-headgate-widget": "pem", "x-headgate-tier": "advanced", "x-headgate-when": {"tls": [true]}
            },
            "identity": {
                "type": "string", "title": "Client certificate and key", "writeOnly": true, "x-headgate-order": 7,
                "description": "PEM text of the certificate and its key", "x-headgate-secret": ["tls"],
                "x-headgate-widget": "pem", "x-headgate-tier": "advanced", "x-headgate-when": {"tls": [true]}
            },
            "server_name": {
                "type": "string", "title": "Server name", "minLength": 1, "x-headgate-order": 8,
                "description": "The name to verify in the servers' certificates; the connected host where empty",
                "x-headgate-tier": "advanced", "x-headgate-when": {"tls": [true]}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let expect = [("a", 9876), ("b.c", 19876), ("::1", 1)].map(|(host, port)| (host.to_owned(), port));
        assert_eq!(addresses("a; b.c:19876,[::1]:1;a:9876").unwrap(), expect);
        for bad in ["", ",", ";", "a:b", "a:0", ":9876", "http://a:9876", "a:70000"] {
            assert!(addresses(bad).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn a_plain_form_needs_only_addresses() {
        let settings = Settings::parse(r#"{"name_servers": "a:1", "cluster": ""}"#).unwrap();
        assert_eq!((settings.cluster, settings.tls, settings.login), (None, None, None));
    }

    #[test]
    fn a_secured_form_names_its_secrets() {
        let form = json!({"name_servers": "a", "tls": true, "ca": "-----BEGIN", "identity": "secret-8"});
        let tls = Settings::parse(&form.to_string()).unwrap().tls.unwrap();
        assert_eq!((tls.trust.as_deref(), tls.identity.as_deref()), (Some("ca"), Some("secret-8")));
        let tls = Settings::parse(r#"{"name_servers": "a", "tls": true, "ca": ""}"#).unwrap().tls.unwrap();
        assert_eq!((tls.trust, tls.identity, tls.server_name), (None, None, None));
        for field in ["ca", "identity", "server_name"] {
            let form = json!({"name_servers": "a", field: "x"});
            let error = Settings::parse(&form.to_string()).unwrap_err();
            assert!(error.message.contains(&format!("`{field}` is set: set `tls`")), "{}", error.message);
        }
    }

    #[test]
    fn a_login_is_whole_or_not_there() {
        let form = json!({"name_servers": "a", "access_key": "admin", "secret_key": "secret-7"});
        let login = Settings::parse(&form.to_string()).unwrap().login.unwrap();
        assert_eq!((login.access_key.as_str(), login.secret_key.as_str()), ("admin", "secret-7"));
        let error = |form: Value| Settings::parse(&form.to_string()).unwrap_err().message;
        assert!(error(json!({"name_servers": "a", "access_key": "x"})).contains("set `secret_key`"));
        assert!(error(json!({"name_servers": "a", "secret_key": "x"})).contains("set `access_key`"));
        assert!(error(json!({"name_servers": "a", "nameservers": "x"})).contains("nameservers"));
    }
}
