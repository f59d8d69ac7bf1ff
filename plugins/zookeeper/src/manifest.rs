//! What the plugin says of itself.

use headgate_sdk::{Description, Grant, Manifest, Network, Role, json};

use crate::{ZooKeeper, settings};

pub(crate) const LEADER: &str = "leader";
pub(crate) const FOLLOWER: &str = "follower";
pub(crate) const OBSERVER: &str = "observer";
pub(crate) const STANDALONE: &str = "standalone";

impl Manifest for ZooKeeper {
    fn describe() -> Description {
        let role = |name: &str, title: &str, count_max| Role {
            name: name.to_owned(),
            title: title.to_owned(),
            // An ensemble has a leader and followers, a single server is neither.
            count_min: 0,
            count_max,
        };
        Description {
            kind: "zookeeper".to_owned(),
            title: "Apache ZooKeeper".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vendor: "Headgate".to_owned(),
            documentation: Some("https://zookeeper.apache.org/documentation.html".to_owned()),
            connection: json::text(&settings::schema()),
            roles: vec![
                role(LEADER, "Leader", 1),
                role(FOLLOWER, "Follower", 0),
                role(OBSERVER, "Observer", 0),
                role(STANDALONE, "Standalone server", 1),
            ],
            grouped: false,
            relations: Vec::new(),
            grants: vec![Grant::Network(Network {
                host: "${connection./servers}".to_owned(),
                ports: "1-65535".to_owned(),
            })],
            protocols: Vec::new(),
            extra: None,
        }
    }
}
