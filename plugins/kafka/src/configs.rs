//! Configuration entries by key: which to ask for, what of the answer was set, and changes of single keys.

use headgate_sdk::json::{Map, Value, pointer_tokens};
use headgate_sdk::{Edit, Error, Result};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::protocol::StrBytes;

use crate::cluster::text;

pub(crate) const RESOURCE_TOPIC: i8 = 2;
pub(crate) const RESOURCE_BROKER: i8 = 4;

/// Where a value comes from (`DescribeConfigs`' `config_source`).
pub(crate) const SOURCE_TOPIC: i8 = 1;
pub(crate) const SOURCE_BROKER: i8 = 2;
pub(crate) const SOURCE_CLUSTER: i8 = 3;

const OPERATION_SET: i8 = 0;
const OPERATION_DELETE: i8 = 1;

/// What of `spec` a query wants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wanted {
    /// No configuration at all.
    Nothing,
    Keys(Vec<String>),
    Everything,
}

impl Wanted {
    /// From a query's pointers: `/config`, `/config/retention.ms`, anything else that is not configuration.
    pub(crate) fn of(brief: bool, fields: &[String]) -> Self {
        if brief {
            return Self::Nothing;
        }
        if fields.is_empty() {
            return Self::Everything;
        }
        let mut keys = Vec::new();
        for pointer in fields {
            match pointer_tokens(pointer).as_slice() {
                [config] if config == "config" => return Self::Everything,
                [] => return Self::Everything,
                [config, key] if config == "config" => keys.push(key.clone()),
                _ => {}
            }
        }
        if keys.is_empty() { Self::Nothing } else { Self::Keys(keys) }
    }

    pub(crate) fn resource(&self, resource_type: i8, name: &str) -> DescribeConfigsResource {
        let keys = match self {
            Self::Keys(keys) => Some(keys.iter().map(|key| text(key)).collect()),
            Self::Nothing | Self::Everything => None,
        };
        DescribeConfigsResource::default()
            .with_resource_type(resource_type)
            .with_resource_name(text(name))
            .with_configuration_keys(keys)
    }
}

/// The entries that were set at this source. A sensitive value is not told, so nothing is claimed about it.
pub(crate) fn set_at(entries: &[DescribeConfigsResourceResult], source: i8) -> Map<String, Value> {
    values(entries.iter().filter(|entry| entry.config_source == source))
}

/// All entries with what counts now.
pub(crate) fn effective(entries: &[DescribeConfigsResourceResult]) -> Map<String, Value> {
    values(entries.iter())
}

fn values<'a>(entries: impl Iterator<Item = &'a DescribeConfigsResourceResult>) -> Map<String, Value> {
    let told = entries.filter_map(|entry| {
        let value = entry.value.as_ref().filter(|_| !entry.is_sensitive)?;
        Some((entry.name.to_string(), Value::String(value.to_string())))
    });
    told.collect()
}

/// One key set, or put back to the backend's default.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyChange {
    pub(crate) key: String,
    pub(crate) value: Option<String>,
}

/// `/config/KEY` with a JSON text; an absent or null value is the default.
pub(crate) fn key_change(edit: &Edit) -> Result<Option<KeyChange>> {
    let tokens = pointer_tokens(&edit.path);
    let [config, key] = tokens.as_slice() else { return Ok(None) };
    if config != "config" {
        return Ok(None);
    }
    let value = match edit.value.as_deref() {
        None => None,
        Some(json) => text_of(&headgate_sdk::json::parse(json, &edit.path)?, key)?,
    };
    Ok(Some(KeyChange { key: key.clone(), value }))
}

/// A configuration value as Kafka wants it: text; `null` is the default.
pub(crate) fn text_of(value: &Value, key: &str) -> Result<Option<String>> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) => Ok(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => {
            Err(Error::invalid_argument(format_args!("config.{key} is no text")))
        }
    }
}

pub(crate) fn alteration(resource_type: i8, name: &str, changes: &[KeyChange]) -> AlterConfigsResource {
    let change = |change: &KeyChange| {
        let operation = if change.value.is_some() { OPERATION_SET } else { OPERATION_DELETE };
        AlterableConfig::default()
            .with_name(text(&change.key))
            .with_config_operation(operation)
            .with_value(change.value.clone().map(StrBytes::from_string))
    };
    AlterConfigsResource::default()
        .with_resource_type(resource_type)
        .with_resource_name(text(name))
        .with_configs(changes.iter().map(change).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_choose_keys() {
        let of =
            |fields: &[&str]| Wanted::of(false, &fields.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(Wanted::of(true, &[]), Wanted::Nothing);
        assert_eq!(of(&[]), Wanted::Everything);
        assert_eq!(of(&["/partitions"]), Wanted::Nothing);
        assert_eq!(of(&["/partitions", "/config"]), Wanted::Everything);
        assert_eq!(
            of(&["/config/retention.ms", "/partitions"]),
            Wanted::Keys(vec!["retention.ms".to_owned()])
        );
    }

    #[test]
    fn an_edit_is_a_set_or_a_default() {
        let edit =
            |path: &str, value: Option<&str>| Edit { path: path.to_owned(), value: value.map(str::to_owned) };
        let change = |path: &str, value| key_change(&edit(path, value)).unwrap().unwrap().value;
        assert_eq!(change("/config/retention.ms", Some("\"7\"")), Some("7".to_owned()));
        assert_eq!(change("/config/retention.ms", Some("7")), Some("7".to_owned()));
        assert_eq!(change("/config/retention.ms", Some("null")), None);
        assert_eq!(change("/config/retention.ms", None), None);
        assert_eq!(key_change(&edit("/partitions", Some("6"))).unwrap(), None);
        assert!(key_change(&edit("/config/a", Some("[1]"))).is_err());
    }

    #[test]
    fn a_sensitive_value_is_never_claimed() {
        let entry = |name: &'static str, value: Option<&'static str>, sensitive| {
            DescribeConfigsResourceResult::default()
                .with_name(StrBytes::from_static_str(name))
                .with_value(value.map(StrBytes::from_static_str))
                .with_is_sensitive(sensitive)
                .with_config_source(SOURCE_BROKER)
        };
        let entries = [entry("a", Some("1"), false), entry("password", None, true), entry("b", None, false)];
        assert_eq!(Value::Object(set_at(&entries, SOURCE_BROKER)), headgate_sdk::json::json!({"a": "1"}));
        assert!(set_at(&entries, SOURCE_TOPIC).is_empty());
    }
}
