//! What the plugin says of itself.

use headgate_sdk::{Description, Grant, Manifest, Network, Role, json};

use crate::registry::{REGISTERS_WITH, ZOOKEEPER};
use crate::{Kafka, settings};

impl Manifest for Kafka {
    fn describe() -> Description {
        let role = |name: &str, title: &str, count_min| Role {
            name: name.to_owned(),
            title: title.to_owned(),
            count_min,
            count_max: 0,
        };
        Description {
            kind: "kafka".to_owned(),
            title: "Apache Kafka".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vendor: "Headgate".to_owned(),
            documentation: Some("https://kafka.apache.org/documentation/".to_owned()),
            connection: json::text(&settings::schema()),
            roles: vec![role("broker", "Broker", 1), role("controller", "Controller", 1)],
            grouped: false,
            relations: vec![(REGISTERS_WITH.to_owned(), ZOOKEEPER.to_owned())],
            grants: vec![Grant::Network(Network {
                host: "${connection./bootstrap}".to_owned(),
                ports: "1-65535".to_owned(),
            })],
            protocols: vec!["kafka".to_owned()],
            extra: None,
        }
    }
}
