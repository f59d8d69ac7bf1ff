//! Access rules (ACLs): each binding of a principal to an operation on a resource is one, and its parts make its id.

use std::fmt::Write as _;

use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{Place, Resource, ResourceKey};

use crate::types::ACL;

pub(crate) mod list;
pub(crate) mod words;
pub(crate) mod write;

use words::{OPERATIONS, PATTERN_TYPES, PERMISSIONS, RESOURCE_TYPES, code, word};

/// The fields of `spec`, in the order in which they stand in the id.
pub(crate) const PARTS: [&str; 7] =
    ["principal", "resource_type", "pattern_type", "resource_name", "operation", "permission", "host"];

/// One rule. What the protocol counts stays a number: a newer broker may know words that are not known here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Binding {
    pub(crate) principal: String,
    pub(crate) resource_type: i8,
    pub(crate) pattern_type: i8,
    pub(crate) resource_name: String,
    pub(crate) operation: i8,
    pub(crate) permission: i8,
    pub(crate) host: String,
}

impl Binding {
    /// From the texts of the parts, in their order; else the part that is wrong and why.
    pub(crate) fn of(parts: [&str; 7]) -> Result<Self, (&'static str, String)> {
        let [principal, resource_type, pattern_type, resource_name, operation, permission, host] = parts;
        let number =
            |name, words, text| code(words, text).ok_or_else(|| (name, words::fault(name, words, text)));
        Ok(Self {
            principal: principal.to_owned(),
            resource_type: number("resource_type", &RESOURCE_TYPES, resource_type)?,
            pattern_type: number("pattern_type", &PATTERN_TYPES, pattern_type)?,
            resource_name: resource_name.to_owned(),
            operation: number("operation", &OPERATIONS, operation)?,
            permission: number("permission", &PERMISSIONS, permission)?,
            host: host.to_owned(),
        })
    }

    /// `User:alice|topic|literal|orders|read|allow|*`; else what is wrong with it.
    pub(crate) fn parse(id: &str) -> Result<Self, String> {
        let parts: Vec<String> = id.split('|').map(unescaped).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let parts: [&str; 7] = parts.try_into().map_err(|parts: Vec<&str>| {
            format!("it has {} parts with `|` between, {} are needed", parts.len(), PARTS.len())
        })?;
        Self::of(parts).map_err(|(_, fault)| fault)
    }

    pub(crate) fn id(&self) -> String {
        let mut id = String::new();
        for (index, (_, part)) in self.parts().iter().enumerate() {
            id.push_str(if index > 0 { "|" } else { "" });
            escape(part, &mut id);
        }
        id
    }

    pub(crate) fn parts(&self) -> [(&'static str, String); 7] {
        let [principal, resource_type, pattern_type, resource_name, operation, permission, host] = PARTS;
        [
            (principal, self.principal.clone()),
            (resource_type, word(&RESOURCE_TYPES, self.resource_type)),
            (pattern_type, word(&PATTERN_TYPES, self.pattern_type)),
            (resource_name, self.resource_name.clone()),
            (operation, word(&OPERATIONS, self.operation)),
            (permission, word(&PERMISSIONS, self.permission)),
            (host, self.host.clone()),
        ]
    }

    /// Whether all of it is known here. What is not can be shown and never written: nobody knows what it allows.
    pub(crate) fn is_known(&self) -> bool {
        words::knows(&RESOURCE_TYPES, self.resource_type)
            && words::knows(&PATTERN_TYPES, self.pattern_type)
            && words::knows(&OPERATIONS, self.operation)
            && words::knows(&PERMISSIONS, self.permission)
    }

    pub(crate) fn spec(&self) -> Map<String, Value> {
        self.parts().into_iter().map(|(name, part)| (name.to_owned(), part.into())).collect()
    }

    fn resource(&self, id: String) -> Resource {
        Resource {
            key: ResourceKey { metadata_type: ACL.to_owned(), id, place: Place::Cluster },
            revision: None,
            incarnation: None,
            spec: json::text(&self.spec()),
            effective: None,
            status: "{}".to_owned(),
            internal: false,
            partial: false,
            extra: None,
        }
    }
}

fn escape(part: &str, id: &mut String) {
    for sign in part.chars() {
        match sign {
            '|' | '%' => drop(write!(id, "%{:02X}", u32::from(sign))),
            sign => id.push(sign),
        }
    }
}

fn unescaped(part: &str) -> String {
    part.replace("%7C", "|").replace("%7c", "|").replace("%25", "%")
}

pub(crate) fn spec_schema() -> Value {
    let text = |title: &str, description: &str| json!({"type": "string", "title": title, "description": description});
    let choice = |title: &str, words: &[(i8, &str)]| {
        let words: Vec<&str> = words.iter().map(|(_, word)| *word).collect();
        json!({"type": "string", "title": title, "description": words.join(", "), "x-headgate-enum": words})
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "description": "The name of a rule is its parts in this order with | between \
            (| in a part is %7C, % is %25): User:alice|topic|literal|orders|read|allow|*. A part that is left out here is as the name says.",
        "properties": {
            "principal": text("Principal", "Type and name: User:alice; User:* is everybody"),
            "resource_type": choice("Resource type", &RESOURCE_TYPES),
            "pattern_type": choice("Pattern type", &PATTERN_TYPES),
            "resource_name": text("Resource name", "Its beginning where prefixed; * is every one; of the cluster kafka-cluster"),
            "operation": choice("Operation", &OPERATIONS),
            "permission": choice("Permission", &PERMISSIONS),
            "host": text("Host", "An IP address, or * for any")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, parts: [&str; 7]) {
        let binding = Binding::of(parts).unwrap();
        assert_eq!(binding.id(), id);
        assert_eq!(Binding::parse(id).unwrap(), binding);
        assert_eq!(binding.parts().map(|(_, part)| part), parts.map(str::to_owned));
    }

    #[test]
    fn an_id_is_made_of_its_parts_and_read_back() {
        let orders = ["User:alice", "topic", "literal", "orders", "read", "allow", "*"];
        check("User:alice|topic|literal|orders|read|allow|*", orders);
        let odd = ["User:CN=a|b,OU=100%", "group", "prefixed", "%7C", "describe-configs", "deny", "::1"];
        check("User:CN=a%7Cb,OU=100%25|group|prefixed|%257C|describe-configs|deny|::1", odd);
    }

    #[test]
    fn what_a_newer_broker_knows_keeps_its_number() {
        let newer = ["User:a", "unknown(17)", "literal", "x", "unknown(99)", "allow", "*"];
        check("User:a|unknown(17)|literal|x|unknown(99)|allow|*", newer);
        assert!(!Binding::of(newer).unwrap().is_known());
        assert!(Binding::of(["User:a", "unknown(2)", "literal", "x", "read", "allow", "*"]).is_err());
    }

    #[test]
    fn what_is_no_id_is_explained() {
        let fault = |id| Binding::parse(id).unwrap_err();
        assert_eq!(fault("User:alice|topic"), "it has 2 parts with `|` between, 7 are needed");
        assert_eq!(
            fault("User:alice|topics|literal|orders|read|allow|*"),
            "resource_type is \"topics\": it can be topic, group, cluster, transactional-id, delegation-token, user"
        );
    }
}
