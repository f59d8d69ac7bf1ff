//! What the plugin says of itself.

use headgate_sdk::{Description, Grant, Manifest, Network, Role, json};

use crate::{Etcd, settings};

pub(crate) const LEADER: &str = "leader";
pub(crate) const FOLLOWER: &str = "follower";
pub(crate) const LEARNER: &str = "learner";

impl Manifest for Etcd {
    fn describe() -> Description {
        let role = |name: &str, title: &str, count_max| Role {
            name: name.to_owned(),
            title: title.to_owned(),
            // While they elect, none leads; a single member has no followers.
            count_min: 0,
            count_max,
        };
        Description {
            kind: "etcd".to_owned(),
            title: "etcd".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vendor: "Headgate".to_owned(),
            documentation: Some("https://etcd.io/docs/".to_owned()),
            connection: json::text(&settings::schema()),
            roles: vec![
                role(LEADER, "Leader", 1),
                role(FOLLOWER, "Follower", 0),
                role(LEARNER, "Learner, which does not vote", 0),
            ],
            grouped: false,
            relations: Vec::new(),
            grants: vec![Grant::Network(Network {
                host: "${connection./endpoints}".to_owned(),
                ports: "1-65535".to_owned(),
            })],
            protocols: Vec::new(),
            extra: None,
        }
    }
}
