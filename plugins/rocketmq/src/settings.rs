//! The connection form: what it asks for, and what was filled in.

use headgate_sdk::json::{self, Value, json};
use headgate_sdk::{Error, Result};
use serde::Deserialize;

/// RocketMQ's own default.
const PORT: u16 = 9876;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) name_servers: Vec<(String, u16)>,
    /// Where the name servers serve several clusters.
    pub(crate) cluster: Option<String>,
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
    access_key: Option<String>,
    /// The name under which the host keeps it.
    secret_key: Option<Value>,
}

impl Settings {
    pub(crate) fn parse(form: &str) -> Result<Self> {
        let form: Form = json::parse(form, "read the connection form")?;
        let login = match (form.access_key.filter(|key| !key.is_empty()), form.secret_key) {
            (Some(access_key), Some(secret)) => {
                let secret_key = secret.as_str().unwrap_or("secret_key").to_owned();
                Some(Login { access_key, secret_key })
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
            cluster: form.cluster.filter(|name| !name.is_empty()),
            login,
        })
    }
}

fn addresses(text: &str) -> Result<Vec<(String, u16)>> {
    let parts = text.split([',', ';']).map(str::trim).filter(|part| !part.is_empty());
    let mut addresses = Vec::new();
    for part in parts {
        let bad =
            || Error::invalid_argument(format_args!("`name_servers` holds {part:?}, which is not HOST:PORT"));
        let address = address(part).ok_or_else(bad)?;
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        let message = "`name_servers` names no address: give HOST:PORT[,HOST:PORT…]";
        return Err(Error::invalid_argument(message));
    }
    Ok(addresses)
}

/// `host`, `host:9876`, `[::1]:9876`.
pub(crate) fn address(text: &str) -> Option<(String, u16)> {
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

/// As it is shown, and as the name server writes it.
pub(crate) fn shown((host, port): &(String, u16)) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
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
        assert_eq!((settings.cluster, settings.login), (None, None));
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
