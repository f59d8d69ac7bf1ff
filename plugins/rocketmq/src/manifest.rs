//! What the plugin says of itself.

use headgate_sdk::{Description, Grant, Manifest, Network, Role, json};

use crate::{RocketMq, settings};

pub(crate) const NAME_SERVER: &str = "name-server";
pub(crate) const BROKER: &str = "broker";

impl Manifest for RocketMq {
    fn describe() -> Description {
        let role = |name: &str, title: &str| Role {
            name: name.to_owned(),
            title: title.to_owned(),
            count_min: 1,
            count_max: 0,
        };
        Description {
            kind: "rocketmq".to_owned(),
            title: "Apache RocketMQ".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vendor: "Headgate".to_owned(),
            documentation: Some("https://rocketmq.apache.org/docs/".to_owned()),
            connection: json::text(&settings::schema()),
            roles: vec![role(NAME_SERVER, "Name server"), role(BROKER, "Broker")],
            grouped: true,
            relations: Vec::new(),
            grants: vec![Grant::Network(Network {
                host: "${connection./name_servers}".to_owned(),
                ports: "1-65535".to_owned(),
            })],
            protocols: vec!["rocketmq".to_owned()],
            extra: None,
        }
    }
}
