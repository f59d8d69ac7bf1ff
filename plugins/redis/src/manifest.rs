//! What the plugin says of itself.

use headgate_sdk::{Description, Grant, Manifest, Network, Role, json};

use crate::{Redis, settings};

pub(crate) const MASTER: &str = "master";
pub(crate) const REPLICA: &str = "replica";

impl Manifest for Redis {
    fn describe() -> Description {
        // While a cluster fails over, a group has no master.
        let role = |name: &str, title: &str| Role {
            name: name.to_owned(),
            title: title.to_owned(),
            count_min: 0,
            count_max: 0,
        };
        Description {
            kind: "redis".to_owned(),
            title: "Redis".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vendor: "Headgate".to_owned(),
            documentation: Some("https://redis.io/docs/latest/".to_owned()),
            connection: json::text(&settings::schema()),
            roles: vec![role(MASTER, "Master"), role(REPLICA, "Replica")],
            grouped: true,
            relations: Vec::new(),
            grants: vec![Grant::Network(Network {
                host: "${connection./addresses}".to_owned(),
                ports: "1-65535".to_owned(),
            })],
            protocols: Vec::new(),
            extra: None,
        }
    }
}
