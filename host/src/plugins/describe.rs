//! The last stage before a plugin serves: what it says of itself, asked without any grant, must make sense.

use serde_json::Value;

use crate::domain::contract::{Description, Grant};
use crate::domain::grant::{NetworkGrant, WASI_HTTP, WASI_OPEN};
use crate::domain::kind::{KIND_RULE, is_kind};
use crate::domain::schema;

use super::refusal::{Refusal, Stage};

pub(super) fn check(plugin: &str, description: &Description) -> Result<(), Refusal> {
    let refuse = |expected: &str, found: String, advice: &str| {
        Err(Refusal::new(plugin, Stage::Describe, expected, found, advice))
    };
    if !is_kind(&description.kind) {
        let found = format!("`{}`", description.kind);
        return refuse(KIND_RULE, found, "correct `kind` in the plugin's manifest");
    }
    if !is_version(&description.version) {
        let found = format!("`{}`", description.version);
        return refuse("a version such as 1.2.3", found, "correct `version` in the plugin's manifest");
    }
    if let Err(error) = is_schema(&description.connection) {
        let expected = "a connection form that is a JSON Schema (2020-12)";
        return refuse(expected, error, "correct `connection` in the plugin's manifest");
    }
    for grant in &description.grants {
        match grant {
            Grant::Network { host, ports } => {
                let asked = NetworkGrant { host: host.clone(), ports: ports.clone() };
                if let Some(fault) = asked.fault() {
                    let expected = "a host or pattern and ports in each network grant";
                    let found = format!("`{asked}`, which {fault}");
                    return refuse(expected, found, "correct `grants` in the plugin's manifest");
                }
            }
            Grant::SecretsReveal => {
                let advice = "use the proofs of `secrets` in place of the secrets themselves";
                return refuse("grants that this host gives", "secrets-reveal".to_owned(), advice);
            }
            // Given to all, or by the operator.
            Grant::Wasi(name) if WASI_OPEN.contains(&name.as_str()) || name == WASI_HTTP => {}
            Grant::Wasi(name) => {
                let expected =
                    format!("grants that this host gives, of WASI {} and {WASI_HTTP}", WASI_OPEN.join(", "));
                let advice =
                    "use `net`, `http` and `state` of the contract in its place, and ask for `network`";
                return refuse(&expected, format!("wasi `{name}`"), advice);
            }
        }
    }
    Ok(())
}

/// Of 2020-12, and one that can be held against values.
pub(super) fn is_schema(schema: &Value) -> Result<(), String> {
    schema::validator(schema).map(drop)
}

/// Three numbers, and what semantic versioning allows behind them.
fn is_version(version: &str) -> bool {
    let numbers = version.split(['-', '+']).next().unwrap_or_default();
    let all: Vec<&str> = numbers.split('.').collect();
    all.len() == 3 && all.iter().all(|number| number.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_plain() {
        for version in ["0.1.0", "1.2.3-rc.1", "1.2.3+x"] {
            assert!(is_version(version), "{version}");
        }
        for version in ["", "1", "1.2", "a.b.c", "1.2.3.4", "v1.2.3"] {
            assert!(!is_version(version), "{version}");
        }
    }
}
